"""The coordination mailbox against a server that misbehaves on purpose."""

import threading
import time
from dataclasses import replace

import pytest

from mailer.errors import MailboxUnavailable
from mailer.inbound.mailbox import Mailbox
from tests.servers.imap_script import FREEZE, HANG_UP, ImapScript


@pytest.mark.conf("REL-34")
@pytest.mark.parametrize("capability", ["MOVE UIDPLUS", "UIDPLUS", ""])
def test_no_bare_expunge_is_ever_sent(capability: str) -> None:
    with ImapScript(capability=capability) as server, Mailbox(server.account, 5) as mailbox:
        mailbox.file(5, "handled")
    assert not [command for command in server.commands if command.startswith(("EXPUNGE", "CLOSE"))]
    assert ("UID EXPUNGE 5" in server.commands) == (capability == "UIDPLUS")


@pytest.mark.conf("REL-36", "REL-37")
@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"UID MOVE": "{tag} NO [OVERQUOTA] anna@leden.example is full\r\n"}, "OVERQUOTA"),
        ({"UID MOVE": "{tag} BAD what\r\n"}, ""),
        ({"UID MOVE": HANG_UP}, ""),
    ],
)
def test_a_move_that_fails_leaves_the_mailbox_unavailable_and_says_no_name(answers: dict[str, str], code: str) -> None:
    with ImapScript(answers) as server, Mailbox(server.account, 5) as mailbox:
        with pytest.raises(MailboxUnavailable, match=code or None) as raised:
            mailbox.file(5, "handled")
        assert "anna" not in str(raised.value)


def test_a_message_another_daemon_moved_first_is_no_error() -> None:
    answers = {"UID MOVE": "{tag} NO [EXPUNGEISSUED] too late\r\n"}
    with ImapScript(answers) as server, Mailbox(server.account, 5) as mailbox:
        assert mailbox.file(5, "handled")


@pytest.mark.conf("REL-38")
def test_news_in_one_packet_with_the_go_ahead_is_noticed() -> None:
    with ImapScript({"IDLE": "+ go on\r\n* 2 EXISTS\r\n"}) as server, Mailbox(server.account, 5) as mailbox:
        mailbox.waiting()
        started = time.monotonic()
        mailbox.wait(20, threading.Event())
        assert time.monotonic() - started < 1


@pytest.mark.parametrize("capability", ["IDLE", ""])
def test_waiting_ends_when_asked_to_stop(capability: str) -> None:
    stop = threading.Event()
    with ImapScript(capability=capability) as server, Mailbox(server.account, 5) as mailbox:
        mailbox.waiting()
        threading.Timer(0.2, stop.set).start()
        started = time.monotonic()
        mailbox.wait(60, stop)
        assert time.monotonic() - started < 4
    assert ("IDLE" in server.commands) == (capability == "IDLE")


@pytest.mark.conf("REL-37")
@pytest.mark.parametrize("answer", ["{tag} NO [UNAVAILABLE] later\r\n", "* BYE too many\r\n", HANG_UP])
def test_a_server_that_cannot_log_in_now_is_unavailable_not_refusing(answer: str) -> None:
    with ImapScript({"LOGIN": answer}) as server, pytest.raises(MailboxUnavailable), Mailbox(server.account, 5):
        pass


@pytest.mark.conf("REL-37")
@pytest.mark.parametrize(
    "answer",
    [
        "* 1 FETCH (UID 5 BODY[] {{900}}\r\nabc",
        "* 1 FETCH (UID 5 BODY[] {{900}}\r\nabc)\r\n{tag} OK done\r\n",
        "{tag} NO [THROTTLED] later\r\n",
        "{tag} BAD what\r\n",
        "* BYE going down\r\n",
        "rubbish\r\n",
        HANG_UP,
        FREEZE,
    ],
)
def test_no_partial_message_is_ever_handed_out(answer: str) -> None:
    with (
        ImapScript({"UID FETCH": answer}) as server,
        Mailbox(server.account, 0.5) as mailbox,
        pytest.raises(MailboxUnavailable),
    ):
        mailbox.fetch(5)


@pytest.mark.parametrize(
    "answer",
    [
        "* 1 FETCH (BODY[] {{3}}\r\nabc UID 5)\r\n",
        '* 1 FETCH (UID 5 BODY[] "abc")\r\n',
        "* 3 FETCH (UID 9 FLAGS (\\Seen))\r\n* 1 FETCH (UID 5 BODY[] {{3}}\r\nabc)\r\n* 2 FETCH (FLAGS ())\r\n",
    ],
)
def test_a_message_is_read_in_whatever_order_the_server_likes(answer: str) -> None:
    with ImapScript({"UID FETCH": answer + "{tag} OK done\r\n"}) as server, Mailbox(server.account, 5) as mailbox:
        assert mailbox.fetch(5) == b"abc"
        assert mailbox.fetch(9) is None


@pytest.mark.conf("REL-36")
@pytest.mark.parametrize(
    "answer",
    [
        "* OK [UIDVALIDITY 77] valid\r\n{tag} OK [READ-ONLY] done\r\n",
        "* 1 EXISTS\r\n{tag} OK [READ-WRITE] done\r\n",
        "{tag} NO [NOPERM] no\r\n",
    ],
)
def test_an_inbox_that_cannot_be_worked_in_is_unavailable(answer: str) -> None:
    with ImapScript({"SELECT": answer}) as server, pytest.raises(MailboxUnavailable), Mailbox(server.account, 5):
        pass


def test_starttls_is_required_once_asked_for() -> None:
    with ImapScript() as server:
        account = replace(server.account, scheme="imap+starttls")
        with pytest.raises(MailboxUnavailable), Mailbox(account, 5):
            pass
    assert "LOGIN" not in server.commands

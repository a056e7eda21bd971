"""Mails that are done are moved beside the reading, and each of them is taken in once."""

import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from contacts.migrate import upgrade
from jobs import app as jobs_app
from jobs import config, read_mailbox
from jobs.app import App
from jobs.demo.mailserver import DevMail
from jobs.filing import Filing
from mailer.errors import MailboxUnavailable
from mailer.inbound.mailbox import Mailbox
from mailer.inbound.register import InboundMail, LedgerEntry
from mailer.outbound.outbox import OutboxItem
from tests.servers.imap_script import HANG_UP, ImapScript

NETWORK = "netwerk@verbinden.example"


def test_what_was_added_is_moved_when_the_connection_is_free_and_not_before() -> None:
    with ImapScript() as server, Mailbox(server.account, 5) as mailbox, Filing(mailbox, set()) as filing:
        filing.add({5: "handled"})
        with filing.paused():
            mailbox.fetch(5)
            assert not [one for one in server.commands if one.startswith("UID MOVE")]
        filing.finish()
    asked = [one for one in server.commands if one.startswith("UID")]
    assert asked == ["UID FETCH 5 (UID BODY.PEEK[])", 'UID MOVE 5 "Handled"']


@pytest.mark.conf("REL-36")
def test_mails_that_cannot_be_moved_stay_and_stop_nothing() -> None:
    answers = {"UID MOVE": "{tag} NO [OVERQUOTA] full\r\n"}
    with ImapScript(answers) as server, Mailbox(server.account, 5) as mailbox:
        kept = set[int]()
        with Filing(mailbox, kept) as filing:
            filing.add({5: "handled", 6: "handled", 7: "review"})
            filing.finish()
        assert kept == {5, 6, 7}
        assert mailbox.fetch(5) == b"abc"


def test_a_server_that_goes_away_over_a_move_is_told_to_whoever_comes_next() -> None:
    with ImapScript({"UID MOVE": HANG_UP}) as server, Mailbox(server.account, 5) as mailbox:
        filing = Filing(mailbox, set())
        filing.add({5: "handled"})
        with filing.paused():
            pass
        with pytest.raises(MailboxUnavailable), filing.paused():
            pytest.fail("the connection is gone")


@pytest.fixture
def devmail() -> Iterator[DevMail]:
    with DevMail() as server:
        yield server


@pytest.fixture
def app(devmail: DevMail, tmp_path: Path) -> Iterator[App]:
    settings = {
        "NETWORK_NAME": "Lerend netwerk", "NETWORK_ADDRESS": NETWORK, "IMAP_PASSWORD": devmail.password,
        "IMAP_URL": f"imap://{NETWORK}@127.0.0.1:{devmail.imap_port}", "SMTP_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": "s" * 32, "DATA_DIR": str(tmp_path),
    }  # fmt: skip
    found = jobs_app.build(config.load(tmp_path / "none", settings))
    upgrade(found.database)
    yield found
    found.close()


def write(devmail: DevMail, *texts: str) -> None:
    """A mail with each of these texts, each by somebody else."""
    with smtplib.SMTP("127.0.0.1", devmail.smtp_port) as client:
        for number, text in enumerate(texts):
            author = f"kim{number}@huis.example"
            head = f"From: Kim Claes <{author}>\r\nTo: {NETWORK}\r\nMessage-ID: <{number}@huis.example>"
            client.sendmail(author, [NETWORK], f"{head}\r\n\r\n{text}\r\n")


JOINS = "Schrijf mij in voor de nieuwsbrief."


@pytest.mark.conf("INB-30")
def test_many_batches_are_each_taken_in_once_and_all_filed(
    app: App, devmail: DevMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_mailbox, "_MOST_MAILS", 3)
    write(devmail, *[JOINS] * 9, "Mijn broer slaat mij. Help mij alstublieft, ik ben bang.")
    assert read_mailbox.read_mailbox(app, threading.Event()) == 10
    assert read_mailbox.read_mailbox(app, threading.Event()) == 0
    with app.open_mailbox() as box:
        assert box.waiting() == []
    with app.database.read() as session:
        for table in (InboundMail, LedgerEntry):
            assert session.scalar(select(func.count()).select_from(table)) == 10
        assert sorted(item.kind for item in session.scalars(select(OutboxItem))) == ["confirmation"] * 9


class StopsAfterOne(threading.Event):
    """Not set when it is looked at first; from then on it is."""

    def is_set(self) -> bool:
        before = super().is_set()
        self.set()
        return before


def test_a_round_that_is_asked_to_stop_files_what_it_did(
    app: App, devmail: DevMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_mailbox, "_MOST_MAILS", 3)
    write(devmail, *[JOINS] * 7)
    assert read_mailbox.read_mailbox(app, StopsAfterOne()) == 3
    with app.open_mailbox() as box:
        assert len(box.waiting()) == 4


def test_many_are_moved_with_few_commands_and_none_that_was_not_named() -> None:
    uids = [*range(1, 501), 503, 505, *range(600, 1200)]
    with ImapScript() as server, Mailbox(server.account, 5) as mailbox:
        assert mailbox.file_all(uids, "handled") == []
    moves = [one.split()[2] for one in server.commands if one.startswith("UID MOVE")]
    assert moves == ["1:500,503,505,600:697", "698:1199"]


@pytest.mark.conf("REL-36")
def test_mails_that_a_server_refuses_are_looked_for_by_halves() -> None:
    answers = {"UID MOVE": "{tag} NO [CANNOT] not this one\r\n"}
    with ImapScript(answers) as server, Mailbox(server.account, 5) as mailbox:
        kept = set[int]()
        with Filing(mailbox, kept) as filing:
            filing.add(dict.fromkeys(range(1, 9), "handled"))
            filing.finish()
    asked = [one.split()[2] for one in server.commands if one.startswith("UID MOVE")]
    assert {"1:8", "1:4", "5:8", "1:2", "8"} <= set(asked)
    assert kept == set(range(1, 9))


def test_after_a_slow_move_the_next_ones_wait_and_go_together() -> None:
    with ImapScript() as server, Mailbox(server.account, 5) as mailbox, Filing(mailbox, set()) as filing:
        filing.add({1: "handled"})
        with filing.paused():
            pass
        with filing.paused():
            filing._not_before += 3600.0  # as if that move had taken minutes
        for uid in (2, 3):
            filing.add({uid: "handled"})
            with filing.paused():
                pass
        filing.finish()
    assert [one.split()[2] for one in server.commands if one.startswith("UID MOVE")] == ["1", "2:3"]

"""The coordination mailbox against two real IMAP servers."""

import smtplib
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby

import pytest

from jobs.demo.mailserver import DevMail
from mailer import account as accounts
from mailer.account import Account, Secret
from mailer.errors import LoginRefused, MailboxUnavailable
from mailer.inbound.folders import ENGLISH, choose
from mailer.inbound.mailbox import Mailbox, Waiting
from tests.servers import crash, open_folder, person
from tests.servers import dovecot as dovecot_server

NAMES = iter(f"coordinatie{number}@verbinden.example" for number in range(1000))
MAIL = "Subject: één\r\nMessage-ID: <1@leden.example>\r\n\r\nDag allemaal,\r\n\r\nAnna\r\n".encode()


@pytest.fixture
def devmail() -> Iterator[DevMail]:
    with DevMail() as server:
        yield server


@pytest.fixture(params=["devmail", pytest.param("dovecot", marks=pytest.mark.servers)])
def account(request: pytest.FixtureRequest) -> Account:
    """A new, empty mailbox."""
    server = request.getfixturevalue(request.param)
    if isinstance(server, DevMail):
        return Account("imap", "127.0.0.1", server.imap_port, next(NAMES), Secret(server.password))
    assert isinstance(server, dovecot_server.Dovecot)
    return server.account(next(NAMES))


@pytest.fixture
def deliver(request: pytest.FixtureRequest, account: Account) -> Callable[[], None]:
    """How a new mail comes into that mailbox."""
    if "[devmail" not in request.node.name:
        return lambda: person.put(account, MAIL)

    def submit() -> None:
        with smtplib.SMTP("127.0.0.1", request.getfixturevalue("devmail").smtp_port) as client:
            client.sendmail("anna@leden.example", [account.user], MAIL)

    return submit


@pytest.fixture
def poorer(request: pytest.FixtureRequest) -> Iterator[Account]:
    """A mailbox on a Dovecot of its own, that can only what the parameter says."""
    with open_folder() as folder, dovecot_server.running(folder, **request.param) as server:
        yield server.account(next(NAMES))


def with_capability(words: str) -> dict[str, str]:
    return {"capability": f"IMAP4rev1 NAMESPACE LITERAL+ {words}".strip()}


WITHOUT_MOVE = pytest.mark.parametrize("poorer", [with_capability("UIDPLUS")], indirect=True)
WITH_NOTHING = pytest.mark.parametrize("poorer", [with_capability("")], indirect=True)
BELOW_INBOX = pytest.mark.parametrize("poorer", [{"prefix": "INBOX."}], indirect=True)


def test_what_waits_is_listed_with_its_size_before_anything_is_fetched(account: Account) -> None:
    person.put(account, MAIL)
    person.put(account, MAIL + b"x" * 5000)
    with Mailbox(account, 10) as mailbox:
        first, second = mailbox.waiting()
        assert first.uid < second.uid
        assert (first.size, second.size) == (len(MAIL), len(MAIL) + 5000)
        assert mailbox.uidvalidity > 0


@pytest.mark.conf("REL-31")
def test_mail_a_person_has_read_already_waits_all_the_same(account: Account) -> None:
    person.put(account, MAIL, r"\Seen")
    person.put(account, MAIL, r"\Seen \Answered \Flagged")
    with Mailbox(account, 10) as mailbox:
        assert len(mailbox.waiting()) == 2


@pytest.mark.conf("REL-30", "REL-31")
def test_fetching_gives_the_bytes_as_they_are_and_marks_nothing(account: Account) -> None:
    odd = MAIL + b"\x80\xff caf\xe9 \x1b[0m ) \r\n* BYE\r\nA1 OK done\r\n{3}\r\nabc"
    person.put(account, odd)
    with Mailbox(account, 10) as mailbox:
        (waiting,) = mailbox.waiting()
        assert mailbox.fetch(waiting.uid) == odd
        assert mailbox.header(waiting.uid) == odd.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert r"\Seen" not in person.flags(account, waiting.uid)


def test_a_message_that_is_gone_is_none_and_can_be_filed_without_harm(account: Account) -> None:
    person.put(account, MAIL)
    with Mailbox(account, 10) as mailbox:
        (waiting,) = mailbox.waiting()
        assert mailbox.file(waiting.uid, "handled")
        assert mailbox.fetch(waiting.uid) is None
        assert mailbox.header(waiting.uid) is None
        mailbox.file(waiting.uid, "handled")
        assert mailbox.waiting() == []
    assert person.contents(account, "Handled") == [MAIL]


@pytest.mark.conf("REL-34")
@pytest.mark.parametrize("disposition", ENGLISH)
def test_filing_moves_one_message_and_no_other(account: Account, disposition: str) -> None:
    for number in range(3):
        person.put(account, MAIL + str(number).encode())
    with Mailbox(account, 10) as mailbox:
        first, second, third = mailbox.waiting()
        assert mailbox.file(second.uid, disposition)
        assert mailbox.waiting() == [first, third]
    assert person.contents(account, ENGLISH[disposition][0]) == [MAIL + b"1"]


@pytest.mark.conf("REL-34")
def test_what_a_person_marked_as_deleted_survives_filing(account: Account) -> None:
    check_that_the_deleted_survive(account)


@pytest.mark.servers
@pytest.mark.conf("REL-34", "REL-36")
@WITHOUT_MOVE
def test_what_a_person_marked_as_deleted_survives_filing_without_move(poorer: Account) -> None:
    check_that_the_deleted_survive(poorer)


def check_that_the_deleted_survive(account: Account) -> None:
    person.put(account, MAIL + b"kept", r"\Deleted")
    person.put(account, MAIL + b"filed")
    with Mailbox(account, 10) as mailbox:
        kept, filed = mailbox.waiting()
        assert mailbox.file(filed.uid, "handled")
        assert mailbox.waiting() == [kept]
    assert person.contents(account) == [MAIL + b"kept"]
    assert person.contents(account, "Handled") == [MAIL + b"filed"]


@pytest.mark.servers
@pytest.mark.conf("REL-34", "REL-36")
@WITH_NOTHING
def test_with_neither_move_nor_uidplus_a_message_is_marked_and_stays(poorer: Account) -> None:
    person.put(poorer, MAIL)
    with Mailbox(poorer, 10) as mailbox:
        (waiting,) = mailbox.waiting()
        assert not mailbox.file(waiting.uid, "review")
        assert mailbox.waiting() == [waiting]
    assert "VerbindenReview" in person.flags(poorer, waiting.uid)
    assert r"\Deleted" not in person.flags(poorer, waiting.uid)


@pytest.mark.servers
@pytest.mark.conf("REL-36")
@BELOW_INBOX
def test_the_folders_are_made_where_the_server_wants_them(poorer: Account) -> None:
    person.put(poorer, MAIL)
    with Mailbox(poorer, 10) as mailbox:
        mailbox.file(mailbox.waiting()[0].uid, "quarantine")
    with Mailbox(poorer, 10):  # a second time, with the folders there
        pass
    assert person.contents(poorer, "INBOX.Quarantine") == [MAIL]
    with person.logged_in(poorer) as client:
        assert sum(b"Quarantine" in line for line in client.lsub()[1]) == 1


@pytest.mark.conf("REL-36")
def test_a_folder_somebody_renamed_is_made_again(account: Account) -> None:
    person.put(account, MAIL)
    with Mailbox(account, 10) as mailbox:
        (waiting,) = mailbox.waiting()
        with person.logged_in(account) as client:
            client.rename("Handled", "Afgehandeld")
        assert mailbox.file(waiting.uid, "handled")
    assert person.contents(account, "Handled") == [MAIL]


def test_a_folder_that_differs_in_capitals_only_is_used(account: Account) -> None:
    with person.logged_in(account) as client:
        client.create("HANDLED")
    person.put(account, MAIL)
    with Mailbox(account, 10) as mailbox:
        mailbox.file(mailbox.waiting()[0].uid, "handled")
    assert person.contents(account, "HANDLED") == [MAIL]


@pytest.mark.parametrize("language", ["nl", "fr", "de", "tr", "ar"])
def test_the_folders_are_called_as_the_language_calls_them(account: Account, language: str) -> None:
    names = choose([language], {})
    for _ in range(2):  # a second time, with the folders there
        person.put(account, MAIL)
        with Mailbox(account, 10, names) as mailbox:
            assert mailbox.folders == {disposition: found[0] for disposition, found in names.items()}
            mailbox.file(mailbox.waiting()[0].uid, "review")
    assert person.contents(account, f'"{modified_utf7(names["review"][0])}"') == [MAIL, MAIL]
    with person.logged_in(account) as client:
        assert len(client.list()[1]) == 5


def modified_utf7(name: str) -> str:
    """A folder's name as IMAP spells it (RFC 3501 §5.1.3), by an encoder that is not the one we use."""
    spelled = ""
    for is_ascii, letters in groupby(name.replace("&", "&-"), str.isascii):
        run = "".join(letters)
        shifted = b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        spelled += run if is_ascii else f"&{shifted}-"
    return spelled


@pytest.mark.servers
@BELOW_INBOX
def test_names_with_accents_are_made_where_the_server_wants_them(poorer: Account) -> None:
    person.put(poorer, MAIL)
    for _ in range(2):
        with Mailbox(poorer, 10, choose(["fr"], {})) as mailbox:
            assert mailbox.folders["review"] == "À examiner"
            for waiting in mailbox.waiting():
                mailbox.file(waiting.uid, "review")
    assert person.contents(poorer, '"INBOX.&AMA- examiner"') == [MAIL]


@pytest.mark.parametrize("former", ["Handled", "HANDLED", "Traités"])
def test_a_mailbox_that_is_sorted_already_goes_on_under_its_old_names(account: Account, former: str) -> None:
    with person.logged_in(account) as client:
        client.create(f'"{modified_utf7(former)}"')
    person.put(account, MAIL)
    with Mailbox(account, 10, choose(["nl", "fr"], {})) as mailbox:
        assert (mailbox.folders["handled"], mailbox.folders["review"]) == (former, "Te bekijken")
        mailbox.file(mailbox.waiting()[0].uid, "handled")
    assert person.contents(account, f'"{modified_utf7(former)}"') == [MAIL]


def test_a_folder_under_its_new_name_comes_before_an_old_one(account: Account) -> None:
    with person.logged_in(account) as client:
        client.create("Handled")
        client.create("Afgehandeld")
    with Mailbox(account, 10, choose(["nl"], {})) as mailbox:
        assert mailbox.folders["handled"] == "Afgehandeld"


def test_a_name_that_was_chosen_is_used_whatever_else_is_there(account: Account) -> None:
    with person.logged_in(account) as client:
        client.create("Handled")
    person.put(account, MAIL)
    with Mailbox(account, 10, choose(["nl"], {"handled": "Klaar & weg"})) as mailbox:
        mailbox.file(mailbox.waiting()[0].uid, "handled")
    assert person.contents(account, '"Klaar &- weg"') == [MAIL]
    assert person.contents(account, "Handled") == []


def test_a_folder_renamed_to_its_new_name_while_we_work_is_used(account: Account) -> None:
    with Mailbox(account, 10) as mailbox:
        assert mailbox.folders["handled"] == "Handled"
    person.put(account, MAIL)
    with Mailbox(account, 10, choose(["nl"], {})) as mailbox:
        (waiting,) = mailbox.waiting()
        with person.logged_in(account) as client:
            client.rename("Handled", "Afgehandeld")
        assert mailbox.file(waiting.uid, "handled")
        assert mailbox.folders["handled"] == "Afgehandeld"
    assert person.contents(account, "Afgehandeld") == [MAIL]


@pytest.mark.conf("REL-38")
def test_waiting_ends_soon_after_mail_comes_in(account: Account, deliver: Callable[[], None]) -> None:
    with Mailbox(account, 10) as mailbox:
        assert mailbox.waiting() == []
        later = threading.Timer(0.3, deliver)
        later.start()
        started = time.monotonic()
        mailbox.wait(20, threading.Event())
        assert time.monotonic() - started < 5
        later.join()
        assert len(mailbox.waiting()) == 1


@pytest.mark.conf("REL-38")
def test_mail_that_came_between_looking_and_waiting_is_not_slept_over(account: Account) -> None:
    with Mailbox(account, 10) as mailbox:
        mailbox.waiting()
        person.put(account, MAIL)
        started = time.monotonic()
        mailbox.wait(20, threading.Event())
        assert time.monotonic() - started < 5


def test_waiting_ends_at_its_time_and_the_mailbox_can_be_used_on(account: Account) -> None:
    with Mailbox(account, 10) as mailbox:
        mailbox.waiting()
        started = time.monotonic()
        mailbox.wait(0.3, threading.Event())
        assert 0.25 < time.monotonic() - started < 2
        assert mailbox.waiting() == []


def test_a_wrong_password_is_refused_without_showing_it(account: Account) -> None:
    with pytest.raises(LoginRefused) as raised, Mailbox(replace(account, password=Secret("fout-woord")), 10):
        pass
    assert "fout" not in str(raised.value)
    assert account.user not in str(raised.value)


@pytest.mark.conf("SEC-14")
@pytest.mark.parametrize("password", ['geheim"\r\nA9 DELETE INBOX\r\n', "wachtwoord-é", 'a"b\\c'])
def test_a_password_is_never_a_command(account: Account, password: str) -> None:
    with pytest.raises(LoginRefused), Mailbox(replace(account, password=Secret(password)), 10):
        pass


@pytest.mark.conf("REL-37")
def test_a_server_that_dies_leaves_the_mailbox_unavailable_at_every_call() -> None:
    with DevMail() as server:
        account = Account("imap", "127.0.0.1", server.imap_port, next(NAMES), Secret(server.password))
        mailbox = Mailbox(account, 5).__enter__()
    for use in (mailbox.waiting, lambda: mailbox.fetch(1), lambda: mailbox.wait(5, threading.Event())):
        with pytest.raises(MailboxUnavailable):
            use()
    mailbox.__exit__(None)
    with pytest.raises(MailboxUnavailable), Mailbox(account, 5):
        pass


@pytest.mark.servers
@pytest.mark.conf("REL-37")
def test_a_server_that_is_killed_while_we_wait_is_noticed_at_once() -> None:
    with open_folder() as folder, dovecot_server.running(folder) as server:
        with pytest.raises(MailboxUnavailable), Mailbox(server.account(next(NAMES)), 10) as mailbox:
            mailbox.waiting()
            threading.Timer(0.3, crash, (server.process,)).start()
            started = time.monotonic()
            mailbox.wait(60, threading.Event())
        assert time.monotonic() - started < 3


@pytest.mark.servers
@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_tls_works_with_a_certificate_that_is_trusted(
    scheme: str, dovecot: dovecot_server.Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate.chain))
    account = dovecot.account(next(NAMES), scheme=scheme)
    with Mailbox(account, 10) as mailbox:
        assert isinstance(mailbox._client.sock, ssl.SSLSocket)
        mailbox.waiting()
        person.put(replace(account, scheme="imap", port=dovecot.port), MAIL)
        mailbox.wait(20, threading.Event())
        (waiting,) = mailbox.waiting()
        assert mailbox.fetch(waiting.uid) == MAIL
        mailbox.wait(0.2, threading.Event())


@pytest.mark.servers
@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_a_certificate_nobody_vouches_for_is_not_trusted(scheme: str, dovecot: dovecot_server.Dovecot) -> None:
    account = dovecot.account(next(NAMES), scheme=scheme)
    with pytest.raises(MailboxUnavailable, match="CertVerification"), Mailbox(account, 10):
        pass


def test_a_plain_line_leads_to_this_machine_only() -> None:
    account = accounts.Account("imap", "mail.leden.example", 143, "anna", Secret("geheim"))
    with pytest.raises(MailboxUnavailable, match="this machine"), Mailbox(account, 5):
        pass


def test_more_messages_than_fit_one_command_are_listed_in_order(account: Account) -> None:
    with person.logged_in(account) as client:
        for _ in range(1100):
            client.append("INBOX", "", "", b"Subject: x\r\n\r\nx\r\n")
    with Mailbox(account, 30) as mailbox:
        waiting = mailbox.waiting()
    assert len(waiting) == 1100
    assert waiting == sorted(waiting, key=lambda one: one.uid)
    assert waiting[0] == Waiting(waiting[0].uid, 17)

"""Real life: Postfix takes the mail, Dovecot keeps it, the daemon reads it over IMAP and answers through Postfix."""

import random
import signal
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from contacts import roster
from mailer.inbound import register
from mailer.outbound import outbox
from tests.integration.daemon import Daemon, mails, running, until
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.servers

JOINS = "Dag,\n\nIk zou graag lid worden van jullie netwerk.\n\nGroeten,\nAmina\n"


@pytest.fixture
def daemon(tmp_path: Path, dovecot: Dovecot, postfix: Postfix) -> Iterator[Daemon]:
    """A daemon with a mailbox of its own on the real servers."""
    address = postfix.new_address("verbinden.example")
    with running(Daemon(tmp_path, address, dovecot.account(address), postfix.account())) as found:
        yield found


def _arrived(dovecot: Dovecot, address: str, count: int) -> list[EmailMessage]:
    def look() -> list[EmailMessage]:
        found = mails(dovecot.account(address))
        return found if len(found) >= count else []

    return until(look, what=f"mail number {count} did not come")


@pytest.mark.conf("REL-30", "GDP-01")
def test_somebody_joins_over_real_servers(daemon: Daemon, dovecot: Dovecot, postfix: Postfix) -> None:
    amina = postfix.new_address()
    daemon.write(amina, JOINS)
    (question,) = _arrived(dovecot, amina, 1)
    assert question["Auto-Submitted"] == "auto-replied"
    daemon.write(amina, "Ja, graag!", "Re: vraag", In_Reply_To=str(question["Message-ID"]))
    _, welcome = _arrived(dovecot, amina, 2)
    assert welcome["In-Reply-To"]
    with daemon.reading() as session:
        assert roster.counts(session) == {"active": 1}
    until(lambda: len(daemon.folder_mails("Afgehandeld")) == 2, what="both mails are filed under Handled")
    assert daemon.folder_mails("INBOX") == []


def test_a_person_reads_what_a_machine_should_not_answer(daemon: Daemon, dovecot: Dovecot, postfix: Postfix) -> None:
    coordinator, noor = postfix.new_address(), postfix.new_address()
    daemon.command("coordinators", "add", coordinator, "--name", "An", "--language", "nl")
    daemon.write(noor, "help mij, ik ben bang om naar huis te gaan en weet niet waar ik vannacht kan slapen", "hulp")
    (notice,) = _arrived(dovecot, coordinator, 1)
    assert "vannacht" not in notice.as_string()
    assert len(daemon.folder_mails('"Te bekijken"')) == 1
    time.sleep(2)
    assert mails(dovecot.account(noor)) == []


@pytest.mark.conf("INB-30")
def test_a_poisoned_mail_does_not_stop_the_others(daemon: Daemon, dovecot: Dovecot, postfix: Postfix) -> None:
    amina = postfix.new_address()
    bomb = b"From: <\r\nTo: <\r\nMessage-ID: <>\r\n" + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 900
    for raw in (b"From: " + b"(" * 3000 + b"\r\n\r\nx", bomb, b"\xff\xfe\x00" * 50):
        daemon.deliver("m299@leden.example", raw)
    daemon.write(amina, JOINS)
    assert _arrived(dovecot, amina, 1)
    until(lambda: daemon.folder_mails("INBOX") == [], what="the inbox is empty")


@pytest.mark.conf("INB-26", "INB-27")
def test_a_bounce_from_a_real_server_comes_home(daemon: Daemon) -> None:
    text = "address,name,language\ngone1@leden.example,Paul,nl\n"
    (daemon.folder / "list.csv").write_text(text)
    until(lambda: (daemon.folder / "data" / "verbinden.db").exists())
    daemon.command("coordinators", "add", "m298@leden.example", "--name", "An", "--language", "nl")
    daemon.command("members", "import", str(daemon.folder / "list.csv"), "--consent", "paper")
    daemon.command("newsletters", "new", "winter")
    daemon.command("newsletters", "approve", "winter", "--by", "m298@leden.example")
    daemon.command("newsletters", "schedule", "winter", "--now")

    def bounced() -> bool:
        with daemon.reading() as session:
            return roster.counts(session) == {"bounced": 1}

    until(bounced, what="the bounce is counted")


@pytest.mark.conf("REL-17")
def test_sigterm_stops_in_time(daemon: Daemon, dovecot: Dovecot, postfix: Postfix) -> None:
    amina = postfix.new_address()
    daemon.write(amina, JOINS)
    _arrived(dovecot, amina, 1)
    began = time.monotonic()
    assert daemon.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 30


@pytest.mark.conf("REL-01", "REL-02", "REL-03", "REL-15")
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(daemon: Daemon, dovecot: Dovecot, postfix: Postfix) -> None:
    people = [postfix.new_address() for _ in range(12)]
    chance = random.Random(20261123)
    for person in people:
        daemon.write(person, JOINS)
        time.sleep(chance.uniform(0, 0.4))
        daemon.process and daemon.process.kill()
        daemon.process and daemon.process.wait()
        daemon.start()
    for person in people:
        _arrived(dovecot, person, 1)
    until(lambda: daemon.folder_mails("INBOX") == [], what="the inbox is empty")
    time.sleep(2)
    with daemon.reading() as session:
        assert roster.counts(session) == {"pending": len(people)}
        states = outbox.counts(session)
        repeated = [row for row in outbox.rows(session) if row.attempt > 1]
        assert register.requests(session) == []
    assert states["accepted"] == len(people)
    copies = {person: mails(dovecot.account(person)) for person in people}
    for found in copies.values():
        assert len({str(mail["Message-ID"]) for mail in found}) == 1
    assert sum(len(found) - 1 for found in copies.values()) <= len(repeated)


def test_a_second_daemon_in_the_same_folder_says_so(daemon: Daemon) -> None:
    until(lambda: "started" in daemon.log, what="the daemon is up")
    second = daemon.command("run", check=False)
    assert second.returncode == 1
    assert "Another process" in second.stderr


@pytest.mark.conf("GDP-18")
def test_the_log_names_nobody(daemon: Daemon, dovecot: Dovecot, postfix: Postfix) -> None:
    amina = postfix.new_address()
    daemon.write(amina, JOINS, "Canarie-onderwerp")
    _arrived(dovecot, amina, 1)
    daemon.stop()
    assert "accepted" in daemon.log
    for word in (amina, amina.partition("@")[0] + "@", "Canarie", "Amina"):
        assert word not in daemon.log

"""The demo's mail server: bytes kept, envelopes obeyed, bounces sent home, nothing left behind."""

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from jobs.demo.mailserver import Accepted, DevMail
from mailer.account import Account, Secret
from mailer.errors import MailboxUnavailable
from mailer.inbound.mailbox import Mailbox
from tests.servers import person

SENDER = "coordinatie+b7f3@verbinden.example"
MAIL = (
    b"From: Verbinden <coordinatie@verbinden.example>\r\nTo: iemand.anders@leden.example\r\n"
    b"Subject: Uitnodiging\r\nMessage-ID: <7@verbinden.example>\r\n\r\nDag,\r\n\r\nTot dan!\r\n"
)


@pytest.fixture
def server() -> Iterator[DevMail]:
    with DevMail() as server:
        yield server


def submit(server: DevMail, content: bytes, *recipients: str, sender: str = SENDER) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as client:
        return client.sendmail(sender, recipients, content)


def account(server: DevMail, user: str) -> Account:
    return Account("imap", "127.0.0.1", server.imap_port, user, Secret(server.password))


def wait_for(server: DevMail, count: int) -> Accepted:
    deadline = time.monotonic() + 5
    while len(server.accepted) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return server.accepted[count - 1]


@pytest.mark.parametrize(
    "content",
    [
        MAIL,
        MAIL + b".\r\n..\r\n.dots\r\n",
        MAIL + b"\x80\xff caf\xe9 \x00 \x1b\r\n",
        MAIL + b"long " * 2000 + b"\r\n",
        MAIL + b"   trailing spaces   \r\n\r\n\r\n",
        b"Subject: no body\r\n",
        b"no header at all\r\n",
        b"\r\n\r\n",
    ],
)
def test_the_bytes_are_kept_as_they_came(server: DevMail, content: bytes) -> None:
    submit(server, content, "anna@leden.example")
    assert server.accepted == [Accepted(SENDER, "anna@leden.example", content)]
    trace = f"Return-Path: <{SENDER}>\r\nDelivered-To: anna@leden.example\r\n".encode()
    with Mailbox(account(server, "anna@leden.example"), 5) as mailbox:
        (waiting,) = mailbox.waiting()
        assert mailbox.fetch(waiting.uid) == trace + content
        assert waiting.size == len(trace + content)


def test_bare_line_feeds_are_not_mended(server: DevMail) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as client:
        client.ehlo()
        client.docmd(f"MAIL FROM:<{SENDER}>")
        client.docmd("RCPT TO:<anna@leden.example>")
        client.docmd("DATA")
        client.send(b"Subject: x\r\n\r\none\ntwo\rthree\r\n.\r\n")
        assert client.getreply()[0] == 250
    assert server.accepted[0].content == b"Subject: x\r\n\r\none\ntwo\rthree\r\n"


def test_mail_goes_where_the_envelope_says_and_never_where_to_says(server: DevMail) -> None:
    submit(server, MAIL, "Anna+nieuws@Leden.example", "jan@leden.example")
    assert len(person.contents(account(server, "anna@leden.example"))) == 1
    assert len(person.contents(account(server, "JAN@leden.example"))) == 1
    assert person.contents(account(server, "iemand.anders@leden.example")) == []


def test_an_address_that_bounces_is_refused_and_the_others_are_not(server: DevMail) -> None:
    refused = submit(server, MAIL, "bounce.1@leden.example", "anna@leden.example")
    assert refused.keys() == {"bounce.1@leden.example"}
    code, text = refused["bounce.1@leden.example"]
    assert (code, text[:5]) == (550, b"5.1.1")
    assert [mail.recipient for mail in server.accepted] == ["anna@leden.example"]


def test_an_address_that_is_gone_sends_a_notification_home() -> None:
    now = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    with DevMail(now=lambda: now) as server:
        submit(server, MAIL, "gone.piet@leden.example")
        notification = wait_for(server, 2)
        assert (notification.return_path, notification.recipient) == ("", SENDER)
        (kept,) = person.contents(account(server, "coordinatie@verbinden.example"))
        assert person.contents(account(server, "gone.piet@leden.example")) == []
    assert kept.endswith(notification.content)
    report = message_from_bytes(kept)
    assert report["Return-Path"] == "<>"
    assert report["Delivered-To"] == SENDER
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["Date"] == "Mon, 23 Nov 2026 09:30:00 +0000"
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    _, _, _, about_all, about_one, original = report.walk()
    assert about_all["Reporting-MTA"].startswith("dns;")
    assert about_one["Action"] == "failed"
    assert about_one["Status"] == "5.1.1"
    assert about_one["Final-Recipient"] == "rfc822; gone.piet@leden.example"
    assert "Message-ID: <7@verbinden.example>" in str(original.get_payload())
    assert not [line for line in notification.content.split(b"\r\n") if b"\n" in line or len(line) > 998]


def test_a_notification_never_bounces(server: DevMail) -> None:
    submit(server, MAIL, "gone@leden.example", sender="")
    submit(server, MAIL, "gone@leden.example", sender="gone@verbinden.example")
    wait_for(server, 3)
    time.sleep(0.3)
    assert [mail.return_path for mail in server.accepted] == ["", "gone@verbinden.example", ""]


def test_submission_takes_the_one_password_and_no_other(server: DevMail) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("coordinatie", "fout")
        assert client.login("coordinatie", server.password)[0] == 235


def test_each_accepted_mail_is_told() -> None:
    told: list[Accepted] = []
    with DevMail(on_mail=told.append, password="één") as server:
        submit(server, MAIL, "anna@leden.example", "gone@leden.example")
        wait_for(server, 3)
        assert server.accepted == told
        with Mailbox(account(server, "anna@leden.example"), 5) as mailbox:  # any password will do, accents too
            assert len(mailbox.waiting()) == 1


def wait_in_vain(mailbox: Mailbox) -> None:
    with pytest.raises(MailboxUnavailable):
        mailbox.wait(30, threading.Event())


def test_it_starts_at_once_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    started = time.monotonic()
    with DevMail() as server:
        assert time.monotonic() - started < 0.5
        idle = Mailbox(account(server, "anna@leden.example"), 5).__enter__()
        waiter = threading.Thread(target=wait_in_vain, args=(idle,))
        waiter.start()
        half = smtplib.SMTP("127.0.0.1", server.smtp_port)
        half.ehlo()
        half.docmd(f"MAIL FROM:<{SENDER}>")
        time.sleep(0.1)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    waiter.join(5)
    idle.__exit__(None)
    half.close()
    assert set(threading.enumerate()) == before
    with DevMail(server.smtp_port, server.imap_port) as again:
        assert (again.smtp_port, again.imap_port) == (server.smtp_port, server.imap_port)


@pytest.mark.parametrize("which", ["smtp_port", "imap_port"])
def test_a_port_that_is_taken_is_said(which: str) -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = DevMail(**{which: taken.getsockname()[1]})
        with pytest.raises(OSError, match="in use"), server:
            pass
    assert set(threading.enumerate()) == before


def test_five_hundred_mails_are_taken_in_within_seconds(server: DevMail) -> None:
    started = time.monotonic()
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as client:
        for _ in range(500):
            client.sendmail(SENDER, ["anna@leden.example"], MAIL)
    assert time.monotonic() - started < 10
    with Mailbox(account(server, "anna@leden.example"), 5) as mailbox:
        assert len(mailbox.waiting()) == 500

"""The servers the other tests lean on: Postfix into Dovecot, PostgreSQL, the fake SMTP server, the browser."""

import smtplib
import ssl
import time
from email import message_from_bytes
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from mailer.account import Account
from tests.servers import certificate, chromium, person
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.postfix import Postfix
from tests.servers.postgres import Postgres
from tests.servers.smtp_sink import HangUp, Say, SmtpSink

MAIL = (
    "From: Verbinden <coordinatie@verbinden.example>\r\nTo: anna@leden.example\r\nSubject: één\r\n"
    "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <7@verbinden.example>\r\n\r\n"
    "Dag,\r\n\r\n.punt\r\n  spaties  \r\ncafé\r\n"
).encode()


def wait_for_mail(account: Account) -> bytes:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if found := person.contents(account):
            return found[-1]
        time.sleep(0.05)
    raise AssertionError("nothing came")


@pytest.mark.servers
def test_mail_submitted_to_postfix_lies_in_dovecot_byte_for_byte(dovecot: Dovecot, postfix: Postfix) -> None:
    sender, recipient = postfix.new_address("verbinden.example"), postfix.new_address()
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        assert client.sendmail(sender, [recipient.replace("@", "+detail@")], MAIL) == {}
    kept = wait_for_mail(dovecot.account(recipient))
    assert kept.endswith(MAIL)
    message = message_from_bytes(kept)
    assert message["Return-Path"] == f"<{sender}>"
    assert message["Delivered-To"] == recipient.replace("@", "+detail@")


@pytest.mark.servers
@pytest.mark.parametrize(
    ("recipient", "status"), [("bounce.anna@leden.example", b"5.1.1"), ("anna@elders.example", b"5.4.4")]
)
def test_postfix_refuses_whom_it_does_not_know_and_what_would_leave(
    postfix: Postfix, recipient: str, status: bytes
) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port) as client, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.sendmail(postfix.new_address(), [recipient], MAIL)
    assert refused.value.recipients[recipient][0] == 550
    assert refused.value.recipients[recipient][1].startswith(status)


@pytest.mark.servers
def test_postfix_sends_a_notification_home(dovecot: Dovecot, postfix: Postfix) -> None:
    recipient = "gone.anna@leden.example"
    sender = postfix.new_address("verbinden.example")
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.sendmail(sender.replace("@", "+b7f3@"), [recipient], MAIL)
    report = message_from_bytes(wait_for_mail(dovecot.account(sender)))
    assert report["Return-Path"] == "<>"
    assert report["Delivered-To"] == sender.replace("@", "+b7f3@")
    assert report.get_param("report-type") == "delivery-status"
    about_one = list(report.walk())[4]  # report, words, status, about all, about one
    assert (about_one["Action"], about_one["Status"][:2]) == ("failed", "5.")
    assert recipient in about_one["Final-Recipient"]


@pytest.mark.servers
def test_postfix_takes_a_login_over_tls(dovecot: Dovecot, postfix: Postfix) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.starttls(context=ssl.create_default_context(cafile=dovecot.certificate.chain))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("anna@verbinden.example", "fout")
        assert client.login("anna@verbinden.example", PASSWORD)[0] == 235


@pytest.mark.servers
def test_each_database_on_postgresql_is_new_and_goes_away(postgresql: Postgres) -> None:
    urls, forgotten = [], []
    for _ in range(2):
        with postgresql.database() as url:
            urls.append(url)
            forgotten.append(psycopg.connect(url))  # must not keep the database from going
            forgotten[-1].execute("CREATE TABLE member (id int)")
    assert urls[0] != urls[1]
    for connection in forgotten:
        connection.close()
    with psycopg.connect(postgresql.url) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        names = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    assert names.isdisjoint(url.rpartition("/")[2] for url in urls)


def test_every_kind_of_database_is_empty_at_the_start(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE member (id int)")
    engine.dispose()


def test_the_fake_server_takes_mail(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.login("anna", "geheim")
        client.sendmail("a@verbinden.example", ["anna@leden.example"], MAIL)
    (mail,) = smtp_sink.accepted()
    assert (mail.return_path, mail.recipients, mail.content) == ("a@verbinden.example", ("anna@leden.example",), MAIL)
    assert mail.user == "anna"


def test_the_fake_server_says_what_the_test_wants(smtp_sink: SmtpSink) -> None:
    smtp_sink.on("rcpt", Say("450 4.2.1 later"), times=1)
    smtp_sink.on("rcpt", Say("550 5.1.1 no"), only="jan@")
    recipients = ["anna@leden.example", "jan@leden.example", "piet@leden.example"]
    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        refused = client.sendmail("a@verbinden.example", recipients, MAIL)
    assert {address: reply[0] for address, reply in refused.items()} == {recipients[0]: 450, recipients[1]: 550}
    assert smtp_sink.accepted()[0].recipients == ("piet@leden.example",)


@pytest.mark.parametrize("phase", ["connect", "ehlo", "mail", "rcpt", "data", "content", "dot"])
@pytest.mark.parametrize("rudely", [False, True])
def test_the_fake_server_hangs_up_in_any_phase(smtp_sink: SmtpSink, phase: str, rudely: bool) -> None:
    smtp_sink.on(phase, HangUp(rudely=rudely))
    with (
        pytest.raises((smtplib.SMTPException, OSError)),
        smtplib.SMTP("127.0.0.1", smtp_sink.port, timeout=5) as client,
    ):
        client.sendmail("a@verbinden.example", ["anna@leden.example"], MAIL + b"x\r\n" * 1_000_000)
    assert smtp_sink.accepted() == []


def test_the_fake_server_can_accept_without_saying_so(smtp_sink: SmtpSink) -> None:
    smtp_sink.on("dot", HangUp(accept=True))
    with pytest.raises(smtplib.SMTPServerDisconnected), smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.sendmail("a@verbinden.example", ["anna@leden.example"], MAIL)
    assert len(smtp_sink.accepted()) == 1


@pytest.mark.parametrize("implicit", [False, True])
def test_the_fake_server_speaks_tls(tmp_path: Path, implicit: bool) -> None:
    made = certificate.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    trusting = ssl.create_default_context(cafile=made.chain)
    with SmtpSink(tls=context, implicit_tls=implicit, password="geheim") as sink:
        kind = (
            smtplib.SMTP_SSL("127.0.0.1", sink.port, context=trusting)
            if implicit
            else smtplib.SMTP("127.0.0.1", sink.port)
        )
        with kind as client:
            if not implicit:
                client.starttls(context=trusting)
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("anna", "fout")
            client.login("anna", "geheim")
            client.sendmail("a@verbinden.example", ["anna@leden.example"], MAIL)
    assert sink.accepted()[0].tls


@pytest.mark.servers
def test_the_browser_is_there() -> None:
    assert Path(chromium.path()).is_file()

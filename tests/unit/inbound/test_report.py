"""Delivery reports, complaints and receipts."""

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mailer.inbound.message import InboundMessage
from mailer.inbound.report import read_report
from mailer.inbound.understanding import Thread, decide, understand
from tests.unit.inbound.mails import message, plain

BOUNCES = tomllib.loads(Path(__file__).with_name("bounces.toml").read_text("utf-8"))["mail"]


def bounce(text: str, subject: str, sender: str, path: str = "", *extra: str) -> InboundMessage:
    """A bounce in words, as it comes to us."""
    shown = (f"From: {sender}", f"Return-Path: <{path}>", "To: netwerk@verbinden.example", f"Subject: {subject}")
    return message(text.replace("\n", "\r\n"), *shown, *extra)


@pytest.mark.conf("INB-26")
@pytest.mark.parametrize("mail", BOUNCES, ids=lambda mail: mail["name"])
def test_bounces_in_words(mail: dict[str, Any]) -> None:
    read = bounce(mail["text"], mail["subject"], mail["from"], mail.get("path", ""), *mail.get("extra", ()))
    report = read_report(read)
    assert report is not None
    assert [[one.action, one.status, one.address] for one in report.recipients] == mail["expect"]
    plan = decide(understand(read, Thread("newsletter")))
    gone = any(action == "failed" and status.startswith("5.") for action, status, _ in mail["expect"])
    assert (plan.actions, plan.disposition) == ((), "review" if gone or report.doubtful else "ignored")


def dsn(*blocks: str, kind: str = "message/delivery-status", returned: str = "text/rfc822-headers") -> InboundMessage:
    status = "\r\n\r\n".join(["Reporting-MTA: dns; mx.post.example\r\nOriginal-Envelope-Id: env-7", *blocks])
    body = (
        f"--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: {kind}\r\n\r\n{status}\r\n\r\n"
        f"--b\r\nContent-Type: {returned}\r\n\r\nMessage-ID: <7@verbinden.example>\r\nSubject: x\r\n\r\n--b--\r\n"
    )
    shown = ("From: MAILER-DAEMON@post.example", "Return-Path: <>")
    return message(body, *shown, content_type="multipart/report; report-type=delivery-status; boundary=b")


def block(action: str, status: str, address: str = "rfc822; bo@post.example") -> str:
    return (
        f"Final-Recipient: {address}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; 550 {status} no"
    )


@pytest.mark.conf("INB-26")
@pytest.mark.parametrize("action", ["failed", "delayed", "delivered", "relayed", "expanded"])
@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822"])
def test_each_recipient_has_an_action(action: str, returned: str) -> None:
    report = read_report(dsn(block(action, "5.1.1"), block("FAILED (x)", "4.4.7"), returned=returned))
    assert report is not None
    assert [(one.action, one.status) for one in report.recipients] == [(action, "5.1.1"), ("failed", "4.4.7")]
    assert report.recipients[0].final_recipient == "bo@post.example"
    assert (report.original_message_id, report.original_envelope_id) == ("<7@verbinden.example>", "env-7")
    assert not report.complaint


@pytest.mark.conf("INB-26")
def test_internationalised_reports() -> None:
    report = read_report(
        dsn(block("failed", "5.1.1", r"utf-8; zo\x{eb}@post.example"), kind="message/global-delivery-status")
    )
    assert report is not None
    assert report.recipients[0].final_recipient == "zoë@post.example"


@pytest.mark.conf("INB-28")
def test_a_complaint_names_the_mail_it_is_about() -> None:
    body = (
        "--b\r\n\r\nspam\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <7@verbinden.example>\r\n\r\nx\r\n--b--\r\n"
    )
    kind = "multipart/report; report-type=feedback-report; boundary=b"
    report = read_report(message(body, "From: fbl@post.example", content_type=kind))
    assert report is not None
    assert (report.complaint, report.original_message_id) == (True, "<7@verbinden.example>")


@pytest.mark.conf("INB-29")
def test_a_receipt_is_filed_without_a_trace() -> None:
    body = (
        "--b\r\n\r\ngelezen\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        "Original-Message-ID: <7@verbinden.example>\r\nDisposition: manual-action; displayed\r\n\r\n--b--\r\n"
    )
    mail = message(
        body, "From: bo@post.example", content_type="multipart/report; report-type=disposition-notification; boundary=b"
    )
    report = read_report(mail)
    assert report is not None
    assert report.receipt and not report.recipients
    plan = decide(understand(mail, Thread()))
    assert (plan.actions, plan.disposition) == ((), "ignored")


def test_a_bounce_in_words_proves_nothing() -> None:
    mail = plain("<bo@weg.example>: 550 5.1.1 unknown", "failure notice", "MAILER-DAEMON@post.example")
    report = read_report(mail)
    assert report is not None
    assert report.original_message_id is None
    assert decide(understand(mail, Thread("newsletter"))).actions == ()


@pytest.mark.conf("INB-27")
@pytest.mark.parametrize(
    "text",
    [
        "<bo@weg.example>: unknown user\n\n--- Below this line is a copy.\n\nMessage-ID: <7@v.example>\n",
        "<bo@weg.example>: unknown user\n\n> From: n@v.example\n> Message-Id: <7@v.example>\n",
    ],
)
def test_the_mail_that_came_back_is_known_by_its_quoted_header(text: str) -> None:
    report = read_report(bounce(text, "failure notice", "MAILER-DAEMON@qm.example"))
    assert report is not None and report.original_message_id == "<7@v.example>"


@pytest.mark.conf("INB-26")
@pytest.mark.parametrize(
    ("action", "understood"),
    [("failure", "failed"), ("error", "failed"), ("Delayed (4 h)", "delayed"), ("nonsense", ""), ("", "")],
)
def test_actions_as_some_systems_write_them(action: str, understood: str) -> None:
    report = read_report(dsn(block(action, "5.0.0")))
    assert report is not None and report.recipients[0].action == understood


@pytest.mark.conf("INB-26")
def test_the_recipient_as_we_know_it_stands_beside_where_it_failed() -> None:
    report = read_report(dsn("Original-Recipient: rfc822; bo@huis.example\r\n" + block("failed", "5.1.1")))
    assert report is not None
    one = report.recipients[0]
    assert (one.final_recipient, one.original_recipient, one.address) == (
        "bo@post.example",
        "bo@huis.example",
        "bo@huis.example",
    )


@pytest.mark.conf("INB-26")
def test_a_report_without_recipients_is_read_in_its_words() -> None:
    body = (
        "--b\r\n\r\nA message could not be delivered to:\r\nbo@huis.example\r\nuser unknown\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.example\r\n\r\n--b--\r\n"
    )
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    report = read_report(message(body, "From: postmaster@x.example", "Subject: x", content_type=kind))
    assert report is not None
    assert [(one.action, one.status, one.address) for one in report.recipients] == [
        ("failed", "5.1.1", "bo@huis.example")
    ]


def complaint(kind: str, inner: str) -> InboundMessage:
    body = (
        f"--b\r\n\r\nspam\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n{kind}User-Agent: x/1\r\n\r\n"
        f"--b\r\nContent-Type: {inner}\r\n\r\nTo: redacted@post.example\r\n"
        "Message-ID: <7@verbinden.example>\r\n\r\n--b--\r\n"
    )
    return message(
        body, "From: fbl@post.example", content_type="multipart/report; report-type=feedback-report; boundary=b"
    )


@pytest.mark.conf("INB-28")
@pytest.mark.parametrize(
    ("kind", "counts"),
    [("abuse", True), ("fraud", True), ("opt-out", True), ("other", True), ("not-spam", False), ("dmarc", False)],
)
@pytest.mark.parametrize("inner", ["message/rfc822", "text/rfc822-headers"])
def test_which_feedback_is_a_complaint(kind: str, counts: bool, inner: str) -> None:
    mail = complaint(f"Feedback-Type: {kind}\r\n", inner)
    report = read_report(mail)
    assert report is not None
    assert (report.complaint, report.original_message_id) == (counts, "<7@verbinden.example>")
    plan = decide(understand(mail, Thread()))
    assert (plan.actions, plan.disposition) == ((), "ignored")


@pytest.mark.conf("INB-28")
def test_a_complaint_without_a_part_for_machines() -> None:
    body = (
        "--b\r\nContent-Type: message/rfc822\r\n\r\nX-HmXmrOriginalRecipient: bo@post.example\r\n"
        "Message-ID: <7@verbinden.example>\r\n\r\nx\r\n--b--\r\n"
    )
    shown = ("From: staff@post.example", "Subject: complaint about message from 192.0.2.1")
    report = read_report(message(body, *shown, content_type="multipart/mixed; boundary=b"))
    assert report is not None
    assert (report.complaint, report.original_message_id) == (True, "<7@verbinden.example>")


@pytest.mark.conf("INB-29")
@pytest.mark.parametrize(
    ("text", "refused"),
    [("Your message was automatically rejected: mailbox full", True), ("Your mail was deleted unread", False)],
)
def test_only_a_receipt_that_refuses_is_a_bounce(text: str, refused: bool) -> None:
    body = (
        f"--b\r\n\r\n{text}\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        "Final-Recipient: rfc822; bo@post.example\r\nOriginal-Message-ID: <7@verbinden.example>\r\n"
        "Disposition: automatic-action/MDN-sent-automatically; deleted\r\n\r\n--b--\r\n"
    )
    kind = "multipart/report; report-type=disposition-notification; boundary=b"
    report = read_report(message(body, "From: bo@post.example", content_type=kind))
    assert report is not None and report.receipt
    assert [one.status for one in report.recipients] == (["5.2.2"] if refused else [])


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Undelivered Mail Returned to Sender", "Wat betekent dit? <bo@huis.example>: user unknown"),
        ("Fwd: failure notice", "Kunnen jullie dit bekijken?\n\n<bo@huis.example>:\nSorry, no mailbox here"),
        ("vraag", "Mijn mail aan bo@huis.example is niet bezorgd. Klopt het adres?"),
        ("Mail delivery", "Could you tell me why my letter to you was not delivered?"),
    ],
)
def test_a_person_who_speaks_of_a_bounce_is_none(subject: str, text: str) -> None:
    assert read_report(plain(text, subject)) is None


def test_a_bounce_from_no_mail_system_is_looked_at_by_a_person() -> None:
    mail = plain("Your mail could not be delivered to: bo@huis.example, try again", "Mail delivery failed")
    report = read_report(mail)
    assert report is not None and report.doubtful
    assert decide(understand(mail, Thread())).disposition == "review"


def test_reading_a_bounce_takes_time_in_proportion() -> None:
    line = "<bo@huis.example>: could not be delivered, user unknown, mailbox full, returned mail\n"
    mail = bounce(line * 10_000, "failure notice", "MAILER-DAEMON@qm.example")
    begun = time.perf_counter()
    report = read_report(mail)
    assert time.perf_counter() - begun < 2
    assert report is not None and len(report.recipients) == 1


def test_an_ordinary_mail_is_no_report() -> None:
    assert read_report(plain("Mijn vorige mail kwam terug: failure notice", "vraag")) is None

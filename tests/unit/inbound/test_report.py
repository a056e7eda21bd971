"""Delivery reports, complaints and receipts."""

import pytest

from mailer.inbound.message import InboundMessage
from mailer.inbound.report import read_report
from mailer.inbound.understanding import Thread, decide, understand
from tests.unit.inbound.mails import message, plain


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


def test_an_ordinary_mail_is_no_report() -> None:
    assert read_report(plain("Mijn vorige mail kwam terug: failure notice", "vraag")) is None

"""Mails for the tests of reading and understanding."""

from mailer.inbound.message import InboundMessage, read


def raw(body: str, *headers: str, content_type: str = "text/plain; charset=utf-8") -> bytes:
    """The bytes of a mail: headers as given, then its type, then the body."""
    return "\r\n".join([*headers, "MIME-Version: 1.0", f"Content-Type: {content_type}", "", body]).encode()


def message(body: str, *headers: str, content_type: str = "text/plain; charset=utf-8") -> InboundMessage:
    """The same, read; fails the test when it ends in quarantine."""
    found = read(raw(body, *headers, content_type=content_type))
    assert isinstance(found, InboundMessage), found
    return found


def plain(
    text: str, subject: str = "", sender: str = "Lotte Maes <lotte.maes@post.example>", *headers: str
) -> InboundMessage:
    """An ordinary mail to the network."""
    shown = (f"From: {sender}", "Return-Path: <a@post.example>", "To: netwerk@verbinden.example", f"Subject: {subject}")
    return message(text, *shown, *headers)

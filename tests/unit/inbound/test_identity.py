"""Copies of one mail have one key, different mails have different ones."""

import pytest

from mailer.inbound.identity import content_key

MAIL = (
    b"From: amina@huis.example\r\nTo: net@werk.example\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\n"
    b"Message-ID: <1@huis.example>\r\nSubject: Dag\r\n\r\nSchrijf me in.\r\n"
)


@pytest.mark.conf("REL-35", "REL-02")
@pytest.mark.parametrize(
    "copy",
    [
        b"Received: from a by b; Mon, 23 Nov 2026 10:00:05 +0100\r\n" + MAIL,
        b"Return-Path: <amina@huis.example>\r\nDelivered-To: net@werk.example\r\n" + MAIL,
        MAIL.replace(b"\r\n", b"\n"),
        MAIL.replace(b"Subject: Dag", b"Subject:\r\n Dag"),
        MAIL + b"\r\n",
    ],
)
def test_a_copy_has_the_same_key(copy: bytes) -> None:
    assert content_key(copy) == content_key(MAIL)


@pytest.mark.conf("REL-35")
@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"Schrijf me in.", b"Schrijf me uit."),
        MAIL.replace(b"<1@", b"<2@"),
        MAIL.replace(b"amina@", b"bart@"),
        MAIL.replace(b"Subject: Dag", b"Subject: Hallo"),
    ],
)
def test_a_different_mail_has_another_key(other: bytes) -> None:
    assert content_key(other) != content_key(MAIL)


@pytest.mark.conf("REL-35")
def test_without_a_message_id_every_trace_counts() -> None:
    bare = MAIL.replace(b"Message-ID: <1@huis.example>\r\n", b"")
    assert content_key(b"Received: one\r\n" + bare) != content_key(b"Received: two\r\n" + bare)


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b":\r\n\r\n", b"\r\n\r\nbody", b"From" * 10_000])
def test_any_bytes_have_a_key(raw: bytes) -> None:
    assert len(content_key(raw)) == 64

"""Reading bytes: total, limited, and strict about who wrote."""

import time

import pytest

from mailer.inbound.message import InboundMessage, Quarantine, read
from tests.unit.inbound.mails import message, plain, raw

SENDER = "From: An Peeters <an@post.example>"


@pytest.mark.conf("INB-22")
@pytest.mark.parametrize(
    ("field", "author"),
    [
        ("An Peeters <an@post.example>", ("An Peeters", "an@post.example")),
        ("an@post.example", ("", "an@post.example")),
        ("an@post.example (An Peeters)", ("An Peeters", "an@post.example")),
        ('"Peeters, An" <an@post.example>', ("Peeters, An", "an@post.example")),
        ("=?utf-8?Q?Zo=C3=AB?= <zoe@post.example>", ("Zoë", "zoe@post.example")),
        ('"an@post.example" <an@post.example>', ("an@post.example", "an@post.example")),
        ("a@post.example, b@post.example", None),
        ("An <a@post.example>, Bo <b@post.example>", None),
        ("a@post.example <b@post.example>", None),
        ('"a@post.example" <b@post.example>', None),
        ("=?utf-8?Q?a=40post.example?= <b@post.example>", None),
        ("＠a＠post.example <b@post.example>", None),
        ("team: a@post.example, b@post.example;", None),
        ("team: a@post.example;", None),
        ("undisclosed-recipients:;", None),
        ("<>", None),
        ("<", None),
        ('"', None),
        ("", None),
        ("a@post.example <b@post.example", None),
        ("a <b@post.example> c@post.example", None),
        ("<a@post.example> <b@post.example>", None),
        ("a b@post.example", None),
        ('"a b"@post.example', None),
        ("a@b@post.example", None),
        ("=?utf-8?Q?a=40post.example?=", None),
        ("(" * 3000, None),
        ("a@post", None),
    ],
)
def test_only_one_plain_mailbox_is_an_author(field: str, author: tuple[str, str] | None) -> None:
    found = message("x", f"From: {field}").author
    assert (found and (found.name, found.address)) == author


@pytest.mark.conf("INB-22")
def test_two_from_fields_are_no_author() -> None:
    assert message("x", SENDER, "From: bo@post.example").author is None


@pytest.mark.conf("INB-36")
def test_names_and_subjects_are_one_clean_line() -> None:
    found = message(
        "x",
        "From: =?utf-8?Q?An=0D=0ABcc=3A_x=E2=80=AE?= <an@post.example>",
        "Subject: =?utf-8?B?WsOD?= =?utf-8?Q?=C2=A9?=" + "y" * 500,
    )
    assert found.author is not None
    assert found.author.name == "An Bcc: x"
    assert len(found.subject) == 200
    assert not set(found.subject) & set("\r\n\u202e")


@pytest.mark.conf("INB-32")
@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("utf-8", "één".encode(), "één"),
        ("iso-8859-1", "één €".encode("cp1252"), "één €"),
        ("windows-1252", "één".encode("cp1252"), "één"),
        ("us-ascii", "één".encode(), "één"),
        ("foo-bar", "één".encode(), "één"),
        ("unknown-8bit", "één".encode("cp1252"), "één"),
        ("utf-8", "één".encode("cp1252"), "één"),
        ("utf-16", b"x", "x"),
        ("idna", b"x", "x"),
        ("utf-7", b"+AGE-", "+AGE-"),
        ("unicode_escape", rb"\x41", r"\x41"),
    ],
)
def test_charsets_fall_back(charset: str, body: bytes, text: str) -> None:
    head = f"{SENDER}\r\nContent-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    found = read(head.encode() + body)
    assert isinstance(found, InboundMessage)
    assert found.text == text


@pytest.mark.conf("INB-32")
def test_the_language_of_the_mail_picks_the_code_page() -> None:
    head = f"{SENDER}\r\nContent-Language: tr\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    found = read(head.encode() + "değil".encode("cp1254"))
    assert isinstance(found, InboundMessage)
    assert found.text == "değil"


def parts(count: int) -> bytes:
    body = "".join("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(count)) + "--b--\r\n"
    return raw(body, SENDER, content_type="multipart/mixed; boundary=b")


def nested(depth: int) -> bytes:
    body = "".join(f"--b{at}\r\nContent-Type: multipart/mixed; boundary=b{at + 1}\r\n\r\n" for at in range(depth - 1))
    return raw(body + f"--b{depth - 1}\r\n\r\nx\r\n", SENDER, content_type="multipart/mixed; boundary=b0")


@pytest.mark.conf("INB-31")
@pytest.mark.parametrize(
    ("mail", "limit", "fine"),
    [
        (SENDER.encode() + b"\r\n\r\n" + b"x" * (25 * 2**20), "25 MB", False),
        (SENDER.encode() + b"\r\nX: " + b"y" * (256 * 1024) + b"\r\n\r\nx", "256 KB", False),
        (SENDER.encode() + b"\r\nX: " + b"y" * (255 * 1024) + b"\r\n\r\nx", "", True),
        (SENDER.encode() + b"\r\nX: y" * 999 + b"\r\n\r\nx", "", True),
        (SENDER.encode() + b"\r\nX: y" * 1000 + b"\r\n\r\nx", "1,000 header fields", False),
        (parts(200), "", True),
        (parts(201), "200 parts", False),
        (parts(200_000), "200 parts", False),
        (nested(20), "", True),
        (nested(21), "20 deep", False),
        (nested(1000), "20 deep", False),
        (SENDER.encode() + b"\r\n\r\n" + b"x" * 1_000_000, "", True),
        (SENDER.encode() + b"\r\n\r\n" + b"x" * 1_000_001, "1 MB", False),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_limits(mail: bytes, limit: str, fine: bool) -> None:
    began = time.monotonic()
    found = read(mail)
    assert time.monotonic() - began < 5
    assert isinstance(found, InboundMessage if fine else Quarantine)
    assert fine or limit in found.reason


@pytest.mark.conf("INB-30")
@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\x00" * 50,
        b"\n\n",
        b"From: <\nTo: <\nMessage-ID: <>\n\nx",
        b'From: "\n\n',
        b"Content-Type: multipart/mixed\n\nx",
        b"Content-Type: message/rfc822\n\n",
        b"Content-Type: message/rfc822\n\n" * 1000,
        b"Content-Type: message/delivery-status\n\nx",
        b"Content-Type: text/plain; charset*=utf-8''%ff%fe\n\nx",
        b"Content-Transfer-Encoding: base64\n\n====!",
        b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n\xff\nend",
        b"Date: Mon, 99 Foo 99999999999 99:99:99 +9999\n\nx",
        b"Subject: =?utf-8?B?////?= =?x?q?=FF?=\n\nx",
        b"References: " + b"<" * 5000 + b"\n\nx",
        bytes(range(256)) * 20,
    ],
)
def test_hostile_bytes_never_raise(mail: bytes) -> None:
    assert isinstance(read(mail), InboundMessage | Quarantine)


def test_the_id_of_a_quarantined_mail_is_known() -> None:
    found = read(SENDER.encode() + b"\r\nMessage-ID: <1@post.example>\r\n\r\n" + b"x" * 1_000_001)
    assert isinstance(found, Quarantine)
    assert (found.message_id, len(found.content_hash)) == ("<1@post.example>", 64)


def test_thread_ids_are_newest_first() -> None:
    found = message("x", SENDER, "In-Reply-To: <c@v.example>", "References: <a@v.example>,<b@v.example> <c@v.example>")
    assert found.thread_ids == ("<c@v.example>", "<b@v.example>", "<a@v.example>")


@pytest.mark.parametrize(
    ("headers", "path"),
    [((), None), (("Return-Path: <>",), ""), (("Return-Path: <x@post.example>",), "x@post.example")],
)
def test_return_paths(headers: tuple[str, ...], path: str | None) -> None:
    assert message("x", SENDER, *headers).return_path == path


@pytest.mark.conf("INB-34")
def test_the_name_of_an_attachment_is_no_path() -> None:
    body = "--b\r\n\r\nhoi\r\n--b\r\nContent-Type: application/pdf\r\n" + (
        "Content-Disposition: attachment; filename*=utf-8''..%2f..%2fetc%2fpasswd\r\n\r\nx\r\n--b--\r\n"
    )
    found = message(body, SENDER, content_type="multipart/mixed; boundary=b")
    assert [one.name for one in found.attachments] == ["passwd"]
    assert found.text == "hoi"


@pytest.mark.conf("INB-35")
def test_html_alone_is_read_as_text() -> None:
    html = (
        "<style>x</style><p>Zo&euml;</p><div style='display: none'>weg</div><script>alert()</script><ul><li>een<li>twee"
    )
    assert message(html, SENDER, content_type="text/html").text == "Zoë\n- een\n- twee"


@pytest.mark.conf("INB-24")
def test_encrypted_mail_is_known_and_signed_mail_is_read() -> None:
    secret = message("--b\r\n\r\nx\r\n--b--\r\n", SENDER, content_type="multipart/encrypted; boundary=b")
    opaque = message("MIAG", SENDER, content_type="application/pkcs7-mime; smime-type=enveloped-data")
    inline = message("-----BEGIN PGP MESSAGE-----\n\nabc\n", SENDER)
    assert secret.encrypted and opaque.encrypted and inline.encrypted
    body = "--b\r\n\r\nhoi\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    signed = message(body, SENDER, content_type="multipart/signed; boundary=b")
    assert (signed.text, signed.signed, signed.encrypted) == ("hoi", True, False)
    inside = message("0\x82xContent-Type: text/plain\r\n\r\nhoi", SENDER, content_type="application/pkcs7-mime")
    assert (inside.text, inside.encrypted) == ("", True)  # it only looks like a mail in a signature


def test_a_forwarded_mail_is_kept_apart() -> None:
    inner = "Content-Type: message/rfc822\r\n\r\nFrom: bo@post.example\r\n\r\nzet me erbij"
    body = f"--b\r\n\r\nzie onder\r\n--b\r\n{inner}\r\n--b--\r\n"
    found = message(body, SENDER, content_type="multipart/mixed; boundary=b")
    assert found.text == "zie onder"
    assert "zet me erbij" in found.forwarded[0]


@pytest.mark.conf("INB-37")
def test_a_calendar_of_more_than_256_kb_is_quarantined() -> None:
    mail = raw("BEGIN:VCALENDAR" + "x" * 256 * 1024, SENDER, content_type="text/calendar; method=REPLY")
    found = read(mail)
    assert isinstance(found, Quarantine)
    assert "256 KB" in found.reason


def test_flowed_lines_are_joined() -> None:
    found = message("Ik kom \r\ngraag.\r\n> een \r\n> twee\r\n", SENDER, content_type="text/plain; format=flowed")
    assert found.text == "Ik kom graag.\n> een twee\n"


def test_a_date_is_utc_or_nothing() -> None:
    assert str(message("x", SENDER, "Date: Mon, 2 Nov 2026 10:00:00 +0100").date) == "2026-11-02 09:00:00+00:00"
    assert message("x", SENDER, "Date: soon").date is None


def test_an_ordinary_mail() -> None:
    found = plain("Hallo", "Vraag")
    assert (found.subject, found.text.strip(), found.recipients) == ("Vraag", "Hallo", ("netwerk@verbinden.example",))

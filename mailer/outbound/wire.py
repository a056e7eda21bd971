"""A letter into the bytes that are signed, stored and sent: pure, so that a retry is the same message (OUT-38)."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from contacts.address import Address
from mailer.outbound.edition import InlineImage
from mailer.outbound.encoding import (
    base64_lines,
    clean_line,
    clean_text,
    encode_text,
    fold,
    parameter,
    phrase,
    quoted,
    to_ascii,
    words,
)
from mailer.outbound.letter import CalendarPart, Letter

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,900}>")
_LIST_ID = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_SOUND_URI = re.compile(r"[A-Za-z0-9._~!#$%&'()*+,/:;=?@\[\]-]{1,900}")  # what `_uri` leaves as it is
#: What nearly every address looks like: of those that `Address.parse` leaves as they are.
_SOUND_ADDRESS = re.compile(r"[A-Za-z0-9_+-]{1,30}(?:\.[A-Za-z0-9_+-]{1,30})?@[a-z0-9]{1,40}(?:\.[a-z0-9]{1,40}){1,3}")
_URI_SAFE = "!#$%&'()*+,/:;=?@[]~"
_LONGEST_URI = 900  # RFC 5322 §2.1.1: a URI cannot be folded, and no line may be longer than 998.
_NEWEST_REFERENCES = 20


class Part(NamedTuple):
    """A MIME entity: its own header fields, folded, and its body, both in CRLF lines."""

    header: str
    body: bytes


def render(letter: Letter) -> bytes:
    """The letter as an RFC 5322 message in CRLF lines, 7-bit; the same letter always gives the same bytes.

    Text is cleaned (NFC, no controls); a broken thread id is left out. Raises RuleBroken("address") for an address and
    ValueError for an id, a type or a date of ours that has no legal form. Only an address with a non-ASCII local part
    puts UTF-8 in a header: it can be sent only with SMTPUTF8 (RFC 6532 §3.2).
    """
    ways = [_text("plain", letter.text)] + ([] if letter.html is None else [_text("html", letter.html)])
    content = assemble(ways, letter.images, calendar_parts(letter.calendar), letter.message_id)
    header = (
        sender_field(letter),
        to_field(letter.recipient),
        subject_field(letter.subject),
        moment_fields(letter.date, letter.message_id),
        standing_fields(letter),
        unsubscribe_fields(letter.unsubscribe, letter.one_click),
        automation_fields(letter),
        content.header,
    )
    return "".join(header).encode() + b"\r\n" + content.body


def sender_field(letter: Letter) -> str:
    """From: one mailbox, the network's own (OUT-12)."""
    sender = f"<{Address.parse(letter.sender).text}>"
    name = clean_line(letter.sender_name)
    return fold("From", [*phrase(name, len("From: ")), sender] if name else [sender])


def to_field(recipient: str) -> str:
    """To: the one recipient (OUT-13)."""
    known = recipient if _SOUND_ADDRESS.fullmatch(recipient) else Address.parse(recipient).text
    return fold("To", [f"<{known}>"])


def subject_field(subject: str) -> str:
    """Subject, in encoded-words where it must be."""
    return fold("Subject", words(clean_line(subject), len("Subject: ")))


def moment_fields(date: datetime, message_id: str) -> str:
    """Date and Message-ID: which letter this is, the same at every attempt."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("a Message-ID needs the form <left@right> (RFC 5322 §3.6.4)")
    return _date_field(date) + fold("Message-ID", [message_id])


@lru_cache(maxsize=64)
def _date_field(date: datetime) -> str:
    if date.tzinfo is None:
        raise ValueError("a letter's date needs a time zone")
    return fold("Date", [format_datetime(date.astimezone(UTC))])


def standing_fields(letter: Letter) -> str:
    """MIME-Version, where answers go, the thread, and the list: what does not depend on the recipient of an issue."""
    reply_to = Address.parse(letter.reply_to or letter.sender).text
    return fold("MIME-Version", ["1.0"]) + fold("Reply-To", [f"<{reply_to}>"]) + _thread(letter) + _list(letter)


def _thread(letter: Letter) -> str:
    """In-Reply-To and References; ids come from other people's mail, so only well-formed ones go on."""
    fields = ""
    if letter.in_reply_to and _MESSAGE_ID.fullmatch(letter.in_reply_to):
        fields += fold("In-Reply-To", [letter.in_reply_to])
    known = [found for found in letter.references if _MESSAGE_ID.fullmatch(found)]
    if len(known) > _NEWEST_REFERENCES:
        known = [known[0], *known[-_NEWEST_REFERENCES:]]  # The root and the newest keep every client's thread whole.
    return fields + (fold("References", known) if known else "")


def _list(letter: Letter) -> str:
    if not letter.list_id:
        return ""
    owner = quote(Address.parse(letter.sender).text, safe="@!$'*+-./_~")
    named = fold("List-Id", [*_list_phrase(letter.list_phrase), f"<{_list_id(letter.list_id)}>"])
    return named + fold("List-Owner", [f"<mailto:{owner}>"])


def unsubscribe_fields(addresses: Iterable[str], one_click: bool) -> str:
    """How to leave; never in encoded-words, folded only after a comma (RFC 2369 §2, RFC 8058 §3.1)."""
    uris = sorted(filter(None, map(_uri, addresses)), key=lambda uri: not uri.startswith("https:"))
    if not uris:
        return ""
    field = fold("List-Unsubscribe", [f"<{uri}>," for uri in uris[:-1]] + [f"<{uris[-1]}>"])
    if one_click and uris[0].startswith("https:"):
        field += fold("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"])
    return field


def _list_phrase(text: str) -> list[str]:
    plain = to_ascii(text)[:100].strip()
    return phrase(plain, 0) if plain and "=?" not in plain and max(map(len, plain.split())) <= 60 else []


def _list_id(text: str) -> str:
    if not _LIST_ID.fullmatch(text):
        raise ValueError("a list id is a dotted name without brackets (RFC 2919 §2)")
    return text


def _uri(text: str) -> str:
    if _SOUND_URI.fullmatch(text):
        return text
    uri = quote(clean_line(text).replace(" ", ""), safe=_URI_SAFE)
    return uri if len(uri) <= _LONGEST_URI else ""


def automation_fields(letter: Letter) -> str:
    """What tells other machines not to answer (RFC 3834 §3.1, MS-OXCMAIL), and whose language this is."""
    receipts = "" if letter.calendar else "DR, RN, NRN, "  # Invitations live from their answers (OUT-35).
    fields = {
        "Auto-Submitted": letter.auto_submitted or "",
        "Precedence": "bulk" if letter.bulk else "",
        "X-Auto-Response-Suppress": f"{receipts}OOF, AutoReply",
        "X-Loop": letter.x_loop or "",
        "Content-Language": letter.language,
        "Feedback-ID": letter.feedback_id or "",
    }
    cleaned = ((name, to_ascii(value)) for name, value in fields.items())
    return "".join(fold(name, value.split(" ")) for name, value in cleaned if value)


def assemble(ways: Sequence[Part], images: Sequence[InlineImage], calendar: Sequence[Part], seed: str) -> Part:
    """text, or alternative(text, html[, calendar]), with images and the calendar's copy around it (RFC 6047 §2.4).

    Boundaries follow from `seed`; "=_", which each begins with, occurs in no body we encode (RFC 2045 §6.7).
    """
    text, *rich = ways
    shown = [_with_images(html, images, seed) for html in rich]
    if not calendar:
        return _multipart("alternative", [text, *shown], seed) if shown else text
    inside, file = calendar
    return _multipart("mixed", [_multipart("alternative", [text, *shown, inside], seed), file], seed)


def _with_images(html: Part, images: Sequence[InlineImage], seed: str) -> Part:
    if not images:
        return html
    return _multipart("related", [html, *map(_image, images)], seed, 'type="text/html"')


def _multipart(subtype: str, parts: list[Part], seed: str, *parameters: str) -> Part:
    boundary = "=_" + hashlib.sha256(f"{subtype} {seed}".encode()).hexdigest()[:32]
    start = f"--{boundary}\r\n".encode()
    body = b"".join(start + part.header.encode() + b"\r\n" + part.body + b"\r\n" for part in parts)
    pieces = _joined([f"multipart/{subtype}", *parameters, f'boundary="{boundary}"'])
    return Part(fold("Content-Type", pieces), body + f"--{boundary}--\r\n".encode())


def text_header(subtype: str, transfer: str) -> str:
    """The header of a text part whose body has this Content-Transfer-Encoding."""
    declared = fold("Content-Type", [f"text/{subtype};", "charset=utf-8"])
    return declared + fold("Content-Transfer-Encoding", [transfer])


def _text(subtype: str, text: str) -> Part:
    encoded = encode_text(clean_text(text))
    return Part(text_header(subtype, encoded.transfer), encoded.body)


def calendar_parts(part: CalendarPart | None) -> tuple[Part, ...]:
    """What clients show buttons for, and the file; both base64, so that they stay equal (RFC 6047 §2.4, §2.5)."""
    return () if part is None else (_calendar(part), _file("application/ics", "attachment", part.filename, part.data))


def _image(image: InlineImage) -> Part:
    if not _MEDIA_TYPE.fullmatch(image.type) or not _MESSAGE_ID.fullmatch(f"<{image.cid}>"):
        raise ValueError("an inline image needs a media type and a Content-ID without brackets")
    identity = fold("Content-ID", [f"<{image.cid}>"])
    return _file(image.type, "inline", image.name, image.data, identity)


def _calendar(part: CalendarPart) -> Part:
    media = ["text/calendar", "charset=utf-8", f"method={_method(part)}", "component=VEVENT"]
    header = fold("Content-Type", _joined(media)) + fold("Content-Transfer-Encoding", ["base64"])
    return Part(header, base64_lines(part.data))


def _method(part: CalendarPart) -> str:
    if not _TOKEN.fullmatch(part.method):
        raise ValueError("a calendar method is one word (RFC 5546 §1.4)")
    return part.method


def _file(media_type: str, disposition: str, filename: str, data: bytes, identity: str = "") -> Part:
    name = clean_line(re.split(r"[/\\]", filename)[-1])[:80] or "file"
    header = (
        fold("Content-Type", _joined([media_type, f"name={quoted(_plain_name(name))}"]))
        + fold("Content-Transfer-Encoding", ["base64"])
        + identity
        + fold("Content-Disposition", _joined([disposition, *parameter("filename", name)]))
    )
    return Part(header, base64_lines(data))


def _plain_name(name: str) -> str:
    """The ASCII fallback for readers that do not know RFC 2231: the nearest spelling, its ending kept."""
    stem, dot, ending = name.rpartition(".")
    plain = re.sub(r"[^A-Za-z0-9 ._-]+", "-", to_ascii(stem) or "file")[:40].strip() or "file"
    return f"{plain}{dot}{re.sub('[^A-Za-z0-9]', '', ending)[:10]}" if dot else plain


def _joined(pieces: list[str]) -> list[str]:
    return [f"{piece};" for piece in pieces[:-1]] + pieces[-1:]

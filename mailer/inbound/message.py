"""Bytes of a mail → InboundMessage or Quarantine: pure, and total for any bytes at all (RFC 5322, 2045–2047)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from itertools import islice
from types import MappingProxyType

from contacts.address import Address
from contacts.errors import RuleBroken
from mailer.inbound.headers import (
    SUBJECT_LENGTH,
    addresses,
    clean,
    decode_words,
    ids,
    mailboxes,
    raw_text,
    sent_at,
)
from mailer.inbound.html_text import read_html
from mailer.inbound.parts import TNEF, Attachment, Found, ReportPart, TooMuch, gather

__all__ = ["Attachment", "Author", "InboundMessage", "Quarantine", "ReportPart", "read"]

MAX_SIZE = 25 * 1024 * 1024
MAX_HEADER = 256 * 1024
MAX_FIELDS = 1000
_BOUNDARY = re.compile(rb'boundary="?([^"\s;]{1,200})', re.IGNORECASE)
_DELIMITER = re.compile(rb"\n--([^\s\r\n]{1,200})")
_FIELD = re.compile(rb"^[^\s:]{1,200}[ \t]*:", re.MULTILINE)
_TRACE_FIELDS = frozenset({"received", "authentication-results"})
_RECIPIENT_FIELDS = (
    "x-gm-original-to",
    "delivered-to",
    "envelope-to",
    "x-envelope-to",
    "x-original-to",
    "x-forwarded-to",
    "resent-to",
    "to",
    "cc",
)


@dataclass(frozen=True, slots=True)
class Author:
    """The one mailbox of From: `name` as shown (may be ""), `address` as written."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A mail as read; every text is decoded and free of controls, nothing in it is trusted."""

    content_hash: str
    message_id: str | None
    thread_ids: tuple[str, ...]
    author: Author | None
    return_path: str | None
    recipients: tuple[str, ...]
    subject: str
    date: datetime | None
    text: str
    html: str | None
    headers: Mapping[str, tuple[str, ...]]
    trace: tuple[tuple[str, str], ...]
    calendar: tuple[bytes, ...]
    reports: tuple[ReportPart, ...]
    vcards: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    forwarded: tuple[str, ...]
    encrypted: bool
    signed: bool
    report_type: str | None

    @property
    def is_sealed(self) -> bool:
        """Whether a part of it is in Outlook's own format and cannot be read, so that words may be missing."""
        return any(one.type == TNEF for one in self.attachments)

    def header(self, name: str) -> str:
        """The first value of a header, decoded and on one line, or "" where there is none."""
        return next(iter(self.headers.get(name.lower(), ())), "")


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A mail that cannot be read safely: why, and what is needed to recognise it again."""

    reason: str
    content_hash: str
    message_id: str | None


def read(raw: bytes) -> InboundMessage | Quarantine:
    """Read the bytes of one mail. Never raises: what breaks a limit or the parser is a Quarantine (INB-30, INB-31)."""
    digest = hashlib.sha256(raw).hexdigest()
    message_id = None
    try:
        message_id = _early_id(raw)
        reason = _too_much(raw)
        if reason is None:
            return _read(raw, digest)
    except TooMuch as error:
        reason = str(error)
    except Exception as error:  # the promise of this function: one hostile mail is one Quarantine, never a crash
        reason = f"unreadable ({type(error).__name__})"
    return Quarantine(reason, digest, message_id)


def _header_end(raw: bytes) -> int:
    ends = [at for at in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if at >= 0]
    return min(ends, default=len(raw))


def _early_id(raw: bytes) -> str | None:
    """The Message-ID of a mail that may never be parsed."""
    head = raw[: min(_header_end(raw), MAX_HEADER)]
    match = re.search(rb"^message-id[ \t]*:[ \t\r\n]*(<[^<>\s]{1,990}>)", head, re.IGNORECASE | re.MULTILINE)
    return match[1].decode("utf-8", "replace") if match else None


def _too_much(raw: bytes) -> str | None:
    """The limit these bytes break, found by counting only: the parser is never shown a bomb."""
    if len(raw) > MAX_SIZE:
        return "larger than 25 MB"
    end = _header_end(raw)
    if end > MAX_HEADER:
        return "header larger than 256 KB"
    if sum(1 for _ in _FIELD.finditer(raw, 0, end)) > MAX_FIELDS:
        return "more than 1,000 header fields"
    boundaries: set[bytes] = set()
    for match in _BOUNDARY.finditer(raw):
        boundaries.add(match[1])
        if len(boundaries) > 100:
            return "parts nested more than 20 deep"
    return _too_many_delimiters(raw, boundaries)


def _too_many_delimiters(raw: bytes, boundaries: set[bytes]) -> str | None:
    count = 0
    for match in _DELIMITER.finditer(raw):
        if match[1] in boundaries or match[1].removesuffix(b"--") in boundaries:
            count += 1
            if count > 450:
                return "more than 200 parts"
    return None


def _read(raw: bytes, digest: str) -> InboundMessage:
    root = message_from_bytes(raw)
    raw_headers = _raw_headers(root)
    headers = {name: tuple(_shown(value) for value in values) for name, values in raw_headers.items()}
    found = gather(root, next(iter(headers.get("content-language", ())), ""))
    return InboundMessage(
        content_hash=digest,
        message_id=next(iter(ids(_first(raw_headers, "message-id"))), None),
        thread_ids=_thread_ids(raw_headers),
        author=_author(raw_headers),
        return_path=_return_path(raw_headers),
        recipients=_recipients(raw_headers),
        subject=clean(decode_words(_first(raw_headers, "subject")), SUBJECT_LENGTH),
        date=sent_at(_first(raw_headers, "date")),
        text=_body(found),
        html="\n".join(found.html) or None,
        headers=MappingProxyType(headers),
        trace=_trace(root),
        calendar=tuple(found.calendar[:20]),
        reports=tuple(found.reports),
        vcards=tuple(found.vcards[:20]),
        attachments=tuple(found.attachments),
        forwarded=tuple(found.forwarded),
        encrypted=found.encrypted,
        signed=found.signed,
        report_type=found.report_type,
    )


def _raw_headers(root: "Message[str, str]") -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in root.raw_items():
        gathered.setdefault(raw_text(name).strip().lower()[:200], []).append(raw_text(value))
    return gathered


def _trace(root: "Message[str, str]") -> tuple[tuple[str, str], ...]:
    """The way a mail came and what was found out about it, top-most field first, undecoded, for `authentication`."""
    named = ((str(name).strip().lower(), value) for name, value in root.raw_items())
    kept = islice(((name, value) for name, value in named if name in _TRACE_FIELDS), 60)
    return tuple((name, raw_text(value)) for name, value in kept)


def _shown(value: str) -> str:
    return clean(decode_words(value), 10_000)


def _first(headers: Mapping[str, list[str]], name: str) -> str:
    return next(iter(headers.get(name, ())), "")


def _thread_ids(headers: Mapping[str, list[str]]) -> tuple[str, ...]:
    """What this mail answers: In-Reply-To, then References from the newest to the oldest."""
    answered = ids(_first(headers, "in-reply-to"))
    return tuple(dict.fromkeys([*answered, *reversed(ids(_first(headers, "references")))]))


def _author(headers: Mapping[str, list[str]]) -> Author | None:
    """The author, only if From stands there once and holds exactly one plain mailbox (RFC 5322 §3.6.2, INB-22)."""
    fields = headers.get("from", [])
    found = mailboxes(fields[0][:4000], limit=2) if len(fields) == 1 else []
    if len(found) != 1 or not found[0][1]:
        return None
    try:
        return Author(clean(found[0][0]), Address.parse(found[0][1]).text)
    except RuleBroken:
        return None


def _return_path(headers: Mapping[str, list[str]]) -> str | None:
    """None without the field, "" for the null return path, else the address."""
    if "return-path" not in headers:
        return None
    return next(iter(addresses(_first(headers, "return-path")[:2000])), "")


def _recipients(headers: Mapping[str, list[str]]) -> tuple[str, ...]:
    texts = (value for name in _RECIPIENT_FIELDS for value in headers.get(name, ()))
    return tuple(dict.fromkeys(address for text in texts for address in addresses(text)))[:500]


def _body(found: Found) -> str:
    """The plain text if there is any, else the words of the HTML."""
    plain = "\n\n".join(text for text in found.plain if text.strip())
    return plain or "\n\n".join(read_html(source).text for source in found.html)

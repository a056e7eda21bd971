"""Bytes of a mail → InboundMessage or Quarantine: pure, and total for any bytes at all (RFC 5322, 2045–2047)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from contacts.address import Address
from contacts.errors import RuleBroken
from mailer.inbound.headers import (
    SUBJECT_LENGTH,
    addresses,
    clean,
    decode_words,
    ids,
    mailboxes,
    raw_value,
    sent_at,
)
from mailer.inbound.html_text import read_html
from mailer.inbound.identity import content_key
from mailer.inbound.mime import MAX_HEADER, Part, TooMuch, parse
from mailer.inbound.parts import TNEF, Attachment, Found, ReportPart, gather

__all__ = ["Attachment", "Author", "InboundMessage", "Quarantine", "ReportPart", "read"]

MAX_SIZE = 25 * 1024 * 1024
_EARLY_ID = re.compile(rb"^message-id[ \t]*:[ \t\r\n]*(<[^<>\s]{1,990}>)", re.IGNORECASE | re.MULTILINE)
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
    digest, message_id = content_key(raw), None
    try:
        message_id = _early_id(raw)
        if len(raw) <= MAX_SIZE:
            return _read(parse(raw), digest)
        reason = "larger than 25 MB"
    except TooMuch as error:
        reason = str(error)
    except Exception as error:  # the promise of this function: one hostile mail is one Quarantine, never a crash
        reason = f"unreadable ({type(error).__name__})"
    return Quarantine(reason, digest, message_id)


def _early_id(raw: bytes) -> str | None:
    """The Message-ID of a mail that may never be parsed."""
    ends = [at for at in (raw.find(b"\r\n\r\n", 0, MAX_HEADER), raw.find(b"\n\n", 0, MAX_HEADER)) if at >= 0]
    match = _EARLY_ID.search(raw, 0, min(ends, default=MAX_HEADER))
    return match[1].decode("utf-8", "replace") if match else None


class Headers(Mapping[str, tuple[str, ...]]):
    """The fields of a mail by name in lower case; each is decoded and cleaned when it is first looked at."""

    def __init__(self, fields: Sequence[tuple[str, bytes]]) -> None:
        self._raw: dict[str, list[str]] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        for name, value in fields:
            self._raw.setdefault(name[:200], []).append(raw_value(value))

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self._shown:
            self._shown[name] = tuple(clean(decode_words(value), 10_000) for value in self._raw[name])
        return self._shown[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sorted(self._raw)})"

    def raw(self, name: str) -> list[str]:
        """The values of one field, encoded words and all."""
        return self._raw.get(name, [])


def _read(root: Part, digest: str) -> InboundMessage:
    headers = Headers(root.fields)
    found = gather(root, headers.get("content-language", ("",))[0])
    return InboundMessage(
        content_hash=digest,
        message_id=next(iter(ids(_first(headers, "message-id"))), None),
        thread_ids=_thread_ids(headers),
        author=_author(headers),
        return_path=_return_path(headers),
        recipients=_recipients(headers),
        subject=clean(decode_words(_first(headers, "subject")), SUBJECT_LENGTH),
        date=sent_at(_first(headers, "date")),
        text=_body(found),
        html="\n".join(found.html) or None,
        headers=headers,
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


def _trace(root: Part) -> tuple[tuple[str, str], ...]:
    """The way a mail came and what was found out about it, top-most field first, undecoded, for `authentication`."""
    kept = islice(((name, value) for name, value in root.fields if name in _TRACE_FIELDS), 60)
    return tuple((name, raw_value(value)) for name, value in kept)


def _first(headers: Headers, name: str) -> str:
    return next(iter(headers.raw(name)), "")


def _thread_ids(headers: Headers) -> tuple[str, ...]:
    """What this mail answers: In-Reply-To, then References from the newest to the oldest."""
    answered = ids(_first(headers, "in-reply-to"))
    return tuple(dict.fromkeys([*answered, *reversed(ids(_first(headers, "references")))]))


def _author(headers: Headers) -> Author | None:
    """The author, only if From stands there once and holds exactly one plain mailbox (RFC 5322 §3.6.2, INB-22)."""
    fields = headers.raw("from")
    found = mailboxes(fields[0][:4000], limit=2) if len(fields) == 1 else []
    if len(found) != 1 or not found[0][1]:
        return None
    try:
        return Author(clean(found[0][0]), Address.parse(found[0][1]).text)
    except RuleBroken:
        return None


def _return_path(headers: Headers) -> str | None:
    """None without the field, "" for the null return path, else the address."""
    if "return-path" not in headers:
        return None
    return next(iter(addresses(_first(headers, "return-path")[:2000])), "")


def _recipients(headers: Headers) -> tuple[str, ...]:
    texts = (value for name in _RECIPIENT_FIELDS for value in headers.raw(name))
    return tuple(dict.fromkeys(address for text in texts for address in addresses(text)))[:500]


def _body(found: Found) -> str:
    """The plain text if there is any, else the words of the HTML."""
    plain = "\n\n".join(text for text in found.plain if text.strip())
    return plain or "\n\n".join(read_html(source).text for source in found.html)

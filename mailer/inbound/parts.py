"""The parts of a received mail: which text to read, what is attached, what a machine reports."""

import binascii
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from mailer.inbound.headers import decode_bytes, decode_words, file_name, raw_text
from mailer.inbound.html_text import read_html
from mailer.inbound.smime import signed_content
from mailer.inbound.tnef import open_tnef

TEXT_LENGTH = 1_000_000
CALENDAR_LENGTH = 256 * 1024
VCARD_LENGTH = 64 * 1024
MAX_PARTS = 200
MAX_DEPTH = 20
_REPORTS = frozenset(
    {
        "message/delivery-status",
        "message/global-delivery-status",
        "message/feedback-report",
        "message/disposition-notification",
        "message/global-disposition-notification",
        "text/rfc822-headers",
        "message/global-headers",
    }
)
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_VCARDS = frozenset({"text/vcard", "text/x-vcard", "text/directory"})
TNEF = "application/ms-tnef"
_EMBEDDED = frozenset({"message/rfc822", "message/global"})


class TooMuch(Exception):
    """This mail breaks a limit; the text says which one."""


@dataclass(frozen=True, slots=True)
class ReportPart:
    """One machine-readable part: `type` in lower case, `text` as its bytes read (a returned mail: its header)."""

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is said of an attachment: a safe name, its type, its size in octets as sent; its content is not kept."""

    name: str
    type: str
    size: int


@dataclass(slots=True)
class Found:
    """Everything gathered from the parts of one mail."""

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    calendar: list[bytes] = field(default_factory=list)
    vcards: list[str] = field(default_factory=list)
    reports: list[ReportPart] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    encrypted: bool = False
    signed: bool = False
    report_type: str | None = None
    length: int = 0

    def add(self, texts: list[str], text: str) -> None:
        """Keep decoded text, within the limit of the whole mail."""
        self.length += len(text)
        if self.length > TEXT_LENGTH and texts is not self.html:
            raise TooMuch("text longer than 1 MB")
        if len(text) <= TEXT_LENGTH or not self.plain:
            texts.append(text)


def gather(root: "Message[str, str]", language: str = "") -> Found:
    """Walk the parts of `root` once; raises TooMuch for more than 200 parts, 20 levels, or 1 MB of text."""
    found = Found()
    _measure(root)
    _visit(root, found, language)
    if found.html and not any(text.strip() for text in found.plain) and sum(map(len, found.html)) > TEXT_LENGTH:
        raise TooMuch("text longer than 1 MB")
    return found


def _measure(root: "Message[str, str]") -> None:
    """Count parts and levels without recursion, before anything is decoded."""
    waiting, parts = [(root, 0)], -1
    while waiting:
        part, depth = waiting.pop()
        parts += 1
        if depth > MAX_DEPTH:
            raise TooMuch("parts nested more than 20 deep")
        if parts > MAX_PARTS:
            raise TooMuch("more than 200 parts")
        waiting.extend((child, depth + 1) for child in _children(part))


def _children(part: "Message[str, str]") -> list["Message[str, str]"]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _visit(part: "Message[str, str]", found: Found, language: str) -> None:
    kind = part.get_content_type()
    if kind == "multipart/encrypted" or (kind.endswith("pkcs7-mime") and not _opaque_signed(part, found, language)):
        found.encrypted = True
    elif kind == "multipart/report":
        found.report_type = _parameter(part, "report-type").lower()
        _visit_all(part, found, language)
    elif kind == "multipart/signed":
        found.signed = True
        _visit_all(part, found, language, first_only=True)
    elif kind in _EMBEDDED:
        _embedded(part, found, language)
    elif part.is_multipart() and kind not in _REPORTS:
        _visit_all(part, found, language)
    elif not kind.endswith("pkcs7-mime"):
        _leaf(part, kind, found, language)


def _visit_all(part: "Message[str, str]", found: Found, language: str, first_only: bool = False) -> None:
    children = _children(part)
    if not children:
        _leaf(part, "text/plain", found, language)
    for child in children[:1] if first_only else children:
        _visit(child, found, language)


def _leaf(part: "Message[str, str]", kind: str, found: Found, language: str) -> None:
    name = _name(part)
    attached = part.get_content_disposition() == "attachment"
    if kind in _REPORTS:
        found.reports.append(ReportPart(kind, _report_text(part)[:200_000]))
    elif kind in _CALENDARS or name.lower().endswith(".ics"):
        _keep_calendar(_bytes(part), found)
    elif kind in _VCARDS or name.lower().endswith(".vcf"):
        found.vcards.append(_text(part, language)[:VCARD_LENGTH])
    elif kind in (TNEF, "application/vnd.ms-tnef") or name.lower() == "winmail.dat":
        _open_outlook(part, name, found)
    elif kind == "text/plain" and not attached:
        text = _text(part, language)
        found.encrypted |= "-----BEGIN PGP MESSAGE-----" in text
        found.add(found.plain, _unflow(part, _unarmour(text)))
    elif kind == "text/html" and not attached:
        text = _text(part, language)
        found.encrypted |= "-----BEGIN PGP MESSAGE-----" in text
        found.add(found.html, text)
    else:
        payload = part.get_payload()
        found.attachments.append(Attachment(name, kind[:100], len(payload) if isinstance(payload, str) else 0))


def _open_outlook(part: "Message[str, str]", name: str, found: Found) -> None:
    """Take out what a winmail.dat says; one that cannot be read stays an attachment of that type, for a person."""
    data = _bytes(part)
    opened = open_tnef(data)
    if opened is None:
        found.attachments.append(Attachment(name, TNEF, len(data)))
        return
    if opened.calendar:
        _keep_calendar(opened.calendar, found)
    if not any(text.strip() for text in (*found.plain, *found.html)):  # mostly it repeats the text beside it
        for texts, text in ((found.plain, opened.plain), (found.html, opened.html)):
            if text.strip():
                found.add(texts, text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS))


def _keep_calendar(data: bytes, found: Found) -> None:
    if len(data) > CALENDAR_LENGTH:
        raise TooMuch("a calendar object of more than 256 KB")
    if data not in found.calendar:
        found.calendar.append(data)


def _embedded(part: "Message[str, str]", found: Found, language: str) -> None:
    """A mail within the mail: in a report the returned header, elsewhere the text that was forwarded."""
    inner = next(iter(_children(part)), None)
    if inner is None:
        return
    if found.report_type is not None:
        found.reports.append(ReportPart("message/rfc822", _header_text(inner)))
        return
    within = Found()
    _visit(inner, within, language)
    text = "\n\n".join(within.plain) or "\n\n".join(read_html(source).text for source in within.html)
    found.add(found.forwarded, f"{_header_text(inner)[:2000]}\n\n{text}" if text else _header_text(inner)[:2000])
    found.forwarded.extend(within.forwarded)
    found.encrypted |= within.encrypted
    found.attachments += [one for one in within.attachments if one.type == TNEF]  # words of it may be missing


def _header_text(message: "Message[str, str]") -> str:
    lines = (f"{name}: {decode_words(raw_text(value))}" for name, value in message.raw_items())
    return "\n".join(lines)[:100_000]


def _opaque_signed(part: "Message[str, str]", found: Found, language: str) -> bool:
    """Read the mail inside an opaque S/MIME signature (RFC 8551 §3.5.2); the signature is not checked (INB-24)."""
    if _parameter(part, "smime-type").lower() not in ("signed-data", ""):
        return False
    content = signed_content(_bytes(part))
    if content is None or content.lower().count(b"multipart/") > 8:
        return False
    inner = message_from_bytes(content)
    _measure(inner)
    if inner.get_content_type().endswith("pkcs7-mime"):
        return False
    found.signed = True
    _visit(inner, found, language)
    return True


def _report_text(part: "Message[str, str]") -> str:
    """The blocks of a report: the parser has already split message/delivery-status into header blocks."""
    if part.is_multipart():
        # Of types it does not know the parser makes a mail: its first block as header, the others as body.
        return "\n\n".join(f"{_header_text(block)}\n\n{_body_text(block)}".strip() for block in _children(part))
    return decode_bytes(_bytes(part), None).replace("\r", "")


def _body_text(block: "Message[str, str]") -> str:
    return "" if block.is_multipart() else decode_bytes(_bytes(block), None).replace("\r", "")


def _bytes(part: "Message[str, str]") -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, TypeError, AttributeError, binascii.Error, LookupError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    text = part.get_payload()
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else b""


def _text(part: "Message[str, str]", language: str) -> str:
    text = decode_bytes(_bytes(part), _parameter(part, "charset") or None, language)
    # Line feeds only; NUL and the other C0 controls never reach anything that reads text.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_CONTROLS)


_HIDDEN = (*range(9), *range(11, 32), 127, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
_CONTROLS: dict[int, int | None] = dict.fromkeys(_HIDDEN) | dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)


def _unflow(part: "Message[str, str]", text: str) -> str:
    """Join the soft breaks of format=flowed (RFC 3676 §4), per depth of quoting."""
    if _parameter(part, "format").lower() != "flowed":
        return text
    delete, lines = _parameter(part, "delsp").lower() == "yes", [""]
    soft, last_depth = False, 0
    for line in text.split("\n"):
        body = line.lstrip(">")
        depth, body = len(line) - len(body), body.removeprefix(" ")
        if soft and depth == last_depth and body != "-- " and len(lines[-1]) < 5_000:
            lines[-1] += body
        else:
            lines.append(">" * depth + (" " if depth else "") + body)
        soft, last_depth = body.endswith(" ") and body != "-- ", depth
        if soft and delete:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines[1:])


def _unarmour(text: str) -> str:
    """The words inside a clear-signed PGP message (RFC 9580 §7)."""
    begin, end = text.find("-----BEGIN PGP SIGNED MESSAGE-----"), text.find("-----BEGIN PGP SIGNATURE-----")
    if begin < 0 or end < begin:
        return text
    inner = text[begin:end].split("\n\n", 1)
    return text[:begin] + (inner[1] if len(inner) == 2 else "")


def _parameter(part: "Message[str, str]", name: str) -> str:
    try:
        value = part.get_param(name, "")
        found = value[2] if isinstance(value, tuple) else value
    except (ValueError, TypeError, AttributeError, IndexError, LookupError):
        return ""
    return str(found or "").strip()


def _name(part: "Message[str, str]") -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, TypeError, AttributeError, IndexError, LookupError):
        return ""
    return file_name(decode_words(raw_text(name)[:2000]))

"""The parts of a received mail: which text to read, what is attached, what a machine reports."""

import re
from dataclasses import dataclass, field

from mailer.inbound.headers import decode_bytes, decode_words, file_name, raw_value
from mailer.inbound.html_text import read_html
from mailer.inbound.mime import EMBEDDED, Part, TooMuch, parse
from mailer.inbound.smime import signed_content
from mailer.inbound.tnef import open_tnef

TEXT_LENGTH = 1_000_000
CALENDAR_LENGTH = 256 * 1024
VCARD_LENGTH = 64 * 1024
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


def gather(root: Part, language: str = "") -> Found:
    """Walk the parts of `root` once; raises TooMuch for more than 1 MB of text."""
    found = Found()
    _visit(root, found, language)
    if found.html and not any(text.strip() for text in found.plain) and sum(map(len, found.html)) > TEXT_LENGTH:
        raise TooMuch("text longer than 1 MB")
    return found


def _visit(part: Part, found: Found, language: str) -> None:
    kind = part.kind
    if kind == "multipart/encrypted" or (kind.endswith("pkcs7-mime") and not _opaque_signed(part, found, language)):
        found.encrypted = True
    elif kind == "multipart/report":
        found.report_type = part.parameter("report-type").lower()
        _visit_all(part, found, language)
    elif kind == "multipart/signed":
        found.signed = True
        _visit_all(part, found, language, first_only=True)
    elif kind in EMBEDDED:
        _embedded(part, found, language)
    elif kind.startswith("multipart/"):
        _visit_all(part, found, language)
    elif not kind.endswith("pkcs7-mime"):
        _leaf(part, kind, found, language)


def _visit_all(part: Part, found: Found, language: str, first_only: bool = False) -> None:
    if not part.children:
        _leaf(part, "text/plain", found, language)
    for child in part.children[:1] if first_only else part.children:
        _visit(child, found, language)


def _leaf(part: Part, kind: str, found: Found, language: str) -> None:
    disposition, stated = part.disposition()
    name = file_name(decode_words(stated[:2000])) if stated else ""
    attached = disposition == "attachment"
    if kind in _REPORTS:
        found.reports.append(ReportPart(kind, _report_text(part)[:200_000]))
    elif kind in _CALENDARS or name.lower().endswith(".ics"):
        _keep_calendar(part.content(), found)
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
        found.attachments.append(Attachment(name, kind[:100], part.size))


def _open_outlook(part: Part, name: str, found: Found) -> None:
    """Take out what a winmail.dat says; one that cannot be read stays an attachment of that type, for a person."""
    opened = open_tnef(part.content())
    if opened is None:
        found.attachments.append(Attachment(name, TNEF, part.size))
        return
    if opened.calendar:
        _keep_calendar(opened.calendar, found)
    if not any(text.strip() for text in (*found.plain, *found.html)):  # mostly it repeats the text beside it
        for texts, text in ((found.plain, opened.plain), (found.html, opened.html)):
            if text.strip():
                found.add(texts, _cleaned(text))


def _keep_calendar(data: bytes, found: Found) -> None:
    if len(data) > CALENDAR_LENGTH:
        raise TooMuch("a calendar object of more than 256 KB")
    if data not in found.calendar:
        found.calendar.append(data)


def _embedded(part: Part, found: Found, language: str) -> None:
    """A mail within the mail: in a report the returned header, elsewhere the text that was forwarded."""
    inner = next(iter(part.children), None)
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


def _header_text(part: Part) -> str:
    lines = (f"{name}: {decode_words(raw_value(value))}" for name, value in part.fields)
    return "\n".join(lines)[:100_000]


def _opaque_signed(part: Part, found: Found, language: str) -> bool:
    """Read the mail inside an opaque S/MIME signature (RFC 8551 §3.5.2); the signature is not checked (INB-24)."""
    if part.parameter("smime-type").lower() not in ("signed-data", ""):
        return False
    content = signed_content(part.content())
    if content is None or content.lower().count(b"multipart/") > 8:
        return False
    inner = parse(content)
    if inner.kind.endswith("pkcs7-mime"):
        return False
    found.signed = True
    _visit(inner, found, language)
    return True


def _report_text(part: Part) -> str:
    """The blocks of a report as lines; words in another character set are read."""
    text = decode_bytes(part.content(), None).replace("\r\n", "\n").replace("\r", "\n")
    return decode_words(text) if "=?" in text else text


def _text(part: Part, language: str) -> str:
    return _cleaned(decode_bytes(part.content(), part.parameter("charset") or None, language))


def _cleaned(text: str) -> str:
    """Line feeds only; NUL and the other C0 controls never reach anything that reads text."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")


def _unflow(part: Part, text: str) -> str:
    """Join the soft breaks of format=flowed (RFC 3676 §4), per depth of quoting."""
    if part.parameter("format").lower() != "flowed":
        return text
    delete, lines = part.parameter("delsp").lower() == "yes", [""]
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

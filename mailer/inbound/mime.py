"""A mail as the places of its parts in its bytes (RFC 5322 §2.2, 2045, 2046 §5.1): decoded only when it is asked for.

Reading whole mails eagerly costs more than all the rest of the way in: most of their bytes are pictures.
Total and linear: any bytes make a tree of at most 200 parts and 20 levels, or TooMuch.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value

from mailer.inbound.headers import raw_value

MAX_PARTS = 200
MAX_DEPTH = 20
MAX_HEADER = 256 * 1024
MAX_FIELDS = 1000
EMBEDDED = frozenset({"message/rfc822", "message/global"})
# A field and its folded lines; no character can be read in two ways, so that the search never goes back.
_FIELD = re.compile(
    rb"([!-9;-~]{1,300})[ \t]*:([^\r\n]*(?:(?:\r\n|\n|\r)[ \t][^\r\n]*)*)(?:\r\n|\n|\r|\Z)", re.DOTALL
)
_BLANK = re.compile(rb"\r\n|\n|\r")
_PARAMETER = re.compile(r';\s*([^\s=;"]{1,80})\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_ESCAPED = re.compile(r"\\(.)")
_LONGEST = 8_000  # characters of a structured field that are looked at
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


class TooMuch(Exception):
    """This mail breaks a limit; the text says which one."""


@dataclass(slots=True)
class Part:
    """One part: its fields in order (names in lower case, values as sent), and where its body lies in `raw`."""

    raw: bytes
    fields: list[tuple[str, bytes]]
    start: int
    end: int
    kind: str = "text/plain"
    children: list["Part"] = field(default_factory=list)
    _type: dict[str, str] | None = None

    def value(self, name: str) -> str:
        """The first field of this name as text on one line, or ""."""
        return next((raw_value(value) for known, value in self.fields if known == name), "")

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, or ""."""
        if self._type is None:
            self._type = parameters("content-type", self.value("content-type"))
        return self._type.get(name, "")

    @property
    def size(self) -> int:
        """Octets of the body as sent."""
        return self.end - self.start

    @property
    def body(self) -> bytes:
        """The body as sent."""
        return self.raw[self.start : self.end]

    def content(self) -> bytes:
        """The body, its transfer encoding undone (RFC 2045 §6); as sent where the encoding is unknown or broken."""
        return _decoded(self.body, self.value("content-transfer-encoding").strip().lower())

    def disposition(self) -> tuple[str, str]:
        """(attachment, inline or another word in lower case; the file name as sent), "" for what is not said."""
        stated = self.value("content-disposition")
        named = parameters("content-disposition", stated).get("filename", "") if stated else ""
        return stated.partition(";")[0].strip().lower(), named or self.parameter("name")


def parse(raw: bytes) -> Part:
    """The tree of a whole mail; raises TooMuch beyond 200 parts, 20 levels, 256 KB or 1,000 fields of header."""
    return _Reading(raw).part(0, len(raw), 0, "text/plain")


@dataclass(slots=True)
class _Reading:
    """One mail being read; parts are counted over all of it."""

    raw: bytes
    count: int = 0

    def part(self, start: int, end: int, depth: int, default: str) -> Part:
        if depth > MAX_DEPTH:
            raise TooMuch("parts nested more than 20 deep")
        fields, body = _header(self.raw, start, end)
        found = Part(self.raw, fields, body, end)
        found.kind = _kind(found.value("content-type")) or default
        if found.kind.startswith("multipart/"):
            self._split(found, depth)
        elif found.kind in EMBEDDED:
            self._embed(found, depth)
        return found

    def _split(self, part: Part, depth: int) -> None:
        boundary = part.parameter("boundary").encode("utf-8", "surrogateescape").rstrip()
        if not boundary:
            return
        default = "message/rfc822" if part.kind == "multipart/digest" else "text/plain"
        for start, end in _pieces(self.raw, part.start, part.end, b"--" + boundary):
            self._count()
            part.children.append(self.part(start, end, depth + 1, default))

    def _embed(self, part: Part, depth: int) -> None:
        """A mail within the mail; some programs encode it, although RFC 2046 §5.2.1 forbids that."""
        self._count()
        if part.value("content-transfer-encoding").strip().lower() in ("base64", "quoted-printable"):
            inner = _Reading(part.content(), self.count)
            part.children.append(inner.part(0, len(inner.raw), depth + 1, "text/plain"))
            self.count = inner.count
        else:
            part.children.append(self.part(part.start, part.end, depth + 1, "text/plain"))

    def _count(self) -> None:
        self.count += 1
        if self.count > MAX_PARTS:
            raise TooMuch("more than 200 parts")


def _header(raw: bytes, start: int, end: int) -> tuple[list[tuple[str, bytes]], int]:
    """The fields from `start` on, and where the body begins: after an empty line, or at the first line that is none."""
    fields: list[tuple[str, bytes]] = []
    at = start
    if raw.startswith((b"From ", b">From "), at):  # the line that mbox files put before a mail
        line = raw.find(b"\n", at, end)
        at = end if line < 0 else line + 1
    limit = min(end, start + MAX_HEADER + 2)
    while found := _FIELD.match(raw, at, limit):
        fields.append((found[1].decode("ascii").lower(), found[2]))
        at = found.end()
        if len(fields) > MAX_FIELDS:
            raise TooMuch("more than 1,000 header fields")
    if at - start > MAX_HEADER:
        raise TooMuch("header larger than 256 KB")
    blank = _BLANK.match(raw, at, end)
    return fields, blank.end() if blank else at


def _pieces(raw: bytes, start: int, end: int, mark: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts between the delimiter lines lie (RFC 2046 §5.1.1); the last may lack its closing line."""
    opened, at = None, start
    while (found := raw.find(mark, at, end)) >= 0:
        at = found + len(mark)
        if found > start and raw[found - 1] not in b"\r\n":
            continue
        closing = raw.startswith(b"--", at, end)
        line = raw.find(b"\n", at, end)
        line = end if line < 0 else line
        if raw[at + 2 * closing : min(line, at + 200)].strip(b" \t\r"):
            continue
        if opened is not None:
            yield opened, max(opened, _before_break(raw, found))
        if closing:
            return
        opened, at = min(line + 1, end), max(at, line)
    if opened is not None:
        yield opened, end


def _before_break(raw: bytes, at: int) -> int:
    """The line break before a delimiter belongs to the delimiter."""
    at -= raw[at - 1 : at] == b"\n"
    return at - (raw[at - 1 : at] == b"\r")


def _kind(value: str) -> str:
    """The media type in lower case, "" for none that can be read (RFC 2045 §5.2: then the default holds)."""
    kind = value.partition(";")[0].strip().lower()
    return kind if kind.count("/") == 1 else "text/plain" if kind else ""


def parameters(name: str, value: str) -> dict[str, str]:
    """The parameters of a structured field (RFC 2045 §5.1, RFC 2231), names in lower case, the first one wins."""
    text = value[:_LONGEST]
    if "*" in text:
        return _extended(name, text)
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(text):
        given = match[2].strip()
        if given[:1] == '"':
            given = _ESCAPED.sub(r"\1", given.strip('"'))
        found.setdefault(match[1].lower(), given)
    return found


def _extended(name: str, text: str) -> dict[str, str]:
    """Parameters in pieces and with character sets, as the standard library puts them together."""
    message: Message[str, str] = Message()
    message[name] = text.replace("\r", " ").replace("\n", " ")
    try:
        given = message.get_params([], header=name)
        return {key.lower(): collapse_rfc2231_value(value).strip() for key, value in reversed(given or [])}
    except (ValueError, TypeError, AttributeError, IndexError, LookupError):
        return {}


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        return _from_base64(body)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _from_uuencode(body)
    return body


def _from_base64(body: bytes) -> bytes:
    """Whatever can be read: padding that lacks is added, other characters are passed over (RFC 2045 §6.8)."""
    try:
        return binascii.a2b_base64(body)
    except (binascii.Error, ValueError):
        plain = _NOT_BASE64.sub(b"", body)
        plain = plain[: len(plain) - (len(plain) % 4 == 1)]
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))


def _from_uuencode(body: bytes) -> bytes:
    lines = body.splitlines()
    begin = next((at for at, line in enumerate(lines) if line.startswith(b"begin ")), None)
    if begin is None:
        return body
    found = bytearray()
    for line in lines[begin + 1 :]:
        if line in (b"end", b"`", b" "):
            break
        try:
            found += binascii.a2b_uu(line)
        except binascii.Error:
            return body
    return bytes(found)

"""winmail.dat: what Outlook hides in its own format (MS-OXTNEF), as text and calendar answer. Total and linear."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailer.inbound.headers import decode_bytes
from mailer.inbound.rtf import decompress, plain_text

_SIGNATURE = 0x223E9F78
_BODY, _CLASS, _PROPERTIES, _CODEPAGE = 0x2800C, 0x78008, 0x69003, 0x69007
_BINARY, _STRING, _UNICODE, _OBJECT = 0x102, 0x1E, 0x1F, 0x0D
#: Octets of a value of each fixed type, padded to four (MS-OXTNEF §2.1.3.5).
_FIXED = {1: 0, 2: 4, 3: 4, 4: 4, 0x0A: 4, 0x0B: 4, 5: 8, 6: 8, 7: 8, 0x14: 8, 0x40: 8, 0x48: 16}
_MEETING = bytes.fromhex("90dad86e0b451b1098da00aa003f1305")
_APPOINTMENT = bytes.fromhex("0220060000000000c000000000000046")
_GLOBAL_ID, _CLEAN_ID, _SEQUENCE = (_MEETING, 3), (_MEETING, 0x23), (_APPOINTMENT, 0x8201)
_UID_MARK = b"vCal-Uid\x01\0\0\0"
_ANSWERS = {"pos": "ACCEPTED", "neg": "DECLINED", "tent": "TENTATIVE"}
_OLD_ANSWERS = {"mtgrespp": "ACCEPTED", "mtgrespn": "DECLINED", "mtgrespa": "TENTATIVE"}
_MOST = 20_000  # attributes, or properties

_PAGE = 0x3FDE  # PidTagInternetCodepage: of the HTML, which comes as octets
_ISO = {"cp28591": "iso-8859-1", "cp28605": "iso-8859-15", "cp20127": "us-ascii"}

Key = int | tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a winmail.dat holds: its texts, "" for none, and the answer of a calendar as iTIP, None for none."""

    plain: str
    html: str
    calendar: bytes | None


@dataclass(slots=True)
class _Found:
    attributes: dict[int, bytes] = field(default_factory=dict)
    properties: dict[Key, tuple[int, bytes]] = field(default_factory=dict)
    codepage: str = "cp1252"

    def text(self, key: Key) -> str:
        kind, data = self.properties.get(key, (0, b""))
        if kind == _UNICODE:
            return data.decode("utf-16-le", "replace").rstrip("\0")
        page = self.properties.get(_PAGE, (0, b""))[1] if kind == _BINARY else b""
        named = f"cp{int.from_bytes(page, 'little')}" if page else self.codepage
        return decode_bytes(data, _ISO.get(named, named)).rstrip("\0") if kind in (_STRING, _BINARY) else ""


def open_tnef(data: bytes) -> Opened | None:
    """Read a winmail.dat; None for what cannot be read to its end, or is a calendar answer to nothing. Never raises."""
    try:
        found = _read(data)
        message_class = decode_bytes(found.attributes.get(_CLASS, b""), None).strip("\0") or found.text(0x1A)
        answer = _answer(message_class.lower())
        plain = decode_bytes(found.attributes.get(_BODY, b""), found.codepage).rstrip("\0") or found.text(0x1000)
        calendar = _calendar(found, answer, plain) if answer else None
    except (struct.error, ValueError, LookupError):
        return None
    if answer and calendar is None:
        return None
    html = found.text(0x1013)
    rtf = found.properties.get(0x1009, (0, b""))[1]
    if not plain.strip() and not html.strip() and rtf:
        raw = decompress(rtf)
        if raw is None:
            return None
        plain = plain_text(raw)
    return Opened(plain, html, calendar)


def _read(data: bytes) -> _Found:
    """Every attribute of the message itself; raises struct.error or ValueError where they break off or are damaged.

    Those of attachments are passed over unread, and so are a few octets that some relay put behind everything.
    """
    found = _Found()
    if struct.unpack_from("<I", data)[0] != _SIGNATURE:
        raise ValueError("no TNEF")
    at = 6
    for _ in range(_MOST):
        if at + 11 > len(data):
            break
        level, attribute, length = struct.unpack_from("<BII", data, at)
        content = data[at + 9 : at + 9 + length]
        (checksum,) = struct.unpack_from("<H", data, at + 9 + length)
        if level not in (1, 2) or (level == 1 and sum(content) & 0xFFFF != checksum):
            raise ValueError("damaged")
        if level == 1:
            found.attributes.setdefault(attribute, content)
        at += 11 + length
    if not found.attributes:
        raise ValueError("no message")
    if len(found.attributes.get(_CODEPAGE, b"")) >= 4:
        found.codepage = f"cp{struct.unpack_from('<I', found.attributes[_CODEPAGE])[0]}"
    found.properties = dict(_properties(found.attributes.get(_PROPERTIES, b"")))
    return found


def _properties(data: bytes) -> Iterator[tuple[Key, tuple[int, bytes]]]:
    """Every MAPI property with its type and its (first) value (MS-OXTNEF §2.1.3.4)."""
    if not data:
        return
    (count,), at = struct.unpack_from("<I", data), 4
    for _ in range(min(count, _MOST)):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        key: Key = number
        if number >= 0x8000:
            key, at = _named(data, at)
        value, at = _value(data, at, kind)
        yield key, (kind, value)


def _named(data: bytes, at: int) -> tuple[Key, int]:
    space, (by_name, number) = data[at : at + 16], struct.unpack_from("<II", data, at + 16)
    return (space, -1 if by_name else number), at + 24 + (_padded(number) if by_name else 0)


def _value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """The value of one property and where the next one begins; of many values the first is enough."""
    base, first, count = kind & 0xFFF, b"", 1
    if kind & 0x1000 or base in (_BINARY, _STRING, _UNICODE, _OBJECT):
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    if base == 1 and count > 1:  # nothing, many times: it would take time and no room
        raise ValueError("damaged")
    for number in range(count):
        size = _FIXED.get(base)
        if size is None:
            if base not in (_BINARY, _STRING, _UNICODE, _OBJECT):
                raise ValueError("a type nobody knows")
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
        if at + size > len(data):
            raise ValueError("broken off")
        first = first if number else data[at : at + size]
        at += _padded(size)
    return first, at


def _padded(size: int) -> int:
    return size + -size % 4


def _answer(message_class: str) -> str:
    """The PARTSTAT that a class says, such as IPM.Schedule.Meeting.Resp.Pos; "" for one that is no answer."""
    before, _, last = message_class.rpartition(".")
    return _ANSWERS.get(last, "") if before.endswith("meeting.resp") else _OLD_ANSWERS.get(last, "")


def _calendar(found: _Found, answer: str, words: str) -> bytes | None:
    """The same answer as iTIP (RFC 5546 §3.2.3), with the UID of the invitation that it echoes; None without one."""
    for key in (_CLEAN_ID, _GLOBAL_ID):
        at = (data := found.properties.get(key, (0, b""))[1]).find(_UID_MARK)
        uid = data[at + len(_UID_MARK) :].partition(b"\0")[0] if at >= 0 else b""
        if uid.isascii() and 0 < len(uid) <= 255 and uid.decode("ascii").isprintable():
            sequence = int.from_bytes(found.properties.get(_SEQUENCE, (0, b""))[1][:4], "little")
            lines = (
                "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//winmail.dat//EN", "METHOD:REPLY", "BEGIN:VEVENT",
                f"UID:{uid.decode('ascii')}", f"SEQUENCE:{sequence}", f"ATTENDEE;PARTSTAT={answer}:invalid:nomail",
                f"COMMENT:{_escaped(words)}", "END:VEVENT", "END:VCALENDAR", "",
            )  # fmt: skip
            return "\r\n".join(lines).encode()
    return None


def _escaped(words: str) -> str:
    """Words as a TEXT value on one line (RFC 5545 §3.3.11); a note need not be long."""
    text = "\n".join(words[:2000].split("\0")[0].splitlines()).strip().replace("\\", "\\\\")
    return text.replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")

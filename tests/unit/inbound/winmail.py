"""Writes winmail.dat as Outlook does (MS-OXTNEF, MS-OXRTFCP), for tests."""

import struct
import zlib

MEETING = bytes.fromhex("90dad86e0b451b1098da00aa003f1305")
APPOINTMENT = bytes.fromhex("0220060000000000c000000000000046")
BODY, CLASS, PROPERTIES, CODEPAGE, ATTACHED = 0x2800C, 0x78008, 0x69003, 0x69007, 0x6800F
Value = tuple[int | tuple[bytes, int] | tuple[bytes, str], int, bytes]


def attribute(number: int, content: bytes, level: int = 1) -> bytes:
    """One attribute with its checksum."""
    return struct.pack("<BII", level, number, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def tnef(*attributes: bytes) -> bytes:
    """The whole file."""
    version = attribute(0x89006, b"\0\0\1\0")
    return struct.pack("<IH", 0x223E9F78, 1) + version + b"".join(attributes)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def properties(*values: Value) -> bytes:
    """The attribute that holds MAPI properties: (number or (space, number or name), type, value)."""
    return attribute(PROPERTIES, struct.pack("<I", len(values)) + b"".join(_property(*value) for value in values))


def _property(key: int | tuple[bytes, int] | tuple[bytes, str], kind: int, value: bytes) -> bytes:
    if isinstance(key, int):
        head = struct.pack("<HH", kind, key)
    elif isinstance(key[1], int):
        head = struct.pack("<HH", kind, 0x8001) + key[0] + struct.pack("<II", 0, key[1])
    else:
        name = key[1].encode("utf-16-le") + b"\0\0"
        head = struct.pack("<HH", kind, 0x8002) + key[0] + struct.pack("<II", 1, len(name)) + padded(name)
    if kind in (0x1E, 0x1F, 0x102, 0x0D):
        return head + struct.pack("<II", 1, len(value)) + padded(value)
    return head + padded(value)


def answer(message_class: str, uid: str, sequence: int = 0, text: str = "") -> bytes:
    """A meeting's answer by Outlook to an invitation whose UID did not come from Outlook (MS-OXOCAL §2.2.1.27)."""
    data = b"vCal-Uid\x01\0\0\0" + uid.encode() + b"\0"
    global_id = bytes.fromhex("040000008200e00074c5b7101a82e008") + b"\0" * 20 + struct.pack("<I", len(data)) + data
    return tnef(
        attribute(CODEPAGE, struct.pack("<II", 1252, 0)),
        attribute(CLASS, message_class.encode() + b"\0"),
        properties(
            (0x37, 0x1F, "Aanvaard: vergadering\0".encode("utf-16-le")),
            ((MEETING, 0x23), 0x102, global_id),
            ((APPOINTMENT, 0x8201), 3, struct.pack("<i", sequence)),
            ((APPOINTMENT, "a name"), 0x0B, b"\1\0"),
            (0x1000, 0x1F, f"{text}\0".encode("utf-16-le")),
        ),
    )


def stored(rtf: bytes) -> bytes:
    """RTF as it is, in the envelope of the compressed one."""
    return struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf


def compressed(rtf: bytes, dictionary: bytes) -> bytes:
    """RTF compressed: greedy, by looking up every run in what stands in the window."""
    window, packed, tokens, at = bytearray(dictionary), bytearray(), list[bytes](), 0
    while at < len(rtf):
        offset, length = _longest(bytes(window), rtf[at : at + 17])
        if length > 1:
            tokens.append(struct.pack(">H", (offset % 4096) << 4 | (length - 2)))
        else:
            length = 1
            tokens.append(rtf[at : at + 1])
        window += rtf[at : at + length]
        at += length
    tokens.append(struct.pack(">H", (len(window) % 4096) << 4))
    for start in range(0, len(tokens), 8):
        run = tokens[start : start + 8]
        packed += bytes([sum((len(token) == 2) << bit for bit, token in enumerate(run))]) + b"".join(run)
    return struct.pack("<IIII", len(packed) + 12, len(rtf), 0x75465A4C, zlib.crc32(packed)) + bytes(packed)


def _longest(window: bytes, wanted: bytes) -> tuple[int, int]:
    start = max(0, len(window) - 4000)
    for length in range(len(wanted), 1, -1):
        at = window.find(wanted[:length], start)
        if at >= 0:
            return at, length
    return 0, 0

"""The mail inside an opaque S/MIME signature (RFC 8551 §3.5.2, RFC 5652 §5): unwrapped, its signature not checked.

Of ASN.1 only so much is read as leads there, in DER and in the BER that mail programs write in pieces. Total, linear.
"""

_SEQUENCE, _SET, _INTEGER, _NAME, _WITHIN, _OCTETS, _PIECES = 0x30, 0x31, 0x02, 0x06, 0xA0, 0x04, 0x24
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")


def signed_content(data: bytes) -> bytes | None:
    """The signed octets; None for anything else, such as what is encrypted, broken off or nested as nobody does."""
    try:
        at = _enter(data, 0, _SEQUENCE)
        start, at = _over(data, at, _NAME)
        if data[start:at] != _SIGNED_DATA:
            return None
        for tag in (_WITHIN, _SEQUENCE):
            at = _enter(data, at, tag)
        for tag in (_INTEGER, _SET):
            _, at = _over(data, at, tag)
        at = _enter(data, at, _SEQUENCE)
        _, at = _over(data, at, _NAME)
        return _octets(data, _enter(data, at, _WITHIN))
    except (ValueError, IndexError):
        return None


def _head(data: bytes, at: int) -> tuple[int, int, int | None]:
    """(tag, where the value begins, its length or None for one that ends with two zero octets)."""
    tag, first = data[at], data[at + 1]
    if first < 0x80:
        return tag, at + 2, first
    count = first & 0x7F
    if count > 4:
        raise ValueError("no length of our times")
    start = at + 2 + count
    return tag, start, int.from_bytes(data[at + 2 : start], "big") if count else None


def _enter(data: bytes, at: int, wanted: int) -> int:
    tag, start, _ = _head(data, at)
    if tag != wanted:
        raise ValueError("something else")
    return start


def _over(data: bytes, at: int, wanted: int) -> tuple[int, int]:
    """Where a value begins, and where the next one does."""
    tag, start, length = _head(data, at)
    if tag != wanted or length is None or start + length > len(data):
        raise ValueError("something else")
    return start, start + length


def _octets(data: bytes, at: int) -> bytes:
    """An OCTET STRING, whole or in pieces (X.690 §8.7)."""
    tag, start, length = _head(data, at)
    if tag == _OCTETS:
        return data[start : _over(data, at, _OCTETS)[1]]
    if tag != _PIECES:
        raise ValueError("something else")
    end = len(data) if length is None else start + length
    pieces: list[bytes] = []
    at = start
    while at < end and data[at : at + 2] != b"\0\0":
        start, at = _over(data, at, _OCTETS)
        pieces.append(data[start:at])
    return b"".join(pieces)

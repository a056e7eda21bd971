"""A letter as the relay is given it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parcel:
    """One letter to one recipient: `content` in CRLF lines, not dot-stuffed; `key` is its number in the outbox."""

    key: int
    return_path: str
    recipient: str
    content: bytes
    envelope_id: str = ""

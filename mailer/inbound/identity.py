"""Whether two mails are one: the key that copies of a mail share and different mails do not."""

import hashlib
import re

_TELLING = (b"message-id", b"from", b"to", b"date", b"subject")
_FIELD = re.compile(rb"^([!-9;-~]{1,80}):([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.MULTILINE)
_HEAD = 262_144
_PIECE = 1 << 20  # so that a mail of 25 MB is never held a second time


def content_key(raw: bytes) -> str:
    """A SHA-256, hex, over who, when, what and the body, without the traces that servers add on the way.

    A mail without a Message-ID is taken whole, traces and all: two short mails with the same words stay two mails.
    """
    end, body = _border(raw)
    fields = [(name.lower(), b" ".join(value.split())) for name, value in _FIELD.findall(raw[: min(end, _HEAD)])]
    if not any(name == b"message-id" and value for name, value in fields):
        return hashlib.sha256(raw).hexdigest()
    telling = sorted(name + b":" + value for name, value in fields if name in _TELLING)
    digest = hashlib.sha256(b"\n".join([*telling, b""]))
    _add_body(digest, raw, body)
    return digest.hexdigest()


def _border(raw: bytes) -> tuple[int, int]:
    """Where the header ends, and where the body begins."""
    for gap in (b"\r\n\r\n", b"\n\n"):
        end = raw.find(gap)
        if end >= 0:
            return end, end + len(gap)
    return len(raw), len(raw)


def _add_body(digest: "hashlib._Hash", raw: bytes, start: int) -> None:
    """The body with line feeds only and no white space at its end, piece by piece."""
    end = len(raw)
    while end > start and raw[end - 1] in b" \t\n\r\x0b\f":
        end -= 1
    at = start
    while at < end:
        stop = min(at + _PIECE, end)
        stop += stop < end and raw[stop - 1 : stop + 1] == b"\r\n"
        digest.update(raw[at:stop].replace(b"\r\n", b"\n"))
        at = stop

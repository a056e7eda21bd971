"""Whether two mails are one: the key that copies of a mail share and different mails do not."""

import hashlib
import re

_TELLING = (b"message-id", b"from", b"to", b"date", b"subject")
_FIELD = re.compile(rb"^([!-9;-~]{1,80}):((?:[^\r\n]|\r?\n[ \t])*)", re.MULTILINE)


def content_key(raw: bytes) -> str:
    """A SHA-256, hex, over who, when, what and the body, without the traces that servers add on the way.

    A mail without a Message-ID is taken whole, traces and all: two short mails with the same words stay two mails.
    """
    head, _, body = raw.partition(b"\r\n\r\n") if b"\r\n\r\n" in raw else raw.partition(b"\n\n")
    fields = [(name.lower(), b" ".join(value.split())) for name, value in _FIELD.findall(head[:262_144])]
    telling = [name + b":" + value for name, value in fields if name in _TELLING]
    if not any(name == b"message-id" and value for name, value in fields):
        return hashlib.sha256(raw).hexdigest()
    return hashlib.sha256(b"\n".join([*sorted(telling), body.rstrip().replace(b"\r\n", b"\n")])).hexdigest()

"""DKIM signatures (RFC 6376, 8463) over exactly the bytes that leave, before any dot is doubled for SMTP.

Always relaxed/relaxed, never `l=`; `t=` is the letter's own moment and not the clock, so that a retry is the same.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from mailer.outbound.encoding import fold

#: Signed where they are there (OUT-40); each of them is there once (OUT-11).
_SIGNED = frozenset((
    *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"in-reply-to", b"references"),
    *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id", b"auto-submitted"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding"),
))  # fmt: skip
#: Named once more than they are there, so that nobody can add one (RFC 6376 §8.15, OUT-41).
_SEALED = (
    *("From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type"),
    *("List-Unsubscribe", "List-Unsubscribe-Post"),
)
_BLANKS = re.compile(rb"[ \t]+")
_ROW = 72
_TIME, _HASH = "\0" * 10, "\1" * 44  # as long as what will stand there, so that the fold is the same


@dataclass(frozen=True, slots=True)
class Signer:
    """One private key under one selector; `record` is what the DNS must say at `name`."""

    domain: str
    selector: str
    algorithm: str
    record: str
    sign: Callable[[bytes], bytes] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Where verifiers look up the public key (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


class Canonical(NamedTuple):
    """Header fields as they are signed: the names of those that are, and their relaxed form (RFC 6376 §3.4.2)."""

    names: tuple[str, ...]
    form: bytes


class _Shape(NamedTuple):
    """A DKIM-Signature with `%s` for time and body hash, and nothing after `b=`: as written, and as signed."""

    written: str
    signed: str


def signed(raw: bytes, signers: Sequence[Signer], moment: datetime) -> bytes:
    """A whole message of ours (CRLF lines) with the signatures above it; `moment` is aware and never changes."""
    if not signers:
        return raw
    head, _, body = raw.partition(b"\r\n\r\n")
    return seal(signers, [head.decode() + "\r\n"], relaxed(body), moment).encode() + raw


def seal(
    signers: Sequence[Signer],
    header: Sequence[str],
    body: bytes,
    moment: datetime,
    ready: Mapping[str, Canonical] | None = None,
) -> str:
    """The DKIM-Signature fields for a header, given as text of one or more fields each, and a body in relaxed form.

    `ready` holds what `canonical` makes of those texts that are the same in many letters.
    """
    known = ready or {}
    fields = [known.get(text) or canonical(text) for text in header]
    names = tuple([name for one in fields for name in one.names])
    data, digest = b"".join([one.form for one in fields]), base64.b64encode(hashlib.sha256(body).digest()).decode()
    time = f"{int(moment.timestamp()):010d}"
    return "".join([_field(signer, names, data, (time, digest)) for signer in signers])


def _field(signer: Signer, names: tuple[str, ...], data: bytes, said: tuple[str, str]) -> str:
    shape = _shape(signer.algorithm, signer.domain, signer.selector, names)
    signature = base64.b64encode(signer.sign(data + (shape.signed % said).encode())).decode()
    rows = [signature[start : start + _ROW] for start in range(0, len(signature), _ROW)]
    return "\r\n ".join([shape.written % said, *rows]) + "\r\n"


@lru_cache(maxsize=64)
def _shape(algorithm: str, domain: str, selector: str, names: tuple[str, ...]) -> _Shape:
    said = [
        *("v=1;", f"a={algorithm};", "c=relaxed/relaxed;", f"d={domain};", f"s={selector};", f"t={_TIME};"),
        *_packed("h=" + ":".join([*names, *_SEALED]) + ";"),
        *(f"bh={_HASH};", "b="),
    ]
    text = fold("DKIM-Signature", said)
    form = canonical(text, frozenset((b"dkim-signature",))).form.decode()
    return _Shape(*(part.removesuffix("\r\n").replace(_TIME, "%s").replace(_HASH, "%s") for part in (text, form)))


def _packed(names: str) -> list[str]:
    """The names as pieces that fit a line, divided after a colon, where white space may stand (RFC 6376 §3.5)."""
    pieces = [""]
    for name in re.findall("[^:]+:?", names):
        if len(pieces[-1] + name) > _ROW:
            pieces.append("")
        pieces[-1] += name
    return pieces


def canonical(text: str, which: frozenset[bytes] = _SIGNED) -> Canonical:
    """Those of these fields that are signed, in their order."""
    names, lines = list[str](), list[bytes]()
    for line in text.encode().replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() in which:
            names.append(name.decode())
            lines.append(b"%b:%b\r\n" % (name.lower(), b" ".join(value.split())))
    return Canonical(tuple(names), b"".join(lines))


def relaxed(body: bytes) -> bytes:
    """The relaxed form of a body in CRLF lines (RFC 6376 §3.4.4)."""
    lines = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return lines + b"\r\n" if lines else b""

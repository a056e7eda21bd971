"""DKIM signatures (RFC 6376, 8463) over exactly the bytes that leave, before any dot is doubled for SMTP.

Always relaxed/relaxed, never `l=`; `t=` is the letter's own moment and not the clock, so that a retry is the same.
"""

import base64
import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mailer.outbound.encoding import fold

#: Signed where they are there (OUT-40); each of them is there once (OUT-11).
_SIGNED = frozenset((
    *("from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "list-id"),
    *("list-unsubscribe", "list-unsubscribe-post", "feedback-id", "auto-submitted"),
    *("mime-version", "content-type", "content-transfer-encoding"),
))  # fmt: skip
#: Named once more than they are there, so that nobody can add one (RFC 6376 §8.15, OUT-41).
_SEALED = (
    *("From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "Content-Type"),
    *("List-Unsubscribe", "List-Unsubscribe-Post"),
)
_STRONG_BITS, _LEAST_BITS = 2048, 1024  # RFC 8301 §3.2
_FIELD = re.compile(r"([!-9;-~]+):((?:[^\r\n]*\r\n[ \t])*[^\r\n]*)\r\n")
_BLANKS = re.compile(rb"[ \t]+")
_ROW = 72
_TIME, _HASH = "\0" * 10, "\1" * 44  # as long as what will stand there, so that the fold is the same


class WeakKey(ValueError):
    """An RSA key that verifiers still take and we do not: letters leave without its signature."""


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


def load(domain: str, selector: str, file: Path) -> Signer:
    """The signer whose private key is in a PEM file (RSA or Ed25519, without a password).

    Raises WeakKey for RSA from 1024 to 2047 bits; ValueError for what is no key, too short a key, or a file that
    others may read. No message holds a word of the file's content.
    """
    key = _read(file)
    if isinstance(key, Ed25519PrivateKey):
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        return Signer(domain, selector, "ed25519-sha256", f"v=DKIM1; k=ed25519; p={public}", _ed25519(key))
    if key.key_size < _STRONG_BITS:
        refusal = WeakKey if key.key_size >= _LEAST_BITS else ValueError
        raise refusal(f"{file} holds an RSA key of {key.key_size} bits; make one of 2048")
    written = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = f"v=DKIM1; k=rsa; p={base64.b64encode(written).decode()}"
    return Signer(domain, selector, "rsa-sha256", record, _rsa(key))


def _read(file: Path) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ValueError(f"others on this machine can read {file}; say: chmod 600 {file}")
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    try:
        key = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{file} holds no private key in PEM form without a password") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError(f"{file} holds a key that is neither RSA nor Ed25519")
    return key


def _rsa(key: RSAPrivateKey) -> Callable[[bytes], bytes]:
    scheme, digest = PKCS1v15(), hashes.SHA256()
    return lambda data: key.sign(data, scheme, digest)


def _ed25519(key: Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    return lambda data: key.sign(hashlib.sha256(data).digest())  # RFC 8463 §3: PureEdDSA of the hash


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
    form = canonical(text, frozenset(("dkim-signature",))).form.decode()
    return _Shape(*(part.removesuffix("\r\n").replace(_TIME, "%s").replace(_HASH, "%s") for part in (text, form)))


def _packed(names: str) -> list[str]:
    """The names as pieces that fit a line, divided after a colon, where white space may stand (RFC 6376 §3.5)."""
    pieces = [""]
    for name in re.findall("[^:]+:?", names):
        if len(pieces[-1] + name) > _ROW:
            pieces.append("")
        pieces[-1] += name
    return pieces


def canonical(text: str, which: frozenset[str] = _SIGNED) -> Canonical:
    """Those of these fields that are signed, in their order."""
    found = [(name, value) for name, value in _FIELD.findall(text) if name.lower() in which]
    lines = [name.lower().encode() + b":" + b" ".join(value.encode().split()) + b"\r\n" for name, value in found]
    return Canonical(tuple([name for name, _ in found]), b"".join(lines))


def relaxed(body: bytes) -> bytes:
    """The relaxed form of a body in CRLF lines (RFC 6376 §3.4.4)."""
    lines = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return lines + b"\r\n" if lines else b""

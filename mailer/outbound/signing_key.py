"""Private keys for DKIM, read from files; apart from `signing`: only who has such a key loads `cryptography`."""

import base64
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mailer.outbound.signing import Signer

_STRONG_BITS, _LEAST_BITS = 2048, 1024  # RFC 8301 §3.2


class WeakKey(ValueError):
    """An RSA key that verifiers still take and we do not: letters leave without its signature."""


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

"""Logging in (RFC 4422): what to say to a server that offers these mechanisms. Pure: no socket, no chance, no clock.

`Scram` proves that we know the password without showing it, and that the server knows it too. Channel binding (-PLUS)
is left out: Python's ssl gives no binding that TLS 1.3 defines.
"""

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata
from dataclasses import dataclass
from typing import Protocol

#: A server may ask for so much work, and must ask for so much (RFC 7677 §4: at least 4,096 rounds).
_FEWEST_ROUNDS, _MOST_ROUNDS = 4096, 1_000_000


class NotSasl(Exception):
    """The server's challenge makes no sense; the login cannot go on."""


class Mechanism(Protocol):
    """One exchange. `opening` goes with AUTH (None: the server speaks first); `respond` answers each challenge."""

    name: str

    @property
    def opening(self) -> bytes | None:
        """The initial response."""

    @property
    def is_complete(self) -> bool:
        """Whether the server may say 235 now."""

    def respond(self, challenge: bytes) -> bytes:
        """The answer to a challenge; raises NotSasl."""


@dataclass(slots=True)
class _Said:
    """A mechanism that says all at once; a challenge after it tells of a failure, and gets an empty answer."""

    name: str
    opening: bytes | None
    is_complete: bool = True

    def respond(self, challenge: bytes) -> bytes:
        return b""


@dataclass(slots=True)
class _Login:
    """The mechanism that was never a standard: two questions, whatever they say."""

    answers: list[bytes]
    name: str = "LOGIN"
    opening: bytes | None = None
    is_complete: bool = True

    def respond(self, challenge: bytes) -> bytes:
        if not self.answers:
            raise NotSasl("a third question")
        return self.answers.pop(0)


def plain(user: str, password: str) -> Mechanism:
    """PLAIN (RFC 4616)."""
    return _Said("PLAIN", f"\0{user}\0{password}".encode())


def login(user: str, password: str) -> Mechanism:
    """LOGIN, for servers that know nothing else."""
    return _Login([user.encode(), password.encode()])


def bearer(offered: tuple[str, ...], user: str, host: str, port: int, token: str) -> Mechanism | None:
    """XOAUTH2 (Google, Microsoft) or OAUTHBEARER (RFC 7628 §3.1) with an access token; None when neither is offered."""
    if "XOAUTH2" in offered:
        return _Said("XOAUTH2", f"user={user}\1auth=Bearer {token}\1\1".encode())
    if "OAUTHBEARER" in offered:
        start = f"n,a={_escaped(user)},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"
        return _OAuthBearer("OAUTHBEARER", start.encode())
    return None


class _OAuthBearer(_Said):
    """RFC 7628 §3.2.3: the failure that a server tells of is answered with a single ^A."""

    def respond(self, challenge: bytes) -> bytes:
        return b"\1"


class Scram:
    """SCRAM-SHA-256 (RFC 7677, RFC 5802): `nonce` is printable ASCII without a comma, new for every login."""

    name = "SCRAM-SHA-256"

    def __init__(self, user: str, password: str, nonce: str) -> None:
        self._bare = f"n={_escaped(prepared(user))},r={nonce}"
        self._password = prepared(password).encode()
        self._nonce = nonce
        self._expected = b""
        self.is_complete = False

    @property
    def opening(self) -> bytes:
        """The client-first-message, without channel binding."""
        return f"n,,{self._bare}".encode()

    def respond(self, challenge: bytes) -> bytes:
        """The proof; then, once the server has shown its own, nothing more. Raises NotSasl."""
        if self._expected:
            if not hmac.compare_digest(_fields(challenge).get("v", "").encode(), self._expected):
                raise NotSasl("the server does not know our password either")
            self.is_complete = True
            return b""
        return self._prove(challenge)

    def _prove(self, challenge: bytes) -> bytes:
        salt, rounds, nonce = self._read(challenge)
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        final = f"c=biws,r={nonce}"
        said = b",".join((self._bare.encode(), challenge, final.encode()))
        client_key = _hmac(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(client_key, _hmac(_sha256(client_key), said), strict=True))
        self._expected = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), said))
        return f"{final},p={base64.b64encode(proof).decode()}".encode()

    def _read(self, challenge: bytes) -> tuple[bytes, int, str]:
        fields = _fields(challenge)
        nonce, rounds = fields.get("r", ""), fields.get("i", "")
        try:
            salt = base64.b64decode(fields.get("s", ""), validate=True)
        except (binascii.Error, ValueError):
            salt = b""
        asked = int(rounds) if rounds.isascii() and rounds.isdigit() and len(rounds) < 8 else 0
        if not salt or not nonce.startswith(self._nonce) or nonce == self._nonce or "m" in fields:
            raise NotSasl("a challenge that is no SCRAM")
        if not _FEWEST_ROUNDS <= asked <= _MOST_ROUNDS:
            raise NotSasl("too little or too much work")
        return salt, asked, nonce


def prepared(text: str) -> str:
    """SASLprep (RFC 4013) as far as it changes a name or password that people can type."""
    if text.isascii():
        return text
    kept = (char for char in text if not stringprep.in_table_b1(char))
    return unicodedata.normalize("NFKC", "".join(" " if stringprep.in_table_c12(char) else char for char in kept))


def _fields(message: bytes) -> dict[str, str]:
    parts = message.decode("utf-8", "replace").split(",")
    return {name: value for name, sign, value in (part.partition("=") for part in parts) if sign}


def _escaped(name: str) -> str:
    return name.replace("=", "=3D").replace(",", "=2C")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()

"""Links that people get by mail: signed, bound to one purpose, and telling nothing of whom they are for.

A token is `purpose letter + base64url(issued, key, MAC)`; the key is an opaque random name from the database. Without a
web address a link becomes a ready mail to the network, with the token in its subject.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from contacts.errors import RuleBroken
from contacts.network import Network

CONFIRM, UNSUBSCRIBE, RSVP, PREFERENCES = "confirm", "unsubscribe", "rsvp", "preferences"
#: What a coordinator's link is for: yes or no to one request.
DECIDE = "decide"
_LETTERS = {CONFIRM: "c", UNSUBSCRIBE: "u", RSVP: "r", PREFERENCES: "p", DECIDE: "d"}
_PURPOSES = {letter: purpose for purpose, letter in _LETTERS.items()}
#: How long a token works; leaving works for ever (RFC 8058; conformance SEC-22, OUT-28).
_LIFETIMES = {CONFIRM: timedelta(days=7), PREFERENCES: timedelta(days=30), DECIDE: timedelta(days=14)}
_MAC_BYTES = 16
#: 4 bytes of time, 16 of key, 16 of MAC: 48 characters of base64url, and the letter before them.
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[curpd][A-Za-z0-9_-]{48}(?![A-Za-z0-9_-])")


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads the tokens of one network."""

    secret: bytes
    network: Network

    def token(self, purpose: str, key: str, issued: datetime) -> str:
        """The token that lets its holder do `purpose` with the thing called `key` (32 hex digits)."""
        body = int(issued.timestamp()).to_bytes(4, "big") + bytes.fromhex(key)
        mac = self._mac(purpose, body)
        return _LETTERS[purpose] + base64.urlsafe_b64encode(body + mac).decode().rstrip("=")

    def read(self, token: str, now: datetime, purpose: str | None = None) -> tuple[str, str]:
        """The purpose and the key of a token; raises RuleBroken("link_unknown") or ("link_expired")."""
        found = _PURPOSES.get(token[:1]) if _TOKEN.fullmatch(token) else None
        if found is None or purpose not in (None, found):
            raise RuleBroken("link_unknown", "This link is not one of ours.")
        raw = base64.urlsafe_b64decode(token[1:])
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(found, body)):
            raise RuleBroken("link_unknown", "This link is not one of ours.")
        issued = datetime.fromtimestamp(int.from_bytes(body[:4], "big"), UTC)
        if found in _LIFETIMES and now - issued > _LIFETIMES[found]:
            raise RuleBroken("link_expired", "This link was made too long ago.")
        return found, body[4:].hex()

    def url(self, purpose: str, key: str, issued: datetime, answer: str | None = None) -> str:
        """The address behind a button: a page when the network has a web address, else a ready mail."""
        token = self.token(purpose, key, issued)
        if self.network.web_url is None:
            return self.mailto(purpose, token, answer)
        return f"{self.network.web_url}/a/{token}" + (f"?answer={answer}" if answer else "")

    def mailto(self, purpose: str, token: str, answer: str | None = None) -> str:
        """A mail to the network that does the same (RFC 6068); the token stands in its subject."""
        words = " ".join(word for word in (answer or purpose, token) if word)
        return f"mailto:{self.network.address}?subject={quote(words)}"

    def unsubscribe(self, key: str, issued: datetime) -> tuple[str, ...]:
        """The URIs of List-Unsubscribe (RFC 2369 §3.2, RFC 8058 §3.1): https first where there is one, then mailto."""
        token = self.token(UNSUBSCRIBE, key, issued)
        web = (f"{self.network.web_url}/a/{token}",) if self.network.web_url else ()
        return (*web, self.mailto(UNSUBSCRIBE, token))

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self.secret, f"link:{purpose}:".encode() + body, "sha256")[:_MAC_BYTES]


def find(text: str) -> list[str]:
    """Everything in a text that has the shape of a token."""
    return _TOKEN.findall(text[:2000])

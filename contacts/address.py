"""A mail address as a value: checked once at the edge, compared by its key, written by its wire form."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

from contacts.errors import RuleBroken

# RFC 5321 §4.1.2 dot-string plus RFC 6531 §3.3 (non-ASCII atext); quoted local parts are refused on purpose.
_LOCAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+)*"
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Address:
    """One addr-spec (RFC 5322 §3.4.1): `local` exactly as written, `domain` as lower-case A-labels."""

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read one bare address; raises RuleBroken("address") on anything else (RFC 5321 §4.1.2, §4.5.3.1)."""
        local, at, domain = text.strip().rpartition("@")
        if not at or not _LOCAL.fullmatch(local) or _has_hidden(text.strip()):
            raise RuleBroken("address", "This is not one plain mail address.")
        found = cls(local, _a_label(domain))
        if len(local.encode()) > 64 or len(found.text.encode()) > 254:
            raise RuleBroken("address", "This mail address is too long.")
        return found

    @property
    def text(self) -> str:
        """The address as it is written in an envelope and in a header."""
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """What two spellings of one mailbox have in common; for finding duplicates, never for proof."""
        return f"{unicodedata.normalize('NFKC', self.local).casefold()}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether it can be sent without SMTPUTF8 (RFC 6531)."""
        return self.local.isascii()

    def __str__(self) -> str:
        return self.text


def _has_hidden(text: str) -> bool:
    if text.isascii():
        return " " in text or not text.isprintable()
    return any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Cn", "Co") for char in text)


@lru_cache(maxsize=4096)  # the domains of a network are few, and come again and again
def _a_label(domain: str) -> str:
    """Lower-case A-labels of a host name (RFC 5891, UTS #46); raises RuleBroken("address") where there are none."""
    try:
        wire = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError as error:
        raise RuleBroken("address", "The part after the @ is not a host name.") from error
    labels = wire.lower().split(".")
    if len(labels) < 2 or len(wire) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise RuleBroken("address", "The part after the @ is not a host name.")
    return wire.lower()

"""The proof of consent: what was asked in which words, what was answered, when and how; rows are only ever added.

A suppression is what stays when somebody must never be brought back by an import: a keyed hash and a date.
"""

import hashlib
import hmac
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from contacts.address import Address
from contacts.database import Base

ASKED, GIVEN, WITHDRAWN = "asked", "given", "withdrawn"


class Consent(Base):
    """One act; `key` names it in a link, `evidence` says what proves it (a Message-ID, a link, a paper list)."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    act: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(8))
    wording: Mapped[str | None] = mapped_column(Text)
    evidence: Mapped[str | None] = mapped_column(String(400))


class Suppression(Base):
    """An address that nobody but its owner may bring back; the address itself is not here (GDPR art. 17, 21)."""

    __tablename__ = "suppression"

    id: Mapped[int] = mapped_column(primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]


def address_hash(address: Address, pepper: bytes) -> str:
    """The keyed hash of an address, hex; useless without `pepper`, which lives outside the database."""
    return hmac.new(pepper, b"suppression:" + address.key.encode(), hashlib.sha256).hexdigest()

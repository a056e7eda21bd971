"""What came in and what was done with it: the ledger of the mailbox, every mail read, and the requests for a person.

All SQL of the inbound side. No mail is kept here: the mail itself stays in the mailbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from contacts import privacy
from contacts.address import Address
from contacts.database import Base

HANDLED, REVIEW, IGNORED, QUARANTINE = "handled", "review", "ignored", "quarantine"
#: A mail that the server will not give this often is set aside unread.
MAX_ATTEMPTS = 3
_CHUNK = 10_000  # SQLite takes 32,766 values in one statement


class InboundMail(Base):
    """One mail, whatever number of copies of it came; `content_key` tells copies from different mails."""

    __tablename__ = "inbound_mail"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    content_key: Mapped[str] = mapped_column(String(64), unique=True)
    message_id: Mapped[str | None] = mapped_column(String(998), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    kinds: Mapped[list[str]]
    disposition: Mapped[str] = mapped_column(String(16))
    why: Mapped[list[str]]
    read_at: Mapped[datetime]


class LedgerEntry(Base):
    """One place in the mailbox: how often we began with it, and which mail it turned out to be."""

    __tablename__ = "mailbox_ledger"
    __table_args__ = (UniqueConstraint("uidvalidity", "uid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uidvalidity: Mapped[int] = mapped_column(BigInteger)  # unsigned 32 bits (RFC 9051 §2.3.1.1)
    uid: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(default=0)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_mail.id", ondelete="SET NULL"))
    disposition: Mapped[str | None] = mapped_column(String(16))
    seen_at: Mapped[datetime]


class CoordinatorRequest(Base):
    """One mail that waits for a person: what the machine guessed, and what a person decided."""

    __tablename__ = "request"

    id: Mapped[int] = mapped_column(primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("inbound_mail.id", ondelete="CASCADE"), unique=True)
    author: Mapped[str | None] = mapped_column(String(254), index=True)
    language: Mapped[str] = mapped_column(String(8))
    kinds: Mapped[list[str]]
    why: Mapped[list[str]]
    urgent: Mapped[bool]
    suggestion: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(254))
    resolution: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail lies in the mailbox: a UID means nothing without its UIDVALIDITY (RFC 9051 §2.3.1.1)."""

    uidvalidity: int
    uid: int

    def __str__(self) -> str:
        return f"{self.uidvalidity}:{self.uid}"


def ledger(session: Session, uidvalidity: int, uids: Sequence[int]) -> dict[int, LedgerEntry]:
    """What is noted of these places in the mailbox."""
    found: dict[int, LedgerEntry] = {}
    for start in range(0, len(uids), _CHUNK):
        wanted = select(LedgerEntry).where(
            LedgerEntry.uidvalidity == uidvalidity, LedgerEntry.uid.in_(uids[start : start + _CHUNK])
        )
        found |= {entry.uid: entry for entry in session.scalars(wanted)}
    return found


def note_failure(session: Session, place: Place, now: datetime) -> None:
    """The server lists this mail and will not give it; counted, so that it is not asked for ever."""
    _entry(session, place, now).attempts += 1


def _entry(session: Session, place: Place, now: datetime) -> LedgerEntry:
    found = ledger(session, place.uidvalidity, [place.uid]).get(place.uid)
    if found is None:
        found = LedgerEntry(uidvalidity=place.uidvalidity, uid=place.uid, attempts=0, seen_at=now)
        session.add(found)
        session.flush()
    return found


def known(session: Session, content_key: str) -> InboundMail | None:
    """The mail with this content, if we handled it before."""
    return session.scalar(select(InboundMail).where(InboundMail.content_key == content_key))


def record(
    session: Session,
    place: Place,
    key: str,
    content_key: str,
    message_id: str | None,
    kinds: Sequence[str],
    disposition: str,
    why: Sequence[str],
    member_id: int | None,
    now: datetime,
) -> InboundMail:
    """Write what was done with a mail, and tick it off in the ledger."""
    mail = InboundMail(
        key=key,
        content_key=content_key,
        message_id=message_id,
        member_id=member_id,
        kinds=list(kinds),
        disposition=disposition,
        why=list(why),
        read_at=now,
    )
    session.add(mail)
    session.flush()
    tick(session, place, mail, now)
    return mail


def tick(session: Session, place: Place, mail: InboundMail, now: datetime) -> None:
    """This place in the mailbox is done: it holds this mail."""
    entry = _entry(session, place, now)
    entry.mail_id, entry.disposition = mail.id, mail.disposition
    session.flush()


def add_request(
    session: Session,
    mail: InboundMail,
    author: str | None,
    language: str,
    urgent: bool,
    suggestion: dict[str, Any],
    now: datetime,
) -> CoordinatorRequest:
    """Put a mail in the coordinators' tray."""
    request = CoordinatorRequest(
        mail_id=mail.id,
        author=author,
        language=language,
        kinds=mail.kinds,
        why=mail.why,
        urgent=urgent,
        suggestion=suggestion,
        created_at=now,
    )
    session.add(request)
    session.flush()
    return request


def requests(session: Session, open_only: bool = True) -> Sequence[CoordinatorRequest]:
    """The coordinators' tray: urgent ones first, then the oldest."""
    wanted = select(CoordinatorRequest).order_by(CoordinatorRequest.urgent.desc(), CoordinatorRequest.id)
    return session.scalars(wanted.where(CoordinatorRequest.resolved_at.is_(None)) if open_only else wanted).all()


def request(session: Session, request_id: int) -> CoordinatorRequest | None:
    """One request by its number."""
    return session.get(CoordinatorRequest, request_id)


def mail_of(session: Session, found: CoordinatorRequest) -> InboundMail:
    """The mail that a request is about."""
    return session.get_one(InboundMail, found.mail_id)


def authors(session: Session, domain: str | None = None) -> Sequence[str]:
    """Everybody who wrote what a person should decide on, of one domain or of all, in each spelling they used."""
    wanted = select(CoordinatorRequest.author).distinct().where(CoordinatorRequest.author.is_not(None))
    if domain:
        wanted = wanted.where(CoordinatorRequest.author.iendswith(f"@{domain}"))
    return [author for author in session.scalars(wanted) if author]


def forget_author(
    session: Session, address: Address, member_id: int | None = None, evidence: Sequence[str] = ()
) -> None:
    """Empty what we noted of an erased person's mails, however their address is spelled there.

    `evidence` holds the Message-IDs that their consents name: their first mail was nobody's yet when it came.
    """
    theirs = CoordinatorRequest.author.in_(privacy.spellings(address, authors(session, address.domain)))
    written = InboundMail.id.in_(select(CoordinatorRequest.mail_id).where(theirs))
    proof = InboundMail.message_id.in_(evidence) & InboundMail.id.not_in(select(CoordinatorRequest.mail_id))
    found = written | proof
    if member_id is not None:
        found |= InboundMail.member_id == member_id
    session.execute(update(InboundMail).where(found).values(message_id=None))
    session.execute(update(CoordinatorRequest).where(theirs).values(author=None, suggestion={}, resolution=None))


def forget_places(session: Session, before: datetime) -> int:
    """Drop places of a mailbox that was numbered anew since, where a mail was done with before an instant.

    Places of today's numbering stay: they keep a mail that could not be filed from being answered a second time.
    """
    today = select(LedgerEntry.uidvalidity).order_by(LedgerEntry.id.desc()).limit(1).scalar_subquery()
    old = delete(LedgerEntry).where(
        LedgerEntry.seen_at < before, LedgerEntry.disposition.is_not(None), LedgerEntry.uidvalidity != today
    )
    return int(getattr(session.execute(old.execution_options(synchronize_session=False)), "rowcount", 0))


def forget_before(session: Session, before: datetime) -> int:
    """Delete what was read before an instant and waits for nobody; returns how many mails."""
    waiting = select(CoordinatorRequest.mail_id).where(CoordinatorRequest.resolved_at.is_(None))
    gone = session.execute(delete(InboundMail).where(InboundMail.read_at < before, InboundMail.id.not_in(waiting)))
    return int(getattr(gone, "rowcount", 0))

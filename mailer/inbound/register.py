"""What came in and what was done with it: the ledger of the mailbox, every mail read, and the requests for a person.

All SQL of the inbound side. No mail is kept here: the mail itself stays in the mailbox.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from contacts import privacy
from contacts.address import Address
from contacts.database import Base

HANDLED, REVIEW, IGNORED, QUARANTINE = "handled", "review", "ignored", "quarantine"
#: A mail that the server will not give this often is set aside unread.
MAX_ATTEMPTS = 3
#: What is gone from a request whose author was erased; that somebody decided, and when, stays.
_NOBODYS: dict[str, Any] = {"author": None, "suggestion": {}, "outline": None, "resolution": None}
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
    thread: Mapped[str] = mapped_column(String(16), default="none", server_default="none")
    #: The words of the mail without anything that is somebody's own; gone when it was decided, or its author erased.
    outline: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(254))
    #: "yes", "no", "done", or the kind that a person corrected the guess to.
    decision: Mapped[str | None] = mapped_column(String(16))
    resolution: Mapped[str | None] = mapped_column(Text)


class DecisionKey(Base):
    """What a link in a digest names: this request, for this coordinator and nobody else."""

    __tablename__ = "decision_key"
    __table_args__ = (UniqueConstraint("request_id", "coordinator_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id", ondelete="CASCADE"))
    coordinator_id: Mapped[int] = mapped_column(ForeignKey("coordinator.id", ondelete="CASCADE"))


class Example(Base):
    """What a person decided on a mail like this: no name, no address, and no way back to who wrote it."""

    __tablename__ = "example"

    id: Mapped[int] = mapped_column(primary_key=True)
    outline: Mapped[str] = mapped_column(Text)
    thread: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(8))
    guessed: Mapped[list[str]]
    decided: Mapped[list[str]]
    decided_on: Mapped[date]


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


def known(session: Session, content_keys: Sequence[str]) -> dict[str, InboundMail]:
    """The mails among these contents that we handled before."""
    found = session.scalars(select(InboundMail).where(InboundMail.content_key.in_(content_keys)))
    return {mail.content_key: mail for mail in found}


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done with the mail at one place."""

    place: Place
    key: str
    content_key: str
    message_id: str | None
    kinds: Sequence[str]
    disposition: str
    why: Sequence[str]
    member_id: int | None = None


def record(session: Session, entries: Sequence[Entry], now: datetime) -> list[InboundMail]:
    """Write what was done with these mails, and tick them off in the ledger; the mails in the same order."""
    mails = [
        InboundMail(
            key=entry.key,
            content_key=entry.content_key,
            message_id=entry.message_id,
            member_id=entry.member_id,
            kinds=list(entry.kinds),
            disposition=entry.disposition,
            why=list(entry.why),
            read_at=now,
        )
        for entry in entries
    ]
    session.add_all(mails)
    session.flush()
    tick(session, {entry.place: mail for entry, mail in zip(entries, mails, strict=True)}, now)
    return mails


def tick(session: Session, done: Mapping[Place, InboundMail], now: datetime) -> None:
    """These places in the mailbox are done: they hold these mails."""
    for uidvalidity in {place.uidvalidity for place in done}:
        here = {place.uid: mail for place, mail in done.items() if place.uidvalidity == uidvalidity}
        noted = ledger(session, uidvalidity, list(here))
        for uid, mail in here.items():
            entry = noted.get(uid) or LedgerEntry(uidvalidity=uidvalidity, uid=uid, attempts=0, seen_at=now)
            entry.mail_id, entry.disposition = mail.id, mail.disposition
            session.add(entry)
    session.flush()


@dataclass(frozen=True, slots=True)
class Waits:
    """A mail that waits for a person; `thread` and `outline` make an example of it once it is decided."""

    author: str | None
    language: str
    urgent: bool
    suggestion: dict[str, Any]
    thread: str = "none"
    outline: str | None = None


def add_requests(
    session: Session, waiting: Sequence[tuple[InboundMail, Waits]], now: datetime
) -> list[CoordinatorRequest]:
    """Put mails in the coordinators' tray; the requests in the same order."""
    made = [
        CoordinatorRequest(
            mail_id=mail.id,
            author=one.author,
            language=one.language,
            kinds=mail.kinds,
            why=mail.why,
            urgent=one.urgent,
            suggestion=one.suggestion,
            thread=one.thread,
            outline=one.outline or None,
            created_at=now,
        )
        for mail, one in waiting
    ]
    session.add_all(made)
    session.flush()
    return made


def urgent_since(session: Session, first: int) -> Sequence[int]:
    """The numbers of the urgent requests that wait, from this number on."""
    waiting = CoordinatorRequest.urgent & CoordinatorRequest.resolved_at.is_(None)
    wanted = select(CoordinatorRequest.id).where(waiting, CoordinatorRequest.id >= first)
    return session.scalars(wanted.order_by(CoordinatorRequest.id)).all()


def requests(session: Session, open_only: bool = True) -> Sequence[CoordinatorRequest]:
    """The coordinators' tray: urgent ones first, then the oldest."""
    wanted = select(CoordinatorRequest).order_by(CoordinatorRequest.urgent.desc(), CoordinatorRequest.id)
    return session.scalars(wanted.where(CoordinatorRequest.resolved_at.is_(None)) if open_only else wanted).all()


def request(session: Session, request_id: int) -> CoordinatorRequest | None:
    """One request by its number."""
    return session.get(CoordinatorRequest, request_id)


def settle(
    session: Session, found: CoordinatorRequest, decision: str | None, by: str, note: str | None, now: datetime
) -> bool:
    """Write down what a person decided, once: False when somebody decided before, be it a moment ago elsewhere."""
    still_open = (CoordinatorRequest.id == found.id) & CoordinatorRequest.resolved_at.is_(None)
    decided = update(CoordinatorRequest).where(still_open)
    values = {"resolved_at": now, "resolved_by": by, "decision": decision, "resolution": note}
    done = session.execute(decided.values(**values).execution_options(synchronize_session=False))
    if not getattr(done, "rowcount", 0):
        session.refresh(found)
        return False
    found.resolved_at, found.resolved_by, found.decision, found.resolution = now, by, decision, note
    session.flush()  # known as changed, so that a savepoint that is taken back takes this back as well
    return True


def keep_example(session: Session, found: CoordinatorRequest, decided: Sequence[str], on: date) -> None:
    """Turn the outline of a decided request into an example that belongs to nobody; without one nothing is kept."""
    if found.outline:
        session.add(Example(outline=found.outline, thread=found.thread, language=found.language,
                            guessed=list(found.kinds), decided=list(decided), decided_on=on))  # fmt: skip
    found.outline = None
    session.flush()


def examples(session: Session) -> Sequence[Example]:
    """What was decided so far, the oldest first."""
    return session.scalars(select(Example).order_by(Example.id)).all()


def trim_examples(session: Session, most: int) -> int:
    """Keep the newest `most` examples; returns how many older ones went."""
    oldest_kept = select(Example.id).order_by(Example.id.desc()).offset(most - 1).limit(1).scalar_subquery()
    gone = delete(Example).where(Example.id < oldest_kept).execution_options(synchronize_session=False)
    return int(getattr(session.execute(gone), "rowcount", 0))


def decision_key(session: Session, request_id: int, coordinator_id: int, new_key: str) -> str:
    """The key by which this coordinator's links name this request; `new_key` where there is none yet."""
    mine = (DecisionKey.request_id == request_id) & (DecisionKey.coordinator_id == coordinator_id)
    found = session.scalar(select(DecisionKey).where(mine))
    if found is None:
        found = DecisionKey(key=new_key, request_id=request_id, coordinator_id=coordinator_id)
        session.add(found)
        session.flush()
    return found.key


def by_decision_key(session: Session, key: str) -> DecisionKey | None:
    """Which request a coordinator's link names, and whose link it is."""
    return session.scalar(select(DecisionKey).where(DecisionKey.key == key))


def came_since(session: Session, since: datetime) -> list[tuple[list[str], str]]:
    """The kinds and the disposition of every mail that was read after an instant."""
    wanted = select(InboundMail.kinds, InboundMail.disposition).where(InboundMail.read_at > since)
    return [(row[0], row[1]) for row in session.execute(wanted)]


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
        about = CoordinatorRequest.mail_id.in_(select(InboundMail.id).where(InboundMail.member_id == member_id))
        session.execute(update(CoordinatorRequest).where(about).values(suggestion={}, outline=None))
    session.execute(update(InboundMail).where(found).values(message_id=None))
    session.execute(update(CoordinatorRequest).where(theirs).values(**_NOBODYS))


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

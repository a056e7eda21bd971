"""The coordinators: who gets the mails that a machine should not answer, who may approve a sending; their digests."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from contacts.address import Address
from contacts.database import Base
from contacts.errors import RuleBroken


class Coordinator(Base):
    """A person of one of the partners who works through what the machine leaves."""

    __tablename__ = "coordinator"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(254))
    address_key: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime]


class DigestDay(Base):
    """A day of the network's clock for which the digest was looked after; `since` is where it began to count.

    `letters` is how many went out: none on a day when there was nothing to tell.
    """

    __tablename__ = "digest"

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(unique=True)
    since: Mapped[datetime]
    done_at: Mapped[datetime]
    letters: Mapped[int] = mapped_column(default=0)


def everyone(session: Session) -> Sequence[Coordinator]:
    """All coordinators, in the order they were added."""
    return session.scalars(select(Coordinator).order_by(Coordinator.id)).all()


def several(session: Session) -> bool:
    """Whether there is more than one, so that somebody else can look at what one of them wrote."""
    return len(session.scalars(select(Coordinator.id).limit(2)).all()) > 1


def find(session: Session, address: Address) -> Coordinator | None:
    """The coordinator with this address, if there is one."""
    return session.scalar(select(Coordinator).where(Coordinator.address_key == address.key))


def keys(session: Session) -> frozenset[str]:
    """The address keys of all coordinators."""
    return frozenset(session.scalars(select(Coordinator.address_key)))


def add(session: Session, address: Address, name: str, language: str, now: datetime) -> Coordinator:
    """A new coordinator; raises RuleBroken("exists") when the address already is one."""
    if find(session, address):
        raise RuleBroken("exists", f"{address} is a coordinator already.")
    found = Coordinator(
        address=address.text, address_key=address.key, name=name.strip()[:100], language=language, created_at=now
    )
    session.add(found)
    session.flush()
    return found


def remove(session: Session, address: Address) -> None:
    """Take a coordinator off; raises RuleBroken("unknown") when there is none at this address."""
    found = find(session, address)
    if found is None:
        raise RuleBroken("unknown", f"{address} is not a coordinator.")
    session.delete(found)


def by_id(session: Session, coordinator_id: int) -> Coordinator | None:
    """The coordinator that a link of ours was made for, if they still are one."""
    return session.get(Coordinator, coordinator_id)


def last_digest(session: Session) -> DigestDay | None:
    """The latest day that was looked after."""
    return session.scalar(select(DigestDay).order_by(DigestDay.day.desc()).limit(1))


def take_digest_day(session: Session, day: date, since: datetime, now: datetime) -> DigestDay | None:
    """Take a day for ourselves; None when another process has it, be it at this very moment."""
    taken = DigestDay(day=day, since=since, done_at=now, letters=0)
    try:
        with session.begin_nested():
            session.add(taken)
    except IntegrityError:
        return None
    return taken

"""The coordinators: who gets the mails that a machine should not answer, and who may approve a sending."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, select
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

"""A member of the network, from the first question to the last goodbye, and the organisation they work for."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contacts.database import Base

#: Asked, and has not confirmed yet: gets the one question and nothing else.
PENDING = "pending"
#: Confirmed by the address itself: gets what the network sends.
ACTIVE = "active"
#: Went away: gets nothing; may come back by asking again.
LEFT = "left"
#: Mail to the address fails for good: gets nothing until the address shows life.
BOUNCED = "bounced"

STATES = (PENDING, ACTIVE, LEFT, BOUNCED)
#: How visible a letter may be before it is opened: neutral subject (the safe default), plain, or nothing at all.
DISCREET = ("off", "subject", "full")


class Organisation(Base):
    """A house members work for; `key` is its folded name."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(200), unique=True)
    field: Mapped[str | None] = mapped_column(String(100))


class Member(Base):
    """Somebody who is, was, or may become a member; `key` is the opaque name that links and tokens carry."""

    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    address: Mapped[str] = mapped_column(String(254))
    address_key: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str | None] = mapped_column(String(100))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id", ondelete="SET NULL"), index=True)
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16), index=True)
    discreet: Mapped[str] = mapped_column(String(8), default="subject")
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")

    def confirm(self, now: datetime) -> bool:
        """The address itself says yes to our question; returns whether that changed anything."""
        if self.state == ACTIVE:
            return False
        self.state, self.confirmed_at, self.left_at = ACTIVE, now, None
        return True

    def leave(self, now: datetime) -> bool:
        """Out, at once; returns whether that changed anything."""
        if self.state == LEFT:
            return False
        self.state, self.left_at = LEFT, now
        return True

    def fail(self) -> None:
        """Mail to this address fails for good; who left stays left."""
        if self.state in (ACTIVE, PENDING):
            self.state = BOUNCED

    @property
    def variant(self) -> str:
        """Which edition of a letter is theirs: "plain" or "discreet"."""
        return variant_of(self.discreet)

    @property
    def first_name(self) -> str | None:
        """The first word of the name, where there is one."""
        return first_name_of(self.name)


def variant_of(discreet: str) -> str:
    """Which edition of a letter goes with a wish of DISCREET: "plain" or "discreet"."""
    return "plain" if discreet == "off" else "discreet"


def first_name_of(name: str | None) -> str | None:
    """The first word of a name, None where there is none."""
    return next(iter((name or "").split()), None)

"""A meeting of the network and its invitations: who may come, who answered what, which answer counts.

Words and rules of iTIP (RFC 5546): SEQUENCE rises with time, place and status; of two answers the later one wins.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contacts.database import Base
from contacts.member import Member

YES, NO, MAYBE = "yes", "no", "maybe"
#: PARTSTAT (RFC 5545 §3.2.12) of each answer, and back.
PARTSTAT = {YES: "ACCEPTED", NO: "DECLINED", MAYBE: "TENTATIVE"}
ANSWER = {partstat: answer for answer, partstat in PARTSTAT.items()}
MAX_GUESTS = 20


class Meeting(Base):
    """One gathering; times are instants, `titles` and `neutral_titles` are per language."""

    __tablename__ = "meeting"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    slug: Mapped[str] = mapped_column(String(100), unique=True)
    titles: Mapped[dict[str, str]]
    neutral_titles: Mapped[dict[str, str]]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(String(300))
    online_link: Mapped[str | None] = mapped_column(String(500))
    capacity: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(16))
    sequence: Mapped[int]
    revised_at: Mapped[datetime]

    def title(self, language: str, variant: str = "plain") -> str:
        """The title to show in a language; the neutral one for discreet members."""
        titles = self.neutral_titles if variant == "discreet" and self.neutral_titles else self.titles
        return titles.get(language) or next(iter(titles.values()))

    def revise(self, changes: dict[str, Any], now: datetime) -> bool:
        """Take over changed fields; SEQUENCE rises for time, place and status only (RFC 5546 §2.1.4)."""
        changed = {name for name, value in changes.items() if getattr(self, name) != value}
        for name in changed:
            setattr(self, name, changes[name])
        if changed & {"starts_at", "ends_at", "place", "status"}:
            self.sequence += 1
        if changed:
            self.revised_at = now
        return bool(changed)

    def is_open(self, now: datetime) -> bool:
        """Whether an answer still makes sense: it goes on, and has not ended."""
        return self.status == "CONFIRMED" and now < self.ends_at


class Invitation(Base):
    """One member's place at one meeting; `uid` is the calendar's name for it, whose echo proves the answer."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("meeting_id", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    uid: Mapped[str] = mapped_column(String(100), unique=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    answer: Mapped[str | None] = mapped_column(String(8))
    guests: Mapped[int] = mapped_column(default=0)
    note: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(String(16))
    answered_at: Mapped[datetime | None]
    waiting: Mapped[bool] = mapped_column(default=False)

    meeting: Mapped[Meeting] = relationship(lazy="joined")
    member: Mapped[Member] = relationship(lazy="joined")

    def record(self, answer: str, guests: int, note: str, at: datetime, channel: str) -> bool:
        """Take over an answer given at the instant `at`; an older one than we hold does nothing (returns False)."""
        if self.answered_at is not None and at < self.answered_at:
            return False
        self.answer, self.guests = answer, max(0, min(guests, MAX_GUESTS)) if answer != NO else 0
        self.note, self.answered_at, self.channel = note[:2000] or None, at, channel
        return True

    @property
    def places(self) -> int:
        """How many chairs this answer takes."""
        return 1 + self.guests if self.answer == YES and not self.waiting else 0

"""What a coordinator sends to many: a newsletter, or the mails about a meeting, with its frozen editions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contacts.database import Base
from contacts.errors import RuleBroken

#: The ways of an issue: written and frozen, waiting for its hour, going out, held back, done, called off.
APPROVED, SENDING, PAUSED, DONE, CANCELLED = "approved", "sending", "paused", "done", "cancelled"
NEWSLETTER, INVITATION, UPDATE, CANCELLATION = "newsletter", "invitation", "update", "cancellation"


class Issue(Base):
    """One sending; its rows in the outbox are the audience, frozen when it was released."""

    __tablename__ = "issue"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    approved_by: Mapped[str] = mapped_column(String(254))
    approved_at: Mapped[datetime]
    send_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    def schedule(self, send_at: datetime) -> None:
        """Set or move the hour of sending; raises RuleBroken("state") once it went out."""
        self._require(APPROVED)
        self.send_at = send_at

    def pause(self) -> None:
        """Hold back what has not left yet."""
        self._require(SENDING)
        self.state = PAUSED

    def resume(self) -> None:
        """Go on where it was held back."""
        self._require(PAUSED)
        self.state = SENDING

    def cancel(self, now: datetime) -> None:
        """Call off; what has left has left."""
        self._require(APPROVED, SENDING, PAUSED)
        self.state, self.finished_at = CANCELLED, now

    def _require(self, *states: str) -> None:
        if self.state not in states:
            raise RuleBroken(
                "state", f"{self.slug} is {self.state}; this is possible only while it is {' or '.join(states)}."
            )


class FrozenEdition(Base):
    """One language and variant of an issue, exactly as it was approved (`content` is Edition.to_json())."""

    __tablename__ = "edition"
    __table_args__ = (UniqueConstraint("issue_id", "language", "variant"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), index=True)
    language: Mapped[str] = mapped_column(String(8))
    variant: Mapped[str] = mapped_column(String(16))
    issue: Mapped[Issue] = relationship(lazy="joined", innerjoin=True, viewonly=True)
    #: Read only when somebody asks for it: an edition has tens of kilobytes, and its Imprint is made once.
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)

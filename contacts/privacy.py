"""Erasure and retention: what is deleted when, and the keyed hash that stays (GDPR art. 5(1)(e), 17)."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from contacts import roster
from contacts.address import Address
from contacts.member import PENDING, Member

#: A question nobody answered is forgotten after this time (conformance GDP-13).
FORGET_PENDING_AFTER = timedelta(days=14)


def forget(session: Session, member: Member, pepper: bytes, now: datetime) -> None:
    """Erase a member with consents and invitations; only the keyed hash of the address stays."""
    roster.suppress(session, Address.parse(member.address), "erased", pepper, now)
    session.delete(member)
    session.flush()


def forget_unanswered(session: Session, now: datetime) -> int:
    """Erase those who never answered our question; returns how many."""
    old = select(Member.id).where(Member.state == PENDING, Member.created_at < now - FORGET_PENDING_AFTER)
    ids = session.scalars(old).all()
    session.execute(delete(Member).where(Member.id.in_(ids)))
    return len(ids)

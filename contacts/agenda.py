"""All SQL about meetings: finding, inviting, answering with a count of the places that is never wrong."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contacts.meeting import YES, Invitation, Meeting
from contacts.member import ACTIVE, Member


def find(session: Session, slug: str) -> Meeting | None:
    """The meeting with this name."""
    return session.scalar(select(Meeting).where(Meeting.slug == slug))


def everything(session: Session) -> Sequence[Meeting]:
    """All meetings, the earliest first."""
    return session.scalars(select(Meeting).order_by(Meeting.starts_at)).all()


def upcoming(session: Session, now: datetime) -> Sequence[Meeting]:
    """The meetings that are still to come and go on, the earliest first."""
    wanted = select(Meeting).where(Meeting.starts_at > now, Meeting.status == "CONFIRMED")
    return session.scalars(wanted.order_by(Meeting.starts_at)).all()


def invitation_by_uid(session: Session, uid: str) -> Invitation | None:
    """The invitation a calendar program calls `uid`."""
    return session.scalar(select(Invitation).where(Invitation.uid == uid))


def invitation_by_key(session: Session, key: str) -> Invitation | None:
    """The invitation a link of ours names."""
    return session.scalar(select(Invitation).where(Invitation.key == key))


def invitations(session: Session, meeting: Meeting) -> Sequence[Invitation]:
    """Everybody who was invited to a meeting, in the order of inviting."""
    return session.scalars(select(Invitation).where(Invitation.meeting_id == meeting.id).order_by(Invitation.id)).all()


def open_invitations(session: Session, member: Member, now: datetime) -> list[Invitation]:
    """A member's invitations to meetings that can still be answered."""
    found = session.scalars(select(Invitation).where(Invitation.member_id == member.id))
    return [invitation for invitation in found if invitation.meeting.is_open(now)]


def invite(session: Session, meeting: Meeting, uid_domain: str, new_key: Callable[[], str]) -> int:
    """An invitation for every active member who has none yet; returns how many were added."""
    has_one = select(Invitation.member_id).where(Invitation.meeting_id == meeting.id)
    missing = session.scalars(select(Member).where(Member.state == ACTIVE, Member.id.not_in(has_one))).all()
    for member in missing:
        uid = f"{new_key()}@{uid_domain}"  # opaque, and another for each member: its echo proves who answers
        session.add(
            Invitation(key=new_key(), uid=uid, meeting_id=meeting.id, member_id=member.id, guests=0, waiting=False)
        )
    session.flush()
    return len(missing)


def taken(session: Session, meeting: Meeting) -> int:
    """How many chairs the answers so far take."""
    counted = select(func.coalesce(func.sum(1 + Invitation.guests), 0)).where(
        Invitation.meeting_id == meeting.id, Invitation.answer == YES, Invitation.waiting.is_(False)
    )
    return int(session.scalar(counted) or 0)


def answer(
    session: Session, invitation: Invitation, reply: str, guests: int, note: str, at: datetime, channel: str
) -> bool:
    """Record an answer; a yes beyond the capacity waits. Returns False for an answer older than the one we hold.

    The meeting's row is locked while the places are counted, so that answers at the same moment never overbook.
    """
    meeting = session.get_one(Meeting, invitation.meeting_id, with_for_update=True, populate_existing=True)
    session.refresh(invitation)
    if not invitation.record(reply, guests, note, at, channel):
        return False
    invitation.waiting = False
    session.flush()
    if reply == YES and meeting.capacity is not None and taken(session, meeting) > meeting.capacity:
        invitation.waiting = True
        session.flush()
    return True

"""All SQL about meetings: finding, inviting, answering with a count of the places that is never wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import Session

from contacts.meeting import MAYBE, NO, YES, Invitation, Meeting
from contacts.member import ACTIVE, Member

_CHUNK = 1000
_BOXES = {YES: "yes", NO: "no", MAYBE: "maybe"}


@dataclass(frozen=True, slots=True)
class Tally:
    """How a meeting stands, in people; `yes` leaves out who waits for a place, `places` counts guests too."""

    invited: int = 0
    yes: int = 0
    no: int = 0
    maybe: int = 0
    waiting: int = 0
    silent: int = 0
    places: int = 0


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


def invitations_of(session: Session, member: Member) -> Sequence[Invitation]:
    """Everything a member was invited to, the earliest meeting first."""
    wanted = select(Invitation).join(Meeting, Invitation.meeting_id == Meeting.id)
    wanted = wanted.where(Invitation.member_id == member.id)
    return session.scalars(wanted.order_by(Meeting.starts_at, Invitation.id)).all()


def invite(session: Session, meeting: Meeting, uid_domain: str, new_key: Callable[[], str]) -> int:
    """An invitation for every active member who has none yet; returns how many were added.

    Members by the hundred thousand pass in chunks of plain rows: the lock is held for seconds, not for minutes.
    """
    has_one = exists().where(Invitation.meeting_id == meeting.id, Invitation.member_id == Member.id)
    missing = select(Member.id).where(Member.state == ACTIVE, ~has_one).order_by(Member.id).limit(_CHUNK)
    added = last = 0
    while ids := session.scalars(missing.where(Member.id > last)).all():
        session.execute(insert(Invitation), [_invitation(meeting, one, uid_domain, new_key) for one in ids])
        added, last = added + len(ids), ids[-1]
    return added


def _invitation(meeting: Meeting, member_id: int, uid_domain: str, new_key: Callable[[], str]) -> dict[str, object]:
    uid = f"{new_key()}@{uid_domain}"  # opaque, and another for each member: its echo proves who answers
    return {
        "key": new_key(), "uid": uid, "meeting_id": meeting.id, "member_id": member_id, "guests": 0, "waiting": False,
    }  # fmt: skip


def tallies(session: Session) -> dict[int, Tally]:
    """How every meeting that somebody was invited to stands, by its id; counted in the database."""
    wanted = select(
        Invitation.meeting_id, Invitation.answer, Invitation.waiting, func.count(), func.sum(1 + Invitation.guests)
    )
    found: dict[int, dict[str, int]] = {}
    for meeting_id, answer, waiting, people, places in session.execute(
        wanted.group_by(Invitation.meeting_id, Invitation.answer, Invitation.waiting)
    ):
        sums = found.setdefault(meeting_id, {})
        box = "waiting" if waiting else _BOXES.get(answer or "", "silent")
        for name, number in (("invited", people), (box, people), ("places", places if box == "yes" else 0)):
            sums[name] = sums.get(name, 0) + int(number)
    return {meeting_id: Tally(**sums) for meeting_id, sums in found.items()}


def tally(session: Session, meeting: Meeting) -> Tally:
    """How one meeting stands."""
    return tallies(session).get(meeting.id, Tally())


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

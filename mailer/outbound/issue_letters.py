"""A row of the outbox → the bytes to submit: the frozen edition, filled for one member, the same at every attempt."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from contacts.meeting import Invitation
from contacts.member import Member
from mailer import calendar
from mailer.calendar import Event
from mailer.outbound import signing
from mailer.outbound.edition import Edition
from mailer.outbound.imprint import Copy, Imprint
from mailer.outbound.issue import CANCELLATION, FrozenEdition
from mailer.outbound.letter import CalendarPart
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.writer import Writer, recipient


def bytes_of(session: Session, writer: Writer, item: OutboxItem, now: datetime) -> bytes:
    """The letter of a claimed row, signed. What is personal or changing is frozen in it at the first attempt (OUT-38).

    Raises KeyError for a slot that cannot be filled, LookupError for a row whose edition or member is gone.
    """
    if item.content is not None:
        return signing.signed(item.content, writer.signers, item.created_at)
    frozen = session.get(FrozenEdition, item.edition_id) if item.edition_id else None
    member = session.get(Member, item.member_id) if item.member_id else None
    if frozen is None or member is None:
        raise LookupError("the edition or the member of this letter is gone")
    if item.slots is None:
        item.slots = _freeze(session, writer, item, member, now)
    imprint = _imprint(writer, frozen, item.invitation_id is not None, item.slots.get("method"))
    return imprint.fill(_copy(writer, item, member.key, item.slots))


def _imprint(writer: Writer, frozen: FrozenEdition, about_meeting: bool, method: str | None) -> Imprint:
    """Made once for each way in which the letters of an edition differ; the issue's key is never given twice."""

    def make() -> Imprint:
        edition = Edition.from_json(frozen.content)
        calendar = CalendarPart(method, b"", "invite.ics") if method else None
        return Imprint.of(edition, writer.issue_frame(edition, frozen.variant, about_meeting, calendar), writer.signers)

    return writer.imprints.get((frozen.issue.key, frozen.language, frozen.variant, about_meeting, method), make)


def _copy(writer: Writer, item: OutboxItem, member_key: str, slots: Mapping[str, Any]) -> Copy:
    return Copy(
        recipient=item.recipient,
        message_id=item.message_id,
        date=datetime.fromisoformat(slots["date"]),
        unsubscribe=writer.links.unsubscribe(member_key, item.created_at),
        values=slots["values"],
        calendar=slots["calendar"].encode() if slots.get("calendar") else None,
    )


def _freeze(session: Session, writer: Writer, item: OutboxItem, member: Member, now: datetime) -> dict[str, Any]:
    to = recipient(member)
    values = writer.member_values(to, item.created_at)
    slots: dict[str, Any] = {"date": now.replace(microsecond=0).isoformat(), "values": values}
    invitation = session.get(Invitation, item.invitation_id) if item.invitation_id else None
    if invitation is not None:
        values |= writer.rsvp_values(invitation.key, item.created_at)
        if member.discreet != "full":  # a calendar entry shows itself to whoever looks over a shoulder (DIS-05)
            slots |= _calendar(writer, invitation, item.kind == CANCELLATION)
    return slots


def _calendar(writer: Writer, invitation: Invitation, cancelled: bool) -> dict[str, str]:
    """The iTIP object of one member: nobody else in it; with a neutral title and nothing else for discreet members."""
    meeting, member, network = invitation.meeting, invitation.member, writer.network
    language, discreet = network.language(member.language), member.variant == "discreet"
    event = Event(
        uid=invitation.uid,
        sequence=meeting.sequence,
        dtstamp=meeting.revised_at,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        timezone=network.timezone,
        title=meeting.title(language, member.variant),
        place="" if discreet else meeting.place,
        description="",
        organizer=network.address,
        organizer_name="" if discreet else network.name,
        attendee=member.address,
        cancelled=cancelled,
    )
    data = calendar.cancel(event) if cancelled else calendar.request(event)
    return {"method": "CANCEL" if cancelled else "REQUEST", "calendar": data.decode()}

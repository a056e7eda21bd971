"""A row of the outbox → the bytes to submit: the frozen edition, filled for one member, the same at every attempt."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from contacts.meeting import Invitation
from contacts.member import first_name_of, variant_of
from mailer import calendar
from mailer.calendar import Event
from mailer.outbound import wire
from mailer.outbound.edition import Edition
from mailer.outbound.issue import CANCELLATION, FrozenEdition
from mailer.outbound.letter import CalendarPart
from mailer.outbound.outbox import Claimed
from mailer.outbound.writer import Recipient, Writer


def bytes_of(session: Session, writer: Writer, letter: Claimed) -> bytes:
    """The letter of a claimed row, the same at every attempt (OUT-38, decision 0003).

    Raises KeyError for a slot that cannot be filled, LookupError for a row whose edition or member is gone.
    """
    if letter.content is not None:
        return letter.content
    frozen = session.get(FrozenEdition, letter.edition_id) if letter.edition_id else None
    if frozen is None:
        raise LookupError("the edition of this letter is gone")
    slots, to = letter.slots or freeze(session, writer, letter), replace(_reader(letter), variant=frozen.variant)
    part = CalendarPart(slots["method"], slots["calendar"].encode(), "invite.ics") if slots.get("calendar") else None
    edition = Edition.from_json(frozen.content)
    date = datetime.fromisoformat(slots["date"])
    return wire.render(writer.issue_letter(edition, to, letter, slots["values"], date, part))


def freeze(session: Session, writer: Writer, letter: Claimed) -> dict[str, Any]:
    """What is personal or changing in a letter of an issue, for its row; raises LookupError where something is gone."""
    if letter.dated_at is None:
        raise LookupError("this is no letter of an issue")
    values = writer.member_values(_reader(letter), letter.created_at)
    slots: dict[str, Any] = {"date": letter.dated_at.isoformat(), "values": values}
    invitation = session.get(Invitation, letter.invitation_id) if letter.invitation_id else None
    if invitation is not None:
        values |= writer.rsvp_values(invitation.key, letter.created_at)
        if letter.discreet != "full":  # a calendar entry shows itself to whoever looks over a shoulder (DIS-05)
            slots |= _calendar(writer, invitation, letter.kind == CANCELLATION)
    return slots


def _reader(letter: Claimed) -> Recipient:
    """The member whom a letter is for, as they were when it was claimed."""
    if letter.member_key is None:
        raise LookupError("the member of this letter is gone")
    name, house = letter.member_name, letter.organisation
    known = (letter.recipient, letter.language, variant_of(letter.discreet), letter.member_id, letter.member_key)
    return Recipient(*known, name, first_name_of(name), house)


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

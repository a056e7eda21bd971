"""A row of the outbox → the bytes to submit: the frozen edition, filled for one member, the same at every attempt."""

from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from contacts.meeting import Invitation
from contacts.member import first_name_of, variant_of
from mailer import calendar
from mailer.calendar import Event
from mailer.outbound import signing
from mailer.outbound.edition import Edition
from mailer.outbound.imprint import Copy, Imprint
from mailer.outbound.issue import CANCELLATION, FrozenEdition
from mailer.outbound.letter import CalendarPart
from mailer.outbound.outbox import Claimed
from mailer.outbound.writer import Recipient, Writer


def bytes_of(session: Session, writer: Writer, letter: Claimed) -> bytes:
    """The letter of a claimed row, signed, the same at every attempt (OUT-38, decision 0003).

    Raises KeyError for a slot that cannot be filled, LookupError for a row whose edition or member is gone.
    """
    if letter.content is not None:
        return signing.signed(letter.content, writer.signers, letter.created_at)
    frozen = session.get(FrozenEdition, letter.edition_id) if letter.edition_id else None
    if frozen is None:
        raise LookupError("the edition of this letter is gone")
    slots = letter.slots or freeze(session, writer, letter)
    imprint = writer.imprints.get(_key(letter, slots), lambda: _imprint(writer, frozen, letter, slots))
    return imprint.fill(_copy(writer, letter, slots))


def bytes_at_once(writer: Writer, letter: Claimed) -> bytes | None:
    """The same without the database, or None: where the edition is not encoded yet, or a calendar has to be written."""
    if letter.content is not None:
        return signing.signed(letter.content, writer.signers, letter.created_at)
    if letter.slots is None and letter.invitation_id is not None:
        return None
    slots = letter.slots or _slots(writer, letter)
    imprint = writer.imprints.find(_key(letter, slots))
    return imprint.fill(_copy(writer, letter, slots)) if imprint else None


def _key(letter: Claimed, slots: Mapping[str, Any]) -> Hashable:
    """What an imprint is made from. An edition's number may come again; then its letters are of another moment."""
    return letter.edition_id, letter.created_at, letter.invitation_id is not None, slots.get("method")


def _imprint(writer: Writer, frozen: FrozenEdition, letter: Claimed, slots: Mapping[str, Any]) -> Imprint:
    edition, method = Edition.from_json(frozen.content), slots.get("method")
    calendar = CalendarPart(method, b"", "invite.ics") if method else None
    frame = writer.issue_frame(edition, frozen.variant, letter.invitation_id is not None, calendar)
    return Imprint.of(edition, frame, writer.signers)


def _copy(writer: Writer, letter: Claimed, slots: Mapping[str, Any]) -> Copy:
    return Copy(
        recipient=letter.recipient,
        message_id=letter.message_id,
        date=datetime.fromisoformat(slots["date"]),
        unsubscribe=writer.links.unsubscribe(letter.member_key or "", letter.created_at),
        values=slots["values"],
        calendar=slots["calendar"].encode() if slots.get("calendar") else None,
    )


def freeze(session: Session, writer: Writer, letter: Claimed) -> dict[str, Any]:
    """What is personal or changing in a letter of an issue, for its row; raises LookupError where something is gone."""
    slots = _slots(writer, letter)
    invitation = session.get(Invitation, letter.invitation_id) if letter.invitation_id else None
    if invitation is not None:
        slots["values"] |= writer.rsvp_values(invitation.key, letter.created_at)
        if letter.discreet != "full":  # a calendar entry shows itself to whoever looks over a shoulder (DIS-05)
            slots |= _calendar(writer, invitation, letter.kind == CANCELLATION)
    return slots


def _slots(writer: Writer, letter: Claimed) -> dict[str, Any]:
    if letter.dated_at is None:
        raise LookupError("this is no letter of an issue")
    values = writer.member_values(_reader(letter), letter.created_at)
    return {"date": letter.dated_at.isoformat(), "values": values}


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

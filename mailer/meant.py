"""What a mail is about, beyond its words: which invitation or question of ours is answered, by whom, and when."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from contacts import agenda
from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.meeting import Invitation
from contacts.member import Member
from mailer.outbound.outbox import OutboxItem

#: An answer cannot come from the future; a wrong clock may be off by a little.
_CLOCK_SKEW = timedelta(minutes=10)
#: A mail may be on its way this long (RFC 5321 §4.5.4.1: relays try for four to five days).
_LONGEST_WAY = timedelta(days=7)


def meant_invitation(
    session: Session, letter: OutboxItem | None, member: Member | None, author: Address, now: datetime
) -> Invitation | None:
    """The invitation of the author that their mail answers, or the only open one; None when that is not clear."""
    if letter is not None and letter.invitation_id is not None:
        found = session.get(Invitation, letter.invitation_id)
    elif letter is not None and letter.kind == "rsvp_noted" and letter.about:
        found = agenda.invitation_by_key(session, letter.about)
    else:
        candidates = agenda.open_invitations(session, member, now) if member else []
        found = candidates[0] if len(candidates) == 1 else None
    if found is None or not same(found.member.address, author.text):
        return None  # a forwarded invitation is not an answer of the member it was sent to
    return found


def answered_question(letter: OutboxItem | None, author: Address) -> str | None:
    """The key of our question to confirm that is answered, by the very address we asked."""
    if letter is None or letter.kind != "confirmation" or not same(letter.recipient, author.text):
        return None
    return letter.about


def given_at(said: datetime | None, now: datetime) -> datetime:
    """When an answer was given: what the mail says, unless its clock is plainly wrong; then now."""
    return said if said is not None and now - _LONGEST_WAY <= said <= now + _CLOCK_SKEW else now


def same(one: str, other: str) -> bool:
    """Whether two addresses name one mailbox; what cannot be read names none."""
    try:
        return Address.parse(one).key == Address.parse(other).key
    except RuleBroken:
        return False

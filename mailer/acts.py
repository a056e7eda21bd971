"""What a person may do with their membership, by mail or by link: each act changes rows and queues what we say to it.

Both doors, `mailer.inbound.answer` and `web`, call these; every function works inside the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from contacts import agenda, roster
from contacts.address import Address
from contacts.consent import Consent
from contacts.meeting import Invitation
from contacts.member import ACTIVE, Member
from contacts.roster import Person
from mailer import maillog
from mailer.errors import TemplateError
from mailer.outbound import outbox
from mailer.outbound.writer import Answering, Recipient, Writer, recipient

#: At most one receipt, goodbye or note of the same kind to one address in this time (RFC 3834 §2, INB-08).
SAME_ANSWER_AFTER = timedelta(hours=24)
RECEIPT_AFTER = timedelta(days=7)
#: Who changes their mind hears what we noted; after so many times in a day they only find it on the page.
NOTES_A_DAY = 5
#: More letters of one polite kind than this in an hour would make us somebody's tool; the acts themselves go on.
LETTERS_PER_HOUR = 300
#: More questions to confirm than this in an hour look like a flood: a person decides (INB-39).
QUESTIONS_PER_HOUR = 200


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and how somebody acts: the instant, the channel ("mail" or "link"), its evidence, and the mail to answer."""

    now: datetime
    channel: str
    evidence: str
    answering: Answering | None = None
    #: Whoever writes asks automatic answers to stay away (INB-04): what they want is done, and nothing is said.
    quiet: bool = False


def ask(session: Session, writer: Writer, person: Person, language: str, occasion: Occasion, pepper: bytes) -> bool:
    """Put the question to an address that it, or somebody for it, asked for; False when it is left to a person.

    Nothing is said to an address that is suppressed unless it writes itself, nor twice in a day; the visible result is
    the same for who is new, pending or a member (conformance INB-12).
    """
    now = occasion.now
    itself = occasion.answering is not None
    if occasion.quiet:
        return False
    if not itself and roster.is_suppressed(session, person.address, pepper):
        return True
    if outbox.written_since(session, ("confirmation",), now - timedelta(hours=1)) >= QUESTIONS_PER_HOUR:
        return False
    member = roster.add(session, person, writer.network.language(person.language or language), now, writer.new_key)
    if itself and member.state != ACTIVE:
        roster.describe(session, member, person)
    if member.state == ACTIVE:
        if itself:  # what others ask for a member changes and sends nothing
            _say(session, writer, "welcome", member, occasion)
        return True
    wording = _wording(writer, member)
    asked = roster.ask(session, member, wording, occasion.evidence, now, writer.new_key)
    if asked is not None:
        _ask_to_confirm(session, writer, member, asked, occasion)
    return True


def _ask_to_confirm(session: Session, writer: Writer, member: Member, asked: Consent, occasion: Occasion) -> None:
    values = writer.confirm_link(asked.key, occasion.now)
    writer.queue(
        session,
        "confirmation",
        recipient(member),
        occasion.now,
        answering=occasion.answering,
        about=asked.key,
        values=values,
    )


def _wording(writer: Writer, member: Member) -> str:
    """The very words the address is asked to agree to, kept as proof (GDPR art. 7(1))."""
    edition = writer.edition("confirmation", member.language, member.variant, {})
    text = edition.text
    for slot in edition.slots:
        text = text.replace(slot.mark, f"[{slot.name}]")
    return text


def confirm(session: Session, writer: Writer, ask_key: str, occasion: Occasion, discreet: str | None = None) -> Member:
    """The address says yes: active from now on, and welcomed once; raises RuleBroken as `roster.confirm` does."""
    member, news = roster.confirm(session, ask_key, occasion.channel, occasion.evidence, occasion.now, writer.new_key)
    if discreet is not None and news:
        member.discreet = discreet
    if news:
        roster.welcome_back(session, Address.parse(member.address), writer.links.secret)
        _write(session, writer, "welcome", recipient(member), occasion)
    return member


def leave(session: Session, writer: Writer, address: Address, language: str, occasion: Occasion) -> None:
    """Out, at once; one goodbye with the way back, the same whether or not we knew the address (INB-12)."""
    member = roster.find(session, address)
    changed = False
    if member is not None:
        changed = roster.leave(session, member, occasion.channel, occasion.evidence, occasion.now, writer.new_key)
        outbox.withdraw(session, member.id, (*outbox.BULK_KINDS, "confirmation"), occasion.now)
    if occasion.answering is None and not changed:
        return
    to = recipient(member) if member else Recipient(address.text, writer.network.language(language), "discreet")
    if not outbox.sent_lately(session, to.address, ("goodbye",), occasion.now - SAME_ANSWER_AFTER):
        _write(session, writer, "goodbye", to, occasion)


def answer_invitation(
    session: Session,
    writer: Writer,
    invitation: Invitation,
    reply: str,
    guests: int,
    note: str,
    at: datetime,
    occasion: Occasion,
) -> bool:
    """Record an answer given at the instant `at` and confirm what was noted; False when a newer one stands."""
    before = (invitation.answer, invitation.guests, invitation.waiting)
    if not agenda.answer(session, invitation, reply, guests, note, at, occasion.channel):
        return False
    changed = (invitation.answer, invitation.guests, invitation.waiting) != before
    since = occasion.now - SAME_ANSWER_AFTER
    noted = outbox.times_sent(session, invitation.member.address, ("rsvp_noted",), since)
    if noted == 0 or (changed and noted < NOTES_A_DAY):
        _note_answer(session, writer, invitation, occasion)
    return True


def _note_answer(session: Session, writer: Writer, invitation: Invitation, occasion: Occasion) -> None:
    to = recipient(invitation.member)
    facts = {
        "meeting": meeting_facts(invitation, to.language, to.variant),
        "answer": invitation.answer,
        "guests": invitation.guests,
        "waiting": invitation.waiting,
    }
    _write(
        session,
        writer,
        "rsvp_noted",
        to,
        occasion,
        facts=facts,
        about=invitation.key,
        values=writer.rsvp_values(invitation.key, occasion.now),
    )


def meeting_facts(invitation: Invitation, language: str, variant: str) -> dict[str, Any]:
    """What a letter about a meeting may say of it; the join link only to who comes."""
    meeting = invitation.meeting
    online = meeting.online_link if invitation.places else None
    return {
        "title": meeting.title(language, variant),
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
        "place": meeting.place,
        "online_link": online or "",
    }


def receive(session: Session, writer: Writer, address: Address, language: str, occasion: Occasion) -> None:
    """Tell somebody that a person reads their mail; at most once a week, and nothing about who they are to us."""
    if not outbox.sent_lately(session, address.text, ("received", "guidance"), occasion.now - RECEIPT_AFTER):
        _write(session, writer, "received", _reader(session, writer, address, language), occasion)


def guide(session: Session, writer: Writer, address: Address, language: str, occasion: Occasion) -> None:
    """The same to somebody who asks for advice, with the network's own material; a plain receipt where it has none."""
    to = _reader(session, writer, address, language)
    found = writer.resources("guidance", to.language)
    if not found:
        receive(session, writer, address, language, occasion)
    elif not outbox.sent_lately(session, address.text, ("guidance",), occasion.now - RECEIPT_AFTER):
        _write(session, writer, "guidance", to, occasion, {"resources": found})


def _reader(session: Session, writer: Writer, address: Address, language: str) -> Recipient:
    """Whoever wrote, as somebody to answer: a stranger like a member with neutral subjects."""
    member = roster.find(session, address)
    return recipient(member) if member else Recipient(address.text, writer.network.language(language), "discreet")


def say_asked(session: Session, writer: Writer, address: Address, language: str, occasion: Occasion) -> None:
    """Tell somebody that the colleagues they named were asked; no name, no address (INB-10)."""
    if not outbox.sent_lately(session, address.text, ("colleague_asked",), occasion.now - SAME_ANSWER_AFTER):
        to = Recipient(address.text, writer.network.language(language), "discreet")
        _write(session, writer, "colleague_asked", to, occasion)


def update(session: Session, writer: Writer, member: Member, changes: dict[str, str], occasion: Occasion) -> None:
    """Take over a new language, name or organisation, and say so."""
    if "language" in changes:
        member.language = writer.network.language(changes["language"])
    member.name = changes.get("name", member.name)
    if "organisation" in changes:
        member.organisation = roster.organisation(session, changes["organisation"])
    session.flush()
    _say(session, writer, "updated", member, occasion)


def _say(session: Session, writer: Writer, name: str, member: Member, occasion: Occasion) -> None:
    if not outbox.sent_lately(session, member.address, (name,), occasion.now - SAME_ANSWER_AFTER):
        _write(session, writer, name, recipient(member), occasion)


def _write(
    session: Session,
    writer: Writer,
    name: str,
    to: Recipient,
    occasion: Occasion,
    facts: Mapping[str, Any] | None = None,
    about: str | None = None,
    values: Mapping[str, str] | None = None,
) -> None:
    """A letter that tells of an act; where it may not or cannot be written, the act stands all the same."""
    lately = outbox.written_since(session, (name,), occasion.now - timedelta(hours=1))
    if occasion.quiet or lately >= LETTERS_PER_HOUR:
        return
    try:
        writer.queue(session, name, to, occasion.now, facts, occasion.answering, about, values)
    except TemplateError as error:
        maillog.template_broken(name, error.file, error.line)

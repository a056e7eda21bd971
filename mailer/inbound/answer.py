"""Request → changes in the network and replies in the outbox, all in the caller's transaction.

The understanding says what a mail asks for and what a machine may do about it; here that meets what we know: who
writes, which of our letters is answered, whether the address proved itself. Whatever does not fit goes to a person.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from contacts import agenda, roster
from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.meeting import ANSWER, Invitation
from contacts.member import ACTIVE, Member
from contacts.roster import Person
from mailer import acts, decision_mail, links
from mailer.acts import Occasion
from mailer.desk import Context
from mailer.inbound.authentication import verify
from mailer.inbound.message import InboundMessage
from mailer.inbound.ready_mail import read_ready_mail
from mailer.inbound.register import HANDLED, IGNORED, REVIEW
from mailer.inbound.reply_text import newest
from mailer.inbound.report import Recipient as ReportRecipient
from mailer.inbound.understanding import Plan, Request
from mailer.inbound.understanding.machine import asks_for_silence
from mailer.meant import given_at, meant_invitation, same
from mailer.outbound import outbox
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.retry import is_dead
from mailer.outbound.writer import Answering, Writer

_FORGED = "our mail server takes the author for forged: nothing changes by these words alone"

@dataclass(slots=True)
class Result:
    """What became of a mail: where it is filed, why, and whom it is about."""

    disposition: str
    why: list[str] = field(default_factory=list)
    member_id: int | None = None
    #: What the mail turned out to be, where that is not what its words ask for.
    kinds: tuple[str, ...] | None = None

    def to_person(self, reason: str) -> None:
        """A machine should not decide this."""
        self.disposition = REVIEW
        self.why.append(reason)


def answer(
    session: Session,
    writer: Writer,
    message: InboundMessage,
    context: Context,
    request: Request,
    plan: Plan,
    pepper: bytes,
    now: datetime,
) -> Result:
    """Do what the mail asks for as far as a machine may, and say where the mail belongs."""
    result = Result(plan.disposition, list(request.why), context.member.id if context.member else None)
    token = read_ready_mail(message.subject, writer.links, now)
    work = _Work(session, writer, message, context, request, pepper, now, result)
    if request.report is not None:
        work.take_report()
    elif request.calendar is not None and "calendar_reply" in request.kinds:
        work.take_calendar()
    elif "help" in request.kinds:
        pass  # untouched: a person reads it, and no machine says or does anything
    elif not {"auto_reply", "bulk"} & set(request.kinds) and (
        decision_mail.take(session, writer, message, context.letter, token, pepper, now)
    ):
        result.disposition, result.kinds = HANDLED, (decision_mail.KIND,)
    elif token and token[0] != links.DECIDE and not _is_machine(request):
        work.follow_link(*token)
    elif context.writes_as_coordinator and result.disposition != IGNORED and not work.is_forged:
        work.leave_to_coordinator()
    else:
        work.carry_out(plan.actions)
    if "help" in request.kinds:
        result.disposition = REVIEW
    return result


def _is_machine(request: Request) -> bool:
    return bool({"report", "auto_reply", "bulk", "spam"} & set(request.kinds))


@dataclass(slots=True)
class _Work:
    """One mail being answered; each method does one kind of thing and notes what it could not do."""

    session: Session
    writer: Writer
    message: InboundMessage
    context: Context
    request: Request
    pepper: bytes
    now: datetime
    result: Result

    @property
    def occasion(self) -> Occasion:
        """The mail itself as the occasion, answered in its thread."""
        message_id = self.message.message_id
        references = tuple(reversed(self.message.thread_ids))
        quiet = asks_for_silence(self.message)
        evidence = message_id or self.message.content_hash
        return Occasion(self.now, "mail", evidence, Answering(message_id, references), quiet)

    @property
    def is_forged(self) -> bool:
        """Whether our own server says that From is not who wrote this (INB-20, INB-21)."""
        author = self.message.author
        found = verify(self.message.trace, author.address, self.writer.network.authserv_id) if author else "none"
        return found == "fail"

    def carry_out(self, actions: tuple[str, ...]) -> None:
        """Do what is planned; of a forged mail only the yes that echoes the Message-ID of our question, a secret."""
        letter = self.context.letter
        proved = ("confirm",) if letter is not None and letter.kind == "confirmation" else ()
        allowed = [action for action in actions if action in proved] if self.is_forged else list(actions)
        if self.is_forged and (self.result.disposition == REVIEW or len(allowed) < len(actions)):
            self.result.to_person(_FORGED)
        for action in allowed:
            self.do(action)

    def do(self, action: str) -> None:
        """Carry out one action of the plan."""
        author = self.context.author
        if author is None:
            self.result.to_person("the mail has no single author to act for")
            return
        todo = {
            "register": self.register,
            "unsubscribe": self.unsubscribe,
            "record_rsvp": self.record_rsvp,
            "confirm": self.confirm,
            "update": self.update,
            "auto_reply": self.send_receipt,
        }.get(action)
        if todo is None:
            self.result.to_person(f"a person must do this: {action}")
        else:
            todo(author)

    def register(self, author: Address) -> None:
        """Ask each person named to confirm; tell who asked for others that it was done."""
        others = False
        for person in self.request.people:
            try:
                address = Address.parse(person.address or "")
            except RuleBroken:
                self.result.to_person("the address of a person to register cannot be read")
                continue
            itself = address.key == author.key
            others = others or not itself
            wanted = Person(address, person.name, person.organisation)
            occasion = self.occasion if itself else replace(self.occasion, answering=None)
            if not acts.ask(self.session, self.writer, wanted, self.request.language, occasion, self.pepper):
                self.result.to_person("no question may be put to this address now")
        if not self.request.people:
            self.result.to_person("nobody is named to register")
        elif others:
            acts.say_asked(self.session, self.writer, author, self.request.language, self.occasion)

    def unsubscribe(self, author: Address) -> None:
        """Out at once; a forged goodbye does little harm, and the goodbye says how to come back."""
        acts.leave(self.session, self.writer, author, self.request.language, self.occasion)

    def confirm(self, author: Address) -> None:
        """The very address we asked answers our question."""
        letter = self.context.letter
        if letter is None or letter.kind != "confirmation" or not letter.about:
            self.result.to_person("a yes, but not to a question of ours")
        elif not same(letter.recipient, author.text):
            self.result.to_person("the yes comes from another address than the one we asked")
        else:
            self._confirm(letter.about)

    def _confirm(self, ask_key: str) -> None:
        try:
            member = acts.confirm(self.session, self.writer, ask_key, self.occasion)
            self.result.member_id = member.id
        except RuleBroken as broken:
            self.result.to_person(broken.message)

    def record_rsvp(self, author: Address) -> None:
        """The answer to the invitation that the mail answers, or to the one meeting that can be meant."""
        rsvp = self.request.rsvp
        invitation = meant_invitation(self.session, self.context.letter, self.context.member, author, self.now)
        if rsvp is None or invitation is None:
            self.result.to_person("an answer, but it is not clear to which invitation of this sender")
            return
        self._record(invitation, rsvp.answer, rsvp.guests, rsvp.note)

    def _record(self, invitation: Invitation, reply: str, guests: int, note: str) -> None:
        if not invitation.meeting.is_open(self.now):
            self.result.to_person("the meeting is over, or was called off")
            return
        at = given_at(self.message.date, self.now)
        if not acts.answer_invitation(
            self.session, self.writer, invitation, reply, guests, note, at, self.occasion
        ):
            self.result.why.append("a newer answer of the same person stands")
        self.result.member_id = invitation.member_id

    def update(self, author: Address) -> None:
        """New name, language or organisation of the sender; another address is a matter for a person."""
        member = self.context.member
        if member is None or member.state != ACTIVE:
            self.result.to_person("a change for somebody who is not a member at this address")
            return
        changes = {"language": self.request.wanted_language} if self.request.wanted_language else {}
        for person in self.request.people:
            if person.address and not same(person.address, author.text):
                self.result.to_person("a change of address: the new one has to prove itself")
                return
            changes |= {
                name: value for name, value in (("name", person.name), ("organisation", person.organisation)) if value
            }
        acts.update(self.session, self.writer, member, changes, self.occasion)

    def send_receipt(self, author: Address) -> None:
        """Say that a person reads it; where another action answers already, that answer is enough."""
        if self.result.disposition == REVIEW:
            say = acts.guide if "guidance" in self.request.kinds else acts.receive
            say(self.session, self.writer, author, self.request.language, self.occasion)

    def follow_link(self, purpose: str, key: str, words: str) -> None:
        """A link of ours that is a ready mail: its token is the proof, whoever sends it (OUT-27).

        What somebody wrote beside it, and a machine cannot be sure of, a person reads as well.
        """
        understood = {"leave", "rsvp", "confirm"} & set(self.request.kinds)
        self.result.disposition = HANDLED
        if newest(self.message).strip() and not understood:
            self.result.to_person("there are words beside the link that a person should read")
        if purpose == links.UNSUBSCRIBE:
            member = roster.find_by_key(self.session, key)
            if member is not None:
                address = Address.parse(member.address)
                acts.leave(self.session, self.writer, address, member.language, Occasion(self.now, "mail", "link"))
        elif purpose == links.CONFIRM:
            self._confirm(key)
        elif purpose == links.RSVP:
            self._answer_by_link(key, words)
        else:
            self.result.to_person("wants to change what they get")

    def _answer_by_link(self, key: str, words: str) -> None:
        invitation = agenda.invitation_by_key(self.session, key)
        rsvp = self.request.rsvp
        reply = words if words in ANSWER.values() else rsvp.answer if rsvp else None
        if invitation is None or reply is None:
            self.result.to_person("an answer to an invitation that we cannot read")
        else:
            self._record(invitation, reply, rsvp.guests if rsvp else 0, rsvp.note if rsvp else newest(self.message))

    def take_calendar(self) -> None:
        """METHOD:REPLY (RFC 5546 §3.2.3): the echo of the UID proves whose answer it is, From does not."""
        reply = self.request.calendar
        invitation = agenda.invitation_by_uid(self.session, reply.uid) if reply else None
        if reply is None or invitation is None:
            self.result.disposition = REVIEW if reply and reply.method != "REPLY" else IGNORED
            self.result.why.append("a calendar answer to a meeting that is not ours")
        elif reply.method != "REPLY" or reply.partstat not in ANSWER:
            self.result.to_person("a calendar message that asks for a person: another time, or somebody else")
        elif reply.sequence < invitation.meeting.sequence:
            self.result.to_person("a calendar answer to the meeting as it was before it changed")
        elif reply.attendee and not same(reply.attendee, invitation.member.address):
            self.result.to_person("a calendar answer in the name of another address")
        else:
            self._record_calendar(invitation, ANSWER[reply.partstat], reply.guests, reply.comment, reply.dtstamp)

    def _record_calendar(
        self, invitation: Invitation, answer_: str, guests: int, note: str, stamp: datetime | None
    ) -> None:
        if not invitation.meeting.is_open(self.now):
            self.result.to_person("the meeting is over, or was called off")
            return
        at = given_at(stamp or self.message.date, self.now)
        # INB-06: a calendar program's answer is recorded and never answered by a text robot.
        agenda.answer(self.session, invitation, answer_, guests, note, at, "calendar")
        self.result.disposition, self.result.member_id = HANDLED, invitation.member_id

    def take_report(self) -> None:
        """A bounce or complaint counts only when it names a letter of ours (INB-27, INB-28)."""
        report = self.request.report
        ids = [found for found in (report.original_message_id,) if found] if report else []
        letter = outbox.by_message_id(self.session, ids)
        if report is None or letter is None:
            self.result.why.append("no letter of ours is proved by this report")
            return
        self.result.disposition = IGNORED
        member = self.session.get(Member, letter.member_id) if letter.member_id else None
        self.result.member_id = letter.member_id
        if report.complaint:
            self._take_complaint(member)
        elif any(_is_dead(one, letter.recipient) for one in report.recipients):
            self._take_hard_bounce(letter, member)
        if self.request.successor:
            self.result.to_person("the mail server tells another address")

    def _take_complaint(self, member: Member | None) -> None:
        self.result.disposition = HANDLED
        if member is not None:
            address = Address.parse(member.address)
            roster.leave(self.session, member, "complaint", self.occasion.evidence, self.now, self.writer.new_key)
            roster.suppress(self.session, address, "complaint", self.pepper, self.now)
            outbox.withdraw(self.session, member.id, (*outbox.BULK_KINDS, "confirmation"), self.now)

    def _take_hard_bounce(self, letter: OutboxItem, member: Member | None) -> None:
        self.result.disposition = HANDLED
        if letter.state == outbox.ACCEPTED:
            letter.state, letter.phase = outbox.REFUSED, "bounced"
        if member is not None:
            roster.fail(self.session, member.id)

    def leave_to_coordinator(self) -> None:
        """A coordinator writes to the network's address: to colleagues, not to a machine."""
        self.result.to_person("written by a coordinator")


def _is_dead(reported: ReportRecipient, recipient: str) -> bool:
    """Whether the mailbox we wrote to is gone; a dead address that somebody forwards to says nothing of it."""
    about_us = not reported.final_recipient or same(reported.final_recipient, recipient)
    return about_us and reported.action == "failed" and is_dead(reported.status)

"""A coordinator's mail that decides: the ready mail of a link in the digest, or a plain reply to the digest.

What proves who decides is the token, made for this one coordinator, or the Message-ID of the digest, which nobody can
guess; each together with From, which alone proves nothing. The answer says what was done, in numbers and our own words.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from contacts import coordinator
from contacts.address import Address
from contacts.coordinator import Coordinator
from contacts.errors import RuleBroken
from mailer import decisions, links, maillog
from mailer.errors import TemplateError
from mailer.inbound import register
from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_text import newest
from mailer.inbound.verdicts import NO, YES, Reply, Verdict, read_reply
from mailer.meant import same
from mailer.outbound import outbox
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.writer import Answering, Recipient, Writer

#: What such a mail is noted as.
KIND = "decision"
#: Letters of ours to a coordinator whose plain reply decides.
_ANSWERABLE = ("digest", "decided")
#: More decisions than this in one mail are not carried out.
_MOST = 100
#: More answers than this in an hour are a conversation between two machines (INB-09).
_ANSWERS_PER_HOUR = 30

Token = tuple[str, str, str]


def take(
    session: Session,
    writer: Writer,
    message: InboundMessage,
    letter: OutboxItem | None,
    token: Token | None,
    pepper: bytes,
    now: datetime,
) -> bool:
    """Carry out what this mail decides and confirm it; False when it decides nothing, or nobody proves that they may.

    `letter` is the one of ours that is answered; `token` is (purpose, key, first word) of the subject of a ready mail.
    """
    if token is not None and token[0] == links.DECIDE:
        return _by_link(session, writer, message, token, pepper, now)
    if letter is None or letter.kind not in _ANSWERABLE:
        return False
    author = _coordinator(session, message)
    if author is None or not same(letter.recipient, author.address):
        return False
    reply = read_reply(message)
    if not reply.verdicts:
        return _answer_unclear(session, writer, message, author, reply, now)
    outcome = [_carry_out(session, writer, one, author, None, pepper, now) for one in reply.verdicts[:_MOST]]
    _tell(session, writer, message, author, outcome, reply.unclear, now)
    return True


def _coordinator(session: Session, message: InboundMessage) -> Coordinator | None:
    try:
        return coordinator.find(session, Address.parse(message.author.address)) if message.author else None
    except RuleBroken:
        return None


def _by_link(
    session: Session, writer: Writer, message: InboundMessage, token: Token, pepper: bytes, now: datetime
) -> bool:
    """One decision; the words beside it, if any, are its note."""
    _, key, word = token
    named = register.by_decision_key(session, key)
    owner = coordinator.by_id(session, named.coordinator_id) if named else None
    if named is None or owner is None or word not in (YES, NO):
        return False
    if message.author is None or not same(owner.address, message.author.address):
        return False  # a digest that was passed on gives nobody its coordinator's say
    note = " ".join(newest(message).split())[:2000] or None
    outcome = _carry_out(session, writer, Verdict(named.request_id, word, 1), owner, note, pepper, now)
    _tell(session, writer, message, owner, [outcome], (), now)
    return True


def _answer_unclear(
    session: Session, writer: Writer, message: InboundMessage, author: Coordinator, reply: Reply, now: datetime
) -> bool:
    """A reply that tried to decide is answered; mere words of a colleague are for colleagues, and stay with them."""
    if not reply.tried:
        return False
    _tell(session, writer, message, author, [], reply.unclear, now)
    return True


def _carry_out(
    session: Session, writer: Writer, said: Verdict, by: Coordinator, note: str | None, pepper: bytes, now: datetime
) -> dict[str, Any]:
    """One decision in a savepoint of its own: what cannot be done takes nothing else with it."""
    told: dict[str, Any] = {"number": said.number, "verdict": said.verdict, "done": [], "why": "", "by": "", "at": ""}
    request = register.request(session, said.number)
    if request is None:
        return {**told, "why": "unknown"}
    try:
        with session.begin_nested():
            done = decisions.decide(session, writer, request, said.verdict, by, note, pepper, now)
    except RuleBroken as broken:
        return {**told, "why": broken.code, **(_before(session, said.number) if broken.code == "decided" else {})}
    return {**told, "done": list(done.done)}


def _before(session: Session, number: int) -> dict[str, str]:
    """Who decided before, and when."""
    request = register.request(session, number)
    if request is None or request.resolved_at is None:
        return {}
    found = coordinator.find(session, Address.parse(request.resolved_by)) if request.resolved_by else None
    name = (found.name if found else "") or request.resolved_by or ""
    return {"by": name, "at": request.resolved_at.isoformat()}


def _tell(
    session: Session,
    writer: Writer,
    message: InboundMessage,
    to: Coordinator,
    outcome: list[dict[str, Any]],
    unclear: tuple[int, ...],
    now: datetime,
) -> None:
    """Say what was done; a program at the other end that answers each answer soon talks to itself."""
    if outbox.times_sent(session, to.address, ("decided",), now - timedelta(hours=1)) >= _ANSWERS_PER_HOUR:
        return
    facts = {"decided": {"items": outcome, "unclear": list(unclear), "left": len(register.requests(session))}}
    recipient = Recipient(to.address, writer.network.language(to.language), name=to.name)
    answering = Answering(message.message_id, tuple(reversed(message.thread_ids)))
    try:
        writer.queue(session, "decided", recipient, now, facts, answering)
    except TemplateError as error:
        maillog.template_broken("decided", error.file, error.line)

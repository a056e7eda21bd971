"""All SQL about members: finding, asking, confirming, leaving, and who belongs to an audience."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from contacts.address import Address
from contacts.consent import ASKED, GIVEN, WITHDRAWN, Consent, Suppression, address_hash
from contacts.errors import RuleBroken
from contacts.member import ACTIVE, LEFT, PENDING, Member, Organisation

#: One question per address in this time: we are no tool to bomb somebody's mailbox (conformance INB-39).
ASK_AGAIN_AFTER = timedelta(hours=24)
#: A link that confirms works for this long (conformance SEC-22).
CONFIRM_WITHIN = timedelta(days=7)
NewKey = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as a mail or a list names them, before they are a member."""

    address: Address
    name: str | None = None
    organisation: str | None = None
    language: str | None = None


def find(session: Session, address: Address) -> Member | None:
    """The member with this address in whatever state, None when we do not know it."""
    return session.scalar(select(Member).where(Member.address_key == address.key))


def find_all(session: Session, keys: Collection[str]) -> dict[str, Member]:
    """Those of these address keys that we know, in whatever state; at most some thousands are asked for at a time."""
    found = session.scalars(select(Member).where(Member.address_key.in_(keys)))
    return {member.address_key: member for member in found}


def find_by_key(session: Session, key: str) -> Member | None:
    """The member that a link of ours names."""
    return session.scalar(select(Member).where(Member.key == key))


def asked_by(session: Session, ask_key: str) -> Member | None:
    """The member that a question of ours was put to."""
    asked = select(Member).join(Consent, Consent.member_id == Member.id)
    return session.scalar(asked.where(Consent.key == ask_key, Consent.act == ASKED))


def everyone(session: Session, state: str | None = None) -> Sequence[Member]:
    """All members, or those in one state, by the day they came."""
    wanted = select(Member).order_by(Member.id)
    return session.scalars(wanted.where(Member.state == state) if state else wanted).all()


def audience() -> Select[int]:
    """The ids of everybody who may get what the network sends, as a query to insert from."""
    return select(Member.id).where(Member.state == ACTIVE)


def counts(session: Session) -> dict[str, int]:
    """How many members are in each state."""
    rows = session.execute(select(Member.state, func.count()).group_by(Member.state))
    return {row[0]: int(row[1]) for row in rows}


def organisation(session: Session, name: str | None) -> Organisation | None:
    """The organisation of this name, added when it is new; None for no name."""
    key = " ".join((name or "").casefold().split())[:200]
    if not key:
        return None
    found = session.scalar(select(Organisation).where(Organisation.key == key))
    if found is None:
        found = Organisation(name=" ".join((name or "").split())[:200], key=key)
        session.add(found)
        session.flush()
    return found


def add(session: Session, person: Person, language: str, now: datetime, new_key: NewKey) -> Member:
    """The member for this person, new ones as pending; what we know of somebody already is kept as it is."""
    member = find(session, person.address)
    if member is None:
        member = Member(
            key=new_key(),
            address=person.address.text,
            address_key=person.address.key,
            language=language,
            state=PENDING,
            discreet="subject",
            created_at=now,
        )
        session.add(member)
        describe(session, member, person)
    return member


def describe(session: Session, member: Member, person: Person) -> None:
    """Fill in what we do not know yet; for who writes themselves, never for what others say of them."""
    member.name = member.name or (person.name or "").strip()[:100] or None
    member.organisation = member.organisation or organisation(session, person.organisation)
    session.flush()


def hold(session: Session, member: Member) -> None:
    """Lock a member's row and read it afresh, before its state changes: two doors may be used at the same moment."""
    session.flush()  # what was changed and not yet written would be read over
    session.refresh(member, with_for_update={"of": Member})


def ask(
    session: Session, member: Member, wording: str, evidence: str, now: datetime, new_key: NewKey
) -> Consent | None:
    """Note that the address is asked to confirm; None when it was asked shortly before, or is a member already.

    Asking changes no state: who left has left until they say yes themselves.
    """
    hold(session, member)
    told = story(session, member)
    open_question = told[-1] if told and told[-1].act == ASKED else None
    if member.state == ACTIVE or (open_question is not None and now - open_question.at < ASK_AGAIN_AFTER):
        return None
    return _note(session, member, ASKED, "mail", now, new_key, wording=wording, evidence=evidence)


def confirm(
    session: Session, ask_key: str, channel: str, evidence: str, now: datetime, new_key: NewKey
) -> tuple[Member, bool]:
    """The address answers the question `ask_key` with yes; returns the member and whether that was news.

    Raises RuleBroken("link_unknown") for a question we never put, ("link_expired") for one put too long ago, and
    ("not_asked") for one that was followed by a goodbye.
    """
    asked = session.scalar(select(Consent).where(Consent.key == ask_key, Consent.act == ASKED))
    if asked is None:
        raise RuleBroken("link_unknown", "This question was never asked.")
    member = session.get_one(Member, asked.member_id)
    hold(session, member)
    if member.state == ACTIVE:
        return member, False
    if now - asked.at > CONFIRM_WITHIN:
        raise RuleBroken("link_expired", "This question was asked too long ago.")
    goodbye = last_act(session, member, WITHDRAWN)
    if goodbye is not None and goodbye.id > asked.id:
        raise RuleBroken("not_asked", "This question was followed by a goodbye.")
    member.confirm(now)
    _note(session, member, GIVEN, channel, now, new_key, wording=asked.wording, evidence=evidence)
    return member, True


def record_consent(session: Session, member: Member, evidence: str, now: datetime, new_key: NewKey) -> None:
    """A coordinator vouches for a consent given elsewhere (a paper list, a meeting): active at once, with the proof.

    Raises RuleBroken("left") for somebody who left: only they can come back.
    """
    hold(session, member)
    if member.state == LEFT:
        raise RuleBroken("left", "This person left; only they themselves can come back.")
    if member.confirm(now):
        _note(session, member, GIVEN, "coordinator", now, new_key, evidence=evidence)


def leave(session: Session, member: Member, channel: str, evidence: str, now: datetime, new_key: NewKey) -> bool:
    """Out, at once and with proof; returns whether the member was in. A question still open is void from now on."""
    hold(session, member)
    changed = member.leave(now)
    asked, goodbye = last_act(session, member, ASKED), last_act(session, member, WITHDRAWN)
    if changed or (asked is not None and (goodbye is None or goodbye.id < asked.id)):
        _note(session, member, WITHDRAWN, channel, now, new_key, evidence=evidence)
    return changed


def fail(session: Session, member_id: int) -> None:
    """Mail to this member fails for good; who left stays left."""
    member = session.get(Member, member_id)
    if member is not None:
        hold(session, member)
        member.fail()


def last_act(session: Session, member: Member, act: str) -> Consent | None:
    """The latest consent row of one kind."""
    wanted = select(Consent).where(Consent.member_id == member.id, Consent.act == act)
    return session.scalar(wanted.order_by(Consent.at.desc(), Consent.id.desc()).limit(1))


def story(session: Session, member: Member) -> Sequence[Consent]:
    """Every consent row of a member, oldest first."""
    return session.scalars(select(Consent).where(Consent.member_id == member.id).order_by(Consent.id)).all()


def is_suppressed(session: Session, address: Address, pepper: bytes) -> bool:
    """Whether nobody but the owner of this address may bring it back."""
    found = select(Suppression.id).where(Suppression.address_hash == address_hash(address, pepper))
    return session.scalar(found) is not None


def welcome_back(session: Session, address: Address, pepper: bytes) -> None:
    """The owner of a suppressed address came back by their own yes: imports may know them again."""
    session.execute(delete(Suppression).where(Suppression.address_hash == address_hash(address, pepper)))


def suppress(session: Session, address: Address, reason: str, pepper: bytes, now: datetime) -> None:
    """From now on no import and no colleague can bring this address back."""
    if not is_suppressed(session, address, pepper):
        session.add(Suppression(address_hash=address_hash(address, pepper), reason=reason, at=now))


def _note(
    session: Session,
    member: Member,
    act: str,
    channel: str,
    now: datetime,
    new_key: NewKey,
    wording: str | None = None,
    evidence: str | None = None,
) -> Consent:
    row = Consent(
        key=new_key(),
        member_id=member.id,
        act=act,
        at=now,
        channel=channel,
        language=member.language,
        wording=wording,
        evidence=(evidence or "")[:400] or None,
    )
    session.add(row)
    session.flush()
    return row

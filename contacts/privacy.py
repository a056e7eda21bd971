"""Erasure and retention: what is deleted when, the keyed hash that stays, and what a restore must not undo.

GDPR art. 5(1)(e), 7(3), 17.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from contacts import roster
from contacts.address import Address
from contacts.consent import ASKED, GIVEN, WITHDRAWN, Consent, Suppression, address_hash
from contacts.database import copied
from contacts.errors import RuleBroken
from contacts.member import BOUNCED, PENDING, Member

#: A question nobody answered is forgotten after this time (conformance GDP-13).
FORGET_PENDING_AFTER = timedelta(days=14)
ERASED = "erased"


def spellings(address: Address, written: Iterable[str]) -> list[str]:
    """Those of the addresses that somebody wrote down that name this very mailbox."""
    return [text for text in written if _key(text) == address.key]


def forget(session: Session, member: Member, pepper: bytes, now: datetime) -> None:
    """Erase a member with consents and invitations; only the keyed hash of the address stays."""
    note_erased(session, Address.parse(member.address), pepper, now)
    session.delete(member)
    session.flush()


def note_erased(session: Session, address: Address, pepper: bytes, now: datetime) -> None:
    """Keep the keyed hash of an erased address; also where another reason had suppressed it before."""
    roster.suppress(session, address, ERASED, pepper, now)
    mine = Suppression.address_hash == address_hash(address, pepper)
    session.execute(update(Suppression).where(mine).values(reason=ERASED, at=now))


def forget_unanswered(session: Session, now: datetime) -> int:
    """Erase those who never answered our question; returns how many. Who ever said yes or no keeps their proof."""
    answered = select(Consent.id).where(Consent.member_id == Member.id, Consent.act.in_((GIVEN, WITHDRAWN)))
    asked = select(func.max(Consent.at)).where(Consent.member_id == Member.id, Consent.act == ASKED)
    silent = delete(Member).where(
        Member.state.in_((PENDING, BOUNCED)),
        ~answered.exists(),
        func.coalesce(asked.scalar_subquery(), Member.created_at) < now - FORGET_PENDING_AFTER,
    )
    return int(getattr(session.execute(silent.execution_options(synchronize_session=False)), "rowcount", 0))


def erased_since(session: Session, old: Session) -> set[str]:
    """The hashes of those who were erased in `old` after the copy that `session` looks at was made."""
    erased = select(Suppression).where(Suppression.reason == ERASED)
    known = {row.address_hash: row.at for row in session.scalars(erased)}
    return {
        row.address_hash
        for row in old.scalars(erased)
        if row.address_hash not in known or row.at > known[row.address_hash]
    }


def returned_since(session: Session, old: Session) -> list[Address]:
    """Those who were erased after the copy was made and came back: what the copy knows is of their first time."""
    keys = {row.address_key: row.key for row in old.scalars(select(Member))}
    found = session.scalars(select(Member)).all()
    return [Address.parse(member.address) for member in found if keys.get(member.address_key, member.key) != member.key]


def take_over(session: Session, old: Session, returned: Iterable[Address], pepper: bytes) -> int:
    """Carry goodbyes and suppressions from `old` into the copy made of it earlier; returns how many left since.

    Whoever `returned` after an erasure comes along whole, and free; of all others what happened since is lost.
    """
    known = set(session.scalars(select(Consent.key)))
    goodbyes = old.scalars(select(Consent).where(Consent.act == WITHDRAWN).order_by(Consent.id)).all()
    left = dict.fromkeys(row.member_id for row in goodbyes if row.key not in known)
    for member_id in left:
        _take_over_member(session, old, old.get_one(Member, member_id), known)
    for address in returned:
        roster.welcome_back(session, address, pepper)
        member = roster.find(old, address)
        if member is not None and member.id not in left:
            _take_over_member(session, old, member, known)
    for row in old.scalars(select(Suppression)).all():
        _take_over_suppression(session, row)
    session.flush()
    return len(left)


def _take_over_member(session: Session, old: Session, before: Member, known: set[str]) -> None:
    """State and answers of one member; somebody the copy does not know comes with everything that was asked, too."""
    member = roster.find_by_key(session, before.key)
    acts: tuple[str, ...] = (GIVEN, WITHDRAWN)
    if member is None:
        acts = (*acts, ASKED)
        house = roster.organisation(session, before.organisation.name if before.organisation else None)
        member = copied(before, organisation_id=house.id if house else None)
        session.add(member)
    member.state, member.confirmed_at, member.left_at = before.state, before.confirmed_at, before.left_at
    session.flush()
    for row in roster.story(old, before):
        if row.act in acts and row.key not in known:
            session.add(copied(row, member_id=member.id))
    session.flush()


def _take_over_suppression(session: Session, row: Suppression) -> None:
    mine = session.scalar(select(Suppression).where(Suppression.address_hash == row.address_hash))
    if mine is None:
        session.add(copied(row))
    elif row.at > mine.at:
        mine.reason, mine.at = row.reason, row.at


def _key(text: str) -> str:
    try:
        return Address.parse(text).key
    except RuleBroken:
        return text.casefold()

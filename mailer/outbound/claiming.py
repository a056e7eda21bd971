"""Taking letters out of the outbox in batches: who may get theirs is looked at in the statement that takes them.

A batch is claimed with an owner and a lease; the attempt is counted and `next_attempt_at` written with the claim, so
that a crash loop cannot hammer a relay (conformance SMT-15). No row becomes an object of the mapper on this way.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Integer, Table, case, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import Select, bindparam

from contacts.database import Database, UtcDateTime
from contacts.meeting import Invitation, Meeting
from contacts.member import ACTIVE, Member, Organisation
from mailer.outbound import recording
from mailer.outbound.issue import NEWSLETTER, SENDING, Issue
from mailer.outbound.outbox import (
    BULK_KINDS,
    NEVER_TWICE,
    QUEUED,
    REFUSED,
    SUBMITTING,
    WITHDRAWN,
    Claimed,
    OutboxItem,
    is_in,
)
from mailer.outbound.recording import Ended

#: Longer than the relay may take to answer the final dot (RFC 5321 §4.5.3.2.6: 10 minutes).
LEASE = timedelta(minutes=12)
#: Kinds that are pointless once their meeting has begun or was called off.
_BEFORE_IT_BEGINS = ("invitation", "update")
_KEPT, _WITHDRAWN, _GIVEN_UP, _HELD = "kept", "withdrawn", "given_up", "held"

#: What is frozen in the row of a letter that may go again by itself; raises LookupError where something is gone.
Freeze = Callable[[Session, Claimed], dict[str, Any]]

_TIME = UtcDateTime()
_ROW = cast(Table, OutboxItem.__table__)
_OWN = (
    *(OutboxItem.id, OutboxItem.kind, OutboxItem.attempt, OutboxItem.give_up_at, OutboxItem.created_at),
    *(OutboxItem.dated_at, OutboxItem.edition_id, OutboxItem.member_id, OutboxItem.invitation_id),
    *(OutboxItem.recipient, OutboxItem.return_path, OutboxItem.message_id, OutboxItem.content, OutboxItem.slots),
    *(Member.key, Member.name, Organisation.name, Member.language, Member.discreet),
)
_NOW = (Member.state, Meeting.status, Meeting.starts_at)
_LOOK = (
    select(*_OWN, *_NOW)
    .select_from(OutboxItem)
    .outerjoin(Member, Member.id == OutboxItem.member_id)
    .outerjoin(Organisation, Organisation.id == Member.organisation_id)
    .outerjoin(Invitation, Invitation.id == OutboxItem.invitation_id)
    .outerjoin(Meeting, Meeting.id == Invitation.meeting_id)
)


def _first(condition: Any) -> Select[Any]:
    """The rows that are due under a condition, the longest waiting first; another daemon's are passed over."""
    due = _LOOK.where(is_in(QUEUED), condition, OutboxItem.next_attempt_at <= bindparam("now"))
    # The limit is said in the statement: a plan for any limit joins the whole outbox for each claim.
    most: Any = bindparam("most", type_=Integer, literal_execute=True)
    due = due.order_by(OutboxItem.next_attempt_at, OutboxItem.id).limit(most)
    return due.with_for_update(skip_locked=True, of=OutboxItem)


_SINGLE = _first(OutboxItem.issue_id.is_(None))
_OF_ISSUE = _first(OutboxItem.issue_id == bindparam("issue"))
_TAKE = (
    update(_ROW)
    .where(_ROW.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=SUBMITTING,
        owner=bindparam("mine"),
        lease_until=bindparam("until"),
        attempt=_ROW.c.attempt + 1,
        phase=case((_ROW.c.phase == "dot_sent", "dot_sent"), else_="claimed"),
        next_attempt_at=bindparam("again"),
        dated_at=case((_ROW.c.issue_id.is_not(None), func.coalesce(_ROW.c.dated_at, bindparam("date", type_=_TIME)))),
    )
)
_GOING = select(Issue.id).where(Issue.state == SENDING).order_by(Issue.kind == NEWSLETTER, Issue.id)
_MINE = (
    _LOOK.add_columns(Issue.state)
    .outerjoin(Issue, Issue.id == OutboxItem.issue_id)
    .where(OutboxItem.id.in_(bindparam("ids", expanding=True)), OutboxItem.owner == bindparam("owner"))
    .where(OutboxItem.state == SUBMITTING)
    .with_for_update(of=OutboxItem)
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a claim brought: letters to send, and how many rows were due, with those that may not go any more."""

    letters: list[Claimed]
    due: int


def turn(
    database: Database,
    owner: str,
    now: datetime,
    ended: Sequence[Ended],
    most: int,
    wait: timedelta,
    freeze: Freeze,
) -> Batch:
    """Write how letters ended, and claim up to `most` others for `owner`, in one transaction of its own.

    Each is tried again after `wait` should we die. Single letters do not wait behind an issue, nor a meeting's behind
    a newsletter. On PostgreSQL rows that another daemon is claiming are passed over (conformance REL-11).
    """
    with database.begin() as session:
        recording.write(session, owner, ended, now)
        return _claim(session, owner, now, most, wait, freeze) if most else Batch([], 0)


def _claim(session: Session, owner: str, now: datetime, most: int, wait: timedelta, freeze: Freeze) -> Batch:
    rows = list(_due(session, now, most))
    date = now.astimezone(UTC).replace(microsecond=0)  # as the row gives it back at the next attempt
    found = [(_claimed(row, date), row[len(_OWN) :]) for row in rows]
    fates = [(_fate(letter, facts, now), letter) for letter, facts in found]
    kept = [letter for fate, letter in fates if fate == _KEPT]
    _end(session, [letter.id for fate, letter in fates if fate == _WITHDRAWN], WITHDRAWN, "withdrawn", now)
    _end(session, [letter.id for fate, letter in fates if fate == _GIVEN_UP], REFUSED, "given_up", now)
    if kept:
        ours = {"mine": owner, "until": now + LEASE, "again": now + wait, "date": date}
        session.connection().execute(_TAKE, {**ours, "ids": [letter.id for letter in kept]})
    return Batch(_frozen(session, kept, freeze), len(rows))


def _claimed(row: Any, date: datetime) -> Claimed:
    """As the row is after the claim: with this attempt counted, and a Date where it is of an issue."""
    number, kind, attempt, give_up_at, created_at, dated_at, edition = row[:7]
    dated = (dated_at or date) if edition is not None else None
    return Claimed(number, kind, attempt + 1, give_up_at, created_at, dated, edition, *row[7 : len(_OWN)])


def _due(session: Session, now: datetime, most: int) -> Iterator[Any]:
    connection = session.connection()
    single = connection.execute(_SINGLE, {"now": now, "most": most}).all()
    yield from single
    most -= len(single)
    for issue in connection.execute(_GOING).scalars().all() if most else ():
        found = connection.execute(_OF_ISSUE, {"now": now, "most": most, "issue": issue}).all()
        yield from found
        most -= len(found)
        if not most:
            break


def _fate(letter: Claimed, facts: Sequence[Any], now: datetime) -> str:
    """What becomes of a row, by consent and the meeting as they are now (OUT-26, SMT-14, REL-12, CAL-23)."""
    member, status, starts_at = facts
    kind = letter.kind
    if not letter.recipient or (kind in BULK_KINDS and member != ACTIVE):
        return _WITHDRAWN
    if kind in _BEFORE_IT_BEGINS and (status != "CONFIRMED" or now >= starts_at):
        return _WITHDRAWN
    return _GIVEN_UP if letter.attempt > 1 and now >= letter.give_up_at else _KEPT


def _fate_now(row: Any, now: datetime) -> str:
    """What becomes of a claimed row; its time to give up was looked at with the claim."""
    *found, issue = row
    if issue not in (None, SENDING):
        return _HELD
    fate = _fate(Claimed._make(found[: len(_OWN)]), found[len(_OWN) :], now)
    return _KEPT if fate == _GIVEN_UP else fate


def _end(session: Session, ids: list[int], state: str, phase: str, now: datetime) -> None:
    if ids:
        mine = update(OutboxItem).where(OutboxItem.id.in_(ids))
        session.execute(mine.values(state=state, phase=phase, finished_at=now, owner=None, lease_until=None))


def _frozen(session: Session, letters: list[Claimed], freeze: Freeze) -> list[Claimed]:
    """The letters, with what is personal written down for those that go again by themselves (decision 0003)."""
    done, written = [], []
    for letter in letters:
        again = letter.kind in BULK_KINDS and letter.kind not in NEVER_TWICE
        if again and letter.slots is None and letter.content is None:
            letter = _freeze_one(session, letter, freeze)
            written += [{"number": letter.id, "frozen": letter.slots}] if letter.slots else []
        done.append(letter)
    if written:
        one = update(_ROW).where(_ROW.c.id == bindparam("number")).values(slots=bindparam("frozen"))
        session.connection().execute(one, written)
    return done


def _freeze_one(session: Session, letter: Claimed, freeze: Freeze) -> Claimed:
    try:
        return letter._replace(slots=freeze(session, letter))
    except SQLAlchemyError:
        raise
    except Exception:  # it is this letter's trouble only, and will come up again when its bytes are made (EML-31)
        return letter


def look_again(
    database: Database, owner: str, now: datetime, waiting: Sequence[int], flying: Sequence[int]
) -> frozenset[int]:
    """Which of the claimed letters that wait may still go; their leases, and those of the letters in flight, go on.

    For a slow relay: between claim and turn somebody may have left or been erased, an issue paused, a meeting begun,
    or another daemon have taken over (OUT-26). Opens its own transaction.
    """
    values = {"ids": [*waiting], "owner": owner}
    with database.begin() as session:
        rows = session.connection().execute(_MINE, values).all() if waiting else []
        fates = {row.id: _fate_now(row, now) for row in rows}
        _end(session, [one for one, fate in fates.items() if fate == _WITHDRAWN], WITHDRAWN, "withdrawn", now)
        held = [one for one, fate in fates.items() if fate == _HELD]
        recording.give_back(session, owner, held, now)
        kept = frozenset(fates) - {one for one, fate in fates.items() if fate in (_WITHDRAWN, _HELD)}
        mine = update(OutboxItem).where(OutboxItem.id.in_([*kept, *flying]), OutboxItem.owner == owner)
        session.execute(mine.where(OutboxItem.state == SUBMITTING).values(lease_until=now + LEASE))
    return kept

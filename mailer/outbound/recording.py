"""How attempts end: what a reply means for a row, and the rows written in batches, those of one outcome together."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from typing import cast as typed

from sqlalchemy import Integer, Table, TableValuedAlias, Text, case, cast, func, null, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import Update, bindparam

from contacts import roster
from mailer.outbound import retry
from mailer.outbound.outbox import ACCEPTED, IN_DOUBT, NEVER_TWICE, QUEUED, REFUSED, SUBMITTING, OutboxItem
from mailer.outbound.submission import Reply

#: A letter at which the relay said that it does not take our mail waits this long; nobody is blamed.
_PAUSE = timedelta(minutes=5)
_ROW = typed(Table, OutboxItem.__table__)
#: Ours to write: what we claimed, and what somebody else declared in doubt while we could not be reached.
#: (Behind coalesce, so that rows are found by their numbers: by the index of owners each would be compared with all.)
_OURS = func.coalesce(_ROW.c.owner, "") == bindparam("mine")
_OURS &= (_ROW.c.state == SUBMITTING) | (_ROW.c.state == IN_DOUBT)
_ONE = update(_ROW).where(_ROW.c.id == bindparam("number"), _OURS)
_AGAIN = _ONE.values(next_attempt_at=bindparam("at"))
_FROZEN = _ONE.values(slots=bindparam("slots"))


def _outcome(said: TableValuedAlias) -> Update:
    """One statement for all letters of one outcome: their numbers and what was said of each come as one JSON object."""
    return (
        update(_ROW)
        .where(_ROW.c.id == cast(said.c.key, Integer), _OURS)
        .values(
            state=bindparam("to"), phase=bindparam("how"), reply_code=bindparam("code"), owner=None, lease_until=None,
            reply_enhanced=bindparam("enhanced"), reply_text=said.c.value, finished_at=bindparam("at"),
        )
    )  # fmt: skip


_SAID: Any = bindparam("said", type_=Text)
_SQLITE = _outcome(func.json_each(_SAID).table_valued("key", "value", name="told"))
_POSTGRESQL = _outcome(func.json_each_text(cast(_SAID, postgresql.JSON)).table_valued("key", "value", name="told"))


class Ended(NamedTuple):
    """How an attempt ended: the new state, when to try again where that is `queued`, and the facts of the reply.

    `slots` is what the row keeps of a letter that may have to be the same again; `dead` is the member whose mailbox
    does not exist.
    """

    id: int
    state: str
    phase: str
    code: int | None = None
    enhanced: str | None = None
    text: str = ""
    next_attempt_at: datetime | None = None
    slots: dict[str, Any] | None = None
    dead: int | None = None


class Tried(Protocol):
    """What has to be known of a letter to judge its attempt: of a claimed one, or of a row."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def give_up_at(self) -> datetime: ...
    @property
    def member_id(self) -> int | None: ...


def judge(letter: Tried, reply: Reply, now: datetime, jitter: float, slots: dict[str, Any] | None = None) -> Ended:
    """What a reply means for a letter: pure, with `jitter` in [0, 1) for the time of the next attempt."""
    state, again = _state(letter, retry.verdict(reply), now, jitter)
    dead = letter.member_id if retry.is_dead_address(reply) else None
    kept = slots if state in (QUEUED, IN_DOUBT) else None
    return Ended(letter.id, state, reply.phase, reply.code, reply.enhanced, reply.text[:500], again, kept, dead)


def _state(letter: Tried, verdict: str, now: datetime, jitter: float) -> tuple[str, datetime | None]:
    """The new state, and when to try again; in doubt, a newsletter stays so and a single letter goes again (SMT-22)."""
    if verdict == retry.ACCEPTED:
        return ACCEPTED, None
    if verdict == retry.REFUSED:
        return REFUSED, None
    if verdict == retry.IN_DOUBT and letter.kind in NEVER_TWICE:
        return IN_DOUBT, None
    if verdict == retry.OUR_FAULT:
        return QUEUED, now + _PAUSE
    again = now + retry.next_delay(letter.attempt, jitter)
    return (REFUSED, None) if again >= letter.give_up_at else (QUEUED, again)


def write(session: Session, owner: str, ended: Sequence[Ended], now: datetime) -> None:
    """Write how attempts ended, where the rows are still `owner`'s: one statement for each outcome.

    That a mailbox does not exist counts against its member in the same transaction (RFC 3463 §3.2: as sure as any
    bounce); members are locked before letters, as everybody else does.
    """
    for member in sorted({one.dead for one in ended if one.dead is not None}):
        roster.fail(session, member)
    session.flush()
    connection = session.connection()
    again = [{"number": one.id, "mine": owner, "at": one.next_attempt_at} for one in ended if one.next_attempt_at]
    frozen = [{"number": one.id, "mine": owner, "slots": one.slots} for one in ended if one.slots]
    for statement, rows in ((_AGAIN, again), (_FROZEN, frozen)):
        if rows:
            connection.execute(statement, rows)
    alike: dict[tuple[Any, ...], dict[int, str]] = defaultdict(dict)
    for one in ended:
        alike[one.state, one.phase, one.code, one.enhanced][one.id] = one.text
    statement = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    for (state, phase, code, enhanced), said in alike.items():
        facts = {"to": state, "how": phase, "code": code, "enhanced": enhanced, "said": json.dumps(said)}
        connection.execute(statement, {**facts, "mine": owner, "at": None if state == QUEUED else now})


def give_back(session: Session, owner: str, ids: Sequence[int], until: datetime) -> None:
    """Claimed letters of which nothing was sent: nobody's attempt counts. They are due again at `until`."""
    if not ids:
        return
    mine = update(OutboxItem).where(OutboxItem.id.in_(ids), OutboxItem.owner == owner, OutboxItem.state == SUBMITTING)
    session.execute(mine.values(untouched(until)))


def untouched(until: datetime) -> dict[Any, Any]:
    """The values of a claimed row that goes back as it was before; a dot of an earlier attempt is not forgotten."""
    return {
        OutboxItem.state: QUEUED, OutboxItem.owner: None, OutboxItem.lease_until: None,
        OutboxItem.attempt: OutboxItem.attempt - 1, OutboxItem.next_attempt_at: until,
        OutboxItem.phase: case((OutboxItem.phase == "dot_sent", "dot_sent"), else_=null()),
    }  # fmt: skip

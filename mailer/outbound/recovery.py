"""After a death: each claimed row of a process that is gone is brought to where its letter really was.

What was known stands in the journal of that process; a row whose journal is not here is taken for one whose final dot
may have left (conformance SMT-21, SMT-22, REL-03). Nothing is deleted, and nothing is sent again that must not be.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import Select

from contacts.database import Database
from mailer.outbound import recording
from mailer.outbound.issue import DONE, SENDING, Issue
from mailer.outbound.journal import BEGUN, DOTTED, ENDED, UNTOUCHED, Left
from mailer.outbound.outbox import IN_DOUBT, NEVER_TWICE, QUEUED, SUBMITTING, OutboxItem
from mailer.outbound.recording import Ended


def recover(
    database: Database,
    left: Left | None,
    boot: str,
    owner: str,
    now: datetime,
    alone: bool,
    jitter: Callable[[], float],
) -> Counter[str]:
    """Bring the rows of processes that are gone to their state, in a transaction of its own; counts by new state.

    `left` is the journal that lies here, `boot` the machine's boot, `owner` this process, which has nothing in hand
    now. `alone` says that no other process can be submitting, so that no lease need be waited for.
    """
    counts: Counter[str] = Counter()
    with database.begin() as session:
        ended: list[Ended] = []
        for item in session.scalars(_orphans(left, owner, now, alone).with_for_update(skip_locked=True)):
            here = left is not None and item.owner == left.owner
            came = left.came(item.id, boot) if left is not None and here else DOTTED
            if came == ENDED and left is not None:
                ended.append(_as_replied(item, left, now, jitter()))
                state = ended[-1].state
            else:
                state = _without_end(item, came, now, gone_for_good=here or alone or item.owner == owner)
            if state == QUEUED:
                _reopen(session, item)
            counts[state] += 1
        if left is not None:
            recording.write(session, left.owner, ended, now)
    return counts


def _orphans(left: Left | None, owner: str, now: datetime, alone: bool) -> Select[OutboxItem]:
    """Rows in hand of whoever wrote the journal, of ourselves, and of others who are dead or let their lease run out.

    What others declared in doubt while the writer of this journal could not be reached is in its hand too.
    """
    taken = select(OutboxItem).where(OutboxItem.owner.is_not(None))
    whose = [OutboxItem.owner == owner, OutboxItem.lease_until < now]
    submitting = (OutboxItem.state == SUBMITTING) if alone else (OutboxItem.state == SUBMITTING) & or_(*whose)
    if left is None:
        return taken.where(submitting)
    undecided = OutboxItem.state.in_((SUBMITTING, IN_DOUBT))
    return taken.where(or_(submitting, (OutboxItem.owner == left.owner) & undecided))


def _as_replied(item: OutboxItem, left: Left, now: datetime, jitter: float) -> Ended:
    reply = left.traces[item.id].reply
    assert reply is not None  # so says ENDED
    return recording.judge(item, reply, now, jitter)


def _without_end(item: OutboxItem, came: str, now: datetime, gone_for_good: bool) -> str:
    """The row of a letter whose attempt has no known end: in doubt, or due again; returns its state."""
    if came == DOTTED and item.kind in NEVER_TWICE:
        if item.state != IN_DOUBT:
            item.state, item.phase, item.finished_at, item.lease_until = IN_DOUBT, "dot_sent", now, None
        if gone_for_good:
            item.owner = None  # else the journal of its owner may still tell, when that machine comes back
        return IN_DOUBT
    item.state, item.owner, item.lease_until, item.finished_at = QUEUED, None, None, None
    if came == UNTOUCHED:
        item.attempt, item.next_attempt_at = item.attempt - 1, now
        item.phase = "dot_sent" if item.phase == "dot_sent" else None
        return QUEUED
    item.next_attempt_at = min(item.next_attempt_at, now + _after_death(item.attempt))
    if came == DOTTED or item.phase != "dot_sent":
        item.phase = "in_hand" if came == BEGUN else "dot_sent"
    return QUEUED


def _after_death(attempt: int) -> timedelta:
    """How long a letter waits in whose hand we died: not at all, unless it is not for the first time.

    A letter that brings us down again and again must not stop the others: 20 seconds, 40, 80 …
    """
    return timedelta(0) if attempt <= 1 else timedelta(seconds=5) * 2 ** min(attempt, 8)


def _reopen(session: Session, item: OutboxItem) -> None:
    """An issue that seemed done has a letter to send after all."""
    issue = session.get(Issue, item.issue_id) if item.issue_id else None
    if issue is not None and issue.state == DONE:
        issue.state, issue.finished_at = SENDING, None

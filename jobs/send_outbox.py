"""The way out: due letters are claimed, written, submitted, and what the relay said is recorded, one by one."""

import asyncio
import threading
from collections import deque
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from contacts import roster
from jobs import heartbeat
from jobs.app import App
from mailer import maillog
from mailer.errors import ClaimLost, SubmissionUnavailable
from mailer.outbound import outbox, retry
from mailer.outbound.issue_letters import bytes_of
from mailer.outbound.outbox import OutboxItem, Result
from mailer.outbound.submission import Parcel, Reply

_BATCH = 20
#: A letter at which the relay said that it does not take our mail waits this long; nobody is blamed.
_PAUSE = timedelta(minutes=5)


def send_outbox(app: App, stop: threading.Event) -> int:
    """Submit everything that is due; returns how many letters were accepted.

    Raises SubmissionUnavailable or LoginRefused when the relay refuses us as a whole; the letters wait.
    """
    _recover(app)
    tray = _Tray(app, stop)
    try:
        asyncio.run(_submit(app, tray))
    finally:
        tray.give_back()
    _finish(app)
    if tray.our_fault:
        raise tray.our_fault
    return tray.accepted


async def _submit(app: App, tray: "_Tray") -> None:
    async with app.open_submission() as relay:
        await relay.send(tray.next_parcel, tray.dot, tray.ended)


def _recover(app: App) -> None:
    counts = outbox.recover(app.database, app.now(), alone=app.database.is_sqlite)
    if any(counts.values()):
        maillog.recovered(counts[outbox.QUEUED], counts[outbox.IN_DOUBT])


class _Tray:
    """The letters of one round: those claimed and not begun, those in hand, and what became of them."""

    def __init__(self, app: App, stop: threading.Event) -> None:
        self.accepted = 0
        self.our_fault: SubmissionUnavailable | None = None
        self._app, self._stop = app, stop
        self._claimed: deque[OutboxItem] = deque()
        self._in_hand: dict[int, OutboxItem] = {}
        self._untouched: list[OutboxItem] = []
        self._lost: set[int] = set()

    def next_parcel(self) -> Parcel | None:
        """The next letter that is due and may still go; None when there is none, or when no more shall be begun."""
        while not (self._stop.is_set() or self.our_fault) and (item := self._next_item()):
            written = _write(self._app, item)
            if written:
                self._in_hand[item.id], content = written
                return Parcel(item.id, item.return_path, item.recipient, content)
        return None

    def dot(self, key: int) -> None:
        """From here on nobody can know without the relay's answer. Raises ClaimLost."""
        app = self._app
        try:
            outbox.mark_dot(app.database, self._in_hand[key], app.now())
        except ClaimLost:
            self._lost.add(key)
            raise

    def ended(self, key: int, reply: Reply) -> None:
        """What became of a letter, into its row."""
        app, item = self._app, self._in_hand.pop(key)
        if key in self._lost:
            maillog.claim_lost(item.id, item.kind)
        elif reply.phase == "connect":  # nobody could take it: its attempt does not count
            self._untouched.append(item)
        else:
            self._record(item, reply)
        heartbeat.beat(app.data_dir, "send_outbox", app.now())

    def give_back(self) -> None:
        """What was not begun goes back into the queue; the job itself pauses, longer each time."""
        items = [*self._claimed, *self._untouched]
        if items:
            outbox.give_back(self._app.database, items, self._app.now())

    def _next_item(self) -> OutboxItem | None:
        app = self._app
        if not self._claimed:
            wait = retry.next_delay(1, app.jitter())
            self._claimed.extend(outbox.claim(app.database, app.owner, app.now(), _BATCH, wait))
        return self._claimed.popleft() if self._claimed else None

    def _record(self, item: OutboxItem, reply: Reply) -> None:
        result = _result(self._app, item, reply)
        outbox.record(self._app.database, item, result, self._app.now())
        _log(item, reply, result.state)
        self.accepted += result.state == outbox.ACCEPTED
        if retry.is_dead_address(reply) and item.member_id is not None:
            _note_dead(self._app, item.member_id)
        if retry.verdict(reply) == retry.OUR_FAULT:
            self.our_fault = SubmissionUnavailable(f"the relay refuses us: {reply.code} at {reply.phase}")


def _write(app: App, claimed: OutboxItem) -> tuple[OutboxItem, bytes] | None:
    """The row and the bytes to submit, in the transaction that looks once more whether they may go; None when not."""
    try:
        with app.database.begin() as session:
            item = outbox.take(session, claimed.id, app.owner, app.now())
            return (item, bytes_of(session, app.writer, item, app.now())) if item else None
    except SQLAlchemyError:
        raise  # the database is away: the row keeps its claim, and comes back when it is recovered
    except Exception as error:  # a letter that cannot be written is this letter's trouble only (EML-31)
        name = type(error).__name__
        maillog.unwritable(claimed.id, claimed.kind, name)
        outbox.record(app.database, claimed, Result(outbox.REFUSED, "unwritable", text=name), app.now())
        return None


def _log(item: OutboxItem, reply: Reply, state: str) -> None:
    if state == outbox.ACCEPTED:
        maillog.accepted(item.id, item.kind, item.attempt)
    elif state == outbox.QUEUED:
        maillog.postponed(item.id, item.kind, item.attempt, reply.code, reply.phase)
    elif state == outbox.IN_DOUBT:
        maillog.in_doubt(item.id, item.kind)
    else:
        maillog.refused(item.id, item.kind, reply.code, reply.enhanced)


def _note_dead(app: App, member_id: int) -> None:
    """The relay itself says that this mailbox does not exist: as sure as any bounce (RFC 3463 §3.2)."""
    with app.database.begin() as session:
        roster.fail(session, member_id)


def _result(app: App, item: OutboxItem, reply: Reply) -> Result:
    """What a reply means for this row, with the facts of the reply kept."""
    state, again = _state(app, item, retry.verdict(reply))
    return Result(state, reply.phase, reply.code, reply.enhanced, reply.text, again)


def _state(app: App, item: OutboxItem, verdict: str) -> tuple[str, datetime | None]:
    """The new state, and when to try again; in doubt, a newsletter stays so and a single letter goes again (SMT-22)."""
    if verdict == retry.ACCEPTED:
        return outbox.ACCEPTED, None
    if verdict == retry.REFUSED:
        return outbox.REFUSED, None
    if verdict == retry.IN_DOUBT and item.kind in outbox.NEVER_TWICE:
        return outbox.IN_DOUBT, None
    if verdict == retry.OUR_FAULT:
        return outbox.QUEUED, app.now() + _PAUSE
    again = app.now() + retry.next_delay(item.attempt, app.jitter())
    return (outbox.REFUSED, None) if again >= item.give_up_at else (outbox.QUEUED, again)


def _finish(app: App) -> None:
    with app.database.begin() as session:
        done = outbox.finish_issues(session, app.now())
    for issue in done:
        maillog.finished(issue.id)

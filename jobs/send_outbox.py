"""The way out: due letters are claimed, written, submitted, and what the relay said is recorded, one by one."""

import threading
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from contacts import roster
from jobs import heartbeat
from jobs.app import App
from mailer import maillog
from mailer.errors import ClaimLost, LoginRefused, SubmissionUnavailable
from mailer.outbound import outbox, retry
from mailer.outbound.issue_letters import bytes_of
from mailer.outbound.outbox import OutboxItem, Result
from mailer.outbound.submission import Reply, Submission

_BATCH = 20
#: A letter at which the relay said that it does not take our mail waits this long; nobody is blamed.
_PAUSE = timedelta(minutes=5)


def send_outbox(app: App, stop: threading.Event) -> int:
    """Submit everything that is due; returns how many letters were accepted.

    Raises SubmissionUnavailable or LoginRefused when the relay refuses us as a whole; the letters wait.
    """
    _recover(app)
    accepted = 0
    with app.open_submission() as relay:
        while not stop.is_set():
            items = outbox.claim(app.database, app.owner, app.now(), _BATCH, retry.next_delay(1, app.jitter()))
            if not items:
                break
            accepted += _send_batch(app, relay, items, stop)
    _finish(app)
    return accepted


def _recover(app: App) -> None:
    counts = outbox.recover(app.database, app.now(), alone=app.database.is_sqlite)
    if any(counts.values()):
        maillog.recovered(counts[outbox.QUEUED], counts[outbox.IN_DOUBT])


def _send_batch(app: App, relay: Submission, items: list[OutboxItem], stop: threading.Event) -> int:
    accepted = 0
    for position, item in enumerate(items):
        if stop.is_set():
            outbox.give_back(app.database, items[position:], app.now())
            break
        try:
            accepted += _send(app, relay, item)
        except (SubmissionUnavailable, LoginRefused):
            outbox.give_back(app.database, items[position:], app.now())  # the job itself pauses, longer each time
            raise
        heartbeat.beat(app.data_dir, "send_outbox", app.now())
    return accepted


def _send(app: App, relay: Submission, claimed: OutboxItem) -> bool:
    """One letter to its end, or back to the queue; True when the relay accepted it."""
    written = _write(app, claimed)
    if written is None:
        return False
    item, content = written
    try:
        reply = relay.submit(
            item.return_path, item.recipient, content, lambda: outbox.mark_dot(app.database, item, app.now())
        )
    except ClaimLost:
        maillog.claim_lost(item.id, item.kind)
        return False
    return _record(app, item, reply)


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


def _record(app: App, item: OutboxItem, reply: Reply) -> bool:
    result = _result(app, item, reply)
    outbox.record(app.database, item, result, app.now())
    if result.state == outbox.ACCEPTED:
        maillog.accepted(item.id, item.kind, item.attempt)
    elif result.state == outbox.QUEUED:
        maillog.postponed(item.id, item.kind, item.attempt, reply.code, reply.phase)
    elif result.state == outbox.IN_DOUBT:
        maillog.in_doubt(item.id, item.kind)
    else:
        maillog.refused(item.id, item.kind, reply.code, reply.enhanced)
    if retry.is_dead_address(reply) and item.member_id is not None:
        _note_dead(app, item.member_id)
    if retry.verdict(reply) == retry.OUR_FAULT:
        raise SubmissionUnavailable(f"the relay refuses us: {reply.code} at {reply.phase}")
    return result.state == outbox.ACCEPTED


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

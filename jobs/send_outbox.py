"""The way out: due letters are claimed in batches, written, submitted, and what the relay said is recorded."""

import asyncio
import threading
from contextlib import closing

from jobs.app import App
from jobs.sending import Sending
from mailer import maillog
from mailer.outbound import journal, outbox
from mailer.outbound.journal import Journal
from mailer.outbound.recovery import recover

_TICK_SECONDS = 0.1


def send_outbox(app: App, stop: threading.Event) -> int:
    """Submit everything that is due; returns how many letters were accepted. To be called with the job's lock held.

    Raises SubmissionUnavailable or LoginRefused when the relay refuses us as a whole; the letters wait.
    """
    recover_rows(app)
    with closing(Journal(app.lock_dir / journal.FILE, app.owner, app.boot)) as writing:
        sending = Sending(app, stop, writing)
        try:
            asyncio.run(_submit(app, sending))
        finally:
            sending.finish()
    _finish(app)
    return sending.accepted


async def _submit(app: App, sending: Sending) -> None:
    """Give the relay one letter after the other, over as many connections as help, until there is none."""
    async with app.open_submission() as relay:
        ticking = asyncio.create_task(_tick(sending))
        try:
            await relay.send(sending.next_parcel, sending.dot, sending.ended)
        finally:
            ticking.cancel()


async def _tick(sending: Sending) -> None:
    while True:
        await asyncio.sleep(_TICK_SECONDS)
        sending.tick()


def recover_rows(app: App) -> None:
    """Bring what a dead process, or a round that failed, left in hand to where its letters really are."""
    left = journal.read(app.lock_dir / journal.FILE)
    alone = app.database.is_sqlite
    counts = recover(app.database, left, app.boot, app.owner, app.now(), alone, app.jitter)
    if counts:
        queued, doubtful = counts[outbox.QUEUED], counts[outbox.IN_DOUBT]
        maillog.recovered(queued, doubtful, counts.total() - queued - doubtful)


def _finish(app: App) -> None:
    with app.database.begin() as session:
        done = outbox.finish_issues(session, app.now())
    for issue in done:
        maillog.finished(issue.id)

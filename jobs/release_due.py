"""What is due: approved issues whose hour has come go into the outbox."""

import threading
from datetime import datetime

from jobs.app import App
from mailer import maillog
from mailer.outbound import newsletter


def release_due(app: App, stop: threading.Event) -> int:
    """Release every issue that is due; returns how many. One that is hours late waits for a person instead.

    Each goes in a transaction of its own, so that one that cannot go keeps no other back.
    """
    now = app.now()
    with app.database.read() as session:
        waiting = newsletter.due(session, now)
    released = 0
    for issue_id in waiting:
        if stop.is_set():
            break
        try:
            released += _release(app, issue_id, now)
        except Exception as error:  # whatever is wrong with this issue: the others must go
            maillog.release_failed(issue_id, type(error).__name__)
    return released


def _release(app: App, issue_id: int, now: datetime) -> bool:
    """One issue into the outbox; False when another daemon has it, or a person changed their mind meanwhile."""
    with app.database.begin() as session:
        issue = newsletter.take(session, issue_id, now)
        if issue is None:
            return False
        letters = newsletter.release(session, app.writer, issue, now)
    maillog.released(issue_id, letters)
    return True

"""What is due: approved issues whose hour has come go into the outbox."""

import threading

from jobs.app import App
from mailer import maillog
from mailer.outbound import newsletter


def release_due(app: App, stop: threading.Event) -> int:
    """Release every issue that is due; returns how many. One that is hours late waits for a person instead."""
    with app.database.begin() as session:
        released = []
        for issue in newsletter.due(session, app.now()):
            if newsletter.overdue(issue, app.now()) or stop.is_set():
                continue
            released.append((issue.id, newsletter.release(session, app.writer, issue, app.now())))
    for issue_id, letters in released:
        maillog.released(issue_id, letters)
    return len(released)

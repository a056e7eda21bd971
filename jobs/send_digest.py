"""The digest of the day: once for each day of the network's clock, however late, often or on however many machines."""

import threading

from contacts import coordinator
from jobs.app import App
from jobs.folder_names import folder_names
from mailer import digest, maillog


def send_digest(app: App, stop: threading.Event) -> int:
    """Queue today's digest when its hour has come and it is not done yet; returns how many letters."""
    at, now = app.config.digest_at, app.now()
    if at is None:
        return 0
    with app.database.read() as session:
        last = coordinator.last_digest(session)
        day = digest.due(now.astimezone(app.network.timezone), at, last.day if last else None)
    if day is None:
        return 0
    with app.database.begin() as session:
        letters = digest.send(session, app.writer, day, now, folder_names(app))
    if letters:
        maillog.digest_written(letters)
    return letters

"""A round of sending in the tests: letters in the outbox, a clock that a test moves, and what became of the rows."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from contacts.database import Database
from contacts.member import ACTIVE, Member
from jobs.app import App
from jobs.send_outbox import recover_rows
from jobs.sending import Sending
from mailer.outbound import outbox
from mailer.outbound.issue import SENDING, Issue
from mailer.outbound.journal import FILE, Journal
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.submission import Reply
from tests.database.office import NOW

TAKEN = Reply("replied", 250, "2.0.0", "Ok: queued")
PEOPLE = 8
SETTINGS = {
    "NETWORK_NAME": "Netwerk", "NETWORK_ADDRESS": "net@werk.example", "IMAP_URL": "imap://net@127.0.0.1:1",
    "IMAP_PASSWORD": "x", "SMTP_URL": "smtp://127.0.0.1:1", "SECRET_KEY": "k" * 32,
}  # fmt: skip


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def __call__(self) -> float:
        return self.seconds


def put(database: Database, people: int = PEOPLE) -> None:
    """A newsletter to so many, and one single letter to each of them; the bytes stand in the rows."""
    issue = {"id": 1, "key": "k" * 32, "slug": "winter", "kind": "newsletter", "state": SENDING}
    with database.begin() as session:
        session.execute(delete(OutboxItem))
        if session.get(Issue, 1) is None:
            session.execute(insert(Issue), [{**issue, "approved_by": "an@stad.example", "approved_at": NOW}])
            session.execute(insert(Member), [_member(number) for number in range(1, people + 1)])
        session.execute(update(Issue).values(state=SENDING))
        rows = [_letter(kind, number) for number in range(1, people + 1) for kind in ("newsletter", "received")]
        session.execute(insert(OutboxItem), rows)


def _member(number: int) -> dict[str, object]:
    address = f"p{number}@huis.example"
    return {
        "id": number, "key": f"{number:032x}", "address": address, "address_key": address, "language": "nl",
        "state": ACTIVE, "discreet": "off", "created_at": NOW,
    }  # fmt: skip


def _letter(kind: str, number: int) -> dict[str, object]:
    return {
        "id": number * 10 + (kind == "received"), "kind": kind, "issue_id": 1 if kind == "newsletter" else None,
        "member_id": number, "recipient": f"p{number}@huis.example", "return_path": "net@werk.example",
        "message_id": f"<{kind}.{number}@werk.example>", "content": b"Subject: x\r\n\r\nx\r\n", "state": outbox.QUEUED,
        "attempt": 0, "next_attempt_at": NOW, "give_up_at": NOW + timedelta(days=50), "created_at": NOW,
    }  # fmt: skip


def begin(app: App, clock: Clock) -> Sending:
    """A round as the job begins it, before the first letter."""
    recover_rows(app)
    return Sending(app, threading.Event(), Journal(app.lock_dir / FILE, app.owner, app.boot), clock)


def rows_of(database: Database) -> dict[int, OutboxItem]:
    with database.read() as session:
        return {item.id: item for item in session.scalars(select(OutboxItem))}

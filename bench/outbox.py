"""What the outbox alone costs a letter: `python -m bench.outbox [ROWS] [BATCH]`, on SQLite and on PostgreSQL.

Claims every letter of a newsletter in batches and writes how each ended, with the real statements and commits (SQLite
synchronous=FULL, PostgreSQL synchronous_commit=on) and the real journal.
No letter is composed and nothing is sent. Prints microseconds a letter: the median of five rounds of waiting and of our
own processor, and each round.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, update

from contacts import migrate
from contacts.database import Database, connect
from contacts.member import ACTIVE, Member
from mailer.outbound import claiming, outbox
from mailer.outbound.claiming import Claimed
from mailer.outbound.issue import NEWSLETTER, SENDING, FrozenEdition, Issue
from mailer.outbound.journal import FILE, Journal
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.recording import Ended
from mailer.outbound.submission import Reply
from tests.servers import open_folder
from tests.servers import postgres as postgres_server

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
_ROUNDS = 5
_WAIT = timedelta(minutes=7)


def fill(database: Database, rows: int) -> None:
    """A newsletter that goes out to so many members."""
    issue = {"id": 1, "key": "k" * 32, "slug": "winter", "kind": NEWSLETTER, "state": SENDING}
    with database.begin() as session:
        session.execute(insert(Issue), [{**issue, "approved_by": "an@stad.example", "approved_at": NOW}])
        edition = {"id": 1, "issue_id": 1, "language": "nl", "variant": "plain", "content": {}}
        session.execute(insert(FrozenEdition), [edition])
        session.execute(insert(Member), [_member(number) for number in range(1, rows + 1)])
        session.execute(insert(OutboxItem), [_letter(number) for number in range(1, rows + 1)])


def _member(number: int) -> dict[str, object]:
    address = f"p{number}@huis.example"
    return {
        "id": number, "key": f"{number:032x}", "address": address, "address_key": address, "name": f"Persoon {number}",
        "language": "nl", "state": ACTIVE, "discreet": "off", "created_at": NOW,
    }  # fmt: skip


def _letter(number: int) -> dict[str, object]:
    return {
        "kind": NEWSLETTER, "issue_id": 1, "edition_id": 1, "member_id": number, "recipient": f"p{number}@huis.example",
        "return_path": "net@werk.example", "message_id": f"<{number:040x}@werk.example>", "state": outbox.QUEUED,
        "attempt": 0, "next_attempt_at": NOW, "give_up_at": NOW + timedelta(days=5), "created_at": NOW,
    }  # fmt: skip


def _again(database: Database) -> None:
    with database.begin() as session:
        session.execute(update(OutboxItem).values(state=outbox.QUEUED, attempt=0, next_attempt_at=NOW, phase=None))


def drain(database: Database, journal: Journal, batch: int) -> int:
    """Claim and record everything as the job does; returns how many letters."""
    ended: list[Ended] = []
    letters = 0
    while True:
        found = claiming.turn(database, "bench", NOW, ended, batch, _WAIT, lambda _session, _letter: {})
        journal.keep(one.id for one in ended)
        if not found.due:
            return letters
        ended = [_sent(journal, letter) for letter in found.letters]
        letters += len(ended)


def _sent(journal: Journal, letter: Claimed) -> Ended:
    reply = Reply("replied", 250, "2.0.0", f"Ok: queued as {letter.id:012X}")
    journal.begin(letter.id)
    journal.dot(letter.id)
    journal.end(letter.id, reply)
    return Ended(letter.id, outbox.ACCEPTED, reply.phase, reply.code, reply.enhanced, reply.text)


def measure(url: str, rows: int, batch: int, folder: Path) -> tuple[list[float], list[float]]:
    """Microseconds a letter for each round: by the clock, and of our own processor."""
    with closing(connect(url)) as database, closing(Journal(folder / FILE, "bench", "boot")) as journal:
        migrate.upgrade(database)
        fill(database, rows)
        waited, worked = [], []
        for _ in range(_ROUNDS):
            begun, idle = time.perf_counter(), time.process_time()
            assert drain(database, journal, batch) == rows
            waited.append((time.perf_counter() - begun) / rows * 1e6)
            worked.append((time.process_time() - idle) / rows * 1e6)
            _again(database)
        return waited, worked


@contextmanager
def _places() -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="verbinden-outbox-"))
        server = stack.enter_context(postgres_server.running(stack.enter_context(open_folder())))
        url = stack.enter_context(server.database())
        yield {"SQLite, synchronous=FULL": f"sqlite:///{folder}/verbinden.db", "PostgreSQL": url}


def main(rows: int, batch: int) -> None:
    """Measure both, one after the other."""
    with _places() as places, tempfile.TemporaryDirectory(prefix="verbinden-outbox-") as folder:
        for name, url in places.items():
            waited, worked = measure(url, rows, batch, Path(folder))
            each = " ".join(f"{one:.1f}" for one in waited)
            ours = f"{statistics.median(worked):.1f} of our processor"
            print(f"{name}: {statistics.median(waited):.1f} µs a letter, {ours} ({rows} rows by {batch}; {each})")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [20_000, 200][len(numbers) :]))

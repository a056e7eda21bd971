"""A round of sending, whatever the relay, the database, the disk or a kill do to it: nobody lost, nobody twice."""

import contextlib
import itertools
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.orm import Session

from contacts.database import Database
from contacts.member import ACTIVE, Member
from jobs import app as composition
from jobs import config
from jobs.app import App
from jobs.send_outbox import recover_rows
from jobs.sending import Sending
from mailer.errors import ClaimLost, SubmissionUnavailable
from mailer.outbound import outbox
from mailer.outbound.issue import SENDING, Issue
from mailer.outbound.journal import FILE, Journal
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.submission import Reply
from tests.database.conftest import NOW

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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, database: Database, clock: Clock) -> Iterator[App]:
    """An App on the test's database, whose clock the test moves."""
    url = database.engine.url.render_as_string(hide_password=False)
    made = composition.build(
        config.load(tmp_path / "no.env", {**SETTINGS, "DATA_DIR": str(tmp_path), "DATABASE_URL": url})
    )
    yield replace(made, now=clock.now, jitter=lambda: 0.5, boot="this-boot", owner="first")
    made.close()


def _put(database: Database, people: int = PEOPLE) -> None:
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


def _round(app: App, clock: Clock) -> Sending:
    """A round as the job begins it, before the first letter."""
    recover_rows(app)
    return Sending(app, threading.Event(), Journal(app.lock_dir / FILE, app.owner, app.boot), clock)


def _rows(database: Database) -> dict[int, OutboxItem]:
    with database.read() as session:
        return {item.id: item for item in session.scalars(select(OutboxItem))}


def _states(database: Database) -> Counter[str]:
    return Counter(item.state for item in _rows(database).values())


def _send(found: Sending, reply: Reply = TAKEN, most: int = 1000) -> list[int]:
    """So many letters, one after the other; returns their numbers."""
    keys = []
    while len(keys) < most and (parcel := found.next_parcel()) is not None:
        found.dot(parcel.key)
        found.ended(parcel.key, reply)
        keys.append(parcel.key)
    return keys


def test_everything_due_goes_once(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    assert sorted(_send(found)) == sorted(_rows(app.database))
    found.finish()
    assert (found.accepted, _states(app.database)) == (2 * PEOPLE, {"accepted": 2 * PEOPLE})


def test_what_a_slow_relay_said_is_recorded_soon(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    _send(found, most=1)
    found.tick()
    assert _states(app.database)["accepted"] == 0
    clock.seconds += 0.25
    found.tick()
    assert _states(app.database)["accepted"] == 1


@pytest.mark.conf("REL-11")
def test_leases_go_on_while_a_relay_is_slow(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    flies = found.next_parcel()
    assert flies is not None
    for _ in range(100):
        clock.seconds += 10
        found.tick()
    rows = _rows(app.database)
    leases = {item.lease_until for item in rows.values() if item.owner == app.owner}
    assert all(lease is not None and lease > app.now() + timedelta(minutes=11) for lease in leases)
    found.dot(flies.key)


@pytest.mark.conf("REL-11", "SMT-21")
def test_a_lost_claim_writes_no_dot(app: App, clock: Clock) -> None:
    """A process that was stopped wakes up: its lease may be over, and the letter another's."""
    _put(app.database)
    found = _round(app, clock)
    parcel = found.next_parcel()
    assert parcel is not None
    clock.seconds += 100
    with pytest.raises(ClaimLost):
        found.dot(parcel.key)


@pytest.mark.conf("OUT-26")
def test_who_leaves_while_a_batch_is_in_hand_gets_nothing(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    _send(found, most=PEOPLE)  # the single letters
    with app.database.begin() as session:
        session.execute(update(Member).values(state="left"))
    clock.seconds += 2
    assert _send(found) == []
    found.finish()
    assert _states(app.database) == {"accepted": PEOPLE, "withdrawn": PEOPLE}


@pytest.mark.conf("SMT-11")
def test_a_relay_that_refuses_us_blames_nobody(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    _send(found, most=2)
    assert _send(found, Reply("mail", 550, "5.7.1", "we do not like you")) != []
    with pytest.raises(SubmissionUnavailable):
        found.finish()
    rows = _rows(app.database).values()
    assert Counter((item.state, item.attempt) for item in rows) == {
        ("accepted", 1): 2, ("queued", 1): 1, ("queued", 0): 2 * PEOPLE - 3,
    }  # fmt: skip


def test_what_no_connection_could_take_has_lost_no_attempt(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    parcel = found.next_parcel()
    assert parcel is not None
    found.ended(parcel.key, Reply("connect"))
    found.stop.set()
    found.finish()
    assert {(item.state, item.attempt) for item in _rows(app.database).values()} == {("queued", 0)}


@pytest.mark.conf("REL-61")
def test_a_database_that_goes_away_stops_everything(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    sent = _send(found, most=3)
    flies, later = found.next_parcel(), found.next_parcel()
    assert flies is not None
    assert later is not None
    found.dot(flies.key)

    def broken(_connection: object) -> None:
        raise OSError("no space left on device")

    event.listen(app.database.engine, "commit", broken)
    clock.seconds += 1
    found.tick()
    assert found.next_parcel() is None
    with pytest.raises(ClaimLost):
        found.dot(later.key)
    found.ended(flies.key, TAKEN)  # what comes now is kept all the same
    with pytest.raises(OSError, match="no space"):
        found.finish()
    found.journal.close()
    event.remove(app.database.engine, "commit", broken)
    again = _round(app, clock)  # the same process, some seconds later
    assert {one.id for one in _rows(app.database).values() if one.state == "accepted"} == {*sent, flies.key}
    assert len(_send(again)) == 2 * PEOPLE - 4
    again.finish()
    assert _states(app.database) == {"accepted": 2 * PEOPLE}


@pytest.mark.conf("REL-61")
def test_a_journal_that_cannot_be_written_stops_everything(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    parcel = found.next_parcel()
    assert parcel is not None
    full = os.open("/dev/full", os.O_WRONLY)
    whole, found.journal._descriptor = found.journal._descriptor, full
    with pytest.raises(OSError, match="No space"):
        found.dot(parcel.key)
    assert found.next_parcel() is None
    found.ended(parcel.key, Reply("in_data"))
    with pytest.raises(OSError, match="No space"):
        found.finish()
    os.close(whole)
    _round(app, clock)
    assert _states(app.database) == {"queued": 2 * PEOPLE}


@pytest.mark.conf("EML-31")
def test_a_letter_that_cannot_be_written_is_its_own_trouble(app: App, clock: Clock) -> None:
    _put(app.database)
    with app.database.begin() as session:
        session.execute(update(OutboxItem).where(OutboxItem.id == 10).values(content=None))
    found = _round(app, clock)
    assert len(_send(found)) == 2 * PEOPLE - 1
    found.finish()
    row = _rows(app.database)[10]
    assert (row.state, row.phase, row.reply_text) == ("refused", "unwritable", "LookupError")


def test_when_asked_to_stop_the_rest_goes_back(app: App, clock: Clock) -> None:
    _put(app.database)
    found = _round(app, clock)
    _send(found, most=1)
    found.stop.set()
    assert found.next_parcel() is None
    found.finish()
    rows = _rows(app.database).values()
    assert Counter((item.state, item.attempt) for item in rows) == {("accepted", 1): 1, ("queued", 0): 2 * PEOPLE - 1}


def test_batches_grow_while_they_are_quick(app: App, clock: Clock) -> None:
    _put(app.database, people=100)
    found = _round(app, clock)
    sizes, seconds = [], iter((0.1, 5.0, 0.1, 0.1, 0.1, 0.1))
    while (parcel := found.next_parcel()) is not None:
        sizes.append(1 + len(found._waiting))
        found.dot(parcel.key)
        found.ended(parcel.key, TAKEN)
        _send(found, most=len(found._waiting))
        clock.seconds += next(seconds)
    assert sizes == [20, 40, 20, 40, 80]


class Killed(BaseException):
    """kill -9: nothing of the process runs after it."""


@dataclass
class Relay:
    """A relay with some connections, at which chance decides what happens next, and when everything ends."""

    chance: random.Random
    connections: int = 3
    took: Counter[int] = field(default_factory=Counter)
    #: Letters whose dot may have left, and whose answer did not come: the only ones that may be in doubt.
    unanswered: set[int] = field(default_factory=set)

    def serve(self, found: Sending, life: int, clock: Clock) -> None:
        """Take letters until there are none; raises Killed after so many steps."""
        flying: dict[int, bool] = {}
        try:
            self._serve(found, flying, life, clock)
        except Killed:
            dotted = [key for key, left in flying.items() if left]
            self.unanswered |= {*dotted}
            self.took.update(key for key in dotted if self.chance.random() < 0.5)
            raise

    def _serve(self, found: Sending, flying: dict[int, bool], life: int, clock: Clock) -> None:
        empty = False
        while flying or not empty:
            life -= 1
            if life < 0:
                raise Killed
            if not flying and self.chance.random() < 0.2:
                clock.seconds, empty = clock.seconds + 3600, False  # what was put off is due again, in the same life
            if not empty and len(flying) < self.connections and self.chance.random() < 0.5:
                parcel = found.next_parcel()
                empty = parcel is None
                if parcel is not None:
                    flying[parcel.key] = False
            elif flying:
                self._go_on(found, flying)
            found.tick()

    def _go_on(self, found: Sending, flying: dict[int, bool]) -> None:
        key = self.chance.choice(list(flying))
        if not flying[key]:
            if self.chance.random() < 0.1:
                del flying[key]
                found.ended(key, self.chance.choice([Reply("rcpt", 550, "5.7.1"), Reply("rcpt", 451)]))
                return
            found.dot(key)
            flying[key] = True
            return
        answer = self.chance.choice([TAKEN] * 6 + [Reply("replied", 451), Reply("dot_sent")])
        if answer is TAKEN or (answer.phase == "dot_sent" and self.chance.random() < 0.5):
            self.took[key] += 1
        if answer.phase == "dot_sent":
            self.unanswered.add(key)
        del flying[key]
        found.ended(key, answer)


@pytest.mark.conf("REL-03", "REL-04", "REL-05", "SMT-21", "SMT-24")
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=some.integers(0, 10**9))
def test_killed_again_and_again(app: App, clock: Clock, seed: int) -> None:
    _put(app.database)
    chance = random.Random(seed)
    relay, reboots, clock.seconds = Relay(chance), 0, 0.0
    for life in itertools.count():
        clock.seconds += 24 * 3600 if life else 0
        again = replace(app, owner=f"{seed}-{life}", boot=f"boot-{reboots}")
        last, found = life >= 6, None
        try:
            with contextlib.nullcontext() if last else _dying(app.database, chance):
                found = _round(again, clock)
                relay.serve(found, 10**6 if last else chance.randrange(80), clock)
                found.finish()
        except Killed:
            reboots += _leave_torn(app.lock_dir / FILE, chance)
        finally:
            if found is not None:
                os.close(found.journal._descriptor)
        if last:
            break
    rows = _rows(app.database)
    assert "submitting" not in {item.state for item in rows.values()}
    assert len(rows) == 2 * PEOPLE
    for key, item in rows.items():
        if item.state == "accepted":
            assert relay.took[key] >= 1
        if item.kind == "newsletter":
            assert relay.took[key] <= 1
            if item.state == "in_doubt" and not reboots:
                assert key in relay.unanswered
        if relay.took[key] > 1:
            assert key in relay.unanswered or reboots


@contextlib.contextmanager
def _dying(database: Database, chance: random.Random) -> Iterator[None]:
    """Sometimes death comes right before a commit, or right after it: between database and journal."""
    commits = itertools.count()
    before, after = chance.randrange(40), chance.randrange(40)

    def committing(_connection: object) -> None:
        if next(commits) == before:
            raise Killed

    def committed(_session: object) -> None:
        if next(commits) == after:
            raise Killed

    event.listen(database.engine, "commit", committing)
    event.listen(Session, "after_commit", committed)
    try:
        yield
    finally:
        event.remove(database.engine, "commit", committing)
        event.remove(Session, "after_commit", committed)


def _leave_torn(path: Path, chance: random.Random) -> int:
    """What a death may do to the file: nothing, a torn line, or, where the machine went too, the loss of its end."""
    if chance.random() < 0.1:
        content = path.read_bytes()
        header = content.index(b"\n") + 1
        path.write_bytes(content[: chance.randint(header, len(content))])
        return 1
    if chance.random() < 0.5:
        with path.open("ab") as file:
            file.write(chance.choice([b"B 1", b"D 1", b"E 10 replied 2", b"K 10 1"]))
    return 0



"""A round of sending, whatever the relay, the database or the disk do to it."""

import os
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from contacts.database import Database
from contacts.member import Member
from jobs.app import App
from jobs.sending import Sending
from mailer.errors import ClaimLost, SubmissionUnavailable
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.submission import Reply
from tests.database.rounds import PEOPLE, TAKEN, Clock, begin, put, rows_of


def _states(database: Database) -> Counter[str]:
    return Counter(item.state for item in rows_of(database).values())


def _send(found: Sending, reply: Reply = TAKEN, most: int = 1000) -> list[int]:
    """So many letters, one after the other; returns their numbers."""
    keys = []
    while len(keys) < most and (parcel := found.next_parcel()) is not None:
        found.dot(parcel.key)
        found.ended(parcel.key, reply)
        keys.append(parcel.key)
    return keys


def test_everything_due_goes_once(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
    assert sorted(_send(found)) == sorted(rows_of(app.database))
    found.finish()
    assert (found.accepted, _states(app.database)) == (2 * PEOPLE, {"accepted": 2 * PEOPLE})


def test_what_a_slow_relay_said_is_recorded_soon(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
    _send(found, most=1)
    found.tick()
    assert _states(app.database)["accepted"] == 0
    clock.seconds += 0.25
    found.tick()
    assert _states(app.database)["accepted"] == 1


@pytest.mark.conf("REL-11")
def test_leases_go_on_while_a_relay_is_slow(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
    flies = found.next_parcel()
    assert flies is not None
    for _ in range(100):
        clock.seconds += 10
        found.tick()
    rows = rows_of(app.database)
    leases = {item.lease_until for item in rows.values() if item.owner == app.owner}
    assert all(lease is not None and lease > app.now() + timedelta(minutes=11) for lease in leases)
    found.dot(flies.key)


@pytest.mark.conf("REL-11", "SMT-21")
def test_a_lost_claim_writes_no_dot(app: App, clock: Clock) -> None:
    """A process that was stopped wakes up: its lease may be over, and the letter another's."""
    put(app.database)
    found = begin(app, clock)
    parcel = found.next_parcel()
    assert parcel is not None
    clock.seconds += 100
    with pytest.raises(ClaimLost):
        found.dot(parcel.key)


@pytest.mark.conf("OUT-26")
def test_who_leaves_while_a_batch_is_in_hand_gets_nothing(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
    _send(found, most=PEOPLE)  # the single letters
    with app.database.begin() as session:
        session.execute(update(Member).values(state="left"))
    clock.seconds += 2
    assert _send(found) == []
    found.finish()
    assert _states(app.database) == {"accepted": PEOPLE, "withdrawn": PEOPLE}


@pytest.mark.conf("SMT-11")
def test_a_relay_that_refuses_us_blames_nobody(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
    _send(found, most=2)
    assert _send(found, Reply("mail", 550, "5.7.1", "we do not like you")) != []
    with pytest.raises(SubmissionUnavailable):
        found.finish()
    rows = rows_of(app.database).values()
    assert Counter((item.state, item.attempt) for item in rows) == {
        ("accepted", 1): 2, ("queued", 1): 1, ("queued", 0): 2 * PEOPLE - 3,
    }  # fmt: skip


def test_what_no_connection_could_take_has_lost_no_attempt(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
    parcel = found.next_parcel()
    assert parcel is not None
    found.ended(parcel.key, Reply("connect"))
    found.stop.set()
    found.finish()
    assert {(item.state, item.attempt) for item in rows_of(app.database).values()} == {("queued", 0)}


@pytest.mark.conf("REL-61")
def test_a_database_that_goes_away_stops_everything(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
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
    again = begin(app, clock)  # the same process, some seconds later
    assert {one.id for one in rows_of(app.database).values() if one.state == "accepted"} == {*sent, flies.key}
    assert len(_send(again)) == 2 * PEOPLE - 4
    again.finish()
    assert _states(app.database) == {"accepted": 2 * PEOPLE}


@pytest.mark.conf("REL-61")
def test_a_journal_that_cannot_be_written_stops_everything(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
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
    begin(app, clock)
    assert _states(app.database) == {"queued": 2 * PEOPLE}


@pytest.mark.conf("EML-31")
def test_a_letter_that_cannot_be_written_is_its_own_trouble(app: App, clock: Clock) -> None:
    put(app.database)
    with app.database.begin() as session:
        session.execute(update(OutboxItem).where(OutboxItem.id == 10).values(content=None))
    found = begin(app, clock)
    assert len(_send(found)) == 2 * PEOPLE - 1
    found.finish()
    row = rows_of(app.database)[10]
    assert (row.state, row.phase, row.reply_text) == ("refused", "unwritable", "LookupError")


def test_when_asked_to_stop_the_rest_goes_back(app: App, clock: Clock) -> None:
    put(app.database)
    found = begin(app, clock)
    _send(found, most=1)
    found.stop.set()
    assert found.next_parcel() is None
    found.finish()
    rows = rows_of(app.database).values()
    assert Counter((item.state, item.attempt) for item in rows) == {("accepted", 1): 1, ("queued", 0): 2 * PEOPLE - 1}


def test_batches_grow_while_they_are_quick(app: App, clock: Clock) -> None:
    put(app.database, people=100)
    found = begin(app, clock)
    sizes, seconds = [], iter((0.1, 5.0, 0.1, 0.1, 0.1, 0.1))
    while (parcel := found.next_parcel()) is not None:
        sizes.append(1 + len(found._waiting))
        found.dot(parcel.key)
        found.ended(parcel.key, TAKEN)
        _send(found, most=len(found._waiting))
        clock.seconds += next(seconds)
    assert sizes == [20, 40, 20, 40, 80]

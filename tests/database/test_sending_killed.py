"""Rounds of sending that die at any moment, with their machine or without: nobody lost, nobody twice."""

import contextlib
import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import event
from sqlalchemy.orm import Session

from contacts.database import Database
from jobs.app import App
from jobs.sending import Sending
from mailer.outbound.journal import FILE
from mailer.outbound.submission import Reply
from tests.database.rounds import PEOPLE, TAKEN, Clock, begin, put, rows_of


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
    put(app.database)
    chance = random.Random(seed)
    relay, reboots, clock.seconds = Relay(chance), 0, 0.0
    for life in itertools.count():
        clock.seconds += 24 * 3600 if life else 0
        again = replace(app, owner=f"{seed}-{life}", boot=f"boot-{reboots}")
        last, found = life >= 6, None
        try:
            with contextlib.nullcontext() if last else _dying(app.database, chance):
                found = begin(again, clock)
                relay.serve(found, 10**6 if last else chance.randrange(80), clock)
                found.finish()
        except Killed:
            reboots += _leave_torn(app.lock_dir / FILE, chance)
        finally:
            if found is not None:
                os.close(found.journal._descriptor)
        if last:
            break
    rows = rows_of(app.database)
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



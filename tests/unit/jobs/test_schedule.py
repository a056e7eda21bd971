"""The schedule outlives errors in itself and in the jobs, and gives a server that is away more and more time."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.triggers.interval import IntervalTrigger

from jobs import app as composition
from jobs import config, heartbeat, lock
from jobs.app import App
from jobs.schedule import GuardedScheduler, Rounds, run_once
from mailer.errors import LoginRefused, MailboxUnavailable

SETTINGS = {
    "NETWORK_NAME": "Netwerk",
    "NETWORK_ADDRESS": "net@werk.example",
    "IMAP_URL": "imap://net@127.0.0.1:1",
    "IMAP_PASSWORD": "x",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "SECRET_KEY": "k" * 32,
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """An App on a temporary folder, whose clock stands still and whose jitter is none."""
    made = composition.build(config.load(tmp_path / "no.env", {**SETTINGS, "DATA_DIR": str(tmp_path)}))
    now = made.now()
    yield replace(made, now=lambda: now, jitter=lambda: 0.0)
    made.close()


def _at(app: App, seconds: float) -> Callable[[], object]:
    later = app.now() + timedelta(seconds=seconds)
    return lambda: later


class FlakyStore(MemoryJobStore):  # type: ignore[misc]
    """A job store whose database is away the first time a run is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = threading.Event()

    def update_job(self, job: object) -> None:
        """Fail once; APScheduler's own loop would end here, and still say that it runs."""
        if not self.failed.is_set():
            self.failed.set()
            raise OSError("the database is away")
        super().update_job(job)


def test_an_error_in_the_loop_does_not_end_it() -> None:
    runs: list[int] = []
    again = threading.Event()

    def job() -> None:
        runs.append(1)
        if len(runs) > 2:
            again.set()

    store = FlakyStore()
    scheduler = GuardedScheduler(timezone="UTC")
    scheduler.add_jobstore(store)
    scheduler.add_job(job, IntervalTrigger(seconds=0.05))
    scheduler.start()
    try:
        assert store.failed.wait(5)
        assert again.wait(5)
    finally:
        scheduler.shutdown()


@pytest.mark.conf("REL-37")
def test_a_server_that_is_away_is_asked_less_and_less(app: App) -> None:
    calls: list[int] = []

    def away(_app: App, _stop: threading.Event) -> int:
        calls.append(1)
        raise MailboxUnavailable("away")

    rounds, moment = Rounds(app, "read_mailbox", away), 0.0
    pauses = []
    for _ in range(9):
        rounds.app = replace(app, now=_at(app, moment))  # type: ignore[arg-type]
        rounds.run()
        assert rounds.not_before is not None
        pause = (rounds.not_before - rounds.app.now()).total_seconds()
        pauses.append(pause)
        rounds.run()
        moment += pause
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert len(calls) == 9


def test_a_refused_login_is_not_repeated_soon(app: App) -> None:
    def refused(_app: App, _stop: threading.Event) -> int:
        raise LoginRefused("no")

    rounds = Rounds(app, "read_mailbox", refused)
    rounds.run()
    assert rounds.not_before == app.now() + timedelta(minutes=15)


def test_a_job_that_fails_runs_again_and_beats_only_when_well(app: App) -> None:
    ends = iter([ValueError("odd"), None])

    def job(_app: App, _stop: threading.Event) -> int:
        end = next(ends)
        if end:
            raise end
        return 0

    rounds = Rounds(app, "housekeeping", job)
    rounds.run()
    assert heartbeat.read(app.data_dir) == {}
    rounds.app = replace(app, now=_at(app, 3))  # type: ignore[arg-type]
    rounds.run()
    assert set(heartbeat.read(app.data_dir)) == {"housekeeping"}


@pytest.mark.conf("REL-15")
def test_a_round_by_hand_and_the_daemons_exclude_each_other(app: App) -> None:
    ran: list[int] = []

    def job(_app: App, _stop: threading.Event) -> int:
        ran.append(1)
        return 0

    rounds = Rounds(app, "housekeeping", job)
    with lock.holding(app.data_dir, "housekeeping"):
        rounds.run()
    assert ran == []
    rounds.run()
    assert ran == [1]


def test_there_is_no_such_job(app: App) -> None:
    with pytest.raises(KeyError):
        run_once(app, "dance")


@pytest.mark.conf("REL-66")
def test_a_job_that_got_nowhere_is_late(app: App) -> None:
    heartbeat.beat(app.data_dir, "read_mailbox", app.now())
    assert heartbeat.late(app.data_dir, ("read_mailbox",), app.now() + timedelta(minutes=14)) == []
    assert heartbeat.late(app.data_dir, ("read_mailbox",), app.now() + timedelta(minutes=16)) == ["read_mailbox"]
    assert heartbeat.late(app.data_dir, ("send_outbox",), app.now()) == ["send_outbox"]

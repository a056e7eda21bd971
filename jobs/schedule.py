"""When each job runs: APScheduler with a memory store, jobs defined here, and guards so that nothing stops it silently.

The schedule holds no state: every job looks for due rows, and may run at any time, twice, or late.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from jobs import heartbeat, lock
from jobs.app import App
from jobs.housekeeping import housekeeping
from jobs.lock import Busy
from jobs.read_mailbox import read_mailbox, watch_mailbox
from jobs.release_due import release_due
from jobs.send_digest import send_digest
from jobs.send_outbox import send_outbox
from mailer import maillog
from mailer.errors import LoginRefused, Unavailable

Job = Callable[[App, threading.Event], int]
#: One round of each job, as `verbinden once` runs it.
ONCE: dict[str, Job] = {
    "read_mailbox": read_mailbox,
    "send_outbox": send_outbox,
    "release_due": release_due,
    "send_digest": send_digest,
    "housekeeping": housekeeping,
}
#: How often the daemon looks, in seconds.
EVERY = {"read_mailbox": 1, "send_outbox": 0.5, "release_due": 1, "send_digest": 20, "housekeeping": 3600}
#: What any number of daemons do at the same time, each its own rows.
SHARED = ("send_outbox",)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
#: A wrong password does not get better by asking often, and some servers lock the account.
_LOGIN_PAUSE = timedelta(minutes=15)


class GuardedScheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler whose loop survives an error in its own bookkeeping (it would die and still say `running`)."""

    def _process_jobs(self) -> Any:
        try:
            return super()._process_jobs()
        except Exception as error:  # the loop must outlive whatever happened; the next look is in a second
            maillog.job_failed("schedule", type(error).__name__)
            return 1.0


@dataclass(slots=True)
class Rounds:
    """One job as the daemon runs it: under its lock, with pauses that grow while a server is away."""

    app: App
    name: str
    job: Job
    pause: timedelta = _FIRST_PAUSE
    not_before: datetime | None = None
    failing: bool = field(default=False)

    def run(self) -> None:
        """One round; whatever happens is logged, and the next round comes."""
        if self.app.stop.is_set() or (self.not_before and self.app.now() < self.not_before):
            return
        try:
            with _my_turn(self.app, self.name):
                self.job(self.app, self.app.stop)
        except Busy:
            heartbeat.beat(self.app.data_dir, self.name, self.app.now())  # somebody else does it: that is well
        except LoginRefused:
            maillog.login_refused(self.name)
            self._wait(_LOGIN_PAUSE)
        except Unavailable as error:
            self._outage(type(error).__name__)
        except Exception as error:  # the next round must come: a database that is away comes back
            maillog.job_failed(self.name, type(error).__name__)
            self._wait(self.pause)
        else:
            self._well()

    def _outage(self, reason: str) -> None:
        if not self.failing:
            maillog.outage(self.name, reason)
        self._wait(self.pause)

    def _wait(self, pause: timedelta) -> None:
        self.failing = True
        self.not_before = self.app.now() + pause * (1 + 0.2 * self.app.jitter())
        self.pause = min(max(self.pause, pause) * 2, _LONGEST_PAUSE)

    def _well(self) -> None:
        if self.failing:
            maillog.outage_over(self.name)
        self.failing, self.pause, self.not_before = False, _FIRST_PAUSE, None
        heartbeat.beat(self.app.data_dir, self.name, self.app.now())


def start(app: App) -> GuardedScheduler:
    """Start every job; the caller stops it with `shutdown`, after setting `app.stop`."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # it says "skipped" at every second of a long round
    scheduler = GuardedScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )
    for name, job in {**ONCE, "read_mailbox": watch_mailbox}.items():
        rounds = Rounds(app, name, job)
        scheduler.add_job(rounds.run, IntervalTrigger(seconds=EVERY[name]), id=name, next_run_time=app.now())
    scheduler.start()
    return scheduler


@contextmanager
def _my_turn(app: App, name: str, patience: float = 0.0) -> Iterator[None]:
    """The job's lock on this machine and, for what only one of several machines may do, in the database.

    Raises RuleBroken("busy") when somebody else has it. Letters are shared out row by row instead.
    """
    with lock.holding(app.lock_dir, name, patience):
        if name in SHARED:
            yield
            return
        with app.database.alone(name) as alone:
            if not alone:
                raise Busy("busy", f"Another machine is at work on {name}.")
            yield


def run_once(app: App, name: str) -> int:
    """One round of one job; raises KeyError for no such job, RuleBroken("busy") when it is running elsewhere."""
    job = ONCE[name]
    with _my_turn(app, name, patience=30.0):
        done = job(app, app.stop)
    heartbeat.beat(app.data_dir, name, app.now())
    return done

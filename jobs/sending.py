"""One round of sending, between the outbox and the relay: what goes next, when its dot may leave, and how it ended.

`next_parcel`, `dot` and `ended` are what a `Submission` asks and tells; `tick` is to be called ten times a second. All
of it runs in one thread. What the relay said is in the journal at once and in the database in batches; whatever goes
wrong with either stops everything at the next letter, and the next round goes on from the journal (REL-61).
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import heartbeat
from jobs.app import App
from mailer import maillog
from mailer.errors import ClaimLost, SubmissionUnavailable
from mailer.outbound import claiming, issue_letters, outbox, recording, retry
from mailer.outbound.claiming import LEASE
from mailer.outbound.journal import Journal
from mailer.outbound.outbox import Claimed
from mailer.outbound.recording import Ended
from mailer.outbound.submission import Parcel, Reply

_SMALLEST, _LARGEST = 20, 200
#: A batch that takes longer is too large: its last letters would wait long between claim and turn.
_BATCH_SECONDS = 2.0
_UNRECORDED_SECONDS = 0.2
#: How old the answer to "may they still get it?" may be when a letter's turn comes.
_LOOK_SECONDS = 1.0
_RENEW_SECONDS = 20.0
_BEAT_SECONDS = 1.0
#: When nothing was due, the outbox is not asked again before.
_DRY_SECONDS = 0.5
#: The relay has ten minutes to answer the dot; the dot itself leaves only while the lease lasts at least that long.
_DOT_SECONDS = (LEASE - timedelta(minutes=10, seconds=30)).total_seconds()


@dataclass(slots=True)
class _Pace:
    """When things were last done, on a clock that nobody sets."""

    claimed: float | None = None
    dry: float | None = None
    looked: float = 0.0
    renewed: float = 0.0
    beaten: float = 0.0
    first_ended: float = 0.0


@dataclass(slots=True)
class Sending:
    """The letters that this process has in hand in one round; `accepted` counts what the relay took."""

    app: App
    stop: threading.Event
    journal: Journal
    clock: Callable[[], float] = monotonic
    accepted: int = 0
    #: What went wrong with the database, the journal or us as a whole; then nothing more is claimed or sent.
    trouble: Exception | None = None
    _waiting: deque[Claimed] = field(default_factory=deque)
    _flying: dict[int, Claimed] = field(default_factory=dict)
    _dotted: set[int] = field(default_factory=set)
    _back: list[Claimed] = field(default_factory=list)
    _done: list[tuple[Claimed, Ended]] = field(default_factory=list)
    _most: int = _SMALLEST
    _pace: _Pace = field(default_factory=_Pace)

    def next_parcel(self) -> Parcel | None:
        """The next letter to give to the relay; None when there is none, or none may go now. Never raises."""
        try:
            while not self.trouble and not self.stop.is_set():
                self._look_again()
                if not self._waiting and not self._claim():
                    return None
                parcel = self._parcel(self._waiting.popleft()) if self._waiting else None
                if parcel is not None:
                    return parcel
        except Exception as error:  # those in flight are waited for; `finish` raises it
            self.trouble = self.trouble or error
        return None

    def dot(self, key: int) -> None:
        """To be called right before the final dot is written; whatever it raises, the dot must not be written."""
        letter = self._flying[key]
        if self.trouble or self.clock() - self._pace.renewed > _DOT_SECONDS:
            maillog.claim_lost(letter.id, letter.kind)
            raise ClaimLost("this letter may be somebody else's by now")
        try:
            self.journal.dot(key)
        except OSError as error:
            self.trouble = error
            raise
        self._dotted.add(key)

    def ended(self, key: int, reply: Reply) -> None:
        """What the relay said, or that nothing can be known; once for each parcel. Never raises."""
        letter = self._flying.pop(key)
        self._dotted.discard(key)
        try:
            if reply.phase == "connect" and reply.code is None:
                self._back.append(letter)  # nobody could take it: that is no attempt, and `finish` gives it back
                return
            self.journal.end(key, reply)
            self._judge(letter, reply)
            if len(self._done) >= _LARGEST:
                self._record()
        except Exception as error:
            self.trouble = self.trouble or error

    def tick(self) -> None:
        """What has to happen while a relay is slow: record, keep the leases, give a sign of life. Never raises."""
        now = self.clock()
        try:
            if self.trouble is None:
                if self._done and now - self._pace.first_ended >= _UNRECORDED_SECONDS:
                    self._record()
                self._look_again()
            if now - self._pace.beaten >= _BEAT_SECONDS:
                self._pace.beaten = now
                heartbeat.beat(self.app.data_dir, "send_outbox", self.app.now())
        except Exception as error:
            self.trouble = self.trouble or error

    def finish(self) -> None:
        """Record what ended and give back what was not begun; raises the trouble there was, if any."""
        if self.trouble is None or isinstance(self.trouble, SubmissionUnavailable):
            self._record()
            undotted = [one for key, one in self._flying.items() if key not in self._dotted]
            unsent = [*self._waiting, *self._back, *undotted]
            with self.app.database.begin() as session:
                recording.give_back(session, self.app.owner, [one.id for one in unsent], self.app.now())
            self.journal.keep(one.id for one in unsent)
        else:
            with suppress(OSError):  # the trouble itself is what has to be told
                self.journal.sync()  # it may be a long time until the database knows
        if self.trouble is not None:
            raise self.trouble

    def _claim(self) -> bool:
        """Record what ended and claim the next batch in one transaction; False when nothing is due now."""
        now, pace = self.clock(), self._pace
        if pace.dry is not None and now - pace.dry < _DRY_SECONDS:
            return False
        if pace.claimed is not None:
            quick = now - pace.claimed < _BATCH_SECONDS
            self._most = min(self._most * 2, _LARGEST) if quick else max(self._most // 2, _SMALLEST)
        batch = self._turn(self._most)
        pace.claimed = pace.looked = self.clock()
        if not self._flying:
            pace.renewed = pace.claimed
        pace.dry = None if batch.due else pace.claimed
        self._waiting.extend(batch.letters)
        return batch.due > 0

    def _record(self) -> None:
        if self._done:
            self._turn(0)

    def _turn(self, most: int) -> claiming.Batch:
        done, self._done = self._done, []
        app, wait = self.app, retry.next_delay(1, self.app.jitter())
        ended = [one for _, one in done]
        batch = claiming.turn(app.database, app.owner, app.now(), ended, most, wait, self._freeze)
        self.journal.keep(one.id for one in ended)
        for letter, one in done:
            self._tell(letter, one)
        return batch

    def _freeze(self, session: Session, letter: Claimed) -> dict[str, Any]:
        return issue_letters.freeze(session, self.app.writer, letter)

    def _look_again(self) -> None:
        """Who left since the claim gets nothing; leases go on."""
        now, pace = self.clock(), self._pace
        stale = self._waiting and now - pace.looked >= _LOOK_SECONDS
        if not stale and (not (self._waiting or self._flying) or now - pace.renewed < _RENEW_SECONDS):
            return
        waiting, app = list(self._waiting), self.app
        ids = [letter.id for letter in waiting]
        kept = claiming.look_again(app.database, app.owner, app.now(), ids, [*self._flying])
        pace.looked = pace.renewed = now
        self._waiting = deque(letter for letter in waiting if letter.id in kept)
        for letter in waiting:
            if letter.id not in kept:
                maillog.claim_lost(letter.id, letter.kind)

    def _parcel(self, letter: Claimed) -> Parcel | None:
        """The letter as bytes; None for one that cannot be written: that is this letter's trouble only (EML-31)."""
        self.journal.begin(letter.id)
        try:
            content = issue_letters.bytes_at_once(self.app.writer, letter) or self._bytes_of(letter)
        except SQLAlchemyError:
            raise
        except Exception as error:
            name = type(error).__name__
            maillog.unwritable(letter.id, letter.kind, name)
            self._end(letter, Ended(letter.id, outbox.REFUSED, "unwritable", text=name))
            return None
        self._flying[letter.id] = letter
        return Parcel(letter.id, letter.return_path, letter.recipient, content, is_clean=True)  # all bytes are ours

    def _bytes_of(self, letter: Claimed) -> bytes:
        with self.app.database.read() as session:
            return issue_letters.bytes_of(session, self.app.writer, letter)

    def _judge(self, letter: Claimed, reply: Reply) -> None:
        if retry.verdict(reply) == retry.OUR_FAULT:
            self.trouble = SubmissionUnavailable(f"the relay refuses us: {reply.code} at {reply.phase}")
        ended = recording.judge(letter, reply, self.app.now(), self.app.jitter())
        if ended.state in (outbox.QUEUED, outbox.IN_DOUBT) and letter.content is None and letter.slots is None:
            with self.app.database.read() as session:
                slots = self._freeze(session, letter)  # should it go again, then with the same bytes (decision 0003)
            ended = recording.judge(letter, reply, self.app.now(), self.app.jitter(), slots)
        self._end(letter, ended)

    def _end(self, letter: Claimed, ended: Ended) -> None:
        if not self._done:
            self._pace.first_ended = self.clock()
        self._done.append((letter, ended))

    def _tell(self, letter: Claimed, ended: Ended) -> None:
        if ended.state == outbox.ACCEPTED:
            self.accepted += 1
            maillog.accepted(letter.id, letter.kind, letter.attempt)
        elif ended.state == outbox.QUEUED:
            maillog.postponed(letter.id, letter.kind, letter.attempt, ended.code, ended.phase)
        elif ended.state == outbox.IN_DOUBT:
            maillog.in_doubt(letter.id, letter.kind)
        elif ended.phase != "unwritable":
            maillog.refused(letter.id, letter.kind, ended.code, ended.enhanced)


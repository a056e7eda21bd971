"""Moving the mails that are done to their folders, while the next ones are read and understood.

Many servers look through the whole mailbox for each move: in a full one they take longer for it than for all else. So
moves may take no more than a part of the time, and what is done meanwhile is moved with the next ones. They come after
the commit; and the connection does one thing at a time: whoever wants something else of it waits for the move to end.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from mailer import maillog
from mailer.errors import Unavailable
from mailer.inbound.mailbox import Mailbox

#: After a move nothing is moved for so many times as long as it took.
_PATIENCE = 5


class Filing:
    """The moves of one connection, in a thread of their own; leaving it waits for those that have begun.

    `kept` gets the UIDs that could not be moved; each is told of once, and stays where it is, marked as done.
    """

    def __init__(self, box: Mailbox, kept: set[int]) -> None:
        self._box = box
        self._kept = kept
        self._due: dict[int, str] = {}
        self._moving: Future[None] | None = None
        self._not_before = 0.0
        self._thread = ThreadPoolExecutor(1, "filing")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)

    def add(self, done: Mapping[int, str]) -> None:
        """These mails, by UID, are committed with a disposition; they are moved as soon as the connection is free."""
        self._due.update(done)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The connection is the caller's while the block lasts; afterwards the moves go on beside what comes next.

        Raises Unavailable when the server went away while mails were moved.
        """
        self._wait()
        yield
        if self._due and time.monotonic() >= self._not_before:
            due, self._due = self._due, {}
            self._moving = self._thread.submit(self._move, due)

    def finish(self) -> None:
        """Move all that is due, and wait for it; raises Unavailable as `paused` does."""
        self._wait()
        self._move(self._due)

    def _move(self, due: Mapping[int, str]) -> None:
        begun = time.monotonic()
        _file(self._box, due, self._kept)
        ended = time.monotonic()
        self._not_before = ended + _PATIENCE * (ended - begun)

    def _wait(self) -> None:
        moving, self._moving = self._moving, None
        if moving is not None:
            moving.result()


def _file(box: Mailbox, done: Mapping[int, str], kept: set[int]) -> None:
    """Move finished mails to their folders, each folder's in one go."""
    for disposition in sorted(set(done.values())):
        _file_some(box, sorted(uid for uid, one in done.items() if one == disposition), disposition, kept)


def _file_some(box: Mailbox, uids: Sequence[int], disposition: str, kept: set[int]) -> None:
    """One that cannot be moved is told of once and stays, marked as done; it is looked for by halves."""
    try:
        stayed = box.file_all(uids, disposition)
    except Unavailable:
        box.waiting()  # raises again when it is the server that is away, and not these mails (a full quota)
        if len(uids) > 1:
            for half in (uids[: len(uids) // 2], uids[len(uids) // 2 :]):
                _file_some(box, half, disposition, kept)
            return
        stayed = list(uids)
    for uid in stayed:
        kept.add(uid)
        maillog.mail_not_filed(uid)

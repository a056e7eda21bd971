"""Who may work: a file lock for each job, so that the daemon and a command by hand never do the same at once.

The operating system gives the lock back when the process dies, however it dies (flock(2)).
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contacts.errors import RuleBroken


class Busy(RuleBroken):
    """Another process is at this very work."""


@contextmanager
def holding(folder: Path, name: str, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock `name`; raises Busy when another process still has it after `patience` seconds."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, name, patience)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, name: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy("busy", f"Another process is at work on {name}; try again when it is done.") from None
            time.sleep(0.05)
        else:
            return

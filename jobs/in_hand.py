"""Which mail is being read at this moment, in a small file: a mail that brings the whole process down is known by it.

Only reading and understanding stand between `take` and `put_down`; a process that dies there leaves the file behind.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: A mail in whose hands so many processes died is set aside unread (conformance INB-30, REL-18).
MOST_DEATHS = 3
_FILE = "in_hand.json"


def is_left_behind(folder: Path) -> bool:
    """Whether a process died with something in its hands: then the mails are taken one by one, to know which."""
    return (folder / _FILE).exists()


@contextmanager
def reading(folder: Path, place: str, known: int | None = None) -> Iterator[int]:
    """Hold the mail at `place`; gives how many processes have died holding it, one after the other.

    `known` is that number where the same mail is taken in hand a second time.
    """
    path = folder / _FILE
    deaths = _deaths(path, place) if known is None else known
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"place": place, "deaths": deaths}), encoding="utf-8")
    os.replace(fresh, path)  # noqa: PTH105 - atomic, so that a reader never finds half a file
    try:
        yield deaths
    finally:
        path.unlink(missing_ok=True)


def _deaths(path: Path, place: str) -> int:
    """One more than the file says, when it is about this mail; a file that is left over means that somebody died."""
    try:
        left = json.loads(path.read_text(encoding="utf-8"))
        return int(left["deaths"]) + 1 if left["place"] == place else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0

"""A sign of life that means something: each job writes when it last got anywhere, not merely that a process exists."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

#: A job that got nowhere for this long is not well (a round may wait ten minutes for a relay's answer).
LATE_AFTER = timedelta(minutes=15)


def beat(folder: Path, job: str, now: datetime) -> None:
    """Note that `job` just got somewhere."""
    path = folder / f"heartbeat.{job}"
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.write_text(now.isoformat(), encoding="ascii")
    os.replace(fresh, path)  # noqa: PTH105 - atomic, so that a reader never finds half a line


def read(folder: Path) -> dict[str, datetime]:
    """When each job last got somewhere."""
    found = {}
    for path in folder.glob("heartbeat.*"):
        if path.suffix != ".new":
            try:
                found[path.name.removeprefix("heartbeat.")] = datetime.fromisoformat(path.read_text(encoding="ascii"))
            except (OSError, ValueError):
                continue
    return found


def late(folder: Path, jobs: Sequence[str], now: datetime, poll_seconds: int = 0) -> list[str]:
    """The jobs that a health check should complain about; `poll_seconds` is how long one look may rightly take."""
    beats, patience = read(folder), LATE_AFTER + timedelta(seconds=poll_seconds)
    return [job for job in jobs if job not in beats or now - beats[job] > patience]

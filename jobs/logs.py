"""Logging to stderr: lines for people or JSON for programs, and never a word that could name somebody.

Our own events come from `mailer.maillog`, which takes no names. What other libraries say may hold addresses, and so
may the words of an exception: of both only where they come from is written down.
"""

import json
import logging
import sys
import threading
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType

OURS = "verbinden"


class Stderr(logging.Handler):
    """Writes to whatever stderr is at that moment; a line that cannot be written is lost, and stops nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record, one line."""
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()


class Words(logging.Formatter):
    """A line for people; the time is UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """`2026-11-23 15:22:01 INFO accepted: item=1 kind=welcome attempt=1`."""
        return f"{_time(record):%Y-%m-%d %H:%M:%S} {record.levelname} {_message(record)}"


class Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """`{"time", "level", "event", "message"}`; the event is what stands before the first colon."""
        message = _message(record)
        line = {"time": _time(record).isoformat(timespec="milliseconds"), "level": record.levelname.lower()}
        return json.dumps({**line, "event": message.partition(":")[0], "message": message}, ensure_ascii=False)


def setup(log_format: str) -> None:
    """Send every log line to stderr in this format ("text" or "json"); calling it again replaces what was set up."""
    handler = Stderr()
    handler.setFormatter(Json() if log_format == "json" else Words())
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, Stderr)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.ERROR)  # of others only what went wrong
    logging.getLogger(OURS).setLevel(logging.INFO)
    threading.excepthook = _thread_ended


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _message(record: logging.LogRecord) -> str:
    """Our own words; of another library only its name, the place and the kind of error."""
    place = _place(record.exc_info[2]) if record.exc_info and record.exc_info[2] else ""
    error = f" error={record.exc_info[0].__name__}{place}" if record.exc_info and record.exc_info[0] else ""
    ours = record.name == OURS or record.name.startswith(f"{OURS}.")
    if ours:
        return " ".join(record.getMessage().split()) + error
    return f"library: name={record.name} line={record.module}:{record.lineno}{error}"


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return f" at={frames[-1].name}:{frames[-1].lineno}" if frames else ""


def _thread_ended(hook: threading.ExceptHookArgs) -> None:
    """A thread died of something nobody expected: say where, without its words."""
    name = hook.thread.name if hook.thread else "?"
    place = _place(hook.exc_traceback)
    logging.getLogger(OURS).error("thread ended: thread=%s error=%s%s", name, hook.exc_type.__name__, place)

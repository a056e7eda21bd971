"""Holds the one child process that compiles: starts it, asks it, and replaces it when it dies or takes too long."""

import json
import os
import selectors
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailer.errors import TemplateError

START_SECONDS = 30.0
JOB_SECONDS = 10.0  # of the clock, on a busy machine; the child itself may use two of the processor
_ROOT = Path(__file__).resolve().parents[2]
_START = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from mailer.outbound.compile_child import main; main()"


class Worker:
    """One child process, asked by one thread at a time; it is started when first needed and ended by `close`."""

    def __init__(self, job_seconds: float = JOB_SECONDS) -> None:
        self._lock = threading.Lock()
        self._seconds = job_seconds
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, job: Mapping[str, Any], file: str) -> dict[str, Any]:
        """What `typeset` makes of a job; raises TemplateError, also when the child had to be stopped."""
        line = json.dumps(job).encode() + b"\n"
        with self._lock:
            child = self._running(file)
            answer = self._exchange(child, line)
            if answer is None or "spent" in answer:
                self._stop()
        if answer is None or "spent" in answer:
            raise TemplateError("this template asks too much (time or memory); make its loops and texts smaller", file)
        if "error" in answer:
            raise TemplateError(*answer["error"])
        made: dict[str, Any] = answer["made"]
        return made

    def close(self) -> None:
        """End the child; a later `ask` starts a new one."""
        with self._lock:
            self._stop()

    def _running(self, file: str) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._stop()
        child = self._child = _start()
        weakref.finalize(self, _end, child)
        if _read_answer(child, START_SECONDS) is None:
            self._stop()
            raise TemplateError("the process that compiles templates does not start", file)
        return child

    def _exchange(self, child: "subprocess.Popen[bytes]", line: bytes) -> dict[str, Any] | None:
        assert child.stdin is not None
        try:
            child.stdin.write(line)
            child.stdin.flush()
        except OSError:
            return None
        return _read_answer(child, self._seconds)

    def _stop(self) -> None:
        if self._child is not None:
            _end(self._child)
            self._child = None


def _start() -> "subprocess.Popen[bytes]":
    """A fresh interpreter with an empty environment: no password or database address of ours is within its reach."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
        [sys.executable, "-X", "utf8", "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        bufsize=-1,
    )


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:
            continue


def _read_answer(child: "subprocess.Popen[bytes]", seconds: float) -> dict[str, Any] | None:
    """One line of the child, None when it ended or was silent for too long."""
    assert child.stdout is not None
    until = time.monotonic() + seconds
    received = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not selector.select(left):
                return None
            block = os.read(child.stdout.fileno(), 65536)
            if not block:
                return None
            received += block
    answer: dict[str, Any] = json.loads(received)
    return answer

"""The limited child process in which templates are compiled: one job per line of JSON in, one answer per line out."""

import json
import resource
import signal
import sys
import time
from typing import Any

from mailer.errors import TemplateError
from mailer.outbound.typeset import typeset

MEMORY = 256 * 1024 * 1024
CPU_SECONDS = 2
MAX_ANSWER = 1_000_000


def main() -> None:
    """Answer jobs until the other end closes; a job that ran out of memory is the last one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _answer({"ready": True})
    for line in sys.stdin:
        _limit(resource.RLIMIT_CPU, int(time.process_time()) + CPU_SECONDS)
        if not _answer(_work(line)):
            return


def _work(line: str) -> dict[str, Any]:
    try:
        return {"made": typeset(json.loads(line))}
    except TemplateError as error:
        return {"error": [error.message, error.file, error.line]}
    except MemoryError:
        return {"spent": True}
    except Exception as error:  # whatever a template makes one of our libraries do, the daemon gets an answer
        return {"error": [f"this template cannot be compiled ({type(error).__name__})", json.loads(line)["file"], None]}


def _answer(answer: dict[str, Any]) -> bool:
    """Write one answer; False when it was the last that this process can be trusted with."""
    line = json.dumps(answer)
    if len(line) > MAX_ANSWER:
        line = json.dumps({"spent": True})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return '"spent"' not in line[:10]


def _limit(kind: int, most: int) -> None:
    """Lower a limit as far as the system lets us: macOS does not know them all, the caller's clock still holds."""
    _, hard = resource.getrlimit(kind)
    try:
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (ValueError, OSError):
        return


if __name__ == "__main__":
    main()

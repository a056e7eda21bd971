"""Real servers as private instances for the tests: own ports on loopback, own data, gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

HOST = "127.0.0.1"


def find(program: str, folders: Sequence[str] = (), package: str = "") -> str:
    """The path of `program`; without it the test is skipped, naming what to install, and on CI it fails."""
    path = os.pathsep.join([*folders, os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])
    found = shutil.which(program, path=path)
    if found is None:
        do_without(f"{program} is not installed: apt-get install {package or program}")
    return found


def do_without(reason: str) -> NoReturn:
    """Skip the test; on CI, where every server has to be there, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need_root(server: str) -> None:
    """Mail servers change to other users for each task; without root they cannot."""
    if os.geteuid() != 0:
        do_without(f"{server} needs to be started as root")


def free_port() -> int:
    """A port of this machine nobody listens on now."""
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that other users may pass through (pytest's own may not be)."""
    with tempfile.TemporaryDirectory(prefix="verbinden-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def process(
    command: Sequence[str | Path], log: Path, stop: signal.Signals = signal.SIGTERM, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` in the foreground, its words into `log`; at the end ask it to `stop`, wait, and see that it did."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **options
        )
    try:
        yield child
    finally:
        child.send_signal(stop)
        with suppress(subprocess.TimeoutExpired):
            child.wait(20)
        crash(child)


def crash(child: subprocess.Popen[bytes]) -> None:
    """Kill a server with all its parts, as a power cut does."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def wait_for_port(port: int, child: subprocess.Popen[bytes], log: Path, seconds: float = 20) -> None:
    """Return when somebody listens on `port`; raises RuntimeError with the log when `child` ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.poll() is None:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def settings(values: Mapping[str, object]) -> str:
    """`name = value` lines, as Dovecot, Postfix and PostgreSQL read them."""
    return "".join(f"{name} = {value}\n" for name, value in values.items())

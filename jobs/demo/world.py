"""The demo's world: a mail server, a daemon with its ordinary configuration, and hands to write and click with."""

import re
import secrets
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from urllib.parse import urlencode

from jobs import app as jobs_app
from jobs.config import plain_environment
from jobs.demo.mailserver import HOST, DevMail
from jobs.demo.people import NETWORK, NETWORK_NAME, Actor
from jobs.demo.record import Record

Wanted = Callable[[EmailMessage], bool]


class StepFailed(Exception):
    """Something in the story did not come true; the message says what was waited for."""


@dataclass(slots=True)
class Daemon:
    """The daemon as a process of its own, with its ordinary configuration; its words go to daemon.log."""

    folder: Path
    env_file: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it goes on where the last one stood."""
        root = Path(__file__).parents[2]
        environment = {**plain_environment(), "PYTHONPATH": str(root)}
        command = [sys.executable, "-m", "jobs", "--env", str(self.env_file), "run"]
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)  # noqa: S603 - ours

    def require(self) -> None:
        """Raises StepFailed with the end of its log when it has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            log = (self.folder / "daemon.log").read_text(encoding="utf-8", errors="replace")
            raise StepFailed(f"the daemon ended with {self.process.returncode}:\n{log[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Ask it to stop, and see that it does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=35)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass(frozen=True, slots=True)
class World:
    """Everything the story acts with."""

    folder: Path
    record: Record
    server: DevMail
    env_file: Path
    web_url: str
    daemon: Daemon
    patience: float = 30.0

    def write(self, who: Actor, subject: str, text: str, answering: EmailMessage | None = None, **headers: str) -> str:
        """Send a plain mail to the network by SMTP as `who`; returns its Message-ID."""
        message = EmailMessage()
        message["From"] = f"{who.name} <{who.address}>"
        message["To"], message["Subject"] = NETWORK, subject
        message["Date"] = format_datetime(jobs_app.utc_now())
        message["Message-ID"] = make_msgid(domain=who.address.partition("@")[2])
        if answering is not None:
            message["In-Reply-To"] = message["References"] = str(answering["Message-ID"])
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(text if answering is None else f"{text}\n{_quote(answering)}")
        return self.send(who, message)

    def send(self, who: Actor, message: EmailMessage) -> str:
        """Hand a finished mail to the server; an automatic one with the null return path (RFC 3834)."""
        automatic = "Auto-Submitted" in message
        with smtplib.SMTP(HOST, self.server.smtp_port, timeout=10) as line:
            line.send_message(message, "" if automatic else who.address, [NETWORK])
        return str(message["Message-ID"])

    def wait_for(self, who: Actor, what: str, wanted: Wanted, count: int = 1) -> EmailMessage:
        """The newest mail to `who` that is `wanted`, once there are `count`; raises StepFailed if they do not come."""
        deadline = time.monotonic() + self.patience
        with self.record.arrived:
            while True:
                found = self.received(who, wanted)
                if len(found) >= count:
                    return found[-1]
                left = deadline - time.monotonic()
                if left <= 0:
                    raise StepFailed(f"{who.name} should get {what}, and did not within {self.patience:.0f} seconds")
                self.record.arrived.wait(left)

    def received(self, who: Actor, wanted: Wanted = lambda _: True) -> list[EmailMessage]:
        """What the network sent to `who` so far."""
        mails = [(accepted, message) for accepted, message, _ in self.record.mails if accepted.recipient == who.address]
        return [message for _, message in mails if wanted(message)]

    def until(self, what: str, true: Callable[[], bool]) -> None:
        """Wait until something can be seen; raises StepFailed naming it."""
        deadline = time.monotonic() + self.patience
        while not true():
            if time.monotonic() > deadline:
                raise StepFailed(f"{what}: not within {self.patience:.0f} seconds")
            time.sleep(0.1)

    def command(self, *words: str) -> None:
        """One `verbinden` command, as a coordinator types it; raises StepFailed when it says no."""
        from jobs.cli import main

        code = main(["--env", str(self.env_file), *words], standalone_mode=False)
        if code:
            raise StepFailed(f"verbinden {' '.join(words)}: exit {code}")

    def get(self, url: str) -> str:
        """Open a page."""
        return self._open(url, None)

    def post(self, url: str, **fields: str) -> str:
        """Press the button of a page."""
        return self._open(url, urlencode(fields).encode())

    def _open(self, url: str, body: bytes | None) -> str:
        with urllib.request.urlopen(url, body, timeout=10) as answer:  # noqa: S310 - our own page on this machine
            return str(answer.read().decode())


@contextmanager
def open_world(folder: Path, out: Path) -> Iterator[World]:
    """Start the mail server and the daemon in `folder`; both are gone at the end of the block.

    Raises StepFailed when mails cannot be kept in `out`.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StepFailed(f"the mails cannot be kept in {out}: {error.strerror}") from error
    record = Record(out, NETWORK)
    with DevMail(on_mail=record.keep) as server:
        web_port = _free_port()
        env_file = _configure(folder, server, web_port)
        web_url = f"http://{HOST}:{web_port}"
        world = World(folder, record, server, env_file, web_url, Daemon(folder, env_file))
        try:
            world.daemon.start()
            world.until("the daemon answers at its web address", lambda: _is_up(world))
            yield world
        finally:
            world.daemon.stop()


def _configure(folder: Path, server: DevMail, web_port: int) -> Path:
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    lines = {
        "NETWORK_NAME": NETWORK_NAME,
        "NETWORK_ADDRESS": NETWORK,
        "NETWORK_LANGUAGES": "nl,fr,en",
        "TIMEZONE": "Europe/Brussels",
        "IMAP_URL": f"imap://{NETWORK.replace('@', '%40')}@{HOST}:{server.imap_port}",
        "IMAP_PASSWORD": server.password,
        "SMTP_URL": f"smtp://{HOST}:{server.smtp_port}",
        "SECRET_KEY": secrets.token_hex(32),
        "WEB_URL": f"http://{HOST}:{web_port}",
        "WEB_LISTEN": f"{HOST}:{web_port}",
        "DATA_DIR": str(folder / "data"),
        "TEMPLATES_DIR": str(folder / "templates"),
        "POLL_SECONDS": "1",
        "DIGEST_AT": "",  # the story asks for it when it is wanted, at whatever hour it is told
    }
    path = folder / ".env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}='{value}'\n" for name, value in lines.items()), encoding="utf-8")
    return path


def _is_up(world: World) -> bool:
    world.daemon.require()
    try:
        world.get(f"{world.web_url}/")
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def links(message: EmailMessage) -> list[str]:
    """The links of a mail's text part, in order."""
    part = message.get_body(("plain",))
    return re.findall(r"https?://[^\s<>()\]]+", part.get_content() if part else "")


def words(message: EmailMessage) -> str:
    """The text part of a mail."""
    part = message.get_body(("plain",))
    return str(part.get_content()) if part else ""


def _quote(message: EmailMessage) -> str:
    """The mail answered to, quoted below, as mail programs do."""
    part = message.get_body(("plain",))
    lines = str(part.get_content() if part else "").splitlines()[:12]
    return f"Op {message['Date']} schreef {NETWORK}:\n" + "".join(f"> {line}\n" for line in lines)

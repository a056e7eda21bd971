"""A real daemon as a process of its own, and hands to write to it and to see what arrives."""

import email
import imaplib
import os
import secrets
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy.orm import Session

from contacts.database import connect
from mailer.account import Account
from tests.servers import HOST

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Daemon:
    """The network's mail room for one test: `address` is its mailbox on the server behind `imap` and `smtp`."""

    folder: Path
    address: str
    imap: Account
    smtp: Account
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    numbers: int = 0

    @property
    def env_file(self) -> Path:
        """The configuration, as a coordinator would write it."""
        return self.folder / ".env"

    def configure(self) -> None:
        """Write the configuration file."""
        values = {
            "NETWORK_NAME": "Lerend netwerk",
            "NETWORK_ADDRESS": self.address,
            "NETWORK_LANGUAGES": "nl,fr,en",
            "IMAP_URL": f"{self.imap.scheme}://{quote(self.imap.user, safe='')}@{HOST}:{self.imap.port}",
            "IMAP_PASSWORD": self.imap.password.reveal(),
            "SMTP_URL": f"smtp://{HOST}:{self.smtp.port}",
            "SECRET_KEY": "0123456789abcdef" * 4,
            "DATA_DIR": str(self.folder / "data"),
            "TEMPLATES_DIR": str(self.folder / "templates"),
            "POLL_SECONDS": "1",
            **self.settings,
        }
        (self.folder / "templates").mkdir(exist_ok=True)
        self.env_file.touch(mode=0o600)
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def start(self) -> None:
        """Start the daemon."""
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jobs", "--env", self.env_file, "run"],
                stdout=log,
                stderr=log,
                env=_environment(),
            )

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Stop the daemon by a signal and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command, in a process of its own."""
        command = [sys.executable, "-m", "jobs", "--env", str(self.env_file), *words]
        done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done

    def write(self, author: str, text: str, subject: str = "Vraag", **headers: str) -> str:
        """Somebody writes to the network by SMTP; returns the Message-ID."""
        self.numbers += 1
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = author, self.address, subject
        message["Message-ID"] = f"<{self.numbers}.{secrets.token_hex(4)}@schrijver.example>"
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        self.deliver(author, message.as_bytes(policy=policy.SMTP))
        return str(message["Message-ID"])

    def deliver(self, author: str, raw: bytes) -> None:
        """Hand raw bytes to the server for the network's mailbox."""
        with smtplib.SMTP(HOST, self.smtp.port, timeout=20) as line:
            line.sendmail(author, [self.address], raw)

    def folder_mails(self, folder: str) -> list[EmailMessage]:
        """What is in a folder of the network's mailbox."""
        return mails(self.imap, folder)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The daemon's database, opened beside it."""
        database = connect(self.settings.get("DATABASE_URL", f"sqlite:///{self.folder}/data/verbinden.db"))
        try:
            with database.read() as session:
                yield session
        finally:
            database.close()

    @property
    def log(self) -> str:
        """What the daemon said so far."""
        return (self.folder / "daemon.log").read_text()


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": os.environ.get("HOME", "/")}


@contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    """Configure and start it; it is gone at the end of the block, whatever happened."""
    daemon.configure()
    daemon.start()
    try:
        yield daemon
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()


def mails(account: Account, folder: str = "INBOX") -> list[EmailMessage]:
    """Everything in one folder, oldest first; nothing when there is no such folder."""
    client = imaplib.IMAP4(HOST, account.port)
    try:
        client.login(account.user, account.password.reveal())
        if client.select(folder, readonly=True)[0] != "OK":
            return []
        _, (numbers,) = client.search(None, "ALL")
        found: list[Any] = [client.fetch(number, "(BODY.PEEK[])")[1][0] for number in numbers.split()]
        return [email.message_from_bytes(item[1], policy=policy.default) for item in found]  # type: ignore[misc]
    finally:
        client.logout()


def until(look: Callable[[], T], seconds: float = 20, what: str = "it did not happen") -> T:
    """Look until something is there; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, what
        time.sleep(0.1)

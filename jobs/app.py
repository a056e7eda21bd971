"""The composition root: every choice of clock, randomness and socket, made once and frozen in one value."""

import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from contacts.database import Database, connect
from contacts.network import Network
from jobs.config import Config
from mailer.inbound.mailbox import Mailbox
from mailer.links import Links
from mailer.outbound.compile import Compiler
from mailer.outbound.submission import Submission
from mailer.outbound.writer import Writer


@dataclass(frozen=True, slots=True)
class App:
    """What every job and page gets; nothing in it changes while the process lives, but `stop` may be set."""

    config: Config
    database: Database
    writer: Writer
    now: Callable[[], datetime]
    new_key: Callable[[], str]
    jitter: Callable[[], float]
    open_mailbox: Callable[[], Mailbox]
    open_submission: Callable[[], Submission]
    owner: str
    #: Which boot of the machine this is; "" where it does not tell.
    boot: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def network(self) -> Network:
        """The network we work for."""
        return self.config.network

    @property
    def pepper(self) -> bytes:
        """What makes the hashes of suppressed addresses useless to whoever steals the database."""
        return self.config.secret_key.reveal().encode()

    @property
    def data_dir(self) -> Path:
        """Where the heartbeat lives, and the database unless it was put elsewhere."""
        return self.config.data_dir

    @property
    def lock_dir(self) -> Path:
        """Where the locks live: beside a SQLite file, so that everybody who uses it finds the same ones."""
        file = self.database.engine.url.database
        return Path(file).absolute().parent if self.database.is_sqlite and file else self.data_dir

    def close(self) -> None:
        """Give back the database and the template worker."""
        self.writer.compiler.close()
        if self.writer.shipped is not None:
            self.writer.shipped.close()
        self.database.close()


def utc_now() -> datetime:
    """This moment, aware; the only place that looks at the clock."""
    return datetime.now(UTC)


def new_key() -> str:
    """A fresh opaque name: 128 bits as 32 hex digits."""
    return secrets.token_hex(16)


def build(config: Config) -> App:
    """Put the parts together; opens no socket and starts no thread."""
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    compiler, shipped = Compiler(config.templates_dir), Compiler() if config.templates_dir else None
    links = Links(config.secret_key.reveal().encode(), config.network)
    return App(
        config=config,
        database=connect(config.database_url),
        writer=Writer(config.network, links, compiler, new_key, shipped, config.signers),
        now=utc_now,
        new_key=new_key,
        jitter=random.SystemRandom().random,
        open_mailbox=lambda: Mailbox(config.imap, folders=config.folders),
        open_submission=lambda: Submission(
            config.smtp, helo_name=config.network.domain, connections=config.smtp_connections, new_nonce=new_key
        ),
        owner=secrets.token_hex(8),
        boot=_boot(),
    )


def _boot() -> str:
    """Linux names each boot; after another one, lines that a process wrote may never have reached the disk."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""

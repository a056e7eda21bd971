"""What the pages need of the house: the network, its database, who writes its letters, the clock, and its health."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from contacts.database import Database
from contacts.network import Network
from mailer.outbound.writer import Writer

#: Where "leave quickly" leads: a site anybody may have open, that says nothing about who looks at it (DIS-12).
EXIT_URL = "https://www.meteo.be/"


@dataclass(frozen=True)
class Door:
    """Made once by `jobs`; `now` gives aware UTC, `health` the names of the jobs that are late."""

    network: Network
    database: Database
    writer: Writer
    now: Callable[[], datetime]
    health: Callable[[], list[str]]
    exit_url: str = EXIT_URL

    @property
    def origin(self) -> str | None:
        """The origin of our own pages (RFC 6454 §6.2), as a browser writes it; None without a web address."""
        parts = urlsplit(self.network.web_url or "")
        return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else None

    @property
    def root(self) -> str:
        """The path below which our pages stand: "" unless the web address has a path of its own."""
        return urlsplit(self.network.web_url or "").path.rstrip("/")

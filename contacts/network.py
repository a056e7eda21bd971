"""The network itself as a value: its name, its one address, its languages and its time zone."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Network:
    """What every letter and page needs to know of the network it speaks for.

    `languages` are ISO 639-1 codes, the first is the default; `web_url` has no trailing slash, None means that
    everything works by mail alone.
    """

    name: str
    address: str
    languages: tuple[str, ...]
    timezone: ZoneInfo
    web_url: str | None = None

    @property
    def domain(self) -> str:
        """The domain of the coordination address."""
        return self.address.rpartition("@")[2]

    def language(self, wanted: str | None) -> str:
        """The language to write in to somebody who prefers `wanted`: that one if we speak it, else the default."""
        return wanted if wanted in self.languages else self.languages[0]

"""The network itself as a value: its name, its one address, its languages and its time zone."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contacts.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Network:
    """What every letter and page needs to know of the network it speaks for.

    `languages` are ISO 639-1 codes, the first is the default; `web_url` has no trailing slash, None means that
    everything works by mail alone; `authserv_id` is the name under which its mail server says who really wrote a mail
    (RFC 8601 §2.5), "" when nothing of that kind is believed.
    """

    name: str
    address: str
    languages: tuple[str, ...]
    timezone: ZoneInfo
    web_url: str | None = None
    authserv_id: str = ""

    @property
    def domain(self) -> str:
        """The domain of the coordination address."""
        return self.address.rpartition("@")[2]

    def language(self, wanted: str | None) -> str:
        """The language to write in to somebody who prefers `wanted`: that one if we speak it, else the default."""
        return wanted if wanted in self.languages else self.languages[0]


def instant(local: datetime, timezone: ZoneInfo) -> datetime:
    """A naive time as people read it off the clock in `timezone`, as an aware instant (conformance CAL-15).

    Raises RuleBroken("clock") with both offsets for an hour that a change of the clock skips or repeats.
    """
    early, late = local.replace(tzinfo=timezone, fold=0), local.replace(tzinfo=timezone, fold=1)
    if early.utcoffset() != late.utcoffset():
        offsets = f"{early:%z} and {late:%z}"
        raise RuleBroken("clock", f"the clock changes at this hour: it is not one moment ({offsets}); choose another")
    return early

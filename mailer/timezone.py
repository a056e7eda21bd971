"""A time zone as two yearly rules (RFC 5545 §3.6.5), worked out from zoneinfo and checked against it."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_FIRST = 1970
_CHECKED = range(-1, 7)  # years around the event in which a rule has to agree with zoneinfo
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of the clock: `wall` is the naive local time just before it, offsets are those before and after."""

    wall: datetime
    before: timedelta
    after: timedelta
    name: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """`nth` weekday of a month, -1 being the last."""

    month: int
    nth: int
    weekday: int

    def on(self, year: int) -> int:
        """The day of the month in that year."""
        first, length = calendar.monthrange(year, self.month)
        days = list(range(1 + (self.weekday - first) % 7, length + 1, 7))
        return days[self.nth - 1] if self.nth > 0 else days[self.nth]


@lru_cache(maxsize=64)
def component(zone: ZoneInfo, year: int) -> bytes | None:
    """The VTIMEZONE that is right in and around `year`, two RRULEs from 1970; None where it cannot be said so.

    RDATE lists are poorly taken by clients (Outlook ignores them), so a zone without summer time, or with one that
    follows no weekday rule, is not written at all: its times are to be sent in UTC.
    """
    years = [list(_changes(zone, year + offset)) for offset in _CHECKED]
    if not zone.key or any(len(changes) != 2 for changes in years):
        return None
    blocks = [_block([changes[index] for changes in years]) for index in (0, 1)]
    if blocks[0] is None or blocks[1] is None:
        return None
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone.key}", *blocks[0], *blocks[1], "END:VTIMEZONE", ""]
    return "\r\n".join(lines).encode("ascii")


def _changes(zone: ZoneInfo, year: int) -> Iterator[_Change]:
    """The changes of the clock in one year, in order."""
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        following = day + timedelta(days=1)
        if _offset(zone, day) != _offset(zone, following):
            yield _change(zone, day, following)
        day = following


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> _Change:
    before = _offset(zone, low)
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    wall = (high + before).replace(tzinfo=None)
    return _Change(wall, before, _offset(zone, high), high.astimezone(zone).tzname() or "")


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _block(changes: list[_Change]) -> list[str] | None:
    """STANDARD or DAYLIGHT with its rule; None when the changes of these years do not follow one."""
    rule = _rule([change.wall for change in changes])
    first = changes[0]
    same = {(change.wall.time(), change.before, change.after, change.name) for change in changes}
    if rule is None or len(same) != 1 or not first.name.isascii():
        return None
    kind = "DAYLIGHT" if first.after > first.before else "STANDARD"
    start = first.wall.replace(year=_FIRST, month=rule.month, day=rule.on(_FIRST))
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{start:%Y%m%dT%H%M%S}",
        f"RRULE:FREQ=YEARLY;BYMONTH={rule.month};BYDAY={rule.nth}{_DAYS[rule.weekday]}",
        f"TZOFFSETFROM:{_written(first.before)}",
        f"TZOFFSETTO:{_written(first.after)}",
        f"TZNAME:{first.name}",
        f"END:{kind}",
    ]


def _rule(walls: list[datetime]) -> _Rule | None:
    """The one "nth weekday of the month" that all these days follow; "last" is tried first."""
    month, weekday = walls[0].month, walls[0].weekday()
    for nth in (-1, 1, 2, 3, 4):
        rule = _Rule(month, nth, weekday)
        if all((wall.month, wall.day) == (month, rule.on(wall.year)) for wall in walls):
            return rule
    return None


def _written(offset: timedelta) -> str:
    """UTC-OFFSET (RFC 5545 §3.3.14), to the minute."""
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"

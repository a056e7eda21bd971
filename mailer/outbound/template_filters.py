"""The few filters of templates, with dates and hours as people of that language write them."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from jinja2 import Undefined

from mailer.outbound.slots import Misuse, SlotValue, slot_misused

TESTS = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None,
}
_AS_WRITTEN_HERE = {"nl": "nl_BE", "fr": "fr_BE", "en": "en_GB"}
#: How the hour is written in a letter; the short form of other languages is as it should be.
_HOURS = {"nl": "HH.mm 'uur'", "fr": "HH\u00a0'h'\u00a0mm"}
_AT = {"nl": " om ", "fr": " à ", "en": " at ", "de": " um ", "es": " a las "}


def filters_for(language: str, timezone: str | None) -> Mapping[str, Callable[..., Any]]:
    """The filters for one language; `timezone` is an IANA name, None makes hours an error."""
    locale = Locale.parse(_AS_WRITTEN_HERE.get(language, language))

    def as_date(value: Any) -> str:
        return str(format_date(_moment(value, timezone), "full", locale))

    def as_time(value: Any) -> str:
        moment = _moment(value, timezone)
        if not isinstance(moment, datetime):
            raise Misuse("this is a day without an hour; use the filter date")
        return str(format_time(moment, _HOURS.get(language, "short"), tzinfo=moment.tzinfo, locale=locale))

    def as_datetime(value: Any) -> str:
        return f"{as_date(value)}{_AT.get(language, ', ')}{as_time(value)}"

    plain = {
        "upper": lambda value: _words(value).upper(),
        "lower": lambda value: _words(value).lower(),
        "title": lambda value: _words(value).title(),
        "join": _join,
        "length": len,
        "first": lambda values: values[0],
        "last": lambda values: values[-1],
        "date": as_date,
        "time": as_time,
        "datetime": as_datetime,
    }
    return {**{name: _without_slots(work) for name, work in plain.items()}, "or_else": _or_else}


def _without_slots(work: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(value: Any, *more: Any) -> Any:
        for given in (value, *more):
            if isinstance(given, SlotValue):
                raise Misuse(slot_misused(given.slot.name))
        if isinstance(value, Undefined):
            str(value)
        if value is None:
            raise Misuse('there is no value here; write {{ … | or_else("…") }} or put it between {% if … %}')
        try:
            return work(value, *more)
        except (TypeError, IndexError, KeyError) as error:
            raise Misuse(f"this filter does not fit what stands before it ({error})") from None

    return guarded


def _or_else(value: Any, fallback: str = "") -> Any:
    if isinstance(value, SlotValue):
        return value.or_else(_words(fallback))
    return fallback if value is None or isinstance(value, Undefined) or value == "" else value


def _join(values: Any, between: str = ", ") -> str:
    return _words(between).join(_words(value) for value in values)


def _words(value: Any) -> str:
    if isinstance(value, SlotValue):
        raise Misuse(slot_misused(value.slot.name))
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise Misuse("here words are needed")
    return value if isinstance(value, str) else str(value)


def _moment(value: Any, timezone: str | None) -> date:
    """A fact as a day, or as an hour on the clock of the network (facts hold ISO 8601, hours with their offset)."""
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Misuse("this is not a date; dates and hours look like 2027-01-12T14:00:00+01:00") from None
    if timezone is None:
        raise Misuse("the time zone of the network is not known here (network.timezone)")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(ZoneInfo(timezone))

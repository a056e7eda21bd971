"""The iTIP codec (RFC 5545, 5546): answers from any calendar in, invitations and cancellations out."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import icalendar
from icalendar.parser import Contentline

from contacts.address import Address
from contacts.errors import RuleBroken
from mailer import timezone

MOST_BYTES = 256 * 1024
MOST_COMPONENTS = 50
_MOST_COMMENT = 2000
_MOST_GUESTS = 99
_READ = frozenset(("METHOD", "UID", "SEQUENCE", "X-MICROSOFT-CDO-APPT-SEQUENCE", "DTSTAMP", "ATTENDEE", "COMMENT"))
_HIDDEN = ("Cc", "Cs")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Itip:
    """One iTIP message about one event, as somebody's calendar sent it (RFC 5546 §3.2).

    `method` is upper-case, "" where the calendar names none. `attendee` and `partstat` are those of the one ATTENDEE;
    with none or several of them (a REPLY must have exactly one, §3.2.3) they are None and "". `dtstamp` is aware UTC.
    """

    method: str
    uid: str
    partstat: str
    attendee: str | None
    sequence: int
    dtstamp: datetime | None
    guests: int
    comment: str


@dataclass(frozen=True, slots=True)
class Event:
    """One revision of one meeting as one member is told of it; instants are aware, `timezone` is how they are shown.

    `sequence` and `dtstamp` belong to this revision (RFC 5546 §2.1.4). `cancelled` says of a cancellation that the
    whole meeting is off (STATUS:CANCELLED); without it only this attendee is no longer invited (§3.2.5).
    """

    uid: str
    sequence: int
    dtstamp: datetime
    starts_at: datetime
    ends_at: datetime
    timezone: ZoneInfo
    title: str
    place: str
    description: str
    organizer: str
    organizer_name: str
    attendee: str
    url: str | None = None
    cancelled: bool = False


def read(data: bytes) -> Itip | None:
    """Read the bytes of one text/calendar part; None for what is no iTIP message about one event. Never raises."""
    if len(data) > MOST_BYTES:
        return None
    try:
        return _read(_unfold(_decode(data)))
    except Exception:  # a stranger's bytes in a parser that is not ours: whatever ends it, no answer can be read
        return None


def request(event: Event) -> bytes:
    """The REQUEST that invites `event.attendee`, or tells of a change (RFC 5546 §3.2.2); UTF-8, CRLF, folded at 75."""
    written = _event(event)
    written.add("STATUS", "CONFIRMED")
    written.add("TRANSP", "OPAQUE")
    if event.description:
        written.add("DESCRIPTION", clean(event.description))
    if event.url:
        written.add("URL", _uri(event.url))
    return _wrap("REQUEST", event, written, {"PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"})


def cancel(event: Event) -> bytes:
    """The CANCEL of what `request` sent earlier: same UID, the risen `event.sequence` (RFC 5546 §3.2.5)."""
    written = _event(event)
    if event.cancelled:
        written.add("STATUS", "CANCELLED")
    return _wrap("CANCEL", event, written, {})


def clean(text: str) -> str:
    """Text without controls, line ends as \\n: icalendar would write NUL, VT and ESC as they are (RFC 5545 §3.3.11)."""
    spaced = re.sub("[\v\f\x85\u2028\u2029]", " ", re.sub("\r\n?", "\n", text))
    return "".join(char for char in spaced if char in "\n\t" or unicodedata.category(char) not in _HIDDEN)


def _decode(data: bytes) -> str:
    """The text of a part whose declared charset is often wrong: UTF-8 or UTF-16 by their marks, else Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("windows-1252", errors="replace")


def _unfold(text: str) -> Iterator[str]:
    """The content lines, whole again (RFC 5545 §3.1)."""
    whole = re.sub(r"\n[ \t]", "", clean(text))
    return (line for line in whole.split("\n") if line.strip())


def _read(lines: Iterable[str]) -> Itip | None:
    calendar, events = _components(lines)
    uids = {_value(event, "UID") for event in events}
    if len(uids) != 1 or uids == {""}:
        return None
    event = events[0]
    attendees = event.get("ATTENDEE", [])
    attendee = attendees[0] if len(attendees) == 1 else None
    return Itip(
        method=_value(calendar, "METHOD").upper(),
        uid=uids.pop(),
        partstat="" if attendee is None else attendee.parameter("PARTSTAT").upper() or "NEEDS-ACTION",
        attendee=None if attendee is None else _address(attendee),
        sequence=_number(_value(event, "SEQUENCE")) or _number(_value(event, "X-MICROSOFT-CDO-APPT-SEQUENCE")),
        dtstamp=_instant(_value(event, "DTSTAMP")),
        guests=0 if attendee is None else min(_number(attendee.parameter("X-NUM-GUESTS")), _MOST_GUESTS),
        comment=_comment(event, attendee),
    )


@dataclass(frozen=True, slots=True)
class _Property:
    """A property with its parameters; the value is unescaped (RFC 5545 §3.3.11)."""

    value: str
    parameters: Mapping[str, str | list[str]]

    def parameter(self, name: str) -> str:
        """The first value of a parameter, "" without it."""
        found = self.parameters.get(name, "")
        return (found if isinstance(found, str) else found[0]).strip()


_Component = dict[str, list[_Property]]


def _components(lines: Iterable[str]) -> tuple[_Component, list[_Component]]:
    """What we read of the one VCALENDAR and of its VEVENTs; ValueError for more, for too many, or for none.

    Only lines that are needed reach icalendar's parser, so no time zone, recurrence or address of a stranger is ever
    evaluated; and a broken line costs that line only.
    """
    calendar: _Component = {}
    events: list[_Component] = []
    path: list[str] = []
    begun: list[str] = []
    for line in lines:
        name = re.split("[:;]", line, maxsplit=1)[0].strip().upper()
        if name == "BEGIN":
            path.append(line.rpartition(":")[2].strip().upper())
            begun.append(path[-1])
            if begun.count("VCALENDAR") != 1 or len(begun) > MOST_COMPONENTS:
                raise ValueError("not one calendar, or too much in it")
            if path == ["VCALENDAR", "VEVENT"]:
                events.append({})
        elif name == "END":
            if not path or path.pop() != line.rpartition(":")[2].strip().upper():
                raise ValueError("a component that ends where another began")
        elif name in _READ and path in (["VCALENDAR"], ["VCALENDAR", "VEVENT"]):
            _keep(calendar if len(path) == 1 else events[-1], name, line)
    if path:
        raise ValueError("cut off")
    return calendar, events


def _keep(component: _Component, name: str, line: str) -> None:
    with suppress(ValueError):
        _, parameters, value = Contentline(line.strip()).parts()  # type: ignore[no-untyped-call]
        component.setdefault(name, []).append(_Property(value.strip(), parameters))


def _value(component: _Component, name: str) -> str:
    found = component.get(name)
    return found[0].value if found else ""


def _address(attendee: _Property) -> str | None:
    """The mail address of a CAL-ADDRESS: mailto in any case, or the EMAIL parameter beside a urn (RFC 7986 §6.2)."""
    scheme, colon, rest = attendee.value.partition(":")
    if not colon:
        written = scheme
    elif scheme.lower() == "mailto":
        written = unquote(rest.partition("?")[0])
    else:
        written = attendee.parameter("EMAIL")
    try:
        return Address.parse(re.sub("(?i)^mailto:", "", written)).text
    except RuleBroken:
        return None


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


def _instant(text: str) -> datetime | None:
    """A DTSTAMP as aware UTC; it must be in UTC (RFC 5545 §3.8.7.2), so one without a zone is read as that."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _comment(event: _Component, attendee: _Property | None) -> str:
    """What the person wrote beside the answer: COMMENT, or Google's X-RESPONSE-COMMENT; one paragraph, bounded."""
    said = [found.value for found in event.get("COMMENT", [])]
    if attendee is not None and not said:
        said = [attendee.parameter("X-RESPONSE-COMMENT")]
    visible = "".join(char for char in clean(" ".join(said)) if char not in _BIDI)
    return " ".join(visible.split())[:_MOST_COMMENT]


def _event(event: Event) -> icalendar.Event:
    """What REQUEST and CANCEL share; no CATEGORIES and no VALARM: both show on screens that others see."""
    starts, ends = _moments(event)
    written = icalendar.Event()
    written.add("UID", _line(event.uid))
    written.add("SEQUENCE", event.sequence)
    written.add("DTSTAMP", _utc(event.dtstamp))
    written.add("DTSTART", starts)
    written.add("DTEND", ends)
    written.add("SUMMARY", _line(event.title))
    written.add("CLASS", "PRIVATE")
    if event.place:
        written.add("LOCATION", clean(event.place))
    name = _name(event.organizer_name)
    written.add("ORGANIZER", _mailto(event.organizer), parameters={"CN": name} if name else {})
    return written


def _wrap(method: str, event: Event, written: icalendar.Event, asked: dict[str, str]) -> bytes:
    """The VCALENDAR around one VEVENT with its one ATTENDEE: the recipient, without a name."""
    person = {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", **asked}
    written.add("ATTENDEE", _mailto(event.attendee), parameters=person)
    calendar = icalendar.Calendar()
    for name, value in (("PRODID", "-//Verbinden//Verbinden//EN"), ("VERSION", "2.0"), ("METHOD", method)):
        calendar.add(name, value)
    zone = _zone(event)
    if zone is not None:
        calendar.add_component(icalendar.Timezone.from_ical(zone))
    calendar.add_component(written)
    return bytes(calendar.to_ical())


def _moments(event: Event) -> tuple[datetime, datetime]:
    """Start and end, on the clock of the zone where that can be told, else in UTC."""
    starts, ends = _utc(event.starts_at), _utc(event.ends_at)
    if ends <= starts:
        raise ValueError("the meeting ends before it starts")
    if _zone(event) is None:
        return starts, ends
    return starts.astimezone(event.timezone), ends.astimezone(event.timezone)


def _zone(event: Event) -> bytes | None:
    """The VTIMEZONE to tell this event's times in; None where only UTC is exact.

    That is a zone without two yearly rules, and the hour that comes twice in autumn: a local time means its first
    occurrence (RFC 5545 §3.3.5), so the second can only be told in UTC.
    """
    if any(moment.astimezone(event.timezone).fold for moment in (event.starts_at, event.ends_at)):
        return None
    return timezone.component(event.timezone, event.starts_at.year)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _name(text: str) -> str:
    """A CN that needs no RFC 6868 escapes, which old Outlook shows as they are."""
    return _line(text.replace('"', "").replace("^", ""))


def _mailto(address: str) -> icalendar.vCalAddress:
    """RFC 6068 §2: what a URI cannot hold is percent-encoded."""
    return icalendar.vCalAddress("mailto:" + quote(_line(address), safe="@!$*+-./=_'"))


def _uri(url: str) -> icalendar.vUri:
    return icalendar.vUri(quote(_line(url), safe="%:/?#[]@!$&'()*+,;=-._~"))

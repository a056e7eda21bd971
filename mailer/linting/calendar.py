"""Rules on calendar parts, read line by line, not with the library that other people's calendars use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from mailer.linting.reading import Part, Problem, Reading, is_attached

_PROPERTY = re.compile(r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^\";:]*))*):(.*)", re.DOTALL)
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=(\"[^\"]*\"|[^\";:]*)")
_TEXT = re.compile(r"(?:[^\\;,]|\\[\\;,nN])*")
_TEXTS = ("SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT")
_ONCE = {
    "REQUEST": ("UID", "DTSTAMP", "DTSTART", "ORGANIZER", "SUMMARY"),
    "CANCEL": ("UID", "DTSTAMP", "ORGANIZER", "SEQUENCE"),
}
_INVITED = {"RSVP": "TRUE", "PARTSTAT": "NEEDS-ACTION", "CUTYPE": "INDIVIDUAL"}


@dataclass(frozen=True, slots=True)
class Property:
    """One unfolded content line: the component it stands in, its name, parameters and raw value."""

    component: str
    name: str
    parameters: dict[str, str]
    value: str


def properties(data: bytes) -> list[Property]:
    """The content lines of an iCalendar object (RFC 5545 §3.1); lines that are none are left out."""
    stack, found = [""], []
    for line in re.sub("\r?\n[ \t]", "", data.decode("utf-8", "replace")).splitlines():
        match = _PROPERTY.fullmatch(line)
        if not match:
            continue
        name, value = match[1].upper(), match[3]
        if name == "BEGIN":
            stack.append(value.upper())
        elif name == "END":
            stack = stack[:-1] or [""]
        else:
            parameters = {key.upper(): inner.strip('"') for key, inner in _PARAMETER.findall(match[2])}
            found.append(Property(stack[-1], name, parameters, value))
    return found


def check_calendars(mail: Reading) -> list[Problem]:
    """What is wrong with the shown calendar part and the people it names; nothing where there is none."""
    return [problem for part in mail.calendars for problem in _check_part(mail, part)]


def _check_part(mail: Reading, part: Part) -> Iterator[Problem]:
    lines = properties(part.data)
    method = next((line.value.upper() for line in lines if line.component == "VCALENDAR" and line.name == "METHOD"), "")
    if not is_attached(part.entity):
        yield from _wrapping(part, method)
    yield from _object(lines)
    yield from _presence([line for line in lines if line.component == "VEVENT"], method)
    yield from _attendees(mail, lines, method)
    yield from _octets(part, lines)
    yield from _times(lines)


def _wrapping(part: Part, method: str) -> Iterator[Problem]:
    entity = part.entity
    named = {name: str(entity.get_param(name) or "") for name in ("charset", "method", "component")}
    if not method or named["method"].upper() != method or named["charset"].lower() != "utf-8":
        yield Problem("CAL-01", "Content-Type: its method or charset is not that of the calendar")
    if named["component"].upper() != "VEVENT" or part.transfer not in ("base64", "quoted-printable"):
        yield Problem("CAL-01", "text/calendar: no component=VEVENT, or a bare transfer encoding")


def _object(lines: list[Property]) -> Iterator[Problem]:
    outer = [(line.name, line.value) for line in lines if line.component == "VCALENDAR"]
    names = [name for name, _ in outer]
    if names.count("PRODID") != 1 or names.count("METHOD") != 1 or outer.count(("VERSION", "2.0")) != 1:
        yield Problem("CAL-01", "VCALENDAR without one PRODID, one METHOD and VERSION:2.0")


def _presence(event: list[Property], method: str) -> Iterator[Problem]:
    """RFC 5546 §3.2.2 and §3.2.5, as far as we write them."""
    names = [line.name for line in event]
    wrong = [name for name in _ONCE.get(method, ()) if names.count(name) != 1]
    if wrong:
        yield Problem("CAL-02", f"{method}: not exactly one {', '.join(wrong)}")
    if method == "REQUEST" and ("DTEND" in names) == ("DURATION" in names):
        yield Problem("CAL-02", "REQUEST: needs either DTEND or DURATION")
    if "REQUEST-STATUS" in names:
        yield Problem("CAL-02", "REQUEST-STATUS is for answers")
    if not all(re.fullmatch(r"\d{8}T\d{6}Z", line.value) for line in event if line.name == "DTSTAMP"):
        yield Problem("CAL-02", "DTSTAMP is not UTC")


def _attendees(mail: Reading, lines: list[Property], method: str) -> Iterator[Problem]:
    attendees = [line for line in lines if line.name == "ATTENDEE"]
    if len(attendees) != 1 or _mailto(attendees[0].value) != mail.recipient:
        yield Problem("CAL-03", "not exactly one ATTENDEE, the recipient")
    for line in attendees if method == "REQUEST" else []:
        given = {name: line.parameters.get(name, "").upper() for name in _INVITED}
        if given != _INVITED or not line.parameters.get("ROLE"):
            yield Problem("CAL-08", "ATTENDEE without RSVP, PARTSTAT, ROLE and CUTYPE as an invitation needs them")
    organizers = [line.value for line in lines if line.name == "ORGANIZER"]
    if [_mailto(value).lower() for value in organizers] != [mail.author.lower()]:
        yield Problem("CAL-08", "ORGANIZER is not the address in From")


def _mailto(value: str) -> str:
    scheme, _, address = value.partition(":")
    return unquote(address) if scheme.lower() == "mailto" else ""


def _octets(part: Part, lines: list[Property]) -> Iterator[Problem]:
    physical = part.data.split(b"\r\n")
    if physical[-1] or any(b"\n" in line or b"\r" in line for line in physical):
        yield Problem("CAL-06", "a content line that does not end in CRLF")
    if any(len(line) > 75 or not _is_utf8(line) for line in physical):
        yield Problem("CAL-06", "a line longer than 75 octets, or folded inside a character")
    if re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", part.data):
        yield Problem("CAL-06", "a control character")
    if not all(_TEXT.fullmatch(line.value) for line in lines if line.name in _TEXTS):
        yield Problem("CAL-06", "a text with an unescaped comma, semicolon or backslash")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _times(lines: list[Property]) -> Iterator[Problem]:
    defined = [line.value for line in lines if line.component == "VTIMEZONE" and line.name == "TZID"]
    for line in lines:
        if line.component != "VEVENT" or line.name not in ("DTSTART", "DTEND", "RECURRENCE-ID"):
            continue
        zone = line.parameters.get("TZID")
        if zone is None and line.parameters.get("VALUE") != "DATE" and not line.value.endswith("Z"):
            yield Problem("CAL-14", f"{line.name}: a floating time")
        if zone is not None and defined.count(zone) != 1:
            yield Problem("CAL-14", f"{line.name}: its time zone is not defined exactly once")
    zones = [line.name for line in lines if line.component in ("STANDARD", "DAYLIGHT")]
    if "RDATE" in zones:
        yield Problem("CAL-14", "a time zone written as a list of dates")

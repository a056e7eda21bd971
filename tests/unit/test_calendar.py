"""The iTIP codec: what Google, Outlook, Apple and others send is read; what we send is the same instant everywhere."""

import io
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.tz import tzical
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer import calendar
from mailer.calendar import MOST_BYTES, MOST_COMPONENTS, Event, Itip
from mailer.timezone import component

BRUSSELS = ZoneInfo("Europe/Brussels")
TOKEN = "5f0c8e0d2a7b4c6f9e1d3b5a7c9e0f12"


def answer(*lines: str, method: str = "METHOD:REPLY", around: tuple[str, ...] = ()) -> bytes:
    """A REPLY as a calendar sends it, with the given lines in its VEVENT."""
    head = ["BEGIN:VCALENDAR", "PRODID:-//Example//EN", "VERSION:2.0", method, *around, "BEGIN:VEVENT", f"UID:{TOKEN}"]
    return "\r\n".join([*head, "DTSTAMP:20261001T080000Z", *lines, "END:VEVENT", "END:VCALENDAR", ""]).encode()


GOOGLE = answer(
    "DTSTART:20261124T123000Z",
    "DTEND:20261124T153000Z",
    "ORGANIZER;CN=Netwerk:mailto:netwerk@verbinden.example",
    "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=an@huis.e",
    ' xample;X-NUM-GUESTS=2;X-RESPONSE-COMMENT="Graag, tot dan":mailto:an@huis.example',
    "SEQUENCE:1",
    "STATUS:CONFIRMED",
)
OUTLOOK = answer(
    "ATTENDEE;PARTSTAT=DECLINED;CN=Hubert Masson:MAILTO:Hubert.Masson@Secours.example",
    "COMMENT;LANGUAGE=fr-BE:Désolé\\, pas ce jour-là\\n",
    "DTSTART;TZID=Romance Standard Time:20261124T133000",
    "X-MICROSOFT-CDO-APPT-SEQUENCE:3",
    "SEQUENCE:0",
    around=(
        "BEGIN:VTIMEZONE",
        "TZID:Romance Standard Time",
        "BEGIN:STANDARD",
        "DTSTART:16010101T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "RRULE:FREQ=SECONDLY",
        "END:STANDARD",
        "END:VTIMEZONE",
    ),
)
OUTLOOK_WEB = answer("ATTENDEE;PARTSTAT=tentative:mailto:an@huis.example", method="method:reply")
APPLE = answer(
    'ATTENDEE;CN="An; Peeters";CUTYPE=INDIVIDUAL;EMAIL="an@huis.example";PARTSTAT=ACCEPTED:urn:uuid:0b1c-77',
    "ORGANIZER;EMAIL=netwerk@verbinden.example:invalid:nomail",
    "SEQUENCE:0",
    "BEGIN:VALARM",
    "ACTION:EMAIL",
    "ATTENDEE:mailto:somebody.else@huis.example",
    "END:VALARM",
)
THUNDERBIRD = answer("ATTENDEE;RSVP=TRUE;PARTSTAT=DECLINED;ROLE=REQ-PARTICIPANT:mailto:an@huis.example", "SEQUENCE:2")
NEXTCLOUD = answer("ATTENDEE;CN=An;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=1.1:mailto:an%2Bnetwerk@huis.example")
SAMSUNG = answer("ATTENDEE;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT:MAILTO:an@huis.example", "COMMENT:Ok").replace(
    b"\r\n", b"\n"
)


@pytest.mark.conf("CAL-13")
@pytest.mark.parametrize(
    ("data", "partstat", "attendee", "sequence", "guests", "comment"),
    [
        (GOOGLE, "ACCEPTED", "an@huis.example", 1, 2, "Graag, tot dan"),
        (OUTLOOK, "DECLINED", "Hubert.Masson@secours.example", 3, 0, "Désolé, pas ce jour-là"),
        (OUTLOOK_WEB, "TENTATIVE", "an@huis.example", 0, 0, ""),
        (APPLE, "ACCEPTED", "an@huis.example", 0, 0, ""),
        (THUNDERBIRD, "DECLINED", "an@huis.example", 2, 0, ""),
        (NEXTCLOUD, "ACCEPTED", "an+netwerk@huis.example", 0, 0, ""),
        (SAMSUNG, "ACCEPTED", "an@huis.example", 0, 0, "Ok"),
    ],
    ids=["google", "outlook", "outlook-web", "apple", "thunderbird", "nextcloud", "samsung"],
)
def test_an_answer_is_read_from(data: bytes, partstat: str, attendee: str, sequence: int, guests: int, comment: str):
    stamp = datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert calendar.read(data) == Itip("REPLY", TOKEN, partstat, attendee, sequence, stamp, guests, comment)


@pytest.mark.conf("CAL-12")
@pytest.mark.parametrize("method", ["COUNTER", "REFRESH", "REQUEST", "CANCEL", "PUBLISH", "ADD", "DECLINECOUNTER"])
def test_the_method_is_told(method: str):
    read = calendar.read(answer("ATTENDEE:mailto:an@huis.example", method=f"METHOD:{method.lower()}"))
    assert read is not None
    assert read.method == method


def test_without_a_method_the_method_is_empty():
    read = calendar.read(answer("ATTENDEE:mailto:an@huis.example", method="X-NONE:1"))
    assert read is not None
    assert read.method == ""


@pytest.mark.conf("CAL-10")
@pytest.mark.parametrize("attendees", [0, 2])
def test_an_answer_without_exactly_one_attendee_answers_for_nobody(attendees: int):
    one = "ATTENDEE;PARTSTAT=ACCEPTED;X-NUM-GUESTS=4:mailto:an@huis.example"
    read = calendar.read(answer(*[one] * attendees))
    assert read is not None
    assert (read.attendee, read.partstat, read.guests) == (None, "", 0)


def test_an_attendee_without_partstat_has_not_answered():
    read = calendar.read(answer("ATTENDEE:mailto:an@huis.example"))
    assert read is not None
    assert read.partstat == "NEEDS-ACTION"


@pytest.mark.parametrize("address", ["mailto:", "urn:uuid:1", "mailto:an@huis.example%0d%0aBcc:x@y.example", "nobody"])
def test_what_is_no_address_is_none(address: str):
    read = calendar.read(answer(f"ATTENDEE;PARTSTAT=ACCEPTED:{address}"))
    assert read is not None
    assert (read.attendee, read.partstat) == (None, "ACCEPTED")


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("SEQUENCE:many", "sequence", 0),
        ("SEQUENCE:-1", "sequence", 0),
        ("SEQUENCE:" + "9" * 400, "sequence", 0),
        ("ATTENDEE;X-NUM-GUESTS=-3:mailto:an@huis.example", "guests", 0),
        ("ATTENDEE;X-NUM-GUESTS=100000:mailto:an@huis.example", "guests", 99),
        ("COMMENT:a\x00\x1b[31mb\u202e\\n\\nc\u2028d", "comment", "a[31mb c d"),
        ("COMMENT:" + "x" * 5000, "comment", "x" * 2000),
    ],
)
def test_odd_values_are_tamed(line: str, field: str, value: object):
    assert getattr(calendar.read(answer(line)), field) == value


@pytest.mark.parametrize("stamp", ["20261001T100000", "20261001T100000Z", "20261001T120000+0200"])
def test_the_stamp_is_utc(stamp: str):
    read = calendar.read(answer().replace(b"20261001T080000Z", stamp.encode()))
    assert read is not None
    assert read.dtstamp == datetime(2026, 10, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("stamp", [b"tomorrow", b"99999999T999999Z", b"00010101T000000+1400", b""])
def test_a_stamp_that_is_none_is_none(stamp: bytes):
    read = calendar.read(answer().replace(b"20261001T080000Z", stamp))
    assert read is not None
    assert read.dtstamp is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
def test_the_charset_is_found(encoding: str):
    read = calendar.read(answer("COMMENT:Désolé").decode().encode(encoding))
    assert read is not None
    assert read.comment == "Désolé"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 1000,
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        GOOGLE + GOOGLE,
        GOOGLE[: len(GOOGLE) // 2],
        GOOGLE.replace(b"UID:", b"X-UID:"),
        GOOGLE.replace(b"VEVENT", b"VTODO"),
        GOOGLE.replace(b"END:VEVENT", b"END:VEVENT\r\nBEGIN:VEVENT\r\nUID:another\r\nEND:VEVENT"),
        GOOGLE.replace(b"BEGIN:VEVENT", b"END:VEVENT"),
        b"END:VCALENDAR\r\n" + GOOGLE,
    ],
    ids=["empty", "zeros", "no event", "two", "cut", "no uid", "todo", "two uids", "ends first", "ends before"],
)
def test_what_is_no_message_about_one_event_is_none(data: bytes):
    assert calendar.read(data) is None


@pytest.mark.conf("INB-37")
@pytest.mark.parametrize("over", [0, 1])
def test_the_limits_hold(over: int):
    alarms = ("BEGIN:VALARM", "END:VALARM") * (MOST_COMPONENTS - 2 + over)
    assert (calendar.read(answer(*alarms)) is None) is bool(over)
    room = MOST_BYTES - len(answer("COMMENT:")) + over
    assert (calendar.read(answer("COMMENT:" + "x" * room)) is None) is bool(over)


@pytest.mark.conf("INB-37")
@pytest.mark.parametrize(
    "lines",
    [
        ["BEGIN:VALARM"] * 20_000,
        ["RRULE:FREQ=SECONDLY"] * 10_000,
        ["ATTENDEE" + ";A=1" * 60_000 + ":x"],
        ["ATTENDEE;A=" + "," * 240_000 + ":x"],
        ['ATTENDEE;A="' + "\\" * 240_000],
        ["ATTENDEE:"] * 20_000,
        ["COMMENT:" + "\\n" * 120_000],
        [" x"] * 60_000,
    ],
    ids=["nested", "endless rule", "parameters", "commas", "backslashes", "attendees", "breaks", "folds"],
)
def test_hostile_calendars_cost_little(lines: list[str]):
    begun = time.perf_counter()
    calendar.read(answer(*lines))
    assert time.perf_counter() - begun < 2


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_reading_never_raises(noise: bytes):
    for data in (noise, GOOGLE[:-16] + noise, GOOGLE.replace(b"SEQUENCE:1", b"SEQUENCE:1\r\n" + noise)):
        calendar.read(data)


@given(st.integers(0, len(APPLE)), st.integers(0, 60), st.binary(max_size=8))
def test_reading_a_damaged_answer_never_raises(at: int, length: int, noise: bytes):
    calendar.read(APPLE[:at] + noise + APPLE[at + length :])


EVENT = Event(
    uid=TOKEN,
    sequence=0,
    dtstamp=datetime(2026, 9, 1, 8, tzinfo=UTC),
    starts_at=datetime(2026, 11, 24, 12, 30, tzinfo=UTC),
    ends_at=datetime(2026, 11, 24, 15, 30, tzinfo=UTC),
    timezone=BRUSSELS,
    title="Ontmoeting van het lerend netwerk",
    place="Zaal De Kade, Kaaistraat 3, Antwerpen",
    description="Welkom!\n\nBreng je vragen mee; we luisteren.",
    organizer="netwerk@verbinden.example",
    organizer_name='Lerend "netwerk"',
    attendee="an@huis.example",
    url="https://verbinden.example/m/winter",
)


def unfold(data: bytes) -> list[str]:
    """The content lines of what we emit; it ends in CRLF."""
    whole = data.decode().replace("\r\n ", "")
    assert whole.endswith("\r\n")
    return whole[:-2].split("\r\n")


@pytest.mark.conf("CAL-01")
@pytest.mark.conf("CAL-02")
@pytest.mark.conf("CAL-08")
def test_a_request_has_what_clients_need_for_their_buttons():
    lines = unfold(calendar.request(EVENT))
    wanted = ["VERSION:2.0", "METHOD:REQUEST", f"UID:{TOKEN}", "DTSTAMP:20260901T080000Z", "SEQUENCE:0"]
    wanted += ["STATUS:CONFIRMED", "DTSTART;TZID=Europe/Brussels:20261124T133000", "CLASS:PRIVATE"]
    wanted += ["SUMMARY:Ontmoeting van het lerend netwerk", "URL:https://verbinden.example/m/winter"]
    wanted += ['ORGANIZER;CN="Lerend netwerk":mailto:netwerk@verbinden.example']
    assert [line for line in wanted if lines.count(line) != 1] == []
    (attendee,) = [line for line in lines if line.startswith("ATTENDEE")]
    parameters, _, address = attendee.partition(":")
    assert set(parameters.split(";")[1:]) == {
        "CUTYPE=INDIVIDUAL", "ROLE=REQ-PARTICIPANT", "PARTSTAT=NEEDS-ACTION", "RSVP=TRUE"
    }  # fmt: skip
    assert address == "mailto:an@huis.example"


@pytest.mark.conf("CAL-19")
def test_nothing_rings_and_nothing_is_categorised():
    assert not re.search(b"VALARM|CATEGORIES|REQUEST-STATUS|X-ALT-DESC", calendar.request(EVENT))


@pytest.mark.conf("CAL-09")
@pytest.mark.parametrize("cancelled", [True, False], ids=["the meeting is off", "this person only"])
def test_a_cancellation_names_the_same_event(cancelled: bool):
    lines = unfold(calendar.cancel(replace(EVENT, sequence=1, cancelled=cancelled)))
    assert ("STATUS:CANCELLED" in lines) is cancelled
    wanted = ["METHOD:CANCEL", f"UID:{TOKEN}", "SEQUENCE:1", "DTSTART;TZID=Europe/Brussels:20261124T133000"]
    assert [line for line in wanted if line not in lines] == []
    (attendee,) = [line for line in lines if line.startswith("ATTENDEE")]
    assert attendee.endswith("mailto:an@huis.example")
    assert "RSVP" not in attendee


def test_what_we_send_can_be_read_back():
    read = calendar.read(calendar.request(replace(EVENT, sequence=4)))
    assert read == Itip("REQUEST", TOKEN, "NEEDS-ACTION", "an@huis.example", 4, EVENT.dtstamp, 0, "")


def test_the_same_event_gives_the_same_bytes():
    assert calendar.request(EVENT) == calendar.request(replace(EVENT))


def told(data: bytes) -> tuple[datetime, datetime]:
    """The instants a client reads out of the bytes, with the VTIMEZONE in them and with no knowledge of its own."""
    lines = unfold(data)
    zone = None
    if "BEGIN:VTIMEZONE" in lines:
        block = lines[lines.index("BEGIN:VTIMEZONE") : lines.index("END:VTIMEZONE") + 1]
        zone = tzical(io.StringIO("\r\n".join(block))).get()
    event = lines[lines.index("BEGIN:VEVENT") :]
    written = [next(line for line in event if line.startswith(name)) for name in ("DTSTART", "DTEND")]
    starts, ends = (_instant(line, zone) for line in written)
    return starts, ends


def _instant(line: str, zone: object) -> datetime:
    moment = datetime.fromisoformat(line.rpartition(":")[2])
    if "TZID=" not in line:
        assert moment.tzinfo is not None, "floating time"
        return moment
    return moment.replace(tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type]


@pytest.mark.conf("CAL-14")
@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2027-03-28", "2026-07-01"])
@pytest.mark.parametrize("minutes", range(-180, 360, 30))
def test_every_half_hour_around_the_clock_change_is_the_same_instant(day: str, minutes: int):
    starts = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    event = replace(EVENT, starts_at=starts, ends_at=starts + timedelta(hours=2))
    assert told(calendar.request(event)) == (event.starts_at, event.ends_at)


@pytest.mark.conf("CAL-14")
def test_the_zone_is_two_rules_from_1970():
    zone = component(BRUSSELS, 2026)
    assert zone is not None
    assert len(zone) < 400
    assert b"RDATE" not in zone
    assert zone.count(b"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n") == 1
    assert zone.count(b"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n") == 1
    assert re.findall(rb"DTSTART:(\S+)", zone) == [b"19700329T020000", b"19701025T030000"]
    assert len(re.findall(b"BEGIN:VTIMEZONE", calendar.request(EVENT))) == 1


@pytest.mark.parametrize(
    "name",
    ["Europe/London", "Europe/Dublin", "America/New_York", "America/Santiago", "Australia/Sydney", "Asia/Jerusalem",
     "Africa/Casablanca", "Europe/Istanbul", "Asia/Kolkata", "UTC", "Africa/Kinshasa", "Australia/Lord_Howe"],
)  # fmt: skip
def test_other_zones_tell_the_same_instant(name: str):
    for hours in range(0, 365 * 24, 221):
        starts = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        event = replace(EVENT, timezone=ZoneInfo(name), starts_at=starts, ends_at=starts + timedelta(hours=3))
        assert told(calendar.request(event)) == (event.starts_at, event.ends_at)


@pytest.mark.parametrize("name", ["Europe/Istanbul", "UTC", "Africa/Casablanca", "Asia/Jerusalem"])
def test_a_zone_without_two_rules_is_told_in_utc(name: str):
    assert component(ZoneInfo(name), 2026) is None
    assert b"DTSTART:20261124T123000Z" in calendar.request(replace(EVENT, timezone=ZoneInfo(name)))


@pytest.mark.conf("CAL-15")
def test_the_second_of_two_equal_hours_is_told_in_utc():
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    event = replace(EVENT, starts_at=second, ends_at=second + timedelta(hours=1))
    assert b"DTSTART:20261025T013000Z" in calendar.request(event)


def test_a_moment_without_a_zone_and_an_end_before_the_start_are_refused():
    with pytest.raises(ValueError, match="time zone"):
        calendar.request(replace(EVENT, dtstamp=datetime(2026, 9, 1)))  # noqa: DTZ001
    with pytest.raises(ValueError, match="before"):
        calendar.request(replace(EVENT, ends_at=EVENT.starts_at))


words = st.text(st.characters(codec="utf-8"), max_size=150) | st.text('\\;,:"^\r\n\x00\x0b\x1b\t é', max_size=150)


@pytest.mark.conf("CAL-06")
@pytest.mark.conf("CAL-07")
@settings(deadline=None)
@given(title=words, place=words, description=words, name=words)
def test_any_words_make_well_formed_lines(title: str, place: str, description: str, name: str):
    event = replace(EVENT, title=title, place=place, description=description, organizer_name=name)
    data = calendar.request(event)
    physical = data.split(b"\r\n")
    assert max(len(line) for line in physical) <= 75
    assert all(line.decode() is not None for line in physical)
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data)
    assert len(data.replace(b"\r\n", b"").splitlines()) == 1
    read = icalendar.Calendar.from_ical(data).walk("VEVENT")[0]
    assert read["SUMMARY"] == " ".join(calendar.clean(title).split())
    assert read.get("DESCRIPTION", "") == calendar.clean(description)
    assert read.get("LOCATION", "") == calendar.clean(place)


@pytest.mark.conf("CAL-03")
@pytest.mark.parametrize("local", ["o'x+y", "a%b&c?d", "zoë", "a#b"])
def test_any_address_survives_the_uri(local: str):
    address = f"{local}@huis.example"
    data = calendar.request(replace(EVENT, attendee=address))
    read = calendar.read(data)
    assert read is not None
    assert read.attendee == address
    assert re.search(rb"mailto:[!-~]*@huis", data.replace(b"\r\n ", b""))

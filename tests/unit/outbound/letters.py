"""Letters for the tests: one that is right in every respect, and ways to change it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mailer.outbound.edition import InlineImage
from mailer.outbound.letter import CalendarPart, Letter

DOMAIN = "netwerk.example"
SENDER = f"coordinatie@{DOMAIN}"
LINK = f"https://{DOMAIN}/a/" + "Zx3_-" * 16
ONE_PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000078000000280806000000")

HTML = """<!doctype html>
<html lang="nl" dir="ltr"><head><title>Winterbrief</title></head>
<body><div lang="nl" dir="ltr"><table role="presentation"><tr><td>
<h1>Dag Noor</h1><p>We zien elkaar graag terug, één keer nog vóór de zomer.</p>
<p><a href="{link}">Niets meer ontvangen</a></p>
</td></tr></table></div></body></html>
"""

TEXT = "Dag Noor\n\nWe zien elkaar graag terug, één keer nog vóór de zomer.\n\nNiets meer ontvangen: {link}\n"

ICS = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "PRODID:-//Verbinden//NL",
        "VERSION:2.0",
        "METHOD:REQUEST",
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Brussels",
        "BEGIN:DAYLIGHT",
        "DTSTART:19700329T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:19701025T030000",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "UID:0f9a4c1be2774a5d",
        "DTSTAMP:20261123T090000Z",
        "SEQUENCE:1",
        "DTSTART;TZID=Europe/Brussels:20270114T140000",
        "DTEND;TZID=Europe/Brussels:20270114T170000",
        "SUMMARY:Leernetwerk",
        f"ORGANIZER:mailto:{SENDER}",
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=",
        " TRUE:mailto:noor@vzw.example",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
).encode()


def plain(**changes: Any) -> Letter:
    """A confirmation as the service answers it: plain text, one link, no list."""
    letter = Letter(
        sender_name="Leernetwerk Antwerpen",
        sender=SENDER,
        recipient="noor@vzw.example",
        subject="Bevestig je inschrijving",
        date=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        message_id=f"<k1b2c3d4e5f60718@{DOMAIN}>",
        language="nl",
        text="Dag Noor\n\nBevestig hier: " + LINK + "\n",
        auto_submitted="auto-replied",
        in_reply_to="<vraag-1@vzw.example>",
        references=("<vraag-0@vzw.example>", "<vraag-1@vzw.example>"),
    )
    return replace(letter, **changes)


def newsletter(**changes: Any) -> Letter:
    """A newsletter with text, HTML, list headers and one-click unsubscribe."""
    letter = plain(
        subject="Winterbrief: één avond, vóór de zomer",
        text=TEXT.format(link=LINK),
        html=HTML.format(link=LINK).replace("Winterbrief", "Winterbrief: één avond, vóór de zomer", 1),
        auto_submitted=None,
        in_reply_to=None,
        references=(),
        list_id=f"nieuwsbrief.{DOMAIN}",
        list_phrase="Nieuwsbrief",
        unsubscribe=(LINK, f"mailto:{SENDER}?subject=uitschrijven"),
        one_click=True,
        bulk=True,
        feedback_id="winter:nieuwsbrief:verbinden",
    )
    return replace(letter, **changes)


def invitation(**changes: Any) -> Letter:
    """A newsletter's shape with a calendar object for one attendee."""
    return replace(newsletter(), calendar=CalendarPart("REQUEST", ICS), **changes)


def image(name: str = "logo.png") -> InlineImage:
    """The head of a picture, for structure only."""
    return InlineImage("logo-1", name, "image/png", ONE_PIXEL)

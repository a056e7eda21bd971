"""Every rule of the lint: a good letter passes, a letter broken in one respect is caught by that rule's id."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.lint import lint
from mailer.outbound.letter import CalendarPart, Letter
from mailer.outbound.wire import render
from tests.unit.outbound.letters import DOMAIN, HTML, ICS, LINK, SENDER, image, invitation, newsletter, plain

GOOD: list[tuple[Letter, str | None]] = [
    (plain(), None),
    (plain(), "confirmation"),
    (plain(auto_submitted="auto-generated", in_reply_to=None, references=()), "welcome"),
    (newsletter(), None),
    (newsletter(), "newsletter"),
    (newsletter(images=(image(),)), "newsletter"),
    (newsletter(sender_name="Réseau ✉ " * 12, list_phrase="Réseau"), "newsletter"),
    (invitation(), None),
    (invitation(), "invitation"),
    (plain(recipient="zoë@vzw.example"), "confirmation"),
]


def ids(raw: bytes, kind: str | None = None) -> set[str]:
    return {problem.id for problem in lint(raw, kind)}


@pytest.mark.parametrize(("letter", "kind"), GOOD)
def test_a_good_letter_has_no_problems(letter: Letter, kind: str | None) -> None:
    assert lint(render(letter), kind) == []


def marked(cases: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Each case under the rule it breaks, which is its first value."""
    return [pytest.param(*case, marks=pytest.mark.conf(case[0]), id=f"{case[0]}-{n}") for n, case in enumerate(cases)]


def swapped(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        assert old.encode() in raw, "the test changes nothing"
        return raw.replace(old.encode(), new.encode(), 1)

    return change


def added(line: str) -> Callable[[bytes], bytes]:
    return lambda raw: line.encode() + b"\r\n" + raw


def without(name: str) -> Callable[[bytes], bytes]:
    return lambda raw: re.sub(rf"(?m)^{name}: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*".encode(), b"", raw, count=1)


def field(name: str, value: str) -> Callable[[bytes], bytes]:
    return lambda raw: f"{name}: {value}\r\n".encode() + without(name)(raw)


BROKEN_BYTES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("OUT-01", lambda raw: raw + b"x\n"),
    ("OUT-01", lambda raw: raw + b"x\r"),
    ("OUT-01", lambda raw: raw + b"\0\r\n"),
    ("OUT-02", lambda raw: raw + b"x" * 999 + b"\r\n"),
    ("OUT-02", field("References", " ".join(["<aaaaaaaaaaaaaaaaaaaa@vzw.example>"] * 4))),
    ("OUT-03", field("Subject", "Wïnter")),
    ("OUT-03", swapped("To: <noor@vzw.example>", "To: Zoë <noor@vzw.example>")),
    ("OUT-04", field("Subject", f"=?utf-8?q?{'a' * 70}?=")),
    ("OUT-04", field("Subject", "=?utf-8?q?=C3?= =?utf-8?q?=A9?=")),
    ("OUT-04", field("Subject", "=?iso-8859-1?q?=E9?=")),
    ("OUT-05", field("List-Id", f"=?utf-8?q?x?= <nieuwsbrief.{DOMAIN}>")),
    ("OUT-05", field("List-Unsubscribe", "=?utf-8?q?=3Chttps=3A//x.example=3E?=")),
    ("OUT-05", field("From", f'"=?utf-8?q?x?=" <{SENDER}>')),
    ("OUT-05", swapped("Content-Type: text/plain;", 'Content-Type: text/plain; name="=?utf-8?q?x?=";')),
    (
        "OUT-06",
        swapped(
            "Content-Type: text/html;", "Content-Disposition: inline; filename*=utf-8''x\r\nContent-Type: text/html;"
        ),
    ),
    ("OUT-07", swapped("text/plain; charset=utf-8", "text/plain; charset=iso-8859-1")),
    ("OUT-07", swapped("Dag Noor", "Dag=07Noor")),
    ("OUT-07", swapped("Dag Noor", "Dag=EF=BB=BFNoor")),
    ("OUT-07", swapped("Dag Noor", "Dag e=CC=81")),
    ("OUT-08", swapped("Transfer-Encoding: quoted-printable", "Transfer-Encoding: 8bit")),
    ("OUT-08", swapped("Dag Noor", "Dag Nöor")),
    ("OUT-09", swapped("Dag Noor", "From ons")),
    ("OUT-09", swapped("Dag Noor", ".Noor")),
    ("OUT-10", swapped("--=_", "--x_")),
    ("OUT-10", field("Date", "gisteren")),
    ("OUT-10", field("In-Reply-To", "gisteren")),
    ("OUT-10", added("Geen veld")),
    ("OUT-11", added("Subject: nog een")),
    ("OUT-11", without("Date")),
    ("OUT-11", without("Reply-To")),
    ("OUT-11", added("Auto-Submitted: auto-generated\r\nAuto-Submitted: auto-generated")),
    ("OUT-12", field("From", f"<{SENDER}>, <a@{DOMAIN}>")),
    ("OUT-12", field("From", "<noor@vzw.example>")),
    ("OUT-13", field("To", "<noor@vzw.example>, <sami@vzw.example>")),
    ("OUT-13", field("To", "allen:;")),
    ("OUT-13", added("Cc: <sami@vzw.example>")),
    ("OUT-14", field("Reply-To", f"<no-reply@{DOMAIN}>")),
    ("OUT-18", added("Bcc: <sami@vzw.example>")),
    ("OUT-18", added("Return-Path: <>")),
    ("OUT-18", added("Received: from x")),
    ("OUT-19", added("X-Mailer: wij 1.0")),
    ("OUT-19", added("User-Agent: wij 1.0")),
    ("OUT-19", field("Message-ID", "<a@canary.local>")),
    ("OUT-20", field("List-Unsubscribe", f"<{LINK}>, <{LINK}2>")),
    ("OUT-20", field("List-Unsubscribe", LINK)),
    ("OUT-20", field("List-Unsubscribe", f"<{LINK} >")),
    ("OUT-20", field("List-Unsubscribe", "<http://netwerk.example/a/x>")),
    ("OUT-20", field("List-Unsubscribe", f"\r\n <{LINK}>")),
    ("OUT-21", field("List-Unsubscribe-Post", "List-Unsubscribe=one-click")),
    ("OUT-21", field("List-Unsubscribe", f"<mailto:{SENDER}>")),
    ("OUT-21", without("List-Unsubscribe-Post")),
    ("OUT-30", without("List-Unsubscribe")),
    ("OUT-31", field("List-Id", "nieuwsbrief")),
    ("OUT-31", field("List-Id", "<nieuwsbrief.elders.example>")),
    ("OUT-31", field("List-Id", "a" * 250 + f" <nieuwsbrief.{DOMAIN}>")),
    ("OUT-33", field("List-Owner", "<http://x.example>")),
    ("OUT-34", added("Auto-Submitted: no")),
    ("OUT-34", added("Auto-Submitted: auto-replied")),
    ("OUT-37", field("Message-ID", "<winter@elders.example>")),
    ("OUT-37", field("Message-ID", f"<noor.1@{DOMAIN}>")),
    ("OUT-37", field("Message-ID", f"<{'a' * 200}@{DOMAIN}>")),
    ("OUT-50", lambda raw: raw.replace(b"text/plain", b"text/x-html").replace(b"text/html", b"text/plain")),
    ("OUT-53", field("Subject", "")),
    ("OUT-53", field("Subject", "woord " * 30)),
    ("OUT-53", field("Subject", "Re: je vraag")),
    ("OUT-53", field("Subject", "=?utf-8?q?a=E2=80=AEb?=")),
    ("OUT-54", lambda raw: raw + (b"x" * 70 + b"\r\n") * 7000),
    ("OUT-55", field("Content-Language", "fr")),
]


@pytest.mark.parametrize(("id_", "change"), marked(BROKEN_BYTES))
def test_bytes_broken_in_one_respect_are_caught(id_: str, change: Callable[[bytes], bytes]) -> None:
    raw = render(newsletter())
    assert id_ not in ids(raw, "newsletter")
    assert id_ in ids(change(raw), "newsletter")


def html(old: str, new: str) -> Letter:
    source = newsletter().html or ""
    assert old in source, "the test changes nothing"
    return newsletter(html=source.replace(old, new, 1))


def picture(tag: str) -> Letter:
    return replace(html("<h1>", tag + "<h1>"), images=(image(),))


BROKEN_LETTERS: list[tuple[str, Letter]] = [
    ("OUT-29", html(f'href="{LINK}"', f'href="https://{DOMAIN}"')),
    ("OUT-29", html("<h1>", "<p>" + "woord " * 16_000 + "</p><h1>")),
    ("OUT-29", newsletter(text="Dag Noor\n")),
    ("OUT-51", html("<h1>", f'<a href="https://{DOMAIN}/agenda">agenda</a><h1>')),
    ("OUT-51", html("<h1>", f'<a href="{LINK[:-3]}">begin van een andere</a><h1>')),
    ("OUT-51", newsletter(text=f"Dag {{{{ member.name }}}}\n{LINK}")),
    ("OUT-51", newsletter(text=f"Dag vq0123456789abcdefqv\n{LINK}")),
    ("OUT-51", newsletter(text=f"<p>Dag</p>\n{LINK}")),
    ("OUT-51", newsletter(text=f"Dag&nbsp;Noor\n{LINK}")),
    ("OUT-51", html("Dag Noor", "Dag vq0123456789abcdefqv")),
    ("OUT-51", html("Dag Noor", "<mj-text>Dag</mj-text>")),
    ("OUT-51", html("Dag Noor", "{% if x %}Dag")),
    ("OUT-53", newsletter(text="\n")),
    ("OUT-54", newsletter(images=(replace(image(), type="image/svg+xml"),))),
    ("OUT-54", newsletter(images=(replace(image(), type="application/zip"),))),
    ("EML-01", html('<html lang="nl" dir="ltr">', "<html>")),
    ("EML-01", html('<html lang="nl" dir="ltr">', '<html lang="ar" dir="ltr">')),
    ("EML-01", html('<div lang="nl" dir="ltr">', "<div>")),
    ("EML-03", html("<title>Winter", "<title>Zomer")),
    ("EML-04", html('<table role="presentation">', "<table>")),
    ("EML-05", picture('<img src="cid:logo-1" width="120">')),
    ("EML-05", picture('<img src="cid:logo-1" width="120" alt="logo.png">')),
    ("EML-05", picture('<img src="cid:logo-1" alt="Leernetwerk">')),
    ("EML-10", html("<h1>", "<p>" + "woord " * 17_000 + "</p><h1>")),
    ("EML-13", html("<h1>", "<script>1</script><h1>")),
    ("EML-13", html("<h1>", "<form></form><h1>")),
    ("EML-13", html("<h1>", '<h1 onclick="x">')),
    ("EML-13", html("<h1>", '<a href="JavaScript:x">x</a><h1>')),
    ("EML-13", html("<h1>", '<img src="data:image/png;base64,x" alt="" width="9"><h1>')),
    ("EML-13", html("<title>", "<style>@import 'x'</style><title>")),
    ("EML-13", html("<h1>", '<h1 style="position: absolute">')),
    ("GDP-16", picture('<img src="cid:weg" width="120" alt="Leernetwerk">')),
    ("GDP-16", picture('<img src="https://elders.example/x.png" width="120" alt="Leernetwerk">')),
    ("GDP-16", picture(f'<img src="https://{DOMAIN}/x.png?m=1" width="120" alt="Leernetwerk">')),
    ("GDP-16", picture(f'<img src="https://{DOMAIN}/{"aB3" * 9}/x.png" width="120" alt="Leernetwerk">')),
    ("GDP-16", picture('<img src="cid:logo-1" width="1" height="1" alt="">')),
    ("GDP-16", html("<h1>", '<h1 style="background: url(https://elders.example/x)">')),
    ("GDP-16", html("<h1>", f'<a href="https://{DOMAIN}/?utm_source=x">x</a><h1>')),
    ("GDP-16", html("<h1>", f'<a href="https://{DOMAIN}/c?u=https%3A%2F%2Fx.example">x</a><h1>')),
]


@pytest.mark.parametrize(("id_", "letter"), marked(BROKEN_LETTERS))
def test_a_letter_broken_in_one_respect_is_caught(id_: str, letter: Letter) -> None:
    assert id_ in ids(render(letter), "newsletter")


@pytest.mark.conf("EML-05")
def test_good_pictures_pass() -> None:
    assert lint(render(picture('<img src="cid:logo-1" width="120" height="40" alt="Leernetwerk">'))) == []
    assert lint(render(picture(f'<img src="https://{DOMAIN}/logo.png" width="120" alt="">'))) == []


@pytest.mark.conf("OUT-30")
@pytest.mark.conf("OUT-34")
def test_a_service_letter_has_no_way_out_of_a_list_and_says_that_it_is_automatic() -> None:
    assert "OUT-30" in ids(render(plain(unsubscribe=(LINK,), one_click=True)), "confirmation")
    assert "OUT-34" in ids(render(plain(auto_submitted=None)), "welcome")
    assert "OUT-34" in ids(render(plain(in_reply_to=None)), "confirmation")


@pytest.mark.conf("OUT-31")
def test_a_list_letter_says_which_list() -> None:
    assert "OUT-31" in ids(render(newsletter(list_id=None)), "newsletter")


@pytest.mark.conf("OUT-20")
def test_without_a_web_part_a_mailto_is_enough_and_a_demo_runs_on_this_machine() -> None:
    local = LINK.replace(f"https://{DOMAIN}", "http://127.0.0.1:8080")
    for uri, web in ((f"mailto:{SENDER}?subject=stop", False), (local, True)):
        source, text = (newsletter().html or "").replace(LINK, uri), newsletter().text.replace(LINK, uri)
        assert lint(render(newsletter(unsubscribe=(uri,), one_click=web, html=source, text=text)), "newsletter") == []


BROKEN_CALENDARS: list[tuple[str, str, str]] = [
    ("CAL-01", "METHOD:REQUEST\r\n", "METHOD:CANCEL\r\n"),
    ("CAL-01", "METHOD:REQUEST\r\n", ""),
    ("CAL-01", "PRODID:-//Verbinden//NL\r\n", ""),
    ("CAL-01", "VERSION:2.0", "VERSION:1.0"),
    ("CAL-02", "UID:0f9a4c1be2774a5d\r\n", ""),
    ("CAL-02", "DTSTAMP:20261123T090000Z", "DTSTAMP:20261123T090000"),
    ("CAL-02", "SUMMARY:Leernetwerk\r\n", ""),
    ("CAL-02", "DTEND;TZID=Europe/Brussels:20270114T170000\r\n", ""),
    ("CAL-02", "END:VEVENT", "DURATION:PT3H\r\nEND:VEVENT"),
    ("CAL-02", "END:VEVENT", "REQUEST-STATUS:2.0;Success\r\nEND:VEVENT"),
    ("CAL-03", "mailto:noor@vzw.example", "mailto:sami@vzw.example"),
    ("CAL-03", "END:VEVENT", "ATTENDEE:mailto:sami@vzw.example\r\nEND:VEVENT"),
    ("CAL-06", "SUMMARY:Leernetwerk", "SUMMARY:" + "x" * 80),
    ("CAL-06", "SUMMARY:Leernetwerk", "SUMMARY:Zorg, werk"),
    ("CAL-06", "SUMMARY:Leernetwerk", "SUMMARY:Zorg\x07werk"),
    ("CAL-06", "SUMMARY:Leernetwerk\r\n", "SUMMARY:Leernetwerk\n"),
    ("CAL-08", "PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED"),
    ("CAL-08", ";RSVP=\r\n TRUE", ""),
    ("CAL-08", f"ORGANIZER:mailto:{SENDER}", "ORGANIZER:mailto:iemand@elders.example"),
    ("CAL-14", "DTSTART;TZID=Europe/Brussels:", "DTSTART:"),
    ("CAL-14", "DTSTART;TZID=Europe/Brussels:", "DTSTART;TZID=Europe/Paris:"),
    ("CAL-14", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "RDATE:20270328T020000"),
]


@pytest.mark.parametrize(("id_", "old", "new"), marked(BROKEN_CALENDARS))
def test_a_calendar_broken_in_one_respect_is_caught(id_: str, old: str, new: str) -> None:
    assert old.encode() in ICS, "the test changes nothing"
    letter = replace(invitation(), calendar=CalendarPart("REQUEST", ICS.replace(old.encode(), new.encode(), 1)))
    assert id_ in ids(render(letter), "invitation")


@pytest.mark.conf("CAL-06")
def test_a_line_folded_inside_a_character_is_caught() -> None:
    cut = ICS.replace(b"SUMMARY:Leernetwerk", b"SUMMARY:\xc3\r\n \xa9\xc3\xa9n")
    assert "CAL-06" in ids(render(replace(invitation(), calendar=CalendarPart("REQUEST", cut))))


@pytest.mark.conf("CAL-01")
def test_a_calendar_part_says_what_it_is() -> None:
    raw = render(invitation())
    for old, new in ((b"method=REQUEST", b"method=REPLY"), (b"component=VEVENT", b"x=y")):
        assert "CAL-01" in ids(raw.replace(old, new))


@pytest.mark.conf("CAL-20")
def test_two_different_calendars_in_one_letter_are_caught() -> None:
    raw = render(invitation())
    first, second = (match.start() for match in re.finditer(rb"QkVHSU46VkNBTEVOREFS", raw))
    assert "CAL-20" in ids(raw[:second] + b"QkVHSU46VkNBTEVOREFT" + raw[second + 20 :])
    assert "CAL-20" in ids(raw.replace(b"attachment;", b"inline;"))
    assert first < second


@pytest.mark.conf("CAL-09")
def test_a_cancellation_is_judged_by_its_own_rules() -> None:
    event = ICS.replace(b"METHOD:REQUEST", b"METHOD:CANCEL").replace(b";PARTSTAT=NEEDS-ACTION;RSVP=\r\n TRUE", b"")
    good = replace(invitation(), calendar=CalendarPart("CANCEL", event))
    assert lint(render(good), "cancellation") == []
    event = event.replace(b"SEQUENCE:1\r\n", b"")
    assert "CAL-02" in ids(render(replace(good, calendar=CalendarPart("CANCEL", event))))


@given(st.binary(max_size=600))
def test_bytes_that_are_no_message_are_problems_not_exceptions(raw: bytes) -> None:
    assert lint(raw)


@given(st.data())
def test_a_message_with_a_hole_is_read_to_its_end(data: st.DataObject) -> None:
    raw = render(invitation())
    start = data.draw(st.integers(0, len(raw)))
    lint(raw[:start] + data.draw(st.binary(max_size=20)) + raw[start + data.draw(st.integers(0, 400)) :])


def test_no_problem_quotes_the_letters_people() -> None:
    for letter in (
        html("<h1>", "<script>1</script><h1>"),
        newsletter(recipient="sami@elders.example", subject=""),
        plain(),
    ):
        said = " ".join(problem.message for problem in lint(render(letter), "newsletter"))
        assert said and not any(word in said for word in ("noor", "sami", "elders", SENDER, LINK))


def test_the_html_of_the_tests_is_the_html_of_the_letter() -> None:
    assert HTML.format(link=LINK).count(LINK) == 1

"""Tokens: bound to one purpose, refused when one bit differs, and telling nothing of whom they are for."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.errors import RuleBroken
from contacts.network import Network
from mailer import links
from mailer.links import CONFIRM, DECIDE, PREFERENCES, RSVP, UNSUBSCRIBE, Links

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
NETWORK = Network("Netwerk", "net@werk.example", ("nl",), ZoneInfo("Europe/Brussels"), "https://werk.example")
MADE = Links(b"k" * 32, NETWORK)


@pytest.mark.conf("SEC-21")
@pytest.mark.parametrize("purpose", [CONFIRM, DECIDE, PREFERENCES, RSVP, UNSUBSCRIBE])
def test_a_token_serves_its_own_purpose_only(purpose: str) -> None:
    token = MADE.token(purpose, KEY, NOW)
    assert MADE.read(token, NOW) == (purpose, KEY)
    for other in {CONFIRM, DECIDE, PREFERENCES, RSVP, UNSUBSCRIBE} - {purpose}:
        with pytest.raises(RuleBroken):
            MADE.read(token, NOW, other)
        with pytest.raises(RuleBroken):
            MADE.read(MADE.token(other, KEY, NOW)[0] + token[1:], NOW)


@pytest.mark.conf("SEC-20")
@given(st.integers(min_value=1, max_value=48), st.sampled_from("ABCxyz019-_"))
def test_one_changed_character_is_refused(place: int, char: str) -> None:
    token = MADE.token(RSVP, KEY, NOW)
    changed = token[:place] + char + token[place + 1 :]
    if changed != token:
        with pytest.raises(RuleBroken):
            MADE.read(changed, NOW)


@given(st.text(max_size=60))
def test_anything_else_is_refused_in_order(text: str) -> None:
    with pytest.raises(RuleBroken):
        MADE.read(text, NOW)


def test_another_network_has_other_tokens() -> None:
    with pytest.raises(RuleBroken):
        Links(b"other" * 8, NETWORK).read(MADE.token(RSVP, KEY, NOW), NOW)


@pytest.mark.conf("SEC-22", "OUT-28")
def test_leaving_works_for_ever_and_confirming_for_a_week() -> None:
    later = NOW + timedelta(days=5 * 365)
    assert MADE.read(MADE.token(UNSUBSCRIBE, KEY, NOW), later) == (UNSUBSCRIBE, KEY)
    confirm = MADE.token(CONFIRM, KEY, NOW)
    assert MADE.read(confirm, NOW + timedelta(days=7)) == (CONFIRM, KEY)
    with pytest.raises(RuleBroken) as broken:
        MADE.read(confirm, NOW + timedelta(days=7, seconds=1))
    assert broken.value.code == "link_expired"


@pytest.mark.conf("SEC-22")
def test_a_coordinators_link_works_for_a_fortnight_and_is_a_mail() -> None:
    decide = MADE.token(DECIDE, KEY, NOW)
    assert MADE.read(decide, NOW + timedelta(days=14)) == (DECIDE, KEY)
    with pytest.raises(RuleBroken) as broken:
        MADE.read(decide, NOW + timedelta(days=14, seconds=1))
    assert broken.value.code == "link_expired"
    assert MADE.mailto(DECIDE, decide, "yes") == f"mailto:net@werk.example?subject=yes%20{decide}"


@pytest.mark.conf("OUT-25", "DIS-13")
def test_the_address_behind_a_button_is_neutral() -> None:
    url = MADE.url(UNSUBSCRIBE, KEY, NOW)
    assert re.fullmatch(r"https://werk\.example/a/u[A-Za-z0-9_-]{48}", url)


@pytest.mark.conf("OUT-20")
def test_the_unsubscribe_uris_are_one_https_and_one_mailto() -> None:
    web, mail = MADE.unsubscribe(KEY, NOW)
    assert web.startswith("https://") and mail.startswith("mailto:net@werk.example?subject=")


def test_without_a_web_address_a_link_is_a_ready_mail() -> None:
    made = Links(b"k" * 32, replace(NETWORK, web_url=None))
    (mail,) = made.unsubscribe(KEY, NOW)
    subject = parse_qs(urlsplit(mail).query)["subject"][0]
    (token,) = links.find(subject)
    assert made.read(token, NOW) == (UNSUBSCRIBE, KEY)
    answer = parse_qs(urlsplit(made.url(RSVP, KEY, NOW, "maybe")).query)["subject"][0]
    assert answer.split()[0] == "maybe"
    assert made.read(links.find(f"Re: {answer}")[0], NOW) == (RSVP, KEY)

"""What letters mean, and the most a machine may do with them."""

import tomllib
from pathlib import Path

import pytest

from mailer.inbound.understanding import Request, Thread, decide, understand
from tests.unit.inbound.mails import plain

LETTERS = tomllib.loads(Path(__file__).with_name("letters.toml").read_text(encoding="utf-8"))["letter"]


def described(request: Request, counted: bool) -> str:
    answer = f":{request.rsvp.answer}:{request.rsvp.guests}" if request.rsvp and counted else ""
    return "+".join(sorted(kind + (answer if kind == "rsvp" else "") for kind in request.kinds))


def readings(letter: dict[str, str]) -> set[str]:
    return {"+".join(sorted(one.split("+"))) for one in letter["kinds"].split("|")}


def name(letter: dict[str, str]) -> str:
    return " ".join(letter["text"].split())[:40] or letter["subject"]


@pytest.mark.parametrize("letter", LETTERS, ids=name)
def test_a_letter_is_understood(letter: dict[str, str]) -> None:
    request = understand(plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"]))
    assert {described(request, True), described(request, False)} & readings(letter), request.why


@pytest.mark.parametrize("letter", LETTERS, ids=name)
@pytest.mark.conf("INB-21")
def test_a_machine_does_no_more_than_it_may(letter: dict[str, str]) -> None:
    request = understand(plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"]))
    plan = decide(request)
    allowed = set(letter["may"].removeprefix("=").split())
    assert set(plan.actions) <= allowed, request.why
    if letter["may"].startswith("="):
        assert (set(plan.actions), plan.disposition) == (allowed, "handled"), request.why


def test_a_cry_for_help_goes_to_a_person_untouched() -> None:
    for letter in LETTERS:
        if letter["kinds"] == "help":
            plan = decide(understand(plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"])))
            assert (plan.actions, plan.disposition) == ((), "review"), name(letter)

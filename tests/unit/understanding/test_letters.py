"""What letters mean by the rules alone, and the most a machine may do with them, by rules and by what was learned."""

import tomllib
from pathlib import Path

import pytest

from mailer.inbound.understanding import Request, Thread, decide, understand
from tests.unit.inbound.mails import plain

LETTERS = [
    letter | {"thread": thread}
    for letter in tomllib.loads(Path(__file__).with_name("letters.toml").read_text(encoding="utf-8"))["letter"]
    for thread in letter["thread"].split()
]
SHORT = [letter for letter in LETTERS if "language" in letter and letter["thread"] != "none"]
# The mail that is answered, as mail programs put it below the answer; it holds every word that could mislead.
OURS = (
    "Beste Lotte,",
    "Kom je? Ja, ik kom. Misschien. Nee, deze keer niet. Oui, je viens. Peut-être.",
    "Liever in het Frans? Uitschrijven: antwoord gewoon stop. Heb je een tolk nodig?",
)
BELOW = {
    "gmail": "Op di 3 nov 2026 om 10:00 schreef Samenwijzer <netwerk@verbinden.example>:\n\n> " + "\n> ".join(OURS),
    "outlook": "________________________________\nVan: Samenwijzer <netwerk@verbinden.example>\n"
    "Verzonden: dinsdag 3 november 2026 10:00\nAan: Lotte Maes <lotte.maes@post.example>\nOnderwerp: Bijeenkomst\n\n"
    + "\n".join(OURS),
    "telephone": "Envoyé de mon iPhone\n\n"
    "> Le 3 nov. 2026 à 10:00, Samenwijzer <netwerk@verbinden.example> a écrit :\n> " + "\n> ".join(OURS),
}


def described(request: Request, counted: bool) -> str:
    answer = f":{request.rsvp.answer}:{request.rsvp.guests}" if request.rsvp and counted else ""
    return "+".join(sorted(kind + (answer if kind == "rsvp" else "") for kind in request.kinds))


def readings(letter: dict[str, str]) -> set[str]:
    return {"+".join(sorted(one.split("+"))) for one in letter["kinds"].split("|")}


def name(letter: dict[str, str]) -> str:
    return " ".join(letter["text"].split())[:40] or letter["subject"]


@pytest.mark.parametrize("letter", LETTERS, ids=name)
def test_a_letter_is_understood(letter: dict[str, str]) -> None:
    request = understand(plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"]), learned=False)
    assert {described(request, True), described(request, False)} & readings(letter), request.why


@pytest.mark.parametrize("letter", LETTERS, ids=name)
@pytest.mark.conf("INB-21")
def test_a_machine_does_no_more_than_it_may(letter: dict[str, str]) -> None:
    message, thread = plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"])
    allowed = set(letter["may"].removeprefix("=").split())
    by_rules, plan = decide(understand(message, thread, learned=False)), decide(understand(message, thread))
    # Whoever is not sure to be understood may hear that a person reads it: never whoever cries for help.
    receipt = set() if letter["kinds"] in ("help", "spam") else {"auto_reply"}
    assert set(by_rules.actions) <= allowed | receipt
    assert set(plan.actions) <= allowed | receipt
    if letter["may"].startswith("="):
        assert (set(by_rules.actions), by_rules.disposition) == (allowed, "handled")


def test_a_cry_for_help_goes_to_a_person_untouched() -> None:
    for letter in LETTERS:
        if letter["kinds"] == "help":
            plan = decide(understand(plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"])))
            assert (plan.actions, plan.disposition) == ((), "review"), name(letter)


@pytest.mark.parametrize("below", BELOW.values(), ids=BELOW.keys())
@pytest.mark.parametrize("letter", SHORT, ids=name)
def test_a_short_answer_means_the_same_above_our_mail(letter: dict[str, str], below: str) -> None:
    request = understand(plain(f"{letter['text']}\n\n{below}", subject=letter["subject"]), Thread(letter["thread"]))
    alone = understand(plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"]))
    assert (described(request, True), decide(request)) == (described(alone, True), decide(alone)), request.why


@pytest.mark.parametrize("letter", [one for one in LETTERS if "language" in one or "wanted" in one], ids=name)
def test_the_language_of_a_letter_is_known(letter: dict[str, str]) -> None:
    request = understand(plain(letter["text"], subject=letter["subject"]), Thread(letter["thread"]))
    assert request.language == letter.get("language", request.language)
    assert request.wanted_language == letter.get("wanted")


@pytest.mark.conf("INB-21")
def test_who_asks_on_a_condition_waits_for_a_person() -> None:
    for text in ("Ik zou graag lid worden van jullie netwerk, tenzij dat geld kost.", "Je m'inscris si c'est gratuit."):
        assert "register" not in decide(understand(plain(text), Thread())).actions, text

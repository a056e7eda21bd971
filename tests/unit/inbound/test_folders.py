"""The names of the mailbox's folders: one set a language, each name its own, whatever a coordinator writes."""

import pytest

from jobs.config import LANGUAGES
from mailer.inbound.folders import DISPOSITIONS, ENGLISH, choose, key, parse


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_four_names_of_its_own_that_could_be_configured(language: str) -> None:
    names = [found[0] for found in choose([language], {}).values()]
    assert len({key(name) for name in names}) == 4
    assert parse(",".join(f"{one}={name}" for one, name in zip(DISPOSITIONS, names, strict=True)))
    assert language == "en" or names[0] != "Handled"


def test_former_names_are_those_of_the_other_languages_and_the_english_ones() -> None:
    names = choose(["fr", "nl"], {})
    assert names["review"] == ("À examiner", "Te bekijken", "Review")
    assert names["quarantine"] == ("Quarantaine", "Quarantine")
    assert ENGLISH["handled"] == ("Handled",)


@pytest.mark.parametrize("first", LANGUAGES)
def test_no_folder_can_be_taken_for_another(first: str) -> None:
    everything = choose([first, *LANGUAGES], {})
    flat = [key(name) for names in everything.values() for name in names]
    assert len(flat) == len(set(flat))


def test_a_chosen_name_is_final_and_no_other_folder_may_grow_into_it() -> None:
    names = choose(["nl"], {"review": "Handled"})
    assert names["review"] == ("Handled",)
    assert names["handled"] == ("Afgehandeld",)


def test_some_or_all_can_be_named() -> None:
    assert parse(" review = Voor ons , handled=Klaar") == {"review": "Voor ons", "handled": "Klaar"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Klaar", "is not one of handled=NAME"), ("done=Klaar", "is not one of"), ("handled=", "has no name"),
        ("handled=a,handled=b", "named twice"), ("review=inbox", "INBOX"), ("review=INBOX/Review", "plain words"),
        ("review=a.b", "plain words"), ("review=a*", "plain words"), ("review=50%", "plain words"),
        ('review=a"b', "plain words"), ("review=#news", "plain words"), ("review=" + "x" * 61, "at most 60"),
        ("review=a\x07b", "one line"), ("review=a,", "is not one of"),
    ],
)  # fmt: skip
def test_what_no_folder_can_be_called_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse(text)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"handled: has no name; .*done.*; review: INBOX"):
        parse("handled=,done=x,review=INBOX")


@pytest.mark.parametrize("named", [{"review": "afgehandeld"}, {"review": "Klaar", "handled": "KLAAR"}])
def test_two_folders_of_one_name_are_refused(named: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="two folders"):
        choose(["nl"], named)

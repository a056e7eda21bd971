"""Who a mail is about: addresses, names in their natural order, organisations as the mail names them."""

import pytest

from mailer.inbound.understanding import Person, Thread, understand
from mailer.inbound.understanding.people import natural
from tests.unit.inbound.mails import plain


@pytest.mark.parametrize(
    ("shown", "address", "name"),
    [
        ("Lotte Maes", "lotte.maes@post.example", "Lotte Maes"),
        ("Maes Lotte", "lotte.maes@post.example", "Lotte Maes"),
        ("Van den Berg Lotte", "lotte.vandenberg@post.example", "Lotte Van den Berg"),
        ("Maes, Lotte", "x@post.example", "Lotte Maes"),
        ("MAES Lotte", "x@post.example", "Lotte Maes"),
        ("lotte maes", "x@post.example", "Lotte Maes"),
        ("Lotte van der Maes", "lvdmaes@post.example", "Lotte van der Maes"),
        ("lotte@post.example", "lotte@post.example", ""),
    ],
)
def test_names_stand_in_their_natural_order(shown: str, address: str, name: str) -> None:
    assert natural(shown, address) == name


@pytest.mark.parametrize(
    ("sender", "text", "person"),
    [
        ("Lotte Maes <lotte@debrug.example>", "Schrijf me in op de lijst.\n\nMvg\nLotte Maes\nvzw De Brug\nT 03 000",
         Person("lotte@debrug.example", "Lotte Maes", "vzw De Brug")),
        ("lotte.maes@post.example", "Zet mij op de lijst.", Person("lotte.maes@post.example", "Lotte Maes", None)),
        ("Lotte M <lm@post.example>", "Zet mij op de mailinglijst.\n\nGroeten\nLotte Maes",
         Person("lm@post.example", "Lotte Maes", None)),
        ("Lotte Maes <lotte.maes@post.example>", "Ik werk bij Huis De Linde. Zet mij op de mailinglijst.",
         Person("lotte.maes@post.example", "Lotte Maes", "Huis De Linde")),
        ("Onthaal De Brug <info@debrug.example>", "Graag nieuwsbrief op dit adres.\n\nLotte Maes\nvzw De Brug",
         Person("info@debrug.example", "Lotte Maes", "vzw De Brug")),
    ],
)  # fmt: skip
def test_the_author_is_described(sender: str, text: str, person: Person) -> None:
    assert understand(plain(text, "x", sender), Thread()).people == (person,)


def test_other_people_are_found_with_their_names() -> None:
    text = "Kunnen jullie deze collega's toevoegen?\n- Bram Aerts, bram@debrug.example\n- noor.claes@debrug.example"
    assert understand(plain(text, "x"), Thread()).people == (
        Person("bram@debrug.example", "Bram Aerts", None),
        Person("noor.claes@debrug.example", "Noor Claes", None),
    )


def test_an_address_of_their_own_in_the_text_is_the_one_to_use() -> None:
    text = "Schrijf me in voor het netwerk, maar op mijn werkadres lotte.maes@debrug.example."
    assert (
        understand(plain(text, "x", "Lotte <l@post.example>"), Thread()).people[0].address
        == "lotte.maes@debrug.example"
    )


def test_the_language_asked_for_is_not_the_one_written_in() -> None:
    request = understand(plain("Kan ik de nieuwsbrief voortaan in het Frans krijgen?", "x"), Thread())
    assert (request.wanted_language, request.kinds) == ("fr", ("update",))

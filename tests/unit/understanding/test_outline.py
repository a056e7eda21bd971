"""An outline holds nothing that is somebody's own, and still says what the mail asks for."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.inbound.message import InboundMessage, read
from mailer.inbound.understanding import Thread, understand
from mailer.inbound.understanding.outline import MAX_OUTLINE, outline, reread


def message(text: str, subject: str = "Vraag") -> InboundMessage:
    head = f"From: Kim Claes <kim@huis.example>\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8"
    found = read(f"{head}\r\n\r\n{text}".encode())
    assert isinstance(found, InboundMessage)
    return found


OWN = (
    "Yilmaz", "Fatma", "Lindendal", "fatma@huis.example", "0470", "12.34.56", "1987", "BE68", "huis.example",
    "Kerkstraat", "Şahin", "محمود", "O'Brien",
)  # fmt: skip


@pytest.mark.parametrize("own", OWN)
def test_what_is_somebodys_own_is_gone(own: str) -> None:
    text = f"Dag,\n\nGraag {own} inschrijven op de lijst ({own}): {own}, {own}!\n"
    found = outline(message(text, f"Over {own}"))
    assert own.lower() not in found.lower()
    assert "inschrijven op de lijst" in found


@pytest.mark.parametrize("number", ["04 70 12 34 56", "0470/12.34.56", "12 34 56 78", "+32 470 12 34 56", "12-34-5678"])
def test_a_number_in_pieces_is_gone_too(number: str) -> None:
    found = outline(message(f"bel mij op {number} aub, wij komen met 2"))
    assert not any(char.isdigit() for char in found.replace("2", "", 1))


def test_marks_and_small_numbers_stay() -> None:
    assert outline(message("Hallo, wij komen met 3. Kan dat? Graag!", "")) == "hallo, wij komen met 3. kan dat? graag!"


def test_quotes_and_signatures_are_no_part_of_it() -> None:
    text = "Schrijf mij uit aub.\n\nGroeten,\nKim\n\nOp ma 23 nov 2026 schreef Netwerk <n@n.example>:\n> Kom je ook?\n"
    assert outline(message(text, "Re: nieuws")) == "schrijf mij uit aub."


@pytest.mark.parametrize(
    "text",
    [
        "Dag, ik zou graag lid worden van jullie netwerk.\n", "Schrijf mij alstublieft uit.\n",
        "J'aimerais m'inscrire à votre liste, merci.\n", "Please take me off your list.\n",
        "Kunnen jullie mijn collega Bart Peeters (bart@huis.example) inschrijven op jullie nieuwsbrief?\n",
    ],
)  # fmt: skip
def test_the_outline_is_understood_as_the_mail_was(text: str) -> None:
    mail = message(text)
    assert set(reread(outline(mail), "none").kinds) == set(understand(mail, Thread()).kinds)


@given(st.text(max_size=300))
def test_any_text_has_an_outline_that_can_be_read_again(text: str) -> None:
    found = outline(message(text.encode("utf-8", "replace").decode()))
    assert len(found) <= MAX_OUTLINE
    assert outline(message(found, "")) in (found, found.strip()) or reread(found, "none").kinds
    assert reread(found, "none").kinds


def test_a_megabyte_takes_less_than_a_second() -> None:
    mail = message("é1@x." * 200_000)
    began = time.perf_counter()
    outline(mail)
    assert time.perf_counter() - began < 1

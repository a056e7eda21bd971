"""Lines of a coordinator's reply: what decides, what does not, and nothing by accident."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.inbound.message import InboundMessage, read
from mailer.inbound.verdicts import read_reply

HEAD = "From: an@stad.example\r\nSubject: Re: Er wachten 3 mails op jou\r\nContent-Type: {}; charset=utf-8\r\n\r\n"


def message(text: str, kind: str = "text/plain") -> InboundMessage:
    found = read((HEAD.format(kind) + text).encode())
    assert isinstance(found, InboundMessage)
    return found


def decided(text: str) -> dict[int, str]:
    return {one.number: one.verdict for one in read_reply(message(text)).verdicts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 ja", {12: "yes"}),
        ("12 Ja!\n14: nee", {12: "yes", 14: "no"}),
        ("3 oui / 4 non", {3: "yes", 4: "no"}),
        ("3: oui, s'il te plaît\n4 non merci", {3: "yes", 4: "no"}),
        ("12 yes; 13 no", {12: "yes", 13: "no"}),
        ("12 ja\n13 nein, danke", {12: "yes", 13: "no"}),
        ("ja 12", {12: "yes"}),
        ("nr. 12 = ja\nnummer 13: neen", {12: "yes", 13: "no"}),
        ("#12 ok", {12: "yes"}),
        ("12 ja graag\n", {12: "yes"}),
        ("12 gedaan\n13 fait\n14 done\n15 réglé", {12: "done", 13: "done", 14: "done", 15: "done"}),
        ("12 uitschrijven\n13 désinscrire\n14 spam\n15 add", {12: "leave", 13: "leave", 14: "spam", 15: "join"}),
        ("Dag allemaal,\n\n12 ja\n\nGroetjes,\nAn", {12: "yes"}),
        ("12 ja\n12 ja", {12: "yes"}),
    ],
)
def test_a_number_and_a_word_decide(text: str, expected: dict[int, str]) -> None:
    assert decided(text) == expected
    assert read_reply(message(text)).unclear == ()


@pytest.mark.parametrize(
    "text",
    [
        "12 ja maar bel eerst even", "12 nee niet doen", "niet 12 ja", "12 13 ja", "12 ja nee", "12", "ja",
        "nee, 12 ja",
        "12 en 13 ja", "12 misschien", "12 ja?? of toch niet", "ja 1 of 2", "12, 13 nee", "12.5 ja", "12 ja\n12 nee",
        "Is 12 ja of nee?", "1234567890 ja", "12 ja, weet ik veel",
    ],
)  # fmt: skip
def test_anything_else_decides_nothing_and_is_said_to_be_unclear(text: str) -> None:
    reply = read_reply(message(text))
    assert reply.verdicts == ()
    assert reply.unclear


@pytest.mark.parametrize("text", ["Dag,\n\nAn", "Dank je wel!", "", "Groetjes"])
def test_courtesy_is_neither(text: str) -> None:
    reply = read_reply(message(text))
    assert (reply.verdicts, reply.unclear) == ((), ())


def test_the_line_that_is_unclear_is_named_and_the_others_count() -> None:
    reply = read_reply(message("Dag,\n\n12 ja\n13 hm\n14 nee\n"))
    assert [one.number for one in reply.verdicts] == [12, 14]
    assert reply.unclear == (3,)


def test_words_under_a_quoted_item_are_about_that_item() -> None:
    quoted = (
        "Op di 24 nov. 2026 om 08:00 schreef Netwerk <netwerk@verbinden.example>:\n"
        "> Nummer 12\n> ---------\n> k…@stad.example wil waarschijnlijk erbij horen.\n> 24 november, map Review\n"
        "ja\n> Nummer 13\n> ---------\n> wil zich misschien uitschrijven\nnee, dank je\n> Nummer 14\n> iets anders\n"
    )
    assert decided(quoted) == {12: "yes", 13: "no"}
    assert decided(quoted.replace("Nummer", "Numéro")) == {12: "yes", 13: "no"}


def test_what_is_quoted_decides_nothing() -> None:
    text = "12 ja\n\nOn Tue, 24 Nov 2026, Netwerk <netwerk@verbinden.example> wrote:\n> 13 ja\n> 14 nee\n"
    assert decided(text) == {12: "yes"}


def test_an_html_reply_is_read_as_well() -> None:
    html = "<div>12 ja</div><div>13 nee</div><blockquote type=cite><p>Nummer 14</p><p>15 ja</p></blockquote>"
    found = read_reply(message(html, "text/html"))
    assert {one.number: one.verdict for one in found.verdicts} == {12: "yes", 13: "no"}


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    reply = read_reply(message(text.encode("utf-8", "replace").decode()))
    assert all(0 <= one.number < 10**9 for one in reply.verdicts)


@pytest.mark.parametrize("piece", ["12 ja / ", "> Nummer 12\n", "12 ja\n", "#", "ja ", "nummer" + "\u00a0"])
def test_a_megabyte_takes_less_than_a_second(piece: str) -> None:
    found = message(piece * (1_000_000 // len(piece)))
    began = time.perf_counter()
    read_reply(found)
    assert time.perf_counter() - began < 1

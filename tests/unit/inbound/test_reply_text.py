"""The newest words of an author, apart from quotes, signatures and disclaimers."""

import sys
from collections.abc import Callable

import pytest

from bench.reply_text import PIECES, mail
from mailer.inbound.reply_text import newest, read_words, split_text
from tests.unit.inbound.mails import message, plain

ATTRIBUTIONS = [
    "Op ma 23 nov 2026 om 10:12 schreef Netwerk <n@v.example>:",
    "Op 23 nov 2026 om 10:12 heeft Netwerk <n@v.example> het volgende geschreven:",
    "Op ma 23 nov 2026 om 10:12 schreef Lerend netwerk met een lange naam\n<n@v.example>:",
    "Le lun. 23 nov. 2026 à 10:12, Réseau <n@v.example> a écrit :",
    "On Mon, 23 Nov 2026 at 10:12, Network <n@v.example> wrote:",
    "Am Mo., 23. Nov. 2026 um 10:12 Uhr schrieb Netzwerk <n@v.example>:",
    "El lun, 23 nov 2026 a las 10:12, Red <n@v.example> escribió:",
    "Netwerk <n@v.example>, 23 Kas 2026 Pzt, 10:12 tarihinde şunu yazdı:",
    "في ٢٣ نوفمبر 2026، كتب Netwerk <n@v.example>:",
    "пн, 23 лист. 2026 р. о 10:12 Netwerk <n@v.example> пише:",
    "пн, 23 нояб. 2026 г. в 10:12, Netwerk <n@v.example> написал:",
]
BLOCKS = [
    "Van: Netwerk <n@v.example>\nVerzonden: maandag 23 november 2026\nAan: An\nOnderwerp: Nieuws",
    "De : Réseau <n@v.example>\nEnvoyé : lundi 23 novembre 2026\nÀ : An\nObjet : Nouvelles",
    "From: Network <n@v.example>\nSent: Monday, November 23, 2026\nTo: An\nSubject: News",
    "Von: Netzwerk <n@v.example>\nGesendet: Montag, 23. November 2026\nAn: An\nBetreff: Neues",
    "De: Red <n@v.example>\nEnviado: lunes\nPara: An\nAsunto: Noticias",
    "Kimden: Ağ <n@v.example>\nGönderildi: Pazartesi\nKime: An\nKonu: Haber",
    "من: Netwerk <n@v.example>\nالتاريخ: 23/11/26\nإلى: An\nالموضوع: Nieuws",
    "Від: Netwerk <n@v.example>\nНадіслано: понеділок\nКому: An\nТема: Новини",
    "От: Netwerk <n@v.example>\nОтправлено: понедельник\nКому: An\nТема: Новости",
    "-----Oorspronkelijk bericht-----\nVan: x",
    "-------- Message d'origine --------\nDe : x",
    "________________________________\nVan: x <n@v.example>\nDatum: y\nAan: z\nOnderwerp: w",
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_top_replies_lose_what_they_answer(line: str) -> None:
    assert split_text(f"Ja, ik kom.\n\n{line}\n\n> Kom je?\n> Uitschrijven: x").own == "Ja, ik kom."
    assert split_text(f"Ja, ik kom.\n\n{line}\n\nKom je?\nUitschrijven: x").own == "Ja, ik kom."


@pytest.mark.parametrize("block", BLOCKS)
def test_header_blocks_end_the_own_words(block: str) -> None:
    words = split_text(f"Ja, ik kom.\n\n{block}\n\nKom je?\nUitschrijven: x")
    assert words.own == "Ja, ik kom."
    assert "Uitschrijven" in words.quoted


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_answers_below_and_between_are_kept(line: str) -> None:
    text = f"{line}\n> Kom je?\n\nJa.\n\n> Met hoeveel?\n\nMet twee."
    assert [word for word in split_text(text).own.split("\n") if word] == ["Ja.", "Met twee."]


@pytest.mark.parametrize(
    "tail",
    [
        "-- \nAn Peeters\nvzw De Brug",
        "Met vriendelijke groeten,\nAn Peeters\nUitschrijven doe je aan de balie",
        "Cordialement\nAn",
        "Kind regards,\nAn",
        "Mit freundlichen Grüßen\nAn",
        "Saludos\nAn",
        "Saygılarımla\nAn",
        "З повагою\nAn",
        "Verstuurd vanaf mijn iPhone",
        "Sent from my Galaxy",
        "Envoyé de mon iPhone",
        "Dit bericht is vertrouwelijk. Bent u niet de bestemmeling, verwijder het dan.",
    ],
)
def test_signatures_and_disclaimers_are_not_own_words(tail: str) -> None:
    assert split_text(f"Schrijf me in.\n\n{tail}").own == "Schrijf me in."


def test_a_postscript_is_own_again() -> None:
    words = split_text("Ik kom niet.\n\nGroeten,\nAn\n\nPS: haal me van de lijst.")
    assert "haal me van de lijst" in words.own


def test_a_line_with_the_name_of_the_author_begins_the_signature() -> None:
    words = read_words(plain("Ik kom.\n\nLotte Maes\nvzw De Brug"))
    assert (words.own, words.signature) == ("Ik kom.", "Lotte Maes\nvzw De Brug")


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><div class="gmail_attr">X schreef:</div><blockquote>weg</blockquote></div>',
        '<blockquote type="cite">Uitschrijven</blockquote>',
        '<div id="divRplyFwdMsg"><b>Van:</b> X</div><div>Uitschrijven</div>',
        '<div id="appendonsend"></div><hr><div>Uitschrijven</div>',
        '<div class="moz-cite-prefix">X schreef:</div><blockquote type="cite">Uitschrijven</blockquote>',
        '<div class="yahoo_quoted">Uitschrijven</div>',
        '<div class="protonmail_quote">Uitschrijven</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>Van: X</p><p>Verzonden: y</p><p>Aan: z</p></div>',
    ],
)
def test_the_structure_of_html_shows_the_quote(quote: str) -> None:
    found = message(f"<div>Ja, ik kom.</div>{quote}", "From: an@post.example", content_type="text/html")
    assert newest(found) == "Ja, ik kom."


def test_a_forward_is_kept_apart() -> None:
    words = split_text("Iets voor jullie?\n\n---------- Forwarded message ---------\nVan: Bo\n\nIk wil lid worden.")
    assert words.own == "Iets voor jullie?"
    assert "Ik wil lid worden" in words.forwarded


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("kind", ["text/plain", "text/html", "both"])
def test_twice_of_anything_is_twice_the_work(piece: str, kind: str) -> None:
    short, long = (mail(piece * (size // len(piece)), kind) for size in (12_000, 24_000))
    assert short is not None
    assert long is not None
    assert calls(lambda: newest(long)) < 2.3 * calls(lambda: newest(short)) + 2_000


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, those written in C as well; the time they take, bench/reply_text.py measures."""
    count = 0

    def see(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_the_end_of_a_mail_that_is_far_too_long_is_read_as_well() -> None:
    asked = "> Kom je?\n" * 30_000
    assert split_text(f"Op 3 mei 2026 schreef Bo <bo@v.example>:\n{asked}\nJa, ik kom.").own == "Ja, ik kom."

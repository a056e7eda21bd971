"""Who asks for advice reaches a person, and meanwhile gets the network's own material: once, and discreetly."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from contacts.database import Database
from mailer.inbound.message import InboundMessage, read
from mailer.outbound import outbox
from mailer.outbound.compile import Compiler
from mailer.outbound.writer import Writer
from tests.database.conftest import NOW
from tests.database.test_answer import _mail, _member, _sent, _take

ASKS = (
    "Dag,\n\nOnze organisatie wil het onthaal veiliger maken voor LGBTQIA+ nieuwkomers en wil aan de slag met jullie "
    "aanbevelingen. Kunnen jullie ons daarbij begeleiden?\n\nGroeten,\nTine\n"
)
ASKS_IN_FRENCH = (
    "Bonjour,\n\nNous aimerions travailler avec vos recommandations dans notre organisation. Pourriez-vous nous "
    "accompagner et nous conseiller ?\n\nBien à vous,\nLuc\n"
)
OFFERS = (
    "Dag,\n\nIk geef graag een workshop op een van jullie bijeenkomsten. Ik bied het gratis aan.\n\nGroeten,\nTine\n"
)
LINKS = """[[resource]]
url = "https://lgbt.net.example/eindrapport"
nl = "Eindrapport regenboog"
fr = "Rapport final"
"""
WEEK = timedelta(days=7)


@pytest.fixture
def equipped(writer: Writer, tmp_path: Path) -> Iterator[Writer]:
    """A writer for a network with material of its own, in Dutch and French."""
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "resources.toml").write_text(LINKS, "utf-8")
    with Compiler(tmp_path) as compiler:
        yield replace(writer, compiler=compiler)


def _answer_to(session: Session, address: str) -> InboundMessage:
    row = next(row for row in outbox.rows(session) if row.recipient == address)
    message = read(row.content or b"")
    assert isinstance(message, InboundMessage)
    return message


@pytest.mark.parametrize(("text", "title"), [(ASKS, "Eindrapport regenboog"), (ASKS_IN_FRENCH, "Rapport final")])
def test_advice_is_answered_with_the_networks_own_links(
    database: Database, equipped: Writer, text: str, title: str
) -> None:
    with database.begin() as session:
        assert _take(session, equipped, _mail("t@ocmw.example", text)).disposition == "review"
        assert _sent(session, "t@ocmw.example") == ["guidance"]
        letter = _answer_to(session, "t@ocmw.example")
        assert title in letter.text
        assert "https://lgbt.net.example/eindrapport" in letter.text
        assert letter.html is not None
        assert 'href="https://lgbt.net.example/eindrapport"' in letter.html


@pytest.mark.conf("INB-10", "DIS-02", "DIS-06", "DIS-09")
def test_the_outside_and_the_first_words_say_nothing_of_the_theme(database: Database, equipped: Writer) -> None:
    with database.begin() as session:
        _take(session, equipped, _mail("t@ocmw.example", ASKS, "Canary onthaal"))
        row = next(row for row in outbox.rows(session) if row.kind == "guidance")
        head, letter = (row.content or b"").partition(b"\r\n\r\n")[0].decode(), _answer_to(session, "t@ocmw.example")
    for outside in (head.lower(), letter.text[:200].lower()):
        assert not [word for word in ("regenboog", "lgbt", "canary", "onthaal", "lerend") if word in outside]
    assert "Canary" not in letter.text
    assert "begeleiden" not in letter.text


@pytest.mark.conf("INB-12")
def test_a_member_and_a_stranger_read_the_same_links_and_nothing_of_membership(
    database: Database, equipped: Writer
) -> None:
    with database.begin() as session:
        _member(session, equipped, "amina@huis.example")
        texts = []
        for address in ("amina@huis.example", "vreemd@huis.example"):
            _take(session, equipped, _mail(address, ASKS))
            letter = _answer_to(session, address)
            texts.append((letter.subject, letter.text.replace("Dag Amina,", "Dag en welkom,")))
        assert texts[0] == texts[1]


@pytest.mark.conf("INB-08")
def test_once_a_week_is_enough(database: Database, equipped: Writer) -> None:
    with database.begin() as session:
        for number in range(3):
            _take(session, equipped, _mail("t@ocmw.example", ASKS, Message_ID=f"<{number}@x.example>"))
        _take(session, equipped, _mail("t@ocmw.example", OFFERS, Message_ID="<o@x.example>"))
        assert _sent(session, "t@ocmw.example") == ["guidance"]
        later = NOW + WEEK + timedelta(hours=1)
        _take(session, equipped, _mail("t@ocmw.example", ASKS, Message_ID="<4@x.example>"), later)
        assert _sent(session, "t@ocmw.example") == ["guidance", "guidance"]


@pytest.mark.parametrize("links", ["", "[[resource]]\nurl = 'http://x'\nnl = 'x'", LINKS.replace("nl =", "en =")])
def test_without_links_in_that_language_it_is_the_ordinary_receipt(
    database: Database, equipped: Writer, tmp_path: Path, links: str
) -> None:
    (tmp_path / "layouts" / "resources.toml").write_text(links, "utf-8")
    with database.begin() as session:
        _take(session, equipped, _mail("t@ocmw.example", ASKS))
        assert _sent(session, "t@ocmw.example") == ["received"]


def test_who_asks_for_silence_gets_none_of_it(database: Database, equipped: Writer) -> None:
    with database.begin() as session:
        _take(session, equipped, _mail("t@ocmw.example", ASKS, X_Auto_Response_Suppress="All"))
        assert outbox.rows(session) == []


def test_an_offer_gets_the_ordinary_receipt(database: Database, equipped: Writer) -> None:
    with database.begin() as session:
        assert _take(session, equipped, _mail("t@ocmw.example", OFFERS)).disposition == "review"
        assert _sent(session, "t@ocmw.example") == ["received"]

"""A mail that our own mail server takes for forged changes nothing by its words; a secret of ours still does."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from contacts import coordinator, roster
from contacts.address import Address
from contacts.database import Database
from mailer.links import UNSUBSCRIBE
from mailer.outbound import outbox
from mailer.outbound.writer import Writer
from tests.database.conftest import NOW
from tests.database.test_answer import JOINS, _mail, _member, _question, _sent, _take

FAILS = "Authentication-Results: mx.net.example; dmarc=fail header.from=huis.example"
FORGED = f"{FAILS}\r\nReceived: from laptop by mx.net.example; Mon, 23 Nov 2026 09:00:00 +0000\r\n"
LEAVES = "Schrijf mij alstublieft uit.\n"
AUTHOR = "amina@huis.example"


@pytest.fixture
def guarded(writer: Writer) -> Writer:
    """A writer for a network whose mail server says who is real."""
    return replace(writer, network=replace(writer.network, authserv_id="mx.net.example"))


def _forged(text: str, subject: str = "Vraag", **headers: str) -> bytes:
    return FORGED.encode() + _mail(AUTHOR, text, subject, **headers)


def _ask(session: Session, writer: Writer) -> str:
    _take(session, writer, _mail(AUTHOR, JOINS))
    return _question(session, AUTHOR).message_id


@pytest.mark.conf("INB-20", "INB-21")
def test_a_forged_goodbye_waits_for_a_person(database: Database, guarded: Writer) -> None:
    with database.begin() as session:
        member = _member(session, guarded, AUTHOR)
        result = _take(session, guarded, _forged(LEAVES))
        assert (result.disposition, member.state) == ("review", "active")
        assert [reason for reason in result.why if "forged" in reason] != []
        assert outbox.rows(session) == []


@pytest.mark.conf("INB-21")
@pytest.mark.parametrize(
    "text",
    [
        JOINS, LEAVES, "Kunnen jullie mijn collega inschrijven? Jan Claes, jan.claes@huis.example\n",
        "Voortaan graag alles in het Frans. Wil je mijn taal aanpassen?\n",
        "Wij zoeken advies: hoe maken we ons onthaal veiliger voor lgbt-vluchtelingen? Kunnen jullie ons begeleiden?\n",
    ],
)  # fmt: skip
def test_no_words_of_a_forger_change_or_send_anything(database: Database, guarded: Writer, text: str) -> None:
    with database.begin() as session:
        member = _member(session, guarded, AUTHOR)
        assert _take(session, guarded, _forged(text)).disposition == "review"
        assert (member.state, member.language, roster.counts(session)) == ("active", "nl", {"active": 1})
        assert outbox.rows(session) == []


@pytest.mark.conf("INB-20")
def test_without_the_name_of_our_server_nobody_is_taken_for_forged(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, AUTHOR)
        assert _take(session, writer, _forged(LEAVES)).disposition == "handled"
        assert member.state == "left"


@pytest.mark.conf("INB-20")
@pytest.mark.parametrize("found", ["pass header.from=huis.example", "none"])
def test_what_is_real_or_unknown_is_answered_as_ever(database: Database, guarded: Writer, found: str) -> None:
    with database.begin() as session:
        member = _member(session, guarded, AUTHOR)
        raw = _forged(LEAVES).replace(b"fail header.from=huis.example", found.encode())
        assert _take(session, guarded, raw).disposition == "handled"
        assert member.state == "left"


@pytest.mark.conf("INB-21")
def test_a_token_is_proof_whoever_sends_it(database: Database, guarded: Writer) -> None:
    with database.begin() as session:
        member = _member(session, guarded, AUTHOR)
        subject = f"{UNSUBSCRIBE} {guarded.links.token(UNSUBSCRIBE, member.key, NOW)}"
        assert _take(session, guarded, _forged("", subject)).disposition == "handled"
        assert member.state == "left"


@pytest.mark.conf("INB-21")
def test_the_echo_of_our_question_is_proof(database: Database, guarded: Writer) -> None:
    with database.begin() as session:
        question = _ask(session, guarded)
        result = _take(session, guarded, _forged("Ja, graag!\n", "Re: ja", In_Reply_To=question))
        assert result.disposition == "handled"
        assert roster.counts(session) == {"active": 1}


@pytest.mark.conf("INB-21")
def test_beside_that_echo_other_wishes_wait(database: Database, guarded: Writer) -> None:
    with database.begin() as session:
        question = _ask(session, guarded)
        result = _take(session, guarded, _forged(LEAVES, "Re: ja", In_Reply_To=question))
        assert result.disposition == "review"
        assert roster.counts(session) == {"pending": 1}


def test_a_forged_coordinator_is_not_one_of_us(database: Database, guarded: Writer) -> None:
    with database.begin() as session:
        coordinator.add(session, Address.parse(AUTHOR), "Amina", "nl", NOW)
        assert "written by a coordinator" not in _take(session, guarded, _forged(LEAVES)).why


def test_a_forged_cry_for_help_reaches_a_person_untouched(database: Database, guarded: Writer) -> None:
    text = "help mij aub, ik ben bang om naar huis te gaan en weet niet waar ik vannacht kan slapen\n"
    with database.begin() as session:
        result = _take(session, guarded, _forged(text, "hulp"))
        assert result.disposition == "review"
        assert _sent(session, AUTHOR) == []


def test_forged_spam_and_machines_are_still_ignored(database: Database, guarded: Writer) -> None:
    with database.begin() as session:
        away = _take(session, guarded, _forged("Ik ben terug op maandag.\n", Auto_Submitted="auto-replied"))
        assert away.disposition == "ignored"

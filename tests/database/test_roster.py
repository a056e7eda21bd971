"""Members: asked, confirmed, gone, and never brought back behind their back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contacts import privacy, roster
from contacts.address import Address
from contacts.consent import ASKED, GIVEN, WITHDRAWN
from contacts.database import Database
from contacts.errors import RuleBroken
from contacts.roster import Person
from tests.database.conftest import NOW

AMINA = Person(Address.parse("Amina@huis.example"), "Amina El Idrissi", "Huis van de Wijk")
NewKey = Callable[[], str]


@pytest.mark.conf("GDP-01", "GDP-02")
def test_only_the_answer_to_our_question_makes_a_member_active(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        member = roster.add(session, AMINA, "nl", NOW, new_key)
        asked = roster.ask(session, member, "Wil je lid worden?", "<1@x.example>", NOW, new_key)
        assert asked is not None
        assert session.scalars(roster.audience()).all() == []
        found, news = roster.confirm(session, asked.key, "mail", "<2@x.example>", NOW, new_key)
        assert (found.state, news) == ("active", True)
        assert session.scalars(roster.audience()).all() == [member.id]
        story = roster.story(session, member)
    assert [row.act for row in story] == [ASKED, GIVEN]
    assert story[1].wording == "Wil je lid worden?"


@pytest.mark.conf("INB-39")
def test_an_address_is_asked_once_a_day(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        member = roster.add(session, AMINA, "nl", NOW, new_key)
        assert roster.ask(session, member, "?", "", NOW, new_key) is not None
        for hours in (0, 1, 23):
            assert roster.ask(session, member, "?", "", NOW + timedelta(hours=hours), new_key) is None
        assert roster.ask(session, member, "?", "", NOW + timedelta(hours=25), new_key) is not None


@pytest.mark.conf("SEC-22")
def test_a_question_can_be_answered_for_a_week(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        member = roster.add(session, AMINA, "nl", NOW, new_key)
        asked = roster.ask(session, member, "?", "", NOW, new_key)
        assert asked is not None
        with pytest.raises(RuleBroken) as broken:
            roster.confirm(session, asked.key, "link", "", NOW + timedelta(days=8), new_key)
        assert broken.value.code == "link_expired"


def test_a_question_is_void_after_a_goodbye(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        member = roster.add(session, AMINA, "nl", NOW, new_key)
        asked = roster.ask(session, member, "?", "", NOW, new_key)
        assert asked is not None
        assert roster.leave(session, member, "mail", "", NOW, new_key)
        assert not roster.leave(session, member, "mail", "", NOW, new_key)
        with pytest.raises(RuleBroken) as broken:
            roster.confirm(session, asked.key, "link", "", NOW, new_key)
        assert broken.value.code == "not_asked"
        assert [row.act for row in roster.story(session, member)] == [ASKED, WITHDRAWN]


def test_one_mailbox_is_one_member(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        first = roster.add(session, AMINA, "nl", NOW, new_key)
        again = roster.add(session, Person(Address.parse("amina@HUIS.example"), "Somebody Else"), "fr", NOW, new_key)
        assert first.id == again.id
        assert again.name == "Amina El Idrissi"
        assert again.organisation is not None and again.organisation.name == "Huis van de Wijk"


@pytest.mark.conf("GDP-05", "GDP-12")
def test_forgetting_leaves_a_keyed_hash_only(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        member = roster.add(session, AMINA, "nl", NOW, new_key)
        roster.ask(session, member, "?", "", NOW, new_key)
        privacy.forget(session, member, b"pepper", NOW)
    with database.read() as session:
        assert roster.find(session, AMINA.address) is None
        assert roster.is_suppressed(session, AMINA.address, b"pepper")
        assert not roster.is_suppressed(session, AMINA.address, b"another pepper")


@pytest.mark.conf("GDP-13")
def test_who_never_answers_is_forgotten(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        roster.add(session, AMINA, "nl", NOW, new_key)
        assert privacy.forget_unanswered(session, NOW + timedelta(days=13)) == 0
        assert privacy.forget_unanswered(session, NOW + timedelta(days=15)) == 1
        assert roster.everyone(session) == []

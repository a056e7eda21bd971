"""An issue from approval to release: who gets it, in which edition, and that one bad issue keeps no other back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from contacts import coordinator, roster
from contacts.address import Address
from contacts.database import Database
from contacts.errors import RuleBroken
from contacts.member import Member
from contacts.roster import Person
from mailer.outbound import newsletter, outbox
from mailer.outbound.edition import SLOT_NAMES, Edition, Slot, mark_for
from mailer.outbound.issue import CANCELLED, FrozenEdition, Issue
from mailer.outbound.newsletter import Approval
from mailer.outbound.source import load
from mailer.outbound.writer import Recipient, Writer
from tests.database.conftest import NOW

NewKey = Callable[[], str]
APPROVAL = Approval("an@stad.example", NOW, NOW)


@pytest.fixture
def editions(writer: Writer) -> Mapping[tuple[str, str], Edition]:
    """The shipped example in every language and variant."""
    source = load(writer.compiler.find("newsletters", "example"))
    return newsletter.compile_all(writer, source, lambda language, variant: {"agenda": []})


def _member(session: Session, new_key: NewKey, name: str, language: str = "nl", house: str | None = None) -> Member:
    person = Person(Address.parse(f"{name.lower()}@huis.example"), name, house)
    member = roster.add(session, person, language, NOW, new_key)
    roster.record_consent(session, member, "paper", NOW, new_key)
    return member


def _approved(session: Session, editions: Mapping[tuple[str, str], Edition], new_key: NewKey, slug: str) -> Issue:
    return newsletter.approve(session, "newsletter", slug, editions, APPROVAL, new_key)


def _needing(edition: Edition, name: str) -> Edition:
    """The same edition with one more slot that has no fallback."""
    mark = mark_for(name, None)
    return replace(edition, text=f"{edition.text}\n{mark}", slots=(*edition.slots, Slot(mark, name, None)))


@pytest.mark.conf("REL-10")
def test_released_twice_nobody_has_it_twice(
    database: Database, writer: Writer, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    with database.begin() as session:
        _member(session, new_key, "An")
        _member(session, new_key, "Marc", "fr")
        left = _member(session, new_key, "Jef")
        roster.leave(session, left, "link", "", NOW, new_key)
        issue = _approved(session, editions, new_key, "winter")
        assert newsletter.release(session, writer, issue, NOW) == 2
        _member(session, new_key, "Els")
        assert newsletter.release(session, writer, issue, NOW) == 1
        rows = outbox.rows(session)
        assert {row.recipient for row in rows} == {"an@huis.example", "marc@huis.example", "els@huis.example"}
        frozen = {row.recipient: session.get_one(FrozenEdition, row.edition_id) for row in rows}
        assert frozen["marc@huis.example"].language == "fr"


def test_an_audience_of_several_chunks_is_whole(
    database: Database, writer: Writer, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    people = [
        {"key": new_key(), "address": f"p{one}@huis.example", "address_key": f"p{one}@huis.example", "language": "nl",
         "state": "active", "discreet": "off" if one % 2 else "full", "created_at": NOW}
        for one in range(2003)
    ]  # fmt: skip
    with database.begin() as session:
        session.execute(insert(Member), people)
        issue = _approved(session, editions, new_key, "winter")
        assert newsletter.release(session, writer, issue, NOW) == 2003
        rows = outbox.rows(session, limit=5000)
        assert len({row.recipient for row in rows}) == 2003
        variants = {row.recipient: session.get_one(FrozenEdition, row.edition_id).variant for row in rows[:50]}
    assert {variants[f"p{one}@huis.example"] for one in range(1990, 2003) if one % 2} == {"plain"}
    assert {variants[f"p{one}@huis.example"] for one in range(1990, 2003) if one % 2 == 0} == {"discreet"}


def test_a_language_that_came_after_approval_gets_the_first_of_the_network(
    database: Database, writer: Writer, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    wider = replace(writer, network=replace(writer.network, languages=("de", "fr", "nl", "en")))
    with database.begin() as session:
        _member(session, new_key, "Heidi", "de")
        issue = _approved(session, editions, new_key, "winter")
        assert newsletter.release(session, wider, issue, NOW) == 1
        (row,) = outbox.rows(session)
        frozen = session.get_one(FrozenEdition, row.edition_id)
        assert (frozen.language, frozen.variant) == ("fr", "discreet")


def test_a_discreet_member_never_gets_a_plain_letter(
    database: Database, writer: Writer, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    plain = {key: edition for key, edition in editions.items() if key[1] == "plain"}
    with database.begin() as session:
        _member(session, new_key, "An")
        issue = _approved(session, plain, new_key, "winter")
        with pytest.raises(LookupError):
            newsletter.release(session, writer, issue, NOW)


@pytest.mark.conf("REL-55")
def test_due_are_those_whose_hour_has_come_and_is_not_long_past(
    database: Database, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    hours = {"early": timedelta(hours=1), "due": timedelta(0), "late": timedelta(hours=-7), "open": None}
    with database.begin() as session:
        for slug, after in hours.items():
            approval = replace(APPROVAL, send_at=None if after is None else NOW + after)
            newsletter.approve(session, "newsletter", slug, editions, approval, new_key)
    with database.begin() as session:
        (only,) = newsletter.due(session, NOW)
        issue = newsletter.take(session, only, NOW)
        assert issue is not None
        assert issue.slug == "due"
        issue.cancel(NOW)
    with database.begin() as session:
        assert newsletter.take(session, only, NOW) is None


@pytest.mark.parametrize("name", [name for name in SLOT_NAMES if name.startswith("member.")])
def test_who_lacks_a_value_is_found_exactly_as_the_letter_would_find_it(
    database: Database, writer: Writer, new_key: NewKey, editions: Mapping[tuple[str, str], Edition], name: str
) -> None:
    needing = {key: _needing(edition, name) for key, edition in editions.items()}
    with database.begin() as session:
        for person, house in (("An", "Het Huis"), ("Bo", None), ("Cis", "De Kamers")):
            _member(session, new_key, person, house=house)
        session.execute(update(Member).where(Member.name == "Cis").values(name="\u200e"))
        lacking = newsletter.unfillable(session, writer, needing)
        for member in roster.everyone(session):
            house = member.organisation.name if member.organisation else None
            to = Recipient(member.address, "nl", "discreet", None, "0" * 32, member.name, member.first_name, house)
            values = writer.member_values(to, NOW)
            if member.address in lacking:
                with pytest.raises(KeyError):
                    needing["nl", "discreet"].fill(values)
            else:
                needing["nl", "discreet"].fill(values)
    assert lacking == (["bo@huis.example"] if name == "member.organisation" else ["cis@huis.example"])


def test_a_gap_in_one_language_concerns_its_readers_only(
    database: Database, writer: Writer, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    needing = {**editions, ("fr", "discreet"): _needing(editions["fr", "discreet"], "member.organisation")}
    with database.begin() as session:
        _member(session, new_key, "An")
        _member(session, new_key, "Marc", "fr")
        roster.leave(session, _member(session, new_key, "Luc", "fr"), "link", "", NOW, new_key)
        assert newsletter.unfillable(session, writer, editions) == []
        assert newsletter.unfillable(session, writer, needing) == ["marc@huis.example"]


def test_nobody_approves_their_own_words_where_another_can(
    database: Database, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    with database.begin() as session:
        coordinator.add(session, Address.parse("an@stad.example"), "An", "nl", NOW)
        newsletter.approve(session, "newsletter", "alone", editions, APPROVAL, new_key, author="An@Stad.example")
        coordinator.add(session, Address.parse("karim@partner.example"), "Karim", "nl", NOW)
        with pytest.raises(RuleBroken) as refused:
            newsletter.approve(session, "newsletter", "winter", editions, APPROVAL, new_key, author="An@Stad.example")
        assert refused.value.code == "second"
        by_karim = replace(APPROVAL, by="karim@partner.example")
        newsletter.approve(session, "newsletter", "winter", editions, by_karim, new_key, author="an@stad.example")


def test_a_sample_goes_to_one_reader_and_is_nobodys_letter(
    database: Database, writer: Writer, editions: Mapping[tuple[str, str], Edition]
) -> None:
    reader = Recipient("karim@partner.example", "nl", "plain", None, "0" * 32, "Karim", "Karim", "Partner")
    with database.begin() as session:
        newsletter.queue_sample(session, writer, editions["nl", "plain"], reader, NOW)
        (row,) = outbox.rows(session)
        assert (row.kind, row.recipient, row.member_id, row.issue_id) == ("test", reader.address, None, None)
        assert b"Karim" in (row.content or b"")


def test_a_cancelled_issue_is_never_taken(
    database: Database, new_key: NewKey, editions: Mapping[tuple[str, str], Edition]
) -> None:
    with database.begin() as session:
        issue = _approved(session, editions, new_key, "winter")
        issue.cancel(NOW)
        assert issue.state == CANCELLED
    with database.begin() as session:
        assert list(newsletter.due(session, NOW)) == []
        assert newsletter.take(session, issue.id, NOW) is None

"""Erasure and retention: nothing of an erased person stays, however spelled; nobody's proof goes with the schedule."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from contacts import privacy, roster
from contacts.address import Address
from contacts.consent import Suppression, address_hash
from contacts.database import Database
from contacts.member import BOUNCED, PENDING, Member
from contacts.roster import Person
from mailer.inbound import register
from mailer.inbound.register import CoordinatorRequest, InboundMail, LedgerEntry, Place
from mailer.outbound import outbox
from mailer.outbound.outbox import OutboxItem
from tests.database.conftest import NOW

NewKey = Callable[[], str]
JAN = Address.parse("jan.peeters@huis.example")
DAY = timedelta(days=1)


def letter(recipient: str, new_key: NewKey, **more: object) -> OutboxItem:
    values: dict[str, object] = {
        "kind": "received", "recipient": recipient, "return_path": "", "message_id": f"<{new_key()}@x.example>",
        "state": outbox.ACCEPTED, "attempt": 1, "next_attempt_at": NOW, "give_up_at": NOW, "created_at": NOW,
        "finished_at": NOW, "content": b"x", "slots": {"a": "b"}, "reply_text": "2.0.0 ok", "about": "a" * 32,
    }  # fmt: skip
    return OutboxItem(**{**values, **more})


def mail(new_key: NewKey, message_id: str, **more: object) -> InboundMail:
    key = new_key()
    values = {"kinds": ["join"], "disposition": "handled", "why": [], "read_at": NOW, "message_id": message_id}
    return InboundMail(key=key, content_key=key * 2, **{**values, **more})


def join(database: Database, new_key: NewKey, address: str = JAN.text, at: datetime = NOW) -> str:
    """Somebody is asked; returns the key of the question."""
    with database.begin() as session:
        member = roster.add(session, Person(Address.parse(address)), "nl", at, new_key)
        asked = roster.ask(session, member, "Wil je?", "<first@huis.example>", at, new_key)
        assert asked is not None
        return asked.key


def forget_unanswered(database: Database, days: int) -> int:
    with database.begin() as session:
        return privacy.forget_unanswered(session, NOW + days * DAY)


@pytest.mark.conf("GDP-13")
def test_who_never_answers_is_forgotten_counted_from_the_last_question(database: Database, new_key: NewKey) -> None:
    join(database, new_key)
    with database.begin() as session:
        member = roster.find(session, JAN)
        assert member is not None
        assert roster.ask(session, member, "Wil je nog?", "", NOW + 10 * DAY, new_key) is not None
    assert forget_unanswered(database, 20) == 0
    assert forget_unanswered(database, 25) == 1
    assert forget_unanswered(database, 25) == 0


@pytest.mark.conf("GDP-13")
def test_a_question_that_bounced_is_forgotten_too(database: Database, new_key: NewKey) -> None:
    join(database, new_key)
    with database.begin() as session:
        member = roster.find(session, JAN)
        assert member is not None
        roster.fail(session, member.id)
        assert member.state == BOUNCED
    assert forget_unanswered(database, 13) == 0
    assert forget_unanswered(database, 15) == 1


@pytest.mark.conf("GDP-02", "GDP-13")
@pytest.mark.parametrize("state", [PENDING, BOUNCED])
@pytest.mark.parametrize("stays", [True, False])
def test_who_ever_said_yes_or_no_keeps_the_proofs(database: Database, new_key: NewKey, state: str, stays: bool) -> None:
    asked = join(database, new_key)
    with database.begin() as session:
        member, _ = roster.confirm(session, asked, "mail", "", NOW, new_key)
        if not stays:
            roster.leave(session, member, "mail", "", NOW, new_key)
        member.state = state  # a former member, asked again, was pending in earlier versions
    assert forget_unanswered(database, 400) == 0
    with database.read() as session:
        found = roster.find(session, JAN)
        assert found is not None
        assert len(roster.story(session, found)) == (2 if stays else 3)


@pytest.mark.conf("GDP-13")
def test_a_no_to_the_first_question_is_kept(database: Database, new_key: NewKey) -> None:
    join(database, new_key)
    with database.begin() as session:
        member = roster.find(session, JAN)
        assert member is not None
        roster.leave(session, member, "mail", "", NOW, new_key)
    assert forget_unanswered(database, 400) == 0


@pytest.mark.conf("GDP-13")
def test_more_people_than_one_statement_has_room_for_are_forgotten(database: Database, new_key: NewKey) -> None:
    rows = [
        {"key": f"{number:032x}", "address": f"p{number}@huis.example", "address_key": f"p{number}@huis.example",
         "language": "nl", "state": PENDING, "discreet": "subject", "created_at": NOW}
        for number in range(70_000)
    ]  # fmt: skip
    with database.begin() as session:
        session.execute(Member.__table__.insert(), rows)
    assert forget_unanswered(database, 15) == 70_000


@pytest.mark.conf("GDP-10")
def test_every_spelling_of_an_erased_address_is_found(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        for spelled in ("Jan.Peeters@huis.example", "jan.peeters@huis.example", "JAN.PEETERS@Huis.Example"):
            session.add(letter(spelled, new_key))
            session.add(found := mail(new_key, f"<{spelled}>"))
            session.flush()
            waits = register.Waits(spelled, "nl", False, {"people": [{"name": "Jan"}]})
            register.add_requests(session, [(found, waits)], NOW)
        others = ("xjan.peeters@huis.example", "jan.peeters@a.huis.example", "janxpeeters@huis.example")
        session.add_all([letter(other, new_key) for other in others])
        session.add(mail(new_key, "<another@x.example>"))
        outbox.forget(session, JAN)
        register.forget_author(session, JAN)
    with database.read() as session:
        kept = session.scalars(select(OutboxItem).order_by(OutboxItem.id)).all()
        assert [row.recipient for row in kept] == ["", "", "", *others]
        assert {(row.content, row.slots, row.about) for row in kept[:3]} == {(None, None, None)}
        assert [mail.message_id for mail in session.scalars(select(InboundMail).order_by(InboundMail.id))] == [
            None, None, None, "<another@x.example>",
        ]  # fmt: skip
        requests = session.scalars(select(CoordinatorRequest)).all()
        assert {(row.author, str(row.suggestion)) for row in requests} == {(None, "{}")}


@pytest.mark.conf("GDP-10")
def test_the_mails_of_an_erased_member_lose_their_names(database: Database, new_key: NewKey) -> None:
    join(database, new_key)
    with database.begin() as session:
        member = roster.find(session, JAN)
        assert member is not None
        session.add(mail(new_key, "<first@huis.example>"))  # it came before the member was there
        session.add(mail(new_key, "<later@huis.example>", member_id=member.id))
        session.add(mail(new_key, "<theirs@x.example>"))
        register.forget_author(session, JAN, member.id, ["<first@huis.example>"])
        assert [row.message_id for row in session.scalars(select(InboundMail).order_by(InboundMail.id))] == [
            None, None, "<theirs@x.example>",
        ]  # fmt: skip


@pytest.mark.conf("GDP-05", "GDP-10")
def test_who_complained_and_is_erased_later_is_remembered_as_erased(database: Database, new_key: NewKey) -> None:
    join(database, new_key)
    with database.begin() as session:
        roster.suppress(session, JAN, "complaint", b"pepper", NOW)
        member = roster.find(session, JAN)
        assert member is not None
        privacy.forget(session, member, b"pepper", NOW + DAY)
        (row,) = session.scalars(select(Suppression)).all()
        assert (row.address_hash, row.reason, row.at) == (address_hash(JAN, b"pepper"), "erased", NOW + DAY)


def drop(database: Database, now: datetime) -> int:
    with database.begin() as session:
        return outbox.drop_content(session, now - 30 * DAY, now - 365 * DAY)


def held(database: Database) -> list[tuple[bool, bool, bool]]:
    """For each letter: whether there is content, a recipient, and something it is about."""
    with database.read() as session:
        rows = session.scalars(select(OutboxItem).order_by(OutboxItem.id)).all()
        return [
            (bool(row.content or row.slots or row.reply_text), bool(row.recipient), bool(row.about)) for row in rows
        ]


@pytest.mark.conf("GDP-13")
def test_letters_lose_their_content_first_and_then_their_names(database: Database, new_key: NewKey) -> None:
    join(database, new_key)
    with database.begin() as session:
        member = roster.find(session, JAN)
        assert member is not None
        session.add(letter(JAN.text, new_key, member_id=member.id))
        session.add(letter("stranger@huis.example", new_key))
        session.add(letter(JAN.text, new_key, member_id=member.id, state=outbox.QUEUED, finished_at=None))
    everything, nothing, named = (True, True, True), (False, False, False), (False, True, True)
    assert drop(database, NOW + 29 * DAY) == 0
    assert held(database) == [everything] * 3
    assert drop(database, NOW + 31 * DAY) == 3
    assert held(database) == [named, nothing, everything]
    assert drop(database, NOW + 364 * DAY) == 0
    assert drop(database, NOW + 366 * DAY) == 1
    assert held(database) == [nothing, nothing, everything]
    assert drop(database, NOW + 366 * DAY) == 0


@pytest.mark.conf("GDP-13")
def test_a_letter_with_only_the_answer_of_the_relay_loses_it(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        session.add(letter(JAN.text, new_key, content=None, slots=None, reply_text="550 jan.peeters unknown"))
    assert drop(database, NOW + 31 * DAY) == 2
    assert held(database) == [(False, False, False)]


@pytest.mark.conf("GDP-13")
def test_places_of_a_former_mailbox_go_and_those_of_today_stay(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        session.add(found := mail(new_key, "<1@x.example>"))
        session.flush()
        register.tick(session, {Place(1, 1): found, Place(2, 1): found}, NOW)
        register.note_failure(session, Place(2, 2), NOW)
        assert register.forget_places(session, NOW) == 0
        assert register.forget_places(session, NOW + DAY) == 1
        assert [(row.uidvalidity, row.uid) for row in session.scalars(select(LedgerEntry))] == [(2, 1), (2, 2)]


@pytest.mark.conf("GDP-10")
def test_no_byte_of_the_erased_stays_in_the_file(tmp_path: Path, database: Database, new_key: NewKey) -> None:
    if not database.is_sqlite:
        assert database.scrub()
        return
    # Out of order, so that the pages of an index split, and leave copies behind that no deletion overwrites.
    names = [hashlib.sha256(b"%d" % number).hexdigest()[:15] for number in range(3000)]
    same = {"language": "nl", "state": PENDING, "discreet": "subject", "created_at": NOW}
    for start in range(0, len(names), 100):
        with database.begin() as session:
            for name in names[start : start + 100]:
                address = f"{name}@huis.example"
                session.add(Member(key=new_key(), address=address, address_key=address, name=name, **same))
    with database.begin() as session:
        for name in names[::3]:
            member = roster.find(session, Address.parse(f"{name}@huis.example"))
            assert member is not None
            privacy.forget(session, member, b"pepper", NOW)
    assert database.scrub()
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert [name for name in names[::3] if name.encode() in raw] == []
    assert names[1].encode() in raw

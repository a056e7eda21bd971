"""Invitations and answers: the latest wins, and the places are never overbooked."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from contacts import agenda, roster
from contacts.address import Address
from contacts.agenda import Tally
from contacts.database import Database
from contacts.meeting import Meeting
from contacts.member import Member
from contacts.roster import Person
from tests.database.conftest import NOW

NewKey = Callable[[], str]


def _meeting(session: Session, new_key: NewKey, people: int, capacity: int | None = None) -> Meeting:
    meeting = Meeting(
        key=new_key(),
        slug="leersessie",
        titles={"nl": "Leersessie", "fr": "Séance"},
        neutral_titles={"nl": "Afspraak"},
        starts_at=NOW + timedelta(days=30),
        ends_at=NOW + timedelta(days=30, hours=3),
        place="Antwerpen",
        capacity=capacity,
        status="CONFIRMED",
        sequence=0,
        revised_at=NOW,
    )
    session.add(meeting)
    for number in range(people):
        member = roster.add(session, Person(Address.parse(f"p{number}@huis.example")), "nl", NOW, new_key)
        roster.record_consent(session, member, "paper", NOW, new_key)
    session.flush()
    agenda.invite(session, meeting, "verbinden.example", new_key)
    return meeting


@pytest.mark.conf("CAL-05")
def test_everybody_active_is_invited_once_with_a_uid_of_their_own(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        meeting = _meeting(session, new_key, 3)
        assert agenda.invite(session, meeting, "verbinden.example", new_key) == 0
        uids = {invitation.uid for invitation in agenda.invitations(session, meeting)}
    assert len(uids) == 3


@pytest.mark.conf("CAL-10")
def test_the_latest_answer_wins_in_whatever_order_they_come(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        meeting = _meeting(session, new_key, 1)
        (invitation,) = agenda.invitations(session, meeting)
        assert agenda.answer(session, invitation, "no", 0, "", NOW + timedelta(hours=2), "mail")
        assert not agenda.answer(session, invitation, "yes", 3, "", NOW + timedelta(hours=1), "calendar")
        assert (invitation.answer, invitation.guests) == ("no", 0)


def test_a_yes_beyond_the_places_waits(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        meeting = _meeting(session, new_key, 2, capacity=2)
        first, second = agenda.invitations(session, meeting)
        agenda.answer(session, first, "yes", 1, "", NOW, "mail")
        agenda.answer(session, second, "yes", 0, "", NOW, "mail")
        assert (first.waiting, second.waiting) == (False, True)
        agenda.answer(session, second, "no", 0, "", NOW, "mail")
        assert not second.waiting


def test_the_tally_is_what_counting_one_by_one_gives(database: Database, new_key: NewKey) -> None:
    given = (("yes", 2), ("yes", 0), ("yes", 1), ("no", 3), ("maybe", 1), None)
    with database.begin() as session:
        meeting = _meeting(session, new_key, len(given), capacity=4)
        for invitation, reply in zip(agenda.invitations(session, meeting), given, strict=True):
            if reply:
                agenda.answer(session, invitation, reply[0], reply[1], "", NOW, "mail")
        tally = agenda.tally(session, meeting)
        assert tally == Tally(invited=6, yes=2, no=1, maybe=1, waiting=1, silent=1, places=4)
        assert tally.places == agenda.taken(session, meeting)
        assert agenda.tallies(session) == {meeting.id: tally}


def test_an_invitation_for_each_of_several_chunks(database: Database, new_key: NewKey) -> None:
    people = [
        {"key": new_key(), "address": f"q{one}@huis.example", "address_key": f"q{one}@huis.example", "language": "nl",
         "state": "left" if one == 1500 else "active", "discreet": "subject", "created_at": NOW}
        for one in range(2005)
    ]  # fmt: skip
    with database.begin() as session:
        session.execute(insert(Member), people)
        meeting = _meeting(session, new_key, 1)
        assert agenda.tally(session, meeting) == Tally(invited=2005, silent=2005)
        found = agenda.invitations(session, meeting)
        assert len({row.member_id for row in found}) == len({row.uid for row in found}) == 2005


def test_a_members_invitations_are_theirs_alone(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        meeting = _meeting(session, new_key, 3)
        member = roster.find(session, Address.parse("p1@huis.example"))
        assert member is not None
        (found,) = agenda.invitations_of(session, member)
        assert (found.member_id, found.meeting_id) == (member.id, meeting.id)


@pytest.mark.conf("CAL-22")
def test_fifty_answers_at_once_never_overbook(database: Database, new_key: NewKey) -> None:
    with database.begin() as session:
        meeting = _meeting(session, new_key, 50, capacity=20)
        keys = [invitation.key for invitation in agenda.invitations(session, meeting)]
    start = threading.Barrier(10)

    def answer(mine: list[str]) -> None:
        start.wait()
        for key in mine:
            with database.begin() as session:
                invitation = agenda.invitation_by_key(session, key)
                assert invitation is not None
                agenda.answer(session, invitation, "yes", 0, "", NOW, "link")

    threads = [threading.Thread(target=answer, args=(keys[number::10],)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        found = agenda.invitations(session, session.get_one(Meeting, meeting.id))
        assert sum(invitation.places for invitation in found) == 20
        assert sum(invitation.waiting for invitation in found) == 30


@pytest.mark.conf("CAL-04")
def test_sequence_rises_for_time_place_and_status_only() -> None:
    meeting = Meeting(titles={"nl": "Leersesie"}, place="Gent", sequence=0, revised_at=NOW, status="CONFIRMED")
    meeting.revise({"titles": {"nl": "Leersessie"}}, NOW + timedelta(hours=1))
    assert (meeting.sequence, meeting.revised_at) == (0, NOW + timedelta(hours=1))
    meeting.revise({"place": "Antwerpen"}, NOW + timedelta(hours=2))
    assert meeting.sequence == 1
    assert not meeting.revise({"place": "Antwerpen"}, NOW + timedelta(hours=3))
    assert (meeting.sequence, meeting.revised_at) == (1, NOW + timedelta(hours=2))

"""`verbinden meetings`: invite, change, call off, and who comes."""

import csv
import io
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from contacts import agenda
from mailer.outbound import outbox

BY = ("--by", "karim@partner.example")


@pytest.fixture
def session_day(network, edit):
    """A meeting `session`, written, far in the future."""
    network("meetings", "new", "session")
    file = Path(network.settings["TEMPLATES_DIR"], "meetings/session/meeting.toml")
    lines = file.read_text(encoding="utf-8").splitlines()
    moved = {"starts": "starts = 2099-01-21T13:30:00", "ends": "ends = 2099-01-21T16:30:00"}
    kept = [moved.get(line.split(" ")[0], line) for line in lines if not line.startswith("deadline")]
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return network


@pytest.fixture
def invited(session_day):
    """The same, with everybody invited."""
    session_day("meetings", "invite", "session", *BY)
    return session_day


def answer(network, address: str, reply: str, guests: int, note: str = "") -> None:
    """As if a member had answered."""
    database = network.database()
    with closing(database), database.begin() as session:
        meeting = agenda.find(session, "session")
        (one,) = (one for one in agenda.invitations(session, meeting) if one.member.address == address)
        agenda.answer(session, one, reply, guests, note, meeting.revised_at + timedelta(minutes=1), "mail")


def test_a_new_meeting_can_be_sent_as_it_is(session_day):
    assert session_day("meetings", "check", "session").output.endswith("Nothing to mend.\n")
    assert [(row["name"], row["state"]) for row in session_day.json("meetings", "list")] == [("session", "written")]


def test_a_fault_keeps_people_from_being_invited(session_day, edit):
    edit("meetings/session/meeting.toml", "starts = 2099-01-21T13:30:00", 'starts = "soon"')
    (problem,) = session_day.json("meetings", "check", "session", code=1)["problems"]
    assert problem["file"] == "session/meeting.toml"
    session_day("meetings", "invite", "session", *BY, code=1)
    assert session_day.json("meetings", "list")[0]["state"] == "written"


def test_everybody_is_invited_once(invited):
    (row,) = invited.json("meetings", "list")
    assert (row["state"], row["invited"], row["starts_at"]) == ("to come", 2, "2099-01-21T12:30:00+00:00")
    assert "invited to session already" in invited("meetings", "invite", "session", *BY, code=1).stderr
    assert invited("once", "release_due").output.endswith("1\n")
    assert [row["kind"] for row in invited.json("outbox", "list")["letters"]] == ["invitation"] * 2


def test_who_joined_since_is_invited_later(invited):
    invited("once", "release_due")
    invited("members", "add", "els@huis.example", "--name", "Els", "--consent", "signed")
    assert "3 people are invited" in invited("meetings", "invite", "session", *BY).output
    invited("once", "release_due")
    assert [row["recipient"] for row in invited.json("outbox", "list")["letters"]].count("els@huis.example") == 1
    assert len(invited.json("outbox", "list")["letters"]) == 3


def test_letters_can_leave_later(session_day):
    session_day("meetings", "invite", "session", *BY, "--at", "2098-12-01 09:00", "--now", code=2)
    assert "2098-12-01 09:00" in session_day("meetings", "invite", "session", *BY, "--at", "2098-12-01 09:00").output
    assert session_day("once", "release_due").output.endswith("0\n")


def test_answers_and_their_sums(invited):
    answer(invited, "an@huis.example", "yes", 2, "=cmd")
    told = invited.json("meetings", "answers", "session")
    assert {row["address"]: (row["answer"], row["guests"]) for row in told["answers"]} == {
        "an@huis.example": ("yes", 2), "marc@maison.example": (None, 0),
    }  # fmt: skip
    assert (told["meeting"]["places"], told["meeting"]["yes"], told["meeting"]["silent"]) == (3, 1, 1)
    assert "3 of 40 places taken: 1 yes" in invited("meetings", "answers", "session").output


@pytest.mark.conf("SEC-10")
def test_the_list_for_the_door(invited):
    answer(invited, "an@huis.example", "yes", 2, "=cmd")
    invited("meetings", "export", "session", "--out", "door.csv")
    rows = list(csv.DictReader(io.StringIO(Path("door.csv").read_bytes().decode("utf-8-sig"))))
    assert (rows[0]["name"], rows[0]["answer"], rows[0]["guests"], rows[0]["note"]) == (
        "An Peeters",
        "yes",
        "2",
        "'=cmd",
    )


def test_a_change_of_place_is_told_and_one_of_nothing_is_not(invited, edit):
    assert "nobody is written to" in invited("meetings", "update", "session", *BY).output
    edit("meetings/session/meeting.toml", "De Kamers", "Het Huis")
    told = invited("meetings", "update", "session", *BY).output
    assert "Nobody was sent the invitation yet" in told
    assert "leave within seconds" in told
    assert invited.json("meetings", "list")[0]["place"].startswith("Het Huis")


def test_only_who_was_sent_the_invitation_hears_of_the_end(invited):
    invited("once", "release_due")
    database = invited.database()
    with closing(database), database.begin() as session:
        outbox.rows(session)[0].state = outbox.ACCEPTED
        reached = outbox.rows(session)[0].recipient
    assert "One person who was sent the invitation hears" in invited("meetings", "cancel", "session", *BY).output
    invited("once", "release_due")
    letters = invited.json("outbox", "list")["letters"]
    assert [row["recipient"] for row in letters if row["kind"] == "cancellation"] == [reached]
    assert sorted(row["state"] for row in letters) == ["accepted", "queued", "withdrawn"]


def test_the_author_of_a_meeting_does_not_invite_where_another_can(session_day, edit):
    edit("meetings/session/meeting.toml", "starts = ", 'author = "karim@partner.example"\nstarts = ')
    session_day("coordinators", "add", "an@stad.example", "--name", "An")
    assert "ask another" in session_day("meetings", "invite", "session", *BY, code=1).stderr
    assert session_day.json("meetings", "list")[0]["state"] == "written"
    session_day("meetings", "invite", "session", "--by", "an@stad.example")


def test_an_hour_at_which_the_clock_changes_is_told_with_both_offsets(session_day, edit):
    edit("meetings/session/meeting.toml", "starts = 2099-01-21T13:30:00", "starts = 2098-10-26T02:30:00")
    (problem,) = session_day.json("meetings", "check", "session", code=1)["problems"]
    assert "starts" in problem["message"]
    assert "+0200 and +0100" in problem["message"]


def test_a_meeting_is_called_off_once(invited):
    assert "called off" in invited("meetings", "cancel", "session", *BY).output
    assert invited.json("meetings", "list")[0]["state"] == "called off"
    invited("meetings", "cancel", "session", *BY, code=1)
    invited("meetings", "invite", "session", *BY, code=1)


def test_only_a_coordinator_decides(session_day):
    for command in ("invite", "update", "cancel"):
        session_day("meetings", command, "session", "--by", "an@huis.example", code=1)


def test_the_example_and_the_unknown_are_a_no(network):
    network("meetings", "invite", "example", *BY, code=1)
    network("meetings", "answers", "nowhere", code=1)
    network("meetings", "check", "nowhere", code=1)

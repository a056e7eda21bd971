"""Invitations, changes and farewells: each reaches exactly those whom it concerns."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from contacts import roster
from contacts.address import Address
from contacts.database import Database
from contacts.errors import RuleBroken
from contacts.meeting import Meeting
from contacts.roster import Person
from mailer.outbound import invitation, newsletter, outbox
from mailer.outbound.compile import SHIPPED, Compiler
from mailer.outbound.issue import APPROVED, CANCELLATION, CANCELLED, INVITATION, SENDING, UPDATE, FrozenEdition, Issue
from mailer.outbound.newsletter import Approval
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.writer import Writer
from tests.database.conftest import NOW

NewKey = Callable[[], str]
APPROVAL = Approval("an@stad.example", NOW, NOW)
LATER = Approval("an@stad.example", NOW + timedelta(hours=1), NOW + timedelta(hours=1))
STATES = ("accepted", "in_doubt", "submitting", "refused", "withdrawn", "queued")
SENT = {"accepted@huis.example", "in_doubt@huis.example", "submitting@huis.example"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A meeting `session` that coordinators wrote, in templates of their own."""
    found = tmp_path / "templates" / "meetings" / "session"
    found.mkdir(parents=True)
    for file in (SHIPPED / "meetings" / "example").iterdir():
        if file.is_file():
            (found / file.name).write_bytes(file.read_bytes())
    return found


@pytest.fixture
def own(writer: Writer, folder: Path) -> Iterator[Writer]:
    """A writer that finds it."""
    with Compiler(folder.parents[1]) as compiler:
        yield replace(writer, compiler=compiler)


def _move(folder: Path) -> None:
    """The meeting takes place elsewhere."""
    file = folder / "meeting.toml"
    lines = file.read_text("utf-8").splitlines()
    moved = ['place = "Het Huis, Korte Straat 3, Antwerpen"' if line.startswith("place") else line for line in lines]
    assert moved != lines
    file.write_text("\n".join(moved) + "\n", "utf-8")


def _people(session: Session, new_key: NewKey) -> None:
    for name in STATES:
        member = roster.add(session, Person(Address.parse(f"{name}@huis.example"), name), "nl", NOW, new_key)
        roster.record_consent(session, member, "paper", NOW, new_key)


def _sending(session: Session, writer: Writer, new_key: NewKey) -> Issue:
    """An invitation that goes out; each member is named for what became of their letter so far."""
    _people(session, new_key)
    issue = invitation.invite(session, writer, "session", APPROVAL)
    assert newsletter.release(session, writer, issue, NOW) == len(STATES)
    for row in outbox.rows(session):
        row.state = row.recipient.partition("@")[0]
        row.phase = "called_off" if row.state == "withdrawn" else None
    session.flush()
    return issue


def _release(session: Session, writer: Writer) -> dict[str, set[str]]:
    """Release everything that is due; the recipients by kind of what was released now."""
    before = {row.id for row in outbox.rows(session)}
    for issue_id in newsletter.due(session, LATER.at):
        issue = newsletter.take(session, issue_id, LATER.at)
        assert issue is not None
        newsletter.release(session, writer, issue, LATER.at)
    found: dict[str, set[str]] = {}
    for row in outbox.rows(session):
        if row.id not in before:
            found.setdefault(row.kind, set()).add(row.recipient)
    return found


@pytest.mark.conf("CAL-09")
def test_a_farewell_reaches_those_who_were_sent_the_invitation(
    database: Database, own: Writer, new_key: NewKey
) -> None:
    with database.begin() as session:
        issue = _sending(session, own, new_key)
        meeting = session.get_one(Meeting, issue.meeting_id)
        assert newsletter.sent_the_invitation(session, meeting) == 3
        invitation.cancel(session, own, "session", LATER)
        assert issue.state == CANCELLED
        assert _release(session, own) == {CANCELLATION: SENT}
        assert outbox.counts(session, issue.id) == {
            "queued": 0, "submitting": 1, "accepted": 1, "refused": 1, "withdrawn": 2, "in_doubt": 1,
        }  # fmt: skip


def test_an_invitation_that_was_only_approved_never_leaves_after_the_farewell(
    database: Database, own: Writer, new_key: NewKey
) -> None:
    with database.begin() as session:
        _people(session, new_key)
        issue = invitation.invite(session, own, "session", replace(APPROVAL, send_at=LATER.at))
        invitation.cancel(session, own, "session", replace(LATER, at=NOW))
        assert issue.state == CANCELLED
        assert _release(session, own) == {}


@pytest.mark.conf("SMT-22")
def test_a_letter_whose_last_byte_left_counts_as_sent(database: Database, own: Writer, new_key: NewKey) -> None:
    with database.begin() as session:
        issue = _sending(session, own, new_key)
        session.execute(update(OutboxItem).where(OutboxItem.state == "queued").values(phase="dot_sent"))
        invitation.cancel(session, own, "session", LATER)
        assert outbox.counts(session, issue.id)["in_doubt"] == 2
        assert _release(session, own) == {CANCELLATION: {*SENT, "queued@huis.example"}}


def test_a_change_reaches_who_was_sent_it_and_the_others_get_the_invitation_as_it_is_now(
    database: Database, own: Writer, new_key: NewKey, folder: Path
) -> None:
    with database.begin() as session:
        issue = _sending(session, own, new_key)
        _move(folder)
        told = invitation.revise(session, own, "session", LATER)
        assert told is not None
        assert (told.kind, issue.state) == (UPDATE, CANCELLED)
        assert _release(session, own) == {UPDATE: SENT, INVITATION: {"queued@huis.example"}}
        again = [row for row in outbox.rows(session) if row.recipient == "queued@huis.example"]
        assert [(row.state, row.phase) for row in again] == [("queued", None), ("withdrawn", "replaced")]


def test_a_change_before_the_hour_of_sending_keeps_the_hour(
    database: Database, own: Writer, new_key: NewKey, folder: Path
) -> None:
    with database.begin() as session:
        _people(session, new_key)
        december = NOW + timedelta(days=9)
        first = invitation.invite(session, own, "session", replace(APPROVAL, send_at=december))
        _move(folder)
        told = invitation.revise(session, own, "session", LATER)
        assert told is not None
        waiting = [one for one in newsletter.everything(session, INVITATION) if one.state == APPROVED]
        assert [(one.send_at, one.id != first.id) for one in waiting] == [(december, True)]
        assert _release(session, own) == {}
        assert newsletter.release(session, own, waiting[0], december) == len(STATES)
        row = outbox.rows(session)[0]
        assert "Het Huis" in str(session.get_one(FrozenEdition, row.edition_id).content["text"])


def test_a_change_of_words_alone_leaves_everything_as_it_is(
    database: Database, own: Writer, new_key: NewKey, folder: Path
) -> None:
    with database.begin() as session:
        issue = _sending(session, own, new_key)
        file = folder / "meeting.toml"
        file.write_text(file.read_text("utf-8").replace("capacity = 40", "capacity = 41"), "utf-8")
        assert invitation.revise(session, own, "session", LATER) is None
        assert (session.get_one(Meeting, issue.meeting_id).capacity, issue.state) == (41, SENDING)


def test_who_joined_since_gets_one_and_nobody_gets_two(database: Database, own: Writer, new_key: NewKey) -> None:
    with database.begin() as session:
        _sending(session, own, new_key)
        member = roster.add(session, Person(Address.parse("els@huis.example")), "nl", NOW, new_key)
        roster.record_consent(session, member, "paper", NOW, new_key)
        invitation.invite(session, own, "session", LATER)
        assert _release(session, own) == {INVITATION: {"els@huis.example"}}


def test_a_meeting_called_off_is_not_brought_back_by_an_update(
    database: Database, own: Writer, new_key: NewKey, folder: Path
) -> None:
    with database.begin() as session:
        _sending(session, own, new_key)
        invitation.cancel(session, own, "session", LATER)
        with pytest.raises(RuleBroken) as refused:
            invitation.revise(session, own, "session", LATER)
        assert refused.value.code == "state"


def test_a_draft_of_a_meeting_that_changed_meanwhile_is_refused(
    database: Database, own: Writer, new_key: NewKey, folder: Path
) -> None:
    with database.begin() as session:
        _sending(session, own, new_key)
        stale = invitation.prepare(session, own, "session", CANCELLATION)
        _move(folder)
        invitation.revise(session, own, "session", LATER)
        with pytest.raises(RuleBroken) as refused:
            invitation.cancel(session, own, "session", LATER, stale)
        assert refused.value.code == "changed"


def test_with_a_draft_nothing_is_compiled_while_the_database_is_locked(
    database: Database, own: Writer, new_key: NewKey, folder: Path
) -> None:
    with database.begin() as session:
        _people(session, new_key)
    with database.read() as session:
        draft = invitation.prepare(session, own, "session", INVITATION)
    for file in folder.iterdir():
        file.unlink()  # whoever read the folder again would find nothing
    with database.begin() as session:
        issue = invitation.invite(session, own, "session", APPROVAL, draft)
        assert newsletter.release(session, own, issue, NOW) == len(STATES)

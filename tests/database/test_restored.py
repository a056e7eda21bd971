"""What a restore takes over from the database of before: goodbyes, suppressions, and how every letter ended."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from contacts import migrate, privacy, roster
from contacts.address import Address
from contacts.consent import Suppression
from contacts.database import Database, connect
from contacts.member import Member
from contacts.roster import Person
from mailer.outbound import claiming, newsletter, outbox, restored
from mailer.outbound.issue import CANCELLED, DONE, FrozenEdition, Issue
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.recovery import recover
from tests.database.conftest import NOW
from tests.database.test_privacy import letter

NewKey = Callable[[], str]
AN, BART, CATO = (Address.parse(f"{name}@huis.example") for name in ("an", "bart", "cato"))
DAY = timedelta(days=1)
PEPPER = b"pepper"


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Database]:
    """The database of before, which went on after the copy was made; restoring is for SQLite."""
    found = connect(f"sqlite:///{tmp_path}/before.db")
    migrate.upgrade(found)
    yield found
    found.close()


def put(database: Database, address: Address, key: str) -> None:
    """The same member, with the same consent, as both databases knew them when the copy was made."""
    keys = iter((key, f"c{key[1:]}"))
    with database.begin() as session:
        member = roster.add(session, Person(address, address.local, "Huis"), "nl", NOW, lambda: next(keys))
        roster.record_consent(session, member, "paper", NOW, lambda: next(keys))


def leave(database: Database, address: Address, new_key: NewKey, days: int) -> None:
    with database.begin() as session:
        member = roster.find(session, address)
        assert member is not None
        assert roster.leave(session, member, "link", "", NOW + days * DAY, new_key)


def come_back(database: Database, address: Address, new_key: NewKey, days: int) -> None:
    with database.begin() as session:
        member = roster.add(session, Person(address), "fr", NOW + days * DAY, new_key)
        asked = roster.ask(session, member, "?", "", NOW + days * DAY, new_key)
        assert asked is not None
        roster.confirm(session, asked.key, "mail", "", NOW + days * DAY, new_key)
        roster.welcome_back(session, address, PEPPER)


def take_over(database: Database, before: Database) -> int:
    with before.read() as old, database.begin() as session:
        returned = privacy.returned_since(session, old)
        for address in returned:
            member = roster.find(session, address)
            assert member is not None
            privacy.forget(session, member, PEPPER, NOW + 9 * DAY)
        return privacy.take_over(session, old, returned, PEPPER)


def state(database: Database, address: Address) -> tuple[str, list[str]] | None:
    with database.read() as session:
        member = roster.find(session, address)
        return (member.state, [row.act for row in roster.story(session, member)]) if member else None


@pytest.mark.conf("GDP-04", "REL-65")
def test_who_left_since_is_still_out_with_the_proof(database: Database, before: Database, new_key: NewKey) -> None:
    for one in (database, before):
        put(one, AN, "a" * 32)
        put(one, BART, "b" * 32)
    leave(before, AN, new_key, 1)
    assert take_over(database, before) == 1
    assert state(database, AN) == ("left", ["given", "withdrawn"])
    assert state(database, BART) == ("active", ["given"])
    with database.read() as session:
        member = roster.find(session, AN)
        assert member is not None
        assert member.left_at == NOW + DAY
    assert take_over(database, before) == 0


def test_who_left_and_came_back_is_in(database: Database, before: Database, new_key: NewKey) -> None:
    for one in (database, before):
        put(one, AN, "a" * 32)
    leave(before, AN, new_key, 1)
    come_back(before, AN, new_key, 2)
    take_over(database, before)
    assert state(database, AN) == ("active", ["given", "withdrawn", "given"])


def test_who_came_and_left_since_is_remembered_as_gone(database: Database, before: Database, new_key: NewKey) -> None:
    put(before, AN, "a" * 32)
    put(before, BART, "b" * 32)
    leave(before, AN, new_key, 1)
    assert take_over(database, before) == 1
    assert state(database, AN) == ("left", ["given", "withdrawn"])
    assert state(database, BART) is None  # what happened since is lost, goodbyes are not
    with database.read() as session:
        member = roster.find(session, AN)
        assert member is not None and member.organisation is not None
        assert (member.key, member.organisation.name) == ("a" * 32, "Huis")


@pytest.mark.conf("GDP-05", "GDP-11")
def test_suppressions_come_along_and_only_the_erased_are_to_be_erased(
    database: Database, before: Database, new_key: NewKey
) -> None:
    for one in (database, before):
        for address in (AN, BART, CATO):
            put(one, address, address.local[0] * 32)
    with database.begin() as session:
        roster.suppress(session, CATO, "complaint", PEPPER, NOW)
    with before.begin() as session:
        roster.suppress(session, CATO, "complaint", PEPPER, NOW)
        privacy.note_erased(session, CATO, PEPPER, NOW + DAY)
        roster.suppress(session, AN, "complaint", PEPPER, NOW + DAY)
        privacy.note_erased(session, BART, PEPPER, NOW + DAY)
    with before.read() as old, database.read() as session:
        assert len(privacy.erased_since(session, old)) == 2
    take_over(database, before)
    with database.read() as session:
        found = {(row.reason, row.at) for row in session.scalars(select(Suppression))}
        assert found == {("complaint", NOW + DAY), ("erased", NOW + DAY)}
        assert all(roster.is_suppressed(session, address, PEPPER) for address in (AN, BART, CATO))
    with before.read() as old, database.read() as session:
        assert privacy.erased_since(session, old) == set()


@pytest.mark.conf("GDP-11")
def test_who_was_erased_and_came_back_is_known_as_they_came_back(
    database: Database, before: Database, new_key: NewKey
) -> None:
    for one in (database, before):
        put(one, AN, "a" * 32)
    with before.begin() as session:
        member = roster.find(session, AN)
        assert member is not None
        privacy.forget(session, member, PEPPER, NOW)
    come_back(before, AN, new_key, 1)
    take_over(database, before)
    assert state(database, AN) == ("active", ["asked", "given"])
    with database.read() as session:
        member = roster.find(session, AN)
        assert member is not None
        assert (member.name, member.language) == (None, "fr")
        assert not roster.is_suppressed(session, AN, PEPPER)


def letters(database: Database) -> dict[str, tuple[str, str | None, int | None]]:
    with database.read() as session:
        rows = session.scalars(select(OutboxItem)).all()
        return {row.message_id: (row.state, row.phase, row.reply_code) for row in rows}


@pytest.mark.conf("REL-65")
@pytest.mark.parametrize("kind", ["newsletter", "invitation", "confirmation"])
def test_letters_end_as_they_ended_and_none_leaves_by_itself(
    database: Database, before: Database, new_key: NewKey, kind: str
) -> None:
    waiting = {"kind": kind, "state": outbox.QUEUED, "finished_at": None, "phase": None}
    ends = {
        state: {"kind": kind, "state": state, "phase": "replied", "reply_code": 250}
        for state in (outbox.ACCEPTED, outbox.REFUSED, outbox.WITHDRAWN, outbox.IN_DOUBT)
    }
    ends["waits"] = waiting
    ends["claimed"] = {**waiting, "state": outbox.SUBMITTING, "owner": "x", "phase": "claimed"}
    with before.begin() as session:
        session.add_all([letter(AN.text, new_key, **values, message_id=f"<{name}>") for name, values in ends.items()])
    with database.begin() as session:
        for name in (*ends, "unknown"):
            session.add(letter(AN.text, new_key, **waiting, message_id=f"<{name}>"))
        again = {**waiting, "state": outbox.REFUSED, "phase": "rcpt", "finished_at": NOW}
        session.add(letter(AN.text, new_key, **again, message_id="<ended>"))
    with before.read() as old, database.begin() as session:
        assert restored.take_over(session, old, NOW + DAY) == 3
    doubt = ("in_doubt", "restored", None)
    assert letters(database) == {
        "<accepted>": ("accepted", "replied", 250), "<refused>": ("refused", "replied", 250),
        "<withdrawn>": ("withdrawn", "replied", 250), "<in_doubt>": ("in_doubt", "replied", 250),
        "<waits>": doubt, "<claimed>": doubt, "<unknown>": doubt, "<ended>": ("refused", "rcpt", None),
    }  # fmt: skip
    assert claiming.turn(database, "a", NOW + DAY, (), 100, DAY, lambda _session, _letter: {}).due == 0
    assert not recover(database, None, "", "a", NOW + DAY, True, lambda: 0.5)


def issue(session: object, key: str, **values: object) -> Issue:
    more = {"state": "approved", "send_at": NOW, "released_at": None, "finished_at": None, **values}
    return Issue(key=key * 32, slug=key, kind="newsletter", approved_by="k@p.example", approved_at=NOW, **more)


@pytest.mark.conf("REL-65")
def test_an_issue_that_went_out_since_does_not_go_out_again(
    database: Database, before: Database, new_key: NewKey
) -> None:
    for one in (database, before):
        put(one, AN, "a" * 32)
        with one.begin() as session:
            issues = [issue(session, key) for key in "sdcw"]
            session.add_all(issues)
            session.flush()
            session.add(FrozenEdition(issue_id=issues[0].id, language="nl", variant="plain", content={}))
    put(before, BART, "b" * 32)
    with database.begin() as session:
        session.add(issue(session, "u"))
    with before.begin() as session:
        sent, done, called_off, _ = session.scalars(select(Issue).order_by(Issue.id)).all()
        sent.state, done.state, called_off.state = "sending", DONE, CANCELLED
        sent.released_at = NOW + DAY
        members = {row.address: row.id for row in session.scalars(select(Member))}
        of = {"issue_id": sent.id, "edition_id": 1, "kind": "newsletter", "content": None, "about": None}
        session.add(letter(AN.text, new_key, **of, member_id=members[AN.text], message_id="<an>"))
        session.add(
            letter(BART.text, new_key, **of, member_id=members[BART.text], message_id="<bart>", state=outbox.QUEUED)
        )
        session.add(letter(AN.text, new_key, message_id="<of no issue>"))
    with before.read() as old, database.begin() as session:
        assert restored.take_over(session, old, NOW + 2 * DAY) == 1
    with database.begin() as session:
        found = {row.slug: row.state for row in newsletter.everything(session)}
        assert found == {"s": "sending", "d": "done", "c": "cancelled", "w": "approved", "u": "approved"}
        assert {row.slug for row in newsletter.everything(session) if row.send_at is None} == {"u"}
        rows = session.scalars(select(OutboxItem).order_by(OutboxItem.message_id)).all()
        assert [(row.message_id, row.state, row.member_id) for row in rows] == [
            ("<an>", "accepted", 1), ("<bart>", "in_doubt", None),
        ]  # fmt: skip
        assert [row.slug for row in outbox.finish_issues(session, NOW + 2 * DAY)] == ["s"]

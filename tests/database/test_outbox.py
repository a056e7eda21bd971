"""The outbox: claimed once, recovered after a death, withdrawn when consent goes, and sums that are always right."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from contacts import roster
from contacts.address import Address
from contacts.database import Database
from contacts.member import Member
from contacts.roster import Person
from mailer.errors import ClaimLost
from mailer.outbound import newsletter, outbox
from mailer.outbound.edition import Edition
from mailer.outbound.issue import Issue
from mailer.outbound.issue_letters import bytes_of
from mailer.outbound.newsletter import Approval
from mailer.outbound.outbox import OutboxItem, Result
from mailer.outbound.source import load
from mailer.outbound.writer import Recipient, Writer
from tests.database.conftest import NOW

NewKey = Callable[[], str]
WAIT = timedelta(minutes=7)


def _released(database: Database, writer: Writer, new_key: NewKey, people: int) -> int:
    """An issue that goes out to so many members; returns its number."""
    with database.begin() as session:
        for number in range(people):
            language = ("nl", "fr", "en", "tr")[number % 4]
            person = Person(Address.parse(f"p{number}@huis.example"), f"Persoon {number}")
            member = roster.add(session, person, language, NOW, new_key)
            roster.record_consent(session, member, "paper", NOW, new_key)
        editions = _editions(database, writer)
        issue = newsletter.approve(
            session, "newsletter", "winter", editions, Approval("an@stad.example", NOW, NOW), new_key
        )
        newsletter.release(session, writer, issue, NOW)
        return issue.id


def _editions(database: Database, writer: Writer) -> dict[tuple[str, str], Edition]:
    source = load(writer.compiler.find("newsletters", "example"))
    return newsletter.compile_all(writer, source, lambda language, variant: {"agenda": []})


def _claim(database: Database, owner: str = "a", limit: int = 100) -> list[OutboxItem]:
    return outbox.claim(database, owner, NOW, limit, WAIT)


def _in_hand(database: Database, item: OutboxItem) -> OutboxItem:
    with database.begin() as session:
        taken = outbox.take(session, item.id, item.owner or "", NOW)
        assert taken is not None
        return taken


@pytest.mark.conf("REL-10", "SMT-24")
def test_the_audience_is_frozen_and_the_sums_are_right(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 6)
    first, second, third, *_ = _claim(database)
    outbox.record(database, first, Result(outbox.ACCEPTED, "replied", 250), NOW)
    outbox.record(database, second, Result(outbox.REFUSED, "rcpt", 550, "5.1.1", "no such user"), NOW)
    outbox.record(database, third, Result(outbox.QUEUED, "rcpt", 450, next_attempt_at=NOW + WAIT), NOW)
    with database.read() as session:
        counts = outbox.counts(session, issue_id)
    assert counts == {"queued": 1, "submitting": 3, "accepted": 1, "refused": 1, "withdrawn": 0, "in_doubt": 0}


@pytest.mark.conf("REL-11")
def test_two_daemons_never_claim_the_same_row(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 40)
    claimed: list[int] = []
    lock = threading.Lock()

    def work(owner: str) -> None:
        while items := _claim(database, owner, limit=3):
            with lock:
                claimed.extend(item.id for item in items)

    threads = [threading.Thread(target=work, args=(f"daemon-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 40


@pytest.mark.conf("OUT-26", "REL-12")
def test_who_leaves_while_it_goes_out_gets_nothing_more(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 4)
    with database.begin() as session:
        member = roster.find(session, Address.parse("p2@huis.example"))
        assert member is not None
        roster.leave(session, member, "link", "", NOW, new_key)
    assert [item.recipient for item in _claim(database)] == [f"p{number}@huis.example" for number in (0, 1, 3)]
    with database.read() as session:
        assert outbox.counts(session, issue_id)["withdrawn"] == 1


@pytest.mark.conf("SMT-21", "SMT-22", "REL-03")
def test_after_a_death_only_the_sent_dot_is_in_doubt(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 3)
    dotted, *_ = _claim(database)
    outbox.mark_dot(database, dotted, NOW)
    assert outbox.recover(database, NOW, alone=True) == {"queued": 2, "in_doubt": 1}
    with database.read() as session:
        counts = outbox.counts(session, issue_id)
    assert (counts["queued"], counts["in_doubt"], counts["submitting"]) == (2, 1, 0)


@pytest.mark.conf("SMT-22")
def test_a_single_letter_in_doubt_goes_again_with_the_same_bytes(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        queued = writer.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    before = _in_hand(database, _claim(database)[0])
    outbox.mark_dot(database, before, NOW)
    assert outbox.recover(database, NOW, alone=True) == {"queued": 1, "in_doubt": 0}
    again = _in_hand(database, _claim(database)[0])
    assert (again.id, again.attempt, again.content) == (queued.id, 2, before.content)


@pytest.mark.conf("REL-11")
def test_another_daemons_row_comes_back_after_its_lease(
    database: Database, writer: Writer, new_key: NewKey
) -> None:
    _released(database, writer, new_key, 1)
    _claim(database, "dies")
    assert outbox.recover(database, NOW + timedelta(minutes=11), alone=False)["queued"] == 0
    assert outbox.recover(database, NOW + timedelta(minutes=13), alone=False)["queued"] == 1


@pytest.mark.conf("SMT-15")
def test_the_next_attempt_is_written_before_the_attempt(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (item,) = _claim(database)
    assert (item.attempt, item.next_attempt_at) == (0, NOW + WAIT)
    assert _in_hand(database, item).attempt == 1


def test_a_claim_that_was_lost_records_nothing(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (mine,) = _claim(database, "slow")
    outbox.recover(database, NOW, alone=True)
    (theirs,) = _claim(database, "quick")
    outbox.record(database, mine, Result(outbox.REFUSED, "rcpt", 550), NOW)
    with database.read() as session:
        assert session.get_one(OutboxItem, theirs.id).state == outbox.SUBMITTING


def test_given_back_letters_have_lost_no_attempt(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 2)
    claimed = _claim(database)
    _in_hand(database, claimed[0])
    outbox.give_back(database, claimed, NOW + WAIT)
    assert _claim(database) == []
    items = outbox.claim(database, "a", NOW + WAIT, 10, WAIT)
    assert [item.attempt for item in items] == [0, 0]


def test_a_paused_issue_waits_and_single_letters_do_not(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 2)
    with database.begin() as session:
        session.get_one(Issue, issue_id).pause()
        writer.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    assert [item.kind for item in _claim(database)] == ["received"]


@pytest.mark.conf("OUT-38")
def test_a_retry_has_the_same_bytes_whatever_changed_since(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (item,) = _claim(database)
    with database.begin() as session:
        first = bytes_of(session, writer, session.merge(item), NOW)
    with database.begin() as session:
        session.execute(update(Member).values(name="Nieuwe Naam"))
        stored = session.get_one(OutboxItem, item.id)
        second = bytes_of(session, writer, stored, NOW + timedelta(hours=3))
    assert first == second


def test_an_issue_is_done_when_nothing_is_left(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 1)
    (item,) = _claim(database)
    with database.begin() as session:
        assert outbox.finish_issues(session, NOW) == []
    outbox.record(database, item, Result(outbox.ACCEPTED, "replied", 250), NOW)
    with database.begin() as session:
        assert [issue.id for issue in outbox.finish_issues(session, NOW)] == [issue_id]


@pytest.mark.conf("GDP-10")
def test_forgetting_empties_the_letters(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    with database.begin() as session:
        member = roster.find(session, Address.parse("p0@huis.example"))
        assert member is not None
        outbox.forget(session, Address.parse(member.address), member.id)
    with database.read() as session:
        (row,) = outbox.rows(session)
    assert (row.recipient, row.content, row.slots, row.state) == ("", None, None, "withdrawn")


@pytest.mark.conf("OUT-26", "GDP-10")
def test_who_is_erased_after_the_claim_is_not_written_to(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        writer.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    (item,) = _claim(database)
    with database.begin() as session:
        outbox.forget(session, Address.parse("p@huis.example"))
    with database.begin() as session:
        assert outbox.take(session, item.id, "a", NOW) is None
    with database.read() as session:
        (row,) = outbox.rows(session)
        assert (row.recipient, row.content) == ("", None)


@pytest.mark.conf("OUT-26")
def test_who_leaves_after_the_claim_gets_nothing(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (item,) = _claim(database)
    with database.begin() as session:
        member = roster.find(session, Address.parse("p0@huis.example"))
        assert member is not None
        roster.leave(session, member, "link", "", NOW, new_key)
    with database.begin() as session:
        assert outbox.take(session, item.id, "a", NOW) is None
    with database.read() as session:
        assert outbox.counts(session)["withdrawn"] == 1


@pytest.mark.conf("REL-11", "SMT-21")
def test_a_lost_claim_writes_no_dot(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    mine = _in_hand(database, _claim(database, "slow")[0])
    outbox.recover(database, NOW, alone=True)
    _claim(database, "quick")
    with pytest.raises(ClaimLost):
        outbox.mark_dot(database, mine, NOW)


@pytest.mark.conf("SMT-15")
def test_only_a_letter_that_killed_us_before_waits(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 3)
    for _ in range(2):
        first, *_others = _claim(database)
        _in_hand(database, first)
        outbox.recover(database, NOW, alone=True)
    assert [item.id for item in _claim(database)] == [first.id + 1, first.id + 2]


@pytest.mark.conf("INB-08")
def test_spellings_of_one_address_share_a_limit(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        writer.queue(session, "goodbye", Recipient("Victim@huis.example", "nl"), NOW)
        assert outbox.sent_lately(session, "victim@huis.example", ("goodbye",), NOW - WAIT)

"""The outbox: claimed once, recovered after a death, withdrawn when consent goes, and sums that are always right."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from contacts import roster
from contacts.address import Address
from contacts.database import Database
from contacts.member import Member
from contacts.roster import Person
from mailer.outbound import claiming, newsletter, outbox
from mailer.outbound.edition import Edition
from mailer.outbound.issue import Issue
from mailer.outbound.issue_letters import bytes_of, freeze
from mailer.outbound.journal import Left, Trace
from mailer.outbound.newsletter import Approval
from mailer.outbound.outbox import Claimed, OutboxItem
from mailer.outbound.recording import Ended, give_back, write
from mailer.outbound.recovery import recover
from mailer.outbound.source import load
from mailer.outbound.submission import Reply
from mailer.outbound.writer import Recipient, Writer
from tests.database.conftest import NOW

NewKey = Callable[[], str]
WAIT = timedelta(minutes=7)
BOOT = "this boot"



def record(database: Database, owner: str, ended: Sequence[Ended], now: datetime) -> None:
    with database.begin() as session:
        write(session, owner, ended, now)


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


def _claim(database: Database, writer: Writer, owner: str = "a", most: int = 100, now: datetime = NOW) -> list[Claimed]:
    def frozen(session: Session, letter: Claimed) -> dict[str, Any]:
        return freeze(session, writer, letter)

    return claiming.turn(database, owner, now, (), most, WAIT, frozen).letters


def _recover(database: Database, left: Left | None = None, now: datetime = NOW, alone: bool = True) -> Counter[str]:
    return recover(database, left, BOOT, "next", now, alone, lambda: 0.5)


def _left(owner: str = "a", **traces: list[Claimed]) -> Left:
    """What the journal of a dead process says: `begun`, `dotted`, or nothing."""
    dotted = {letter.id: Trace(begun=True, dotted=True) for letter in traces.get("dotted", [])}
    return Left(owner, BOOT, {letter.id: Trace(begun=True) for letter in traces.get("begun", [])} | dotted)


def _states(database: Database) -> list[str]:
    with database.read() as session:
        return [row.state for row in reversed(outbox.rows(session))]


@pytest.mark.conf("REL-10", "SMT-24")
def test_the_audience_is_frozen_and_the_sums_are_right(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 6)
    first, second, third, *_ = _claim(database, writer)
    ended = [
        Ended(first.id, outbox.ACCEPTED, "replied", 250, text="Ok: queued"),
        Ended(second.id, outbox.REFUSED, "rcpt", 550, "5.1.1", "no such user", dead=second.member_id),
        Ended(third.id, outbox.QUEUED, "rcpt", 450, next_attempt_at=NOW + 2 * WAIT),
    ]
    record(database, "a", ended, NOW)
    with database.read() as session:
        counts = outbox.counts(session, issue_id)
        rows = {row.id: row for row in outbox.rows(session)}
        dead = [member.state for member in roster.everyone(session) if member.id == second.member_id]
    assert counts == {"queued": 1, "submitting": 3, "accepted": 1, "refused": 1, "withdrawn": 0, "in_doubt": 0}
    assert [(rows[one.id].reply_code, rows[one.id].reply_text) for one in (first, second, third)] == [
        (250, "Ok: queued"), (550, "no such user"), (450, ""),
    ]  # fmt: skip
    assert (rows[third.id].next_attempt_at, rows[third.id].owner, dead) == (NOW + 2 * WAIT, None, ["bounced"])


@pytest.mark.conf("REL-11")
def test_two_daemons_never_claim_the_same_row(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 40)
    claimed: list[int] = []
    lock = threading.Lock()

    def work(owner: str) -> None:
        while items := _claim(database, writer, owner, most=3):
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
    _leave(database, "p2@huis.example", new_key)
    claimed = _claim(database, writer)
    assert [item.recipient for item in claimed] == [f"p{number}@huis.example" for number in (0, 1, 3)]
    with database.read() as session:
        assert outbox.counts(session, issue_id)["withdrawn"] == 1


@pytest.mark.conf("SMT-21", "SMT-22", "REL-03")
def test_after_a_death_only_the_sent_dot_is_in_doubt(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 3)
    dotted, begun, _untouched = _claim(database, writer)
    assert _recover(database, _left(begun=[begun], dotted=[dotted])) == {"queued": 2, "in_doubt": 1}
    assert _states(database) == ["in_doubt", "queued", "queued"]
    assert [item.attempt for item in _claim(database, writer)] == [2, 1]  # what never was in hand lost no attempt


@pytest.mark.conf("REL-03")
def test_after_a_death_the_journal_says_how_letters_ended(
    database: Database, writer: Writer, new_key: NewKey
) -> None:
    issue_id = _released(database, writer, new_key, 3)
    replies = [Reply("replied", 250), Reply("rcpt", 550, "5.1.1"), Reply("replied", 451)]
    claimed = _claim(database, writer)
    traces = {one.id: Trace(begun=True, reply=reply) for one, reply in zip(claimed, replies, strict=True)}
    assert _recover(database, Left("a", "another boot", traces)) == {"accepted": 1, "refused": 1, "queued": 1}
    assert _states(database) == ["accepted", "refused", "queued"]
    with database.read() as session:
        assert outbox.counts(session, issue_id)["submitting"] == 0
        assert roster.counts(session) == {"active": 2, "bounced": 1}


@pytest.mark.conf("SMT-21", "REL-03")
def test_after_another_boot_what_has_no_end_may_have_left(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 3)
    begun, *_others = _claim(database, writer)
    left = Left("a", "another boot", _left(begun=[begun]).traces)
    assert _recover(database, left) == {"in_doubt": 3}


@pytest.mark.conf("SMT-22")
def test_a_single_letter_in_doubt_goes_again_with_the_same_bytes(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        queued = writer.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    (before,) = _claim(database, writer)
    assert _recover(database, _left(dotted=[before])) == {"queued": 1}
    (again,) = _claim(database, writer)
    assert (again.id, again.attempt, again.content) == (queued.id, 2, before.content)


@pytest.mark.conf("REL-11", "SMT-22")
def test_another_daemons_rows_come_back_after_their_lease(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    with database.begin() as session:
        writer.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    _claim(database, writer, "dies")
    assert not _recover(database, now=NOW + timedelta(minutes=11), alone=False)
    later = _recover(database, now=NOW + timedelta(minutes=13), alone=False)
    assert later == {"queued": 1, "in_doubt": 1}  # its journal is not here: the newsletter may have left


@pytest.mark.conf("REL-11", "SMT-23")
def test_a_machine_that_comes_back_resolves_the_doubt(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 3)
    claimed = accepted, dotted, _untouched = _claim(database, writer, "away")
    _recover(database, now=NOW + timedelta(minutes=13), alone=False)
    assert _states(database) == ["in_doubt"] * 3
    with database.begin() as session:
        assert [issue.id for issue in outbox.finish_issues(session, NOW)] == [issue_id]
    traces = {accepted.id: Trace(True, True, Reply("replied", 250)), dotted.id: Trace(True, True)}
    _recover(database, Left("away", BOOT, traces), now=NOW + timedelta(hours=1), alone=False)
    assert _states(database) == ["accepted", "in_doubt", "queued"]
    assert [one.id for one in _claim(database, writer, now=NOW + timedelta(hours=1))] == [claimed[2].id]


@pytest.mark.conf("SMT-22")
def test_what_somebody_decided_is_not_undone_by_a_journal(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (letter,) = _claim(database, writer, "away")
    _recover(database, now=NOW + timedelta(minutes=13), alone=False)
    with database.begin() as session:
        outbox.retry(session, session.get_one(OutboxItem, letter.id), NOW, NOW + timedelta(days=5))
    _claim(database, writer, "quick")
    assert not _recover(database, _left("away", dotted=[letter]), alone=False)
    assert _states(database) == ["submitting"]


@pytest.mark.conf("SMT-15")
def test_the_next_attempt_is_written_before_the_attempt(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (item,) = _claim(database, writer)
    with database.read() as session:
        row = session.get_one(OutboxItem, item.id)
    assert (item.attempt, row.attempt, row.next_attempt_at, row.dated_at) == (1, 1, NOW + WAIT, NOW)


def test_a_claim_that_was_lost_records_nothing(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (mine,) = _claim(database, writer, "slow")
    _recover(database, _left("slow"))
    (theirs,) = _claim(database, writer, "quick")
    record(database, "slow", [Ended(mine.id, outbox.REFUSED, "rcpt", 550)], NOW)
    with database.read() as session:
        assert session.get_one(OutboxItem, theirs.id).state == outbox.SUBMITTING


def test_given_back_letters_have_lost_no_attempt(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 2)
    claimed = _claim(database, writer)
    with database.begin() as session:
        give_back(session, "a", [item.id for item in claimed], NOW + WAIT)
    assert _claim(database, writer) == []
    assert [item.attempt for item in _claim(database, writer, now=NOW + WAIT)] == [1, 1]


def test_a_paused_issue_waits_and_single_letters_do_not(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 2)
    with database.begin() as session:
        session.get_one(Issue, issue_id).pause()
        writer.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    assert [item.kind for item in _claim(database, writer)] == ["received"]


def test_single_letters_go_first(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 3)
    with database.begin() as session:
        writer.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    assert [item.kind for item in _claim(database, writer, most=2)] == ["received", "newsletter"]


def test_a_batch_of_withdrawn_letters_does_not_look_like_an_empty_outbox(
    database: Database, writer: Writer, new_key: NewKey
) -> None:
    _released(database, writer, new_key, 3)
    _leave(database, "p0@huis.example", new_key)
    batch = claiming.turn(database, "a", NOW, (), 1, WAIT, lambda _session, _letter: {})
    assert (batch.letters, batch.due) == ([], 1)


@pytest.mark.conf("OUT-38")
def test_a_retry_has_the_same_bytes_whatever_changed_since(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (item,) = _claim(database, writer)
    with database.read() as session:
        first, slots = bytes_of(session, writer, item), freeze(session, writer, item)
    again = Ended(item.id, outbox.QUEUED, "replied", 451, next_attempt_at=NOW + WAIT, slots=slots)
    record(database, "a", [again], NOW)
    with database.begin() as session:
        session.execute(update(Member).values(name="Nieuwe Naam"))
    (item,) = _claim(database, writer, now=NOW + timedelta(hours=3))
    with database.read() as session:
        second = bytes_of(session, writer, item)
    assert first == second


@pytest.mark.conf("OUT-38")
def test_a_letter_that_goes_again_by_itself_is_frozen_when_it_is_claimed(
    database: Database, writer: Writer, new_key: NewKey
) -> None:
    _released(database, writer, new_key, 1)
    with database.begin() as session:
        session.execute(update(OutboxItem).values(kind="cancellation"))
    (item,) = _claim(database, writer)
    with database.read() as session:
        stored = session.get_one(OutboxItem, item.id).slots
    assert stored == item.slots
    assert stored is not None
    assert stored["values"]["member.name"] == "Persoon 0"


def test_an_issue_is_done_when_nothing_is_left(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 1)
    (item,) = _claim(database, writer)
    with database.begin() as session:
        assert outbox.finish_issues(session, NOW) == []
    record(database, "a", [Ended(item.id, outbox.ACCEPTED, "replied", 250)], NOW)
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
    (item,) = _claim(database, writer)
    with database.begin() as session:
        outbox.forget(session, Address.parse("p@huis.example"))
    assert claiming.look_again(database, "a", NOW, [item.id], []) == frozenset()
    with database.read() as session:
        (row,) = outbox.rows(session)
        assert (row.recipient, row.content, row.state) == ("", None, "withdrawn")


@pytest.mark.conf("OUT-26")
def test_who_leaves_after_the_claim_gets_nothing(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 3)
    leaves, stays, flies = _claim(database, writer)
    _leave(database, leaves.recipient, new_key)
    later = NOW + timedelta(minutes=5)
    assert claiming.look_again(database, "a", later, [leaves.id, stays.id], [flies.id]) == {stays.id}
    with database.read() as session:
        rows = {row.id: (row.state, row.lease_until) for row in outbox.rows(session)}
    assert rows[leaves.id] == ("withdrawn", None)
    assert rows[stays.id] == rows[flies.id] == ("submitting", later + claiming.LEASE)


@pytest.mark.conf("REL-12")
def test_an_issue_that_is_paused_after_the_claim_waits(database: Database, writer: Writer, new_key: NewKey) -> None:
    issue_id = _released(database, writer, new_key, 1)
    (item,) = _claim(database, writer)
    with database.begin() as session:
        session.get_one(Issue, issue_id).pause()
    assert claiming.look_again(database, "a", NOW, [item.id], []) == frozenset()
    with database.read() as session:
        (row,) = outbox.rows(session)
    assert (row.state, row.attempt, row.owner) == ("queued", 0, None)


@pytest.mark.conf("REL-11", "SMT-21")
def test_a_lost_claim_is_noticed_before_the_letters_turn(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (mine,) = _claim(database, writer, "slow")
    _recover(database, _left("slow"))
    _claim(database, writer, "quick")
    assert claiming.look_again(database, "slow", NOW, [mine.id], []) == frozenset()


@pytest.mark.conf("SMT-15")
def test_only_a_letter_that_killed_us_before_waits(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 3)
    for _ in range(2):
        first, *_others = _claim(database, writer)
        _recover(database, _left(begun=[first]))
    assert [item.id for item in _claim(database, writer)] == [first.id + 1, first.id + 2]


@pytest.mark.conf("SMT-14")
def test_a_letter_whose_time_is_over_is_given_up(database: Database, writer: Writer, new_key: NewKey) -> None:
    _released(database, writer, new_key, 1)
    (item,) = _claim(database, writer)
    record(database, "a", [Ended(item.id, outbox.QUEUED, "rcpt", 450, next_attempt_at=item.give_up_at)], NOW)
    assert _claim(database, writer, now=item.give_up_at) == []
    with database.read() as session:
        (row,) = outbox.rows(session)
    assert (row.state, row.phase, row.reply_code) == ("refused", "given_up", 450)


@pytest.mark.conf("INB-08")
def test_spellings_of_one_address_share_a_limit(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        writer.queue(session, "goodbye", Recipient("Victim@huis.example", "nl"), NOW)
        assert outbox.sent_lately(session, "victim@huis.example", ("goodbye",), NOW - WAIT)


def _leave(database: Database, address: str, new_key: NewKey) -> None:
    with database.begin() as session:
        member = roster.find(session, Address.parse(address))
        assert member is not None
        roster.leave(session, member, "link", "", NOW, new_key)

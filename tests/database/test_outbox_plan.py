"""What the database does for a claim does not grow with what was sent before: no statement reads the whole outbox."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from psycopg.sql import Literal
from sqlalchemy import Connection, event, insert, text

from contacts.database import Database
from contacts.member import ACTIVE, Member
from mailer.outbound import claiming, outbox
from mailer.outbound.issue import SENDING, FrozenEdition, Issue
from mailer.outbound.journal import Left, Trace
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.recording import Ended
from mailer.outbound.recovery import recover
from mailer.outbound.submission import Reply
from tests.database.conftest import NOW

PEOPLE, ENDED, WAITING = 20_000, 2, 400
WAIT = timedelta(minutes=7)


def _fill(database: Database) -> None:
    """Two newsletters that everybody got, and one that is going out."""
    issue = {"kind": "newsletter", "state": SENDING, "approved_by": "an@stad.example", "approved_at": NOW}
    with database.begin() as session:
        session.execute(insert(Issue), [{**issue, "id": n, "key": f"{n:032x}", "slug": f"n{n}"} for n in (1, 2, 3)])
        edition = {"id": 1, "issue_id": 3, "language": "nl", "variant": "plain", "content": {}}
        session.execute(insert(FrozenEdition), [edition])
        session.execute(insert(Member), [_member(number) for number in range(1, PEOPLE + 1)])
        for number in range(1, ENDED + 1):
            session.execute(insert(OutboxItem), [_letter(number, one, outbox.ACCEPTED) for one in range(1, PEOPLE + 1)])
        session.execute(insert(OutboxItem), [_letter(3, one, outbox.QUEUED) for one in range(1, WAITING + 1)])
    with database.begin() as session:
        session.execute(text("ANALYZE"))


def _member(number: int) -> dict[str, Any]:
    address = f"p{number}@huis.example"
    return {
        "id": number, "key": f"{number:032x}", "address": address, "address_key": address, "language": "nl",
        "state": ACTIVE, "discreet": "off", "created_at": NOW,
    }  # fmt: skip


def _letter(issue: int, member: int, state: str) -> dict[str, Any]:
    return {
        "kind": "newsletter", "issue_id": issue, "member_id": member, "recipient": f"p{member}@huis.example",
        "return_path": "n@verbinden.example", "message_id": f"<{issue}.{member}@verbinden.example>", "state": state,
        "attempt": 0, "next_attempt_at": NOW, "give_up_at": NOW + timedelta(days=5), "created_at": NOW,
    }  # fmt: skip


def _plans(database: Database, work: Callable[[], object]) -> list[str]:
    """How the database goes about each statement of `work` on the outbox."""
    said: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, _context: object, many: bool) -> None:
        if "outbox" in statement:
            said.append((statement, values[0] if many else values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    with database.begin() as session:
        connection = session.connection()
        explain = _on_sqlite if database.is_sqlite else _on_postgresql
        return ["\n".join(str(tuple(row)) for row in explain(connection, *one)) for one in said]


def _on_sqlite(connection: Connection, statement: str, values: Any) -> Iterable[Any]:
    return connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)


def _on_postgresql(connection: Connection, statement: str, values: Any) -> Iterable[Any]:
    """The plan for any values: the one that a statement gets that is run again and again."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    for number, name in enumerate(names, 1):
        statement = statement.replace(f"%({name})s", f"${number}")
    given = ", ".join(Literal(values[name]).as_string(None) for name in names)
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    connection.exec_driver_sql(f"PREPARE probe AS {statement}")
    found = connection.exec_driver_sql(f"EXPLAIN EXECUTE probe({given})" if names else "EXPLAIN EXECUTE probe").all()
    connection.exec_driver_sql("DEALLOCATE probe")
    return found


@pytest.mark.conf("REL-11")
def test_a_claim_reads_what_is_due_and_nothing_else(database: Database) -> None:
    _fill(database)
    claimed: list[int] = []

    def first() -> None:
        batch = claiming.turn(database, "a", NOW, (), 200, WAIT, lambda _session, _letter: {})
        claimed.extend(letter.id for letter in batch.letters)

    def second() -> None:
        ended = [Ended(one, outbox.ACCEPTED, "replied", 250, text=f"Ok {one}") for one in claimed[:100]]
        ended += [Ended(one, outbox.QUEUED, "rcpt", 450, next_attempt_at=NOW + WAIT) for one in claimed[100:150]]
        claiming.turn(database, "a", NOW, ended, 200, WAIT, lambda _session, _letter: {})

    def third() -> None:
        claiming.look_again(database, "a", NOW, claimed[150:], [])
        left = Left("a", "boot", {claimed[150]: Trace(True, True, Reply("replied", 250))})
        recover(database, left, "boot", "b", NOW, True, lambda: 0.5)
        with database.begin() as session:
            outbox.finish_issues(session, NOW)
            outbox.rows(session, outbox.IN_DOUBT)

    plans = _plans(database, first)
    assert len(claimed) == 200
    assert sum("ix_outbox_due" in plan for plan in plans) >= 2
    for plan in (*plans, *_plans(database, second), *_plans(database, third)):
        assert "SCAN outbox" not in plan.replace("SCAN outbox USING INDEX ix_outbox_d", ""), plan
        assert "Seq Scan on outbox" not in plan, plan

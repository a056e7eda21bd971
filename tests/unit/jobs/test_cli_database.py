"""`verbinden database`: where it stands, copies of it, and getting one back."""

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contacts import roster
from contacts.address import Address
from jobs import lock
from mailer.outbound import outbox
from mailer.outbound.issue import Issue

AN = Address.parse("an@huis.example")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def addresses(verbinden) -> set[str]:
    return {row["address"] for row in verbinden.json("members", "list")}


def test_a_fresh_one_is_behind_and_then_in_order(verbinden):
    told = verbinden.json("database", "status", code=1)
    assert (told["kind"], told["at"], told["well"]) == ("sqlite", None, False)
    verbinden("database", "migrate")
    told = verbinden.json("database", "status")
    assert told["at"] == told["needed"]
    assert told["well"] is True


def test_a_copy_brings_back_what_was(network):
    network("database", "backup", "copy.db")
    assert stat.S_IMODE(Path("copy.db").stat().st_mode) == 0o600
    network("members", "add", "els@huis.example", "--consent", "later")
    network("database", "restore", "copy.db", "--yes")
    assert addresses(network) == {"an@huis.example", "marc@maison.example"}
    (aside,) = (network.folder / "data").glob("verbinden.db.before-*")
    with closing(sqlite3.connect(aside)) as kept:
        assert ("els@huis.example",) in kept.execute("SELECT address FROM member").fetchall()


def test_a_copy_overwrites_nothing(network):
    Path("copy.db").write_text("mine")
    network("database", "backup", "copy.db", code=1)
    assert Path("copy.db").read_text() == "mine"


@pytest.mark.conf("GDP-10")
def test_who_was_forgotten_since_the_copy_stays_forgotten(network):
    network("database", "backup", "copy.db")
    network("members", "forget", "an@huis.example", "--yes")
    assert "now again: 1 person" in network("database", "restore", "copy.db", "--yes").output
    assert addresses(network) == {"marc@maison.example"}
    database = network.folder / "data" / "verbinden.db"
    assert b"an@huis.example" not in database.read_bytes()
    network("members", "add", "an@huis.example", code=1)


@pytest.mark.conf("GDP-11")
def test_who_is_forgotten_again_is_forgotten_in_every_spelling_and_place(network):
    network("members", "add", "Els@huis.example")
    network.put_request("ELS@Huis.example", [{"name": "canary friend", "address": "Els@huis.example"}])
    network("database", "backup", "copy.db")
    network("members", "forget", "els@huis.example", "--yes")
    network("members", "forget", "stranger@huis.example", "--yes")
    assert "now again: 1 person" in network("database", "restore", "copy.db", "--yes").output
    raw = b"".join(file.read_bytes() for file in (network.folder / "data").iterdir() if "before" not in file.name)
    assert b"els@huis" not in raw.lower()
    assert b"canary friend" not in raw


@pytest.mark.conf("GDP-11")
def test_at_no_moment_is_anybody_back_who_was_forgotten(network):
    network("members", "add", "canary@huis.example", "--consent", "paper")
    for number in range(30):
        network.put_request(f"p{number}@huis.example", [])
    network("database", "backup", "copy.db")
    network("members", "forget", "canary@huis.example", "--yes")
    file, seen, done = network.folder / "data" / "verbinden.db", set(), threading.Event()

    def look() -> None:
        with closing(sqlite3.connect(file)) as reader:
            while not done.is_set():
                seen.add(reader.execute("SELECT count(*) FROM member WHERE address LIKE 'canary%'").fetchone()[0])

    reader = threading.Thread(target=look)
    reader.start()
    network("database", "restore", "copy.db", "--yes")
    done.set()
    reader.join()
    assert seen == {0}
    assert [found.name for found in file.parent.glob("*.restoring*")] == []


@pytest.mark.conf("GDP-11")
def test_what_a_killed_restore_left_behind_goes_with_the_next(network):
    network("database", "backup", "copy.db")
    draft = network.folder / "data" / "verbinden.db.restoring"
    for suffix in ("", "-wal", "-shm"):
        draft.with_name(draft.name + suffix).write_bytes(b"half of something")
    network("database", "restore", "copy.db", "--yes")
    assert list(draft.parent.glob("*.restoring*")) == []
    assert len(addresses(network)) == 2


@pytest.mark.conf("GDP-04")
def test_who_left_since_the_copy_is_still_out(network):
    network("database", "backup", "copy.db")
    database = network.database()
    with closing(database), database.begin() as session:
        roster.leave(session, roster.find(session, AN), "link", "", NOW, lambda: "f" * 32)
    assert "still out: 1 person" in network("database", "restore", "copy.db", "--yes").output
    told = network.json("members", "show", "an@huis.example")
    assert told["member"]["state"] == "left"
    assert [row["act"] for row in told["consents"]] == ["given", "withdrawn"]


@pytest.mark.conf("GDP-05")
def test_a_complaint_since_the_copy_erases_nobody(network):
    network("database", "backup", "copy.db")
    database = network.database()
    with closing(database), database.begin() as session:
        roster.suppress(session, AN, "complaint", network.settings["SECRET_KEY"].encode(), NOW)
    assert "now again" not in network("database", "restore", "copy.db", "--yes").output
    assert "an@huis.example" in addresses(network)
    network("members", "forget", "an@huis.example", "--yes")
    assert "now again: 1 person" in network("database", "restore", "copy.db", "--yes").output


@pytest.mark.conf("REL-65")
def test_nothing_that_waits_in_a_copy_leaves_by_itself(network):
    for name in ("els", "omar", "lea"):
        network("members", "add", f"{name}@huis.example")
    database = network.database()
    with closing(database), database.begin() as session:
        session.add(Issue(key="e" * 32, slug="winter", kind="newsletter", state="approved", approved_by="k@p.example",
                          approved_at=NOW, send_at=NOW))  # fmt: skip
    network("database", "backup", "copy.db")
    database = network.database()
    with closing(database), database.begin() as session:
        first, second, _ = reversed(outbox.rows(session))
        first.state, first.phase, first.finished_at = outbox.ACCEPTED, "replied", NOW + timedelta(hours=1)
        second.state, second.phase, second.finished_at = outbox.WITHDRAWN, "called_off", NOW
        (winter,) = session.query(Issue).all()
        winter.state, winter.released_at = "done", NOW
    assert "not sent without you: 1 letter" in network("database", "restore", "copy.db", "--yes").output
    told = network.json("outbox", "list")
    assert [row["state"] for row in told["letters"]] == ["in_doubt", "withdrawn", "accepted"]
    number = told["letters"][0]["id"]
    assert "the database was restored from" in network("outbox", "show", str(number)).output
    database = network.database()
    with closing(database), database.read() as session:
        assert [issue.state for issue in session.query(Issue)] == ["done"]
    network("outbox", "retry", str(number))
    assert network.json("outbox", "list")["letters"][0]["state"] == "queued"


def test_what_is_no_copy_is_refused_and_changes_nothing(network):
    Path("notes.txt").write_text("no database" * 1000)
    with closing(sqlite3.connect("empty.db")) as empty:
        empty.execute("CREATE TABLE x (y)")
    for file in ("notes.txt", "empty.db"):
        assert "no sound copy" in network("database", "restore", file, "--yes", code=1).stderr
    assert len(addresses(network)) == 2


def test_a_copy_of_a_newer_version_is_refused_and_changes_nothing(network):
    network("database", "backup", "copy.db")
    with closing(sqlite3.connect("copy.db")) as copy, copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer version" in network("database", "restore", "copy.db", "--yes", code=1).stderr
    assert len(addresses(network)) == 2


def test_nothing_is_restored_under_a_running_daemon(network):
    network("database", "backup", "copy.db")
    with lock.holding(network.folder / "data", "daemon"):
        network("database", "restore", "copy.db", "--yes", code=1)


def test_restoring_asks_first(network):
    network("database", "backup", "copy.db")
    network("members", "add", "els@huis.example", "--consent", "later")
    network("database", "restore", "copy.db", code=1)
    assert len(addresses(network)) == 3

"""`verbinden database`: where it stands, copies of it, and getting one back."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from jobs import lock


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

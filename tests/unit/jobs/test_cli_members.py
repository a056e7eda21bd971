"""`verbinden members`: the list, the story, the import, the export, and forgetting for good."""

import csv
import io
import re
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contacts import roster
from contacts.address import Address
from mailer.outbound import outbox

LIST = (
    "Address;Name;Organisation;Language\r\n"
    "els@huis.example;Els;Het Huis;nl\r\n"
    "an@huis.example;An again;;\r\n"
    "no address;Jan;;\r\n"
    "els@huis.example;Els twice;;\r\n"
)


def states(verbinden) -> dict[str, str]:
    return {row["address"]: row["state"] for row in verbinden.json("members", "list")}


def test_nobody_yet(verbinden):
    assert verbinden.json("members", "list") == []
    assert verbinden("members", "list").output == "Nobody yet.\n"


def test_with_a_proof_somebody_is_in_at_once_and_gets_no_mail(network):
    result = network("members", "add", "els@huis.example", "--name", "Els", "--consent", "signed", "--discreet", "full")
    assert "outbox" not in result.output
    told = network.json("members", "show", "els@huis.example")
    assert (told["member"]["state"], told["member"]["discreet"]) == ("active", "full")
    assert [(row["act"], row["evidence"]) for row in told["consents"]] == [("given", "signed")]
    assert told["letters"] == []


def test_without_a_proof_somebody_is_asked(network):
    result = network("members", "add", "els@huis.example", "--language", "fr", "--organisation", "Het Huis")
    assert "1 letter waits in the outbox; the daemon sends it within seconds." in result.output
    told = network.json("members", "show", "els@huis.example")
    assert (told["member"]["state"], told["member"]["language"], told["member"]["organisation"]) == (
        "pending", "fr", "Het Huis",
    )  # fmt: skip
    assert [row["kind"] for row in told["letters"]] == ["confirmation"]
    assert "has not been tried yet" in told["letters"][0]["sentence"]


def test_nobody_is_asked_twice_in_a_day(network):
    network("members", "add", "els@huis.example")
    network("members", "add", "els@huis.example", code=1)
    assert len(network.json("members", "show", "els@huis.example")["letters"]) == 1


def test_a_member_cannot_be_added_again(network):
    assert "known already" in network("members", "add", "an@huis.example", code=1).stderr


def test_who_left_comes_back_only_by_their_own_yes(network):
    database = network.database()
    with closing(database), database.begin() as session:
        roster.find(session, Address.parse("an@huis.example")).leave(roster.everyone(session)[0].created_at)
    refused = network("members", "add", "an@huis.example", "--consent", "an old list", code=1)
    assert re.search(r"left on \d{4}-\d\d-\d\d; only they can come back", refused.stderr)
    network("members", "add", "an@huis.example")
    assert states(network)["an@huis.example"] == "left"
    assert [row["kind"] for row in network.json("outbox", "list")["letters"]] == ["confirmation"]
    network("members", "add", "an@huis.example", "--consent", "an old list", code=1)


@pytest.mark.conf("GDP-05")
@pytest.mark.parametrize("state", ["left", "pending", "bounced"])
def test_a_goodbye_stands_whatever_was_asked_since(network, state: str):
    """Earlier versions made somebody pending when a colleague asked for them."""
    database, an = network.database(), Address.parse("an@huis.example")
    with closing(database), database.begin() as session:
        member, later = roster.find(session, an), datetime.now(UTC) + timedelta(days=2)
        roster.leave(session, member, "mail", "", later, lambda: "e" * 32)
        assert roster.ask(session, member, "?", "a colleague", later, lambda: "f" * 32)
        member.state = state
    assert "only they can come back" in network("members", "add", an.text, "--consent", "a list", code=1).stderr
    Path("list.csv").write_text("address\nan@huis.example\n")
    for proof in ((), ("--consent", "a list")):
        assert [row["result"] for row in network.json("members", "import", "list.csv", *proof)] == ["left"]
    assert states(network)["an@huis.example"] == state


def test_an_unknown_address_is_a_no(network):
    assert "nobody we know" in network("members", "show", "nobody@huis.example", code=1).stderr


@pytest.mark.conf("SEC-11")
def test_an_import_reports_every_line(network):
    Path("list.csv").write_text(LIST, encoding="cp1252")
    report = network.json("members", "import", "list.csv", "--consent", "a list of 2026", code=1)
    assert [(row["line"], row["result"]) for row in report] == [
        (2, "added"),
        (3, "known"),
        (4, "problem"),
        (5, "known"),
    ]
    assert states(network) == {
        "an@huis.example": "active", "marc@maison.example": "active", "els@huis.example": "active",
    }  # fmt: skip


@pytest.mark.conf("SEC-11")
def test_a_dry_run_tells_the_same_and_changes_nothing(network):
    Path("list.csv").write_text(LIST, encoding="utf-8-sig")
    before = states(network)
    tried = network.json("members", "import", "list.csv", "--dry-run", code=1)
    assert states(network) == before
    assert network.json("outbox", "list")["letters"] == []
    assert tried == network.json("members", "import", "list.csv", code=1)
    assert len(network.json("outbox", "list")["letters"]) == 1


def test_an_import_without_a_proof_asks_everybody(network):
    Path("list.csv").write_text("address,language\nels@huis.example,nl\nomar@huis.example,fr\n")
    assert "2 letters wait in the outbox" in network("members", "import", "list.csv").output
    assert states(network)["omar@huis.example"] == "pending"


def test_a_file_that_is_no_list_is_a_no(network):
    Path("list.csv").write_text("els@huis.example\n")
    assert "The first line must name the columns" in network("members", "import", "list.csv", code=1).stderr


@pytest.mark.conf("SEC-11")
def test_a_list_with_an_open_quote_is_a_no_with_the_line(network):
    Path("list.csv").write_text('address,name\nels@huis.example,"Els\nomar@huis.example,Omar\n')
    assert "Line 2 cannot be read" in network("members", "import", "list.csv", "--consent", "x", code=1).stderr
    assert len(states(network)) == 2


@pytest.mark.conf("GDP-05")
def test_an_import_never_brings_back_who_is_suppressed(network):
    network("members", "forget", "an@huis.example", "--yes")
    Path("list.csv").write_text("address\nan@huis.example\n")
    assert [row["result"] for row in network.json("members", "import", "list.csv", "--consent", "x")] == ["suppressed"]
    network("members", "add", "An@Huis.example", code=1)
    network("members", "add", "an@huis.example", "--consent", "x", code=1)
    assert "an@huis.example" not in states(network)


@pytest.mark.conf("SEC-10")
def test_no_cell_of_an_export_is_a_formula(network):
    network("members", "add", "els@huis.example", "--name", "=HYPERLINK(1)", "--organisation", "-1", "--consent", "x")
    network("members", "export", "--out", "members.csv")
    raw = Path("members.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert stat.S_IMODE(Path("members.csv").stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert (rows[2]["name"], rows[2]["organisation"]) == ("'=HYPERLINK(1)", "'-1")


def test_an_export_can_be_imported_elsewhere(network, tmp_path: Path):
    exported = network("members", "export").stdout_bytes
    network.settings["DATA_DIR"] = str(tmp_path / "elsewhere")
    Path("members.csv").write_bytes(exported)
    network("members", "import", "members.csv", "--consent", "moved")
    assert states(network) == {"an@huis.example": "active", "marc@maison.example": "active"}


def test_words_of_others_cannot_steer_the_terminal(network):
    network("members", "add", "els@huis.example", "--name", "\x1b[31m[bold]Els\u202e", "--consent", "x")
    shown = network("members", "list").output
    assert "[31m[bold]Els" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.conf("GDP-10")
def test_who_is_forgotten_leaves_no_byte_in_the_database(network):
    address = "canary.bird@huis.example"
    folder = network.folder / "data"
    with closing(sqlite3.connect(folder / "verbinden.db")) as daemon:  # while it is open, the journal stays
        daemon.execute("SELECT count(*) FROM member").fetchall()
        network("members", "add", address, "--name", "Canary Bird")
        network.put_request(address, [{"address": "x@huis.example", "name": "X"}])
        network.put_request("an@huis.example", [{"address": address, "name": "canary wish"}])
        assert "verbinden.db-wal" in holding(folder, b"canary.bird")
        network("members", "forget", address, "--yes")
        assert (folder / "verbinden.db-wal").exists()
        assert holding(folder, b"canary.bird") == []
    assert holding(folder, b"canary.bird") == []
    assert holding(folder, b"Canary Bird") == []
    assert holding(folder, b"canary wish") == []
    (row,) = network.json("outbox", "list")["letters"]
    assert (row["recipient"], row["state"]) == ("", "withdrawn")


@pytest.mark.conf("GDP-10")
def test_every_spelling_is_forgotten(network):
    network("members", "add", "Canary.Bird@huis.example", "--name", "Canary")
    network.put_request("CANARY.bird@huis.example", [])
    network.put_request("an@huis.example", [{"address": "canary.BIRD@HUIS.example", "name": "canary wish"}])
    network("members", "forget", "canary.bird@huis.example", "--yes")
    raw = b"".join(file.read_bytes() for file in (network.folder / "data").iterdir())
    assert b"canary" not in raw.lower()
    assert len(network.json("requests", "list")) == 2


def holding(folder: Path, word: bytes) -> list[str]:
    """The files that hold a word, the journal among them."""
    return [file.name for file in folder.iterdir() if word in file.read_bytes()]


def test_forgetting_empties_only_what_is_theirs(network):
    network("members", "add", "els@huis.example")
    network("members", "add", "omar@huis.example")
    database = network.database()
    with closing(database), database.begin() as session:
        outbox.rows(session)[-1].member_id = None  # like a letter to somebody who is no member
    network("members", "forget", "stranger@huis.example", "--yes")
    network("members", "forget", "omar@huis.example", "--yes")
    database = network.database()
    with closing(database), database.read() as session:
        kept = [(row.recipient, row.state, row.content is not None) for row in outbox.rows(session)]
    assert kept == [("", "withdrawn", False), ("els@huis.example", "queued", True)]


def test_forgetting_asks_first(network):
    network("members", "forget", "an@huis.example", code=1)
    assert "an@huis.example" in states(network)

"""Lists in and out: files as spreadsheets and people make them, and cells that no spreadsheet runs."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts import exchange
from contacts.errors import RuleBroken
from contacts.member import ACTIVE, Member, Organisation

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def member(name: str | None, house: str | None = None) -> Member:
    return Member(
        key="0" * 32, address="els@huis.example", address_key="els@huis.example", name=name, language="nl",
        organisation=Organisation(name=house, key=house) if house else None, state=ACTIVE, discreet="subject",
        created_at=NOW, confirmed_at=NOW,
    )  # fmt: skip


def refusal(raw: bytes) -> str:
    with pytest.raises(RuleBroken) as broken:
        exchange.read(raw)
    assert broken.value.code == "csv"
    return broken.value.message


@pytest.mark.conf("SEC-10")
@pytest.mark.parametrize(
    "cell",
    [
        "=HYPERLINK(1)", "+32 3 123", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", ' "=1', "' =1", "\u00a0=1",
        "\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
    ],
)  # fmt: skip
def test_no_cell_can_be_run(cell: str):
    written = exchange.write([member(cell, cell)])
    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    assert row["name"] == row["organisation"] == f"'{cell}"


@pytest.mark.conf("SEC-10")
@given(st.text())
def test_a_defused_cell_is_harmless_and_comes_back_as_it_was(cell: str):
    defused = exchange.defuse(cell)
    assert defused[:1] not in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") or not defused
    assert exchange._undo(defused) == cell


@pytest.mark.conf("SEC-11")
def test_what_was_written_can_be_read():
    written = exchange.write([member("'t Hooft, Els", '=1 "quoted"; and more')])
    (row,) = exchange.read(written.encode("utf-8-sig"))
    assert row.person is not None
    assert (row.person.name, row.person.organisation) == ("'t Hooft, Els", '=1 "quoted"; and more')


@pytest.mark.conf("SEC-11")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lists_as_spreadsheets_save_them(encoding: str, separator: str, end: str):
    lines = (("Name", "ADDRESS ", "language", "remark"), ("Zoë", "zoe@huis.example", "nl", "x"), ("", "", "", ""))
    raw = end.join(separator.join(cells) for cells in lines).encode(encoding)
    (row,) = exchange.read(raw)
    assert (row.line, row.problem) == (2, None)
    assert row.person is not None
    assert (row.person.address.text, row.person.name, row.person.language) == ("zoe@huis.example", "Zoë", "nl")


@pytest.mark.conf("SEC-11")
def test_every_line_that_cannot_be_taken_says_why_and_the_others_are():
    raw = (
        b"address,name\n"
        b"els@huis.example,Els\n"
        b"\n"
        b'"an@huis.example","An\nPeeters"\n'
        b"no address,Jan\n"
        b"marc@huis.example,Haddad, Marc\n"
        b"omar@huis.example\n"
        b"lea@huis.example,L\xc3\xa9a,,\n"
    )
    rows = exchange.read(raw)
    assert [(row.line, row.person and row.person.name, bool(row.problem)) for row in rows] == [
        (2, "Els", False), (4, "An Peeters", False), (6, None, True), (7, None, True), (8, None, False),
        (9, "Léa", False),
    ]  # fmt: skip
    assert "more cells" in (rows[3].problem or "")


@pytest.mark.conf("SEC-11")
@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "The first line must name the columns"),
        (b"\n\n", "The first line must name the columns"),
        (b"els@huis.example\n", "The first line must name the columns"),
        (b"address,name,address\nels@huis.example,Els,x\n", "names a column twice"),
        (b'address,name\nan@huis.example,An\nels@huis.example,"Els\nx@huis.example,X\n', "Line 3 cannot be read"),
        (b'address,name\nels@huis.example,"Els" x\n', "Line 2 cannot be read"),
        (b'"address,name\nels@huis.example,Els\n', "Line 1 cannot be read"),
        (b"address,name\nels@huis.example," + b"x" * 200_000, "Line 2 cannot be read"),
        (b"address,name\nels@huis.example,E\0ls\n", "Line 2 holds zero bytes"),
        ("address\nels@huis.example\n".encode("utf-16-le"), "Line 1 holds zero bytes"),
        (b"\0" * 5000, "Line 1 holds zero bytes"),
        (b"address\n" + b"x" * 20_000_000, "larger than 20 MB"),
    ],
    ids=lambda value: value[:30] if isinstance(value, bytes) else None,
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_with_the_line(raw: bytes, told: str):
    assert told in refusal(raw)


@pytest.mark.conf("SEC-11")
@given(st.binary(max_size=300) | st.text(alphabet='address,;\t"\r\n\0@.x=\'', max_size=200).map(str.encode))
def test_whatever_bytes_come_it_is_a_list_or_a_refusal(raw: bytes):
    for data in (raw, b"address,name\n" + raw):
        try:
            rows = exchange.read(data)
        except RuleBroken as broken:
            assert broken.code == "csv"
        else:
            assert all((row.person is None) == bool(row.problem) for row in rows)

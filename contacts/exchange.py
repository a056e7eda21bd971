"""Members in and out as CSV: an import that reports every line and never goes behind somebody's back.

Cells that a spreadsheet would run as a formula are defused (conformance SEC-10).
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.member import Member
from contacts.roster import Person

COLUMNS = ("address", "name", "organisation", "language")
_MAX_BYTES = 20_000_000
#: What makes a spreadsheet run a cell, also where quotes or spaces go before it (OWASP ASVS 1.2.10).
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an import: the person, or the reason why there is none."""

    line: int
    person: Person | None
    problem: str | None


def read(raw: bytes) -> list[Row]:
    """Read a CSV with a header line naming at least `address`; `line` of a row is where it begins.

    Raises RuleBroken("csv"), with the line, for what cannot be read as a whole: nothing of it is guessed.
    """
    if len(raw) > _MAX_BYTES:
        raise RuleBroken("csv", "The file is larger than 20 MB.")
    lines = _lines(_decode(raw))
    _, header = next(lines, (1, []))
    names = [name.strip().lower() for name in header]
    if "address" not in names:
        raise RuleBroken("csv", f"The first line must name the columns: {', '.join(COLUMNS)} (address is required).")
    if any(names.count(name) > 1 for name in COLUMNS):
        raise RuleBroken("csv", "The first line names a column twice.")
    return [_row(line, names, cells) for line, cells in lines]


def write(members: Sequence[Member]) -> str:
    """All rows of these members as CSV with a header line."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow([*COLUMNS, "state", "since"])
    for member in members:
        house = member.organisation.name if member.organisation else ""
        since = member.confirmed_at.date().isoformat() if member.confirmed_at else ""
        rows.writerow(
            [defuse(cell) for cell in (member.address, member.name or "", house, member.language)]
            + [member.state, since]
        )
    return out.getvalue()


def defuse(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _runs(cell) else cell


def _runs(cell: str) -> bool:
    return cell.lstrip(" \"'\u00a0").startswith(_RUNS)


def _undo(cell: str) -> str:
    """The cell as it was before `defuse`; an apostrophe that belongs to a name ('t Hooft) stays."""
    return cell[1:] if cell.startswith("'") and _runs(cell[1:]) else cell


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Every line that says anything, with the number of the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), dialect=_dialect(text))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise RuleBroken("csv", f"Line {line} cannot be read ({error}): is a quote left open there?") from error
        if cells is None:
            return
        if any("\0" in cell for cell in cells):
            raise RuleBroken("csv", f"Line {line} holds zero bytes: save the list as CSV UTF-8 and try again.")
        if any(cell.strip() for cell in cells):
            yield line, cells


def _row(line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    if any(cell.strip() for cell in cells[len(names) :]):
        return Row(line, None, "This line has more cells than the first; a cell with the separator in it needs quotes.")
    try:
        return Row(line, _person(dict(zip(names, cells, strict=False))), None)
    except RuleBroken as broken:
        return Row(line, None, broken.message)


def _person(cells: Mapping[str, str]) -> Person:
    def cell(name: str) -> str | None:
        return " ".join(_undo(cells.get(name, "").strip()).split()) or None

    return Person(Address.parse(cell("address") or ""), cell("name"), cell("organisation"), cell("language"))


def _decode(raw: bytes) -> str:
    """UTF-8, or UTF-16 where the file says so (spreadsheets call it Unicode text), or else the bytes of Windows."""
    try:
        return raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _dialect(text: str) -> type[csv.Dialect]:
    first = text.split("\n", 1)[0]

    class Found(csv.excel):
        delimiter = max(";,\t", key=first.count)
        strict = True

    return Found

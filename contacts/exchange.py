"""Members in and out as CSV: an import that reports every line and never goes behind somebody's back.

Cells that a spreadsheet would run as a formula are defused (conformance SEC-10).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.member import Member
from contacts.roster import Person

COLUMNS = ("address", "name", "organisation", "language")
_MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an import: the person, or the reason why there is none."""

    line: int
    person: Person | None
    problem: str | None


def read(raw: bytes) -> list[Row]:
    """Read a CSV with a header line naming at least `address`; raises RuleBroken("csv") when it is no such file."""
    if len(raw) > _MAX_BYTES:
        raise RuleBroken("csv", "The file is larger than 20 MB.")
    reader = csv.DictReader(io.StringIO(_decode(raw), newline=""), dialect=_dialect(raw))
    names = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if "address" not in names:
        raise RuleBroken("csv", f"The first line must name the columns: {', '.join(COLUMNS)} (address is required).")
    reader.fieldnames = names
    return [_row(reader.line_num, cells) for cells in reader if any(cells.values())]


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
    return (
        f"'{cell}"
        if cell.lstrip(" \"'\u00a0")[:1] in ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
        else cell
    )


def _row(line: int, cells: dict[str, str | None]) -> Row:
    def cell(name: str) -> str | None:
        return (cells.get(name) or "").strip().removeprefix("'") or None

    try:
        person = Person(Address.parse(cell("address") or ""), cell("name"), cell("organisation"), cell("language"))
    except RuleBroken as broken:
        return Row(line, None, broken.message)
    return Row(line, person, None)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _dialect(raw: bytes) -> type[csv.Dialect]:
    first = raw.split(b"\n", 1)[0]

    class Found(csv.excel):
        delimiter = max(";,\t", key=lambda char: first.count(char.encode()))

    return Found

"""How a command speaks: tables for people, JSON for programs, times as the clock on the wall shows them."""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

_WIDE = 200  # columns where nobody watches: a file or a pipe


def show_json(value: Any) -> None:
    """One JSON document; instants as ISO 8601 in UTC."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=datetime.isoformat))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """A table, or the sentence `nothing` when it would be empty."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    if table.row_count:
        Console(width=None if sys.stdout.isatty() else _WIDE).print(table)
    else:
        click.echo(nothing)


def show_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; empty values are left out."""
    for name, value in pairs:
        if value not in (None, ""):
            click.echo(f"{name + ':':<16}{clean(value)}")


def clean(value: object) -> str:
    """Anybody's words as one line that cannot steer the terminal; nothing for None."""
    text = "" if value is None else str(value)
    return " ".join("".join(" " if unicodedata.category(char)[0] == "C" else char for char in text).split())


def local(at: datetime | None, timezone: ZoneInfo) -> str:
    """An instant as the clock of the network shows it, "" for None."""
    return at.astimezone(timezone).strftime("%Y-%m-%d %H:%M") if at else ""


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 letter`, `2 letters`; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def say_queued(letters: int) -> None:
    """What will happen to letters that were just put in the outbox; nothing when there are none."""
    if letters:
        them = "it" if letters == 1 else "them"
        waiting = count(letters, "letter waits", "letters wait")
        click.echo(f"{waiting} in the outbox; the daemon sends {them} within seconds.")


def write_private(file: Path, content: bytes) -> None:
    """Write a file with people in it: readable for its owner only."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        os.fchmod(descriptor, 0o600)
        out.write(content)

"""How long a sending to many takes, and how long others wait meanwhile: `python -m bench.release [MEMBERS]`.

Runs the real commands on a SQLite file of its own, while somebody else asks for the write lock again and again, as the
page does that unsubscribes with one click. Prints the seconds, the longest wait of the other, and the peak memory.
"""

import itertools
import os
import re
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from contacts.database import connect
from contacts.member import Member, Organisation

ROOT = Path(__file__).parents[1]
BY = ("--by", "karim@partner.example")
_JOINED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
_LANGUAGES = ("nl", "fr", "en", "tr")


class Neighbour:
    """Somebody who wants to write one thing now, and again; remembers the longest wait."""

    def __init__(self, file: Path) -> None:
        self.longest = 0.0
        self._file = file
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Neighbour":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        with closing(sqlite3.connect(self._file, timeout=600, isolation_level=None)) as connection:
            while not self._stop.wait(0.02):
                begun = time.monotonic()
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                self.longest = max(self.longest, time.monotonic() - begun)


def main(members: int) -> None:
    """Lay out a network of so many members, then approve, invite and release."""
    with tempfile.TemporaryDirectory(prefix="verbinden-release-") as name:
        folder = Path(name)
        settings = _lay_out(folder)
        _fill(folder / "data" / "verbinden.db", members)
        print(f"{members} members            seconds   longest wait of others   peak memory", flush=True)
        for label, words in (
            ("check", ("newsletters", "check", "winter")),
            ("approve", ("newsletters", "approve", "winter", *BY)),
            ("release a newsletter", ("once", "release_due")),
            ("invite", ("meetings", "invite", "session", *BY)),
            ("release invitations", ("once", "release_due")),
            ("list meetings", ("meetings", "list")),
        ):
            _measure(label, words, folder, settings)
            if label == "approve":
                _run(("newsletters", "schedule", "winter", "--now"), folder, settings)


def _lay_out(folder: Path) -> dict[str, str]:
    """Configuration, templates with a newsletter that names each house, and a meeting far away."""
    settings = {
        "NETWORK_NAME": "Lerend netwerk", "NETWORK_ADDRESS": "netwerk@verbinden.example",
        "NETWORK_LANGUAGES": "nl,fr,en", "IMAP_URL": "imaps://n@mail.verbinden.example", "IMAP_PASSWORD": "nobody",
        "SMTP_URL": "smtps://n@mail.verbinden.example", "SMTP_PASSWORD": "nobody", "SECRET_KEY": secrets.token_hex(32),
        "DATA_DIR": str(folder / "data"), "TEMPLATES_DIR": str(folder / "own" / "templates"),
    }  # fmt: skip
    for words in (
        ("init", str(folder / "own")),
        ("coordinators", "add", "karim@partner.example", "--name", "Karim Haddad"),
        ("newsletters", "new", "winter"),
        ("meetings", "new", "session"),
    ):
        _run(words, folder, settings)
    templates = folder / "own" / "templates"
    for text in (templates / "newsletters" / "winter").glob("*.md"):
        text.write_text(text.read_text("utf-8") + "\n\n{{ member.name }}, {{ member.organisation }}\n", "utf-8")
    toml = templates / "meetings" / "session" / "meeting.toml"
    toml.write_text(re.sub(r"(?m)^(starts|ends|deadline) = 20\d\d", r"\1 = 2099", toml.read_text("utf-8")), "utf-8")
    return settings


def _fill(file: Path, members: int) -> None:
    """So many members, each with a name and one of a hundred houses."""
    houses = [{"id": one, "name": f"Huis {one}", "key": f"huis {one}"} for one in range(1, 101)]
    people = (
        {
            "key": f"{one:032x}", "address": f"p{one}@huis.example", "address_key": f"p{one}@huis.example",
            "name": f"Persoon {one}", "organisation_id": one % 100 + 1, "language": _LANGUAGES[one % 4],
            "state": "active", "discreet": "off" if one % 3 else "subject", "created_at": _JOINED,
            "confirmed_at": _JOINED,
        }
        for one in range(members)
    )  # fmt: skip
    with closing(connect(f"sqlite:///{file}")) as database, database.begin() as session:
        session.execute(insert(Organisation), houses)
        while some := list(itertools.islice(people, 1000)):  # a child's peak memory begins with that of its parent
            session.execute(insert(Member), some)


def _measure(label: str, words: tuple[str, ...], folder: Path, settings: dict[str, str]) -> None:
    with Neighbour(folder / "data" / "verbinden.db") as neighbour:
        begun = time.monotonic()
        peak = _run(words, folder, settings)
        seconds = time.monotonic() - begun
    print(f"  {label:<22}{seconds:>9.1f} s {neighbour.longest:>18.2f} s {peak:>16} MB", flush=True)


def _run(words: tuple[str, ...], folder: Path, settings: dict[str, str]) -> int:
    """One command in a process of its own; returns its peak memory in MB. Raises SystemExit when it says no."""
    command = [sys.executable, "-m", "jobs", *words]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), **settings}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(words)}: {said.read().decode()}")
    return usage.ru_maxrss // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

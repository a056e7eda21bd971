"""A newsletter through the whole way out, beside Postfix's own load generator: `./run bench send`.

20,000 personal letters of 31 KB HTML and 3 KB text with ten token links go from the outbox of a SQLite file (FULL, the
journal on) over at most ten connections into Postfix's smtp-sink on loopback: claimed, looked at, filled, submitted,
recorded. By turns with smtp-source, which sends a constant mail of the same size without knowing to whom, and with
what everybody writes first: EmailMessage and smtplib. Each part is a process of its own. Prints letters a second, CPU
microseconds a letter, peak memory, the ratio to smtp-source within each round. Options: [LETTERS] [ROUNDS] [--json].
"""

import json
import os
import resource
import secrets
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import insert

from bench.imprint import NAMES, edition
from contacts.database import Database
from contacts.member import ACTIVE, Member
from contacts.migrate import upgrade
from jobs import app as jobs_app
from jobs import config
from jobs.send_outbox import send_outbox
from mailer.outbound import outbox
from mailer.outbound.issue import NEWSLETTER, SENDING, FrozenEdition, Issue
from mailer.outbound.outbox import OutboxItem

CONNECTIONS = 10
LINKS = ("link.unsubscribe", "link.preferences")
WIRE_SIZE = 37_000  # about what a letter of ours is on the wire
_PLAIN_SHARE = 40  # smtplib is so much slower that one in forty letters is enough to know its speed


# --- the parts, each in a process of its own --------------------------------------------------------------------------


def whole(port: int, letters: int) -> int:
    """The daemon's own round on a database with an issue that goes out; only the sending is timed."""
    with tempfile.TemporaryDirectory(prefix="verbinden-send-") as folder:
        settings = {
            "NETWORK_NAME": "Lerend netwerk", "NETWORK_ADDRESS": "netwerk@learning.example",
            "IMAP_URL": "imap://netwerk%40learning.example@127.0.0.1:9", "IMAP_PASSWORD": "unused",
            "SMTP_URL": f"smtp://127.0.0.1:{port}", "SMTP_CONNECTIONS": str(CONNECTIONS),
            "SECRET_KEY": secrets.token_hex(32), "DATA_DIR": folder, "WEB_URL": "https://learning.example",
        }  # fmt: skip
        app = jobs_app.build(config.load(Path(folder) / "none", settings))
        upgrade(app.database)
        fill(app, app.database, letters)
        with timed():
            accepted = send_outbox(app, threading.Event())
        app.close()
    return accepted


def fill(app: jobs_app.App, database: Database, letters: int) -> None:
    """A newsletter that goes out to so many members."""
    now = app.now()
    issue = {"id": 1, "key": "k" * 32, "slug": "winter", "kind": NEWSLETTER, "state": SENDING}
    with database.begin() as session:
        session.execute(insert(Issue), [{**issue, "approved_by": "an@stad.example", "approved_at": now}])
        frozen = {"id": 1, "issue_id": 1, "language": "nl", "variant": "plain", "content": edition(LINKS).to_json()}
        session.execute(insert(FrozenEdition), [frozen])
    for start in range(1, letters + 1, 5_000):
        numbers = range(start, min(start + 5_000, letters + 1))
        with database.begin() as session:
            session.execute(insert(Member), [_member(number, now) for number in numbers])
            session.execute(insert(OutboxItem), [_letter(number, now) for number in numbers])


def _member(number: int, now: datetime) -> dict[str, object]:
    address = f"p{number}@huis.example"
    return {
        "id": number, "key": f"{number:032x}", "address": address, "address_key": address,
        "name": f"{NAMES[number % len(NAMES)]} Persoon", "language": "nl", "state": ACTIVE, "discreet": "off",
        "created_at": now,
    }  # fmt: skip


def _letter(number: int, now: datetime) -> dict[str, object]:
    return {
        "kind": NEWSLETTER, "issue_id": 1, "edition_id": 1, "member_id": number, "recipient": f"p{number}@huis.example",
        "return_path": "netwerk@learning.example", "message_id": f"<{number:040x}@learning.example>",
        "state": outbox.QUEUED, "attempt": 0, "next_attempt_at": now, "give_up_at": now + timedelta(days=5),
        "created_at": now,
    }  # fmt: skip


def with_smtplib(port: int, letters: int) -> int:
    """The loop everybody writes first: an EmailMessage for each reader, over one connection."""
    made, count = edition(LINKS), max(letters // _PLAIN_SHARE, 1)
    with timed(), smtplib.SMTP("127.0.0.1", port) as relay:
        for number in range(count):
            mail = EmailMessage()
            mail["From"], mail["To"] = "netwerk@learning.example", f"p{number}@huis.example"
            mail["Subject"] = made.subject
            mail.set_content(made.text.replace("collega", NAMES[number % len(NAMES)]))
            mail.add_alternative(made.html.replace("collega", NAMES[number % len(NAMES)]), subtype="html")
            relay.send_message(mail)
    return count


@contextmanager
def timed() -> Iterator[None]:
    """Print how long the block took, and how much of our processor."""
    begun, used = time.perf_counter(), time.process_time()
    yield
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    print(json.dumps({"seconds": seconds, "cpu": cpu}), flush=True)


PARTS: dict[str, Callable[[int, int], int]] = {"verbinden": whole, "smtplib": with_smtplib}


def part(name: str, port: str, letters: str) -> None:
    """Run one part and print how it went."""
    count = PARTS[name](int(port), int(letters))
    print(json.dumps({"letters": count, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


# --- side by side -----------------------------------------------------------------------------------------------------


def tool(name: str) -> str:
    """Where Postfix's tool is; SystemExit says how to get it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is not here; it comes with Debian's package postfix: apt-get install postfix")
    return found


@contextmanager
def sink() -> Iterator[int]:
    """Postfix's smtp-sink on a port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    process = subprocess.Popen([tool("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "100"])
    try:
        for _ in range(100):
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def with_smtp_source(port: int, letters: int) -> dict[str, float]:
    """Postfix's load generator: the whole process is timed."""
    command = [tool("smtp-source"), "-s", str(CONNECTIONS), "-m", str(letters), "-l", str(WIRE_SIZE)]
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"letters": letters, "seconds": time.perf_counter() - begun, "cpu": cpu, "peak_mb": 0}


def run(name: str, port: int, letters: int) -> dict[str, float]:
    """One part as a process; what it printed."""
    command = [sys.executable, "-P", "-m", "bench.send", "--part", name, str(port), str(letters)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, float] = {}
    for row in done.stdout.splitlines():
        found |= json.loads(row)
    return found


def main(letters: int, rounds: int, as_json: bool) -> int:
    """Run the parts by turns and say how they compare."""
    results: dict[str, list[dict[str, float]]] = {}
    with sink() as port:
        for _ in range(rounds):
            results.setdefault("smtp-source", []).append(with_smtp_source(port, letters))
            for name in PARTS:
                results.setdefault(name, []).append(run(name, port, letters))
    base = [one["letters"] / one["seconds"] for one in results["smtp-source"]]
    for name, found in results.items():
        speeds = [one["letters"] / one["seconds"] for one in found]
        row = {
            "part": name,
            "letters_a_second": round(statistics.median(speeds)),
            "times_smtp_source": round(statistics.median(a / b for a, b in zip(speeds, base, strict=True)), 3),
            "cpu_us_a_letter": round(statistics.median(one["cpu"] / one["letters"] for one in found) * 1e6),
            "peak_mb": round(max(one["peak_mb"] for one in found)),
        }
        print(json.dumps(row) if as_json else "  ".join(f"{key} {value}" for key, value in row.items()))
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        part(*sys.argv[2:])
        sys.exit(0)
    given = [int(one) for one in sys.argv[1:] if one.isdigit()]
    sys.exit(main(*[*given, *(20_000, 5)[len(given) :]][:2], "--json" in sys.argv))

"""Ten thousand mails through the whole way in, beside a loop of imap-tools that reads them: `./run bench inbound`.

A Dovecot of its own holds the same mailbox twice: short answers, letters with HTML, bounces, newsletters, documents of
8 to 200 KB, some of 5 MB and one of 24 MB. Each part runs in a process of its own, by turns: imap-tools (in bulk, and
`.text`), fetching with reading and understanding, and the whole: fetched, understood, committed, answered, filed.
What people write is drawn from the examples the understanding learns from; of these one in twelve is a cry for help,
here one in a hundred is, which is more than a real mailbox brings.
Prints mails a second, their ratios, and peak memory. Options: [MAILS] [ROUNDS].
"""

import base64
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from random import Random

from imap_tools.mailbox import MailBoxUnencrypted

from contacts import coordinator, roster
from contacts.address import Address
from contacts.migrate import upgrade
from contacts.roster import Person
from jobs import app as jobs_app
from jobs import config, heartbeat
from jobs.read_mailbox import drain
from mailer.inbound.mailbox import Mailbox
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.understanding import Thread, prepare, understand
from mailer.outbound.outbox import ACCEPTED, OutboxItem

EXAMPLES = Path(__file__).parents[1] / "mailer" / "inbound" / "understanding" / "examples"
USERS = ("plain@verbinden.example", "whole{}@verbinden.example")
MEMBERS = 500
HELP_SHARE = 0.01


# --- the mailbox ------------------------------------------------------------------------------------------------------


def texts() -> list[tuple[str, str, str]]:
    """(thread, subject, text) of mails as people write them, cries for help as seldom as HELP_SHARE says."""
    found = [json.loads(line) for file in sorted(EXAMPLES.glob("*.jsonl")) for line in file.read_text().splitlines()]
    helps = [one for one in found if "help" in one["kinds"]]
    others = [one for one in found if "help" not in one["kinds"]]
    some = helps[:: round(len(helps) / (len(others) * HELP_SHARE / (1 - HELP_SHARE)))]
    return [
        (one["thread"], one["subject"], "\n".join(text for text, _ in one["lines"])) for one in (*others, *some)
    ]


def letter_id(number: int) -> str:
    """The Message-ID of a letter of ours to member `number`."""
    return f"<{number:040x}@verbinden.example>"


def mails(count: int) -> Iterator[bytes]:
    """The mailbox, the same at every call."""
    chance, written = Random(7), texts()
    for number in range(count):
        share = number % 100
        if number == count // 2:
            yield attached(number, chance, written, 18 * 2**20)
        elif number % 250 == 1:
            yield attached(number, chance, written, 4 * 2**20)
        elif share < 45:
            yield answer(number, chance, written)
        elif share < 65:
            yield answer(number, chance, written, html=True)
        elif share < 75:
            yield bounce(number)
        elif share < 85:
            yield newsletter(number, chance, written)
        else:
            yield attached(number, chance, written, chance.randrange(6_000, 150_000))


def envelope(number: int, subject: str, to_letter: bool) -> EmailMessage:
    mail = EmailMessage()
    who = number % (2 * MEMBERS)
    mail["Return-Path"] = f"<p{who}@huis.example>"
    mail["Received"] = "from huis.example by mx.verbinden.example; Mon, 23 Nov 2026 09:30:00 +0100"
    mail["From"] = f"Persoon {who} <p{who}@huis.example>"
    mail["To"] = "netwerk@verbinden.example"
    mail["Subject"] = subject
    mail["Date"] = "Mon, 23 Nov 2026 09:30:00 +0100"
    mail["Message-ID"] = f"<{number}.bench@huis.example>"
    if to_letter:
        mail["In-Reply-To"] = mail["References"] = letter_id(who)
    return mail


QUOTED = "\n".join(f"> regel {line} van onze brief: https://verbinden.example/a/{line}" for line in range(25))
ATTRIBUTION = "Op ma 23 nov 2026 om 09:00 schreef Lerend netwerk <netwerk@verbinden.example>:"


def answer(number: int, chance: Random, written: list[tuple[str, str, str]], html: bool = False) -> bytes:
    """What somebody writes, above our letter where it answers one."""
    thread, subject, text = chance.choice(written)
    replies = thread != "none"
    mail = envelope(number, f"Re: {subject}" if replies else subject, replies)
    mail.set_content(f"{text}\n\n{ATTRIBUTION}\n\n{QUOTED}\n" if replies else text)
    if html:
        lines = "".join(f"<div>{line}</div>" for line in text.split("\n"))
        quote = f'<div class="gmail_quote"><blockquote>{QUOTED.replace("> ", "")}</blockquote></div>' if replies else ""
        style = "<style>" + "p.Mso { margin: 0; font-family: sans-serif; }\n" * 60 + "</style>"
        mail.add_alternative(f"<html><head>{style}</head><body>{lines}{quote}</body></html>", subtype="html")
    return mail.as_bytes(policy=SMTP)


def newsletter(number: int, chance: Random, written: list[tuple[str, str, str]]) -> bytes:
    """A newsletter of somebody else's, to a list, in one language: neighbours among the examples."""
    mail = envelope(number, "Nieuwsbrief november", False)
    mail["List-Id"] = "<nieuws.anderen.example>"
    mail["Precedence"] = "bulk"
    start = chance.randrange(len(written) - 12)
    text = "\n\n".join(one for _, _, one in written[start : start + 12])
    mail.set_content(text)
    rows = "".join(f"<tr><td>{line}</td></tr>" for line in text.split("\n"))
    mail.add_alternative(f"<table>{rows}</table>", subtype="html")
    return mail.as_bytes(policy=SMTP)


def attached(number: int, chance: Random, written: list[tuple[str, str, str]], size: int) -> bytes:
    """A mail with a picture or a document."""
    thread, subject, text = chance.choice(written)
    mail = envelope(number, subject, thread != "none")
    mail.set_content(text)
    mail.add_attachment(b"\0", "application", "pdf", filename="document.pdf")
    filler = base64.encodebytes(chance.randbytes(min(size, 200_000))).replace(b"\n", b"\r\n")
    whole = mail.as_bytes(policy=SMTP)
    return whole.replace(b"AA==", filler * (size // min(size, 200_000)), 1)


def bounce(number: int) -> bytes:
    """A mail server says that a member's box is full for now, or gone."""
    who, gone = number % MEMBERS, number % 3 == 0
    status, action = ("5.1.1", "failed") if gone else ("4.2.2", "delayed")
    return "\r\n".join(
        (
            "Return-Path: <>", "From: MAILER-DAEMON@huis.example", "To: netwerk@verbinden.example",
            "Subject: Undelivered Mail Returned to Sender", f"Message-ID: <b{number}@huis.example>",
            "Date: Mon, 23 Nov 2026 09:30:00 +0100", "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "", "--b",
            "Content-Type: text/plain", "", "This is the mail system at host mx.huis.example.",
            "I'm sorry to have to inform you that your message could not be delivered.", "", "--b",
            "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.huis.example", "",
            f"Final-Recipient: rfc822; p{who}@huis.example", f"Action: {action}", f"Status: {status}", "", "--b",
            "Content-Type: text/rfc822-headers", "", f"Message-ID: {letter_id(who)}", "Subject: Nieuwsbrief", "",
            "--b--", "",
        )
    ).encode()  # fmt: skip


def fill(maildir: Path, count: int) -> int:
    """Put the mails where Dovecot finds them; returns their octets."""
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    octets = 0
    for number, raw in enumerate(mails(count)):
        (maildir / "cur" / f"{1_790_000_000 + number}.M{number}.bench:2,").write_bytes(raw)
        octets += len(raw)
    subprocess.run(["chown", "-R", "nobody", str(maildir.parents[1])], check=True)
    return octets


# --- the parts, each in a process of its own --------------------------------------------------------------------------


def with_imap_tools(port: int, user: str, password: str) -> int:
    """The loop everybody writes first, in its faster form."""
    count = 0
    with MailBoxUnencrypted("127.0.0.1", port).login(user, password) as box:
        for message in box.fetch(mark_seen=False, bulk=100):
            count += 1
            len(message.text)
    return count


def with_understanding(port: int, user: str, password: str) -> int:
    """Fetch, read and understand; nothing is kept."""
    from mailer.account import Account, Secret

    count = 0
    prepare()
    with Mailbox(Account("imap", "127.0.0.1", port, user, Secret(password))) as box:
        waiting = box.waiting()
        for start in range(0, len(waiting), 50):
            for raw in box.fetch_all([one.uid for one in waiting[start : start + 50]]).values():
                message = read(raw)
                if isinstance(message, InboundMessage):
                    understand(message, Thread("newsletter" if message.thread_ids else "none"))
                count += 1
    return count


def with_everything(port: int, user: str, password: str) -> int:
    """The daemon's own round, on a database of its own with members, coordinators and letters that went out."""
    with tempfile.TemporaryDirectory(prefix="verbinden-inbound-") as folder:
        settings = {
            "NETWORK_NAME": "Lerend netwerk", "NETWORK_ADDRESS": "netwerk@verbinden.example",
            "IMAP_URL": f"imap://{user}@127.0.0.1:{port}", "IMAP_PASSWORD": password,
            "SMTP_URL": "smtp://127.0.0.1:9", "SECRET_KEY": secrets.token_hex(32), "DATA_DIR": folder,
            "WEB_URL": "https://verbinden.example",
        }  # fmt: skip
        app = jobs_app.build(config.load(Path(folder) / "none", settings))
        upgrade(app.database)
        populate(app)
        begun = time.perf_counter()
        with app.open_mailbox() as box:
            count = drain(app, box, threading.Event(), set())
        print(json.dumps({"seconds": time.perf_counter() - begun}), flush=True)
        left = heartbeat.read(app.data_dir)
        app.close()
        return count if left else 0


def populate(app: jobs_app.App) -> None:
    """Two coordinators, and members who were each sent a newsletter."""
    now = app.now()
    with app.database.begin() as session:
        for name in ("an", "karim"):
            coordinator.add(session, Address.parse(f"{name}@stad.example"), name, "nl", now)
        for number in range(MEMBERS):
            person = Person(Address.parse(f"p{number}@huis.example"), f"Persoon {number}")
            member = roster.add(session, person, "nl", now, app.new_key)
            roster.record_consent(session, member, "bench", now, app.new_key)
            session.add(
                OutboxItem(
                    kind="newsletter", member_id=member.id, recipient=member.address, return_path="",
                    message_id=letter_id(number), state=ACCEPTED, next_attempt_at=now,
                    give_up_at=now + timedelta(days=5), created_at=now - timedelta(days=2),
                )
            )  # fmt: skip


PARTS: dict[str, Callable[[int, str, str], int]] = {
    "imap_tools": with_imap_tools,
    "understand": with_understanding,
    "whole": with_everything,
}


def part(name: str, port: str, user: str, password: str) -> None:
    """Run one part and print how it went."""
    begun = time.perf_counter()
    count = PARTS[name](int(port), user, password)
    seconds = time.perf_counter() - begun
    print(json.dumps({"mails": count, "seconds": seconds, "peak_mb": peak()}))


def peak() -> int:
    """The most memory this process ever had, in MB; getrusage would begin with that of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


def run(name: str, port: int, user: str, password: str) -> dict[str, float]:
    """One part as a process; what it printed, an own clock of the part winning over that of the process."""
    command = [sys.executable, "-P", "-m", "bench.inbound", "--part", name, str(port), user, password]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    first, *_ = rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {**rows[-1], "seconds": first["seconds"]}


def main(count: int, rounds: int) -> int:
    """Fill the mailboxes, run the parts by turns, and say how they compare."""
    from tests.servers import dovecot, open_folder

    results: dict[str, list[dict[str, float]]] = {name: [] for name in PARTS}
    with open_folder() as folder, dovecot.running(folder) as server:
        first = server.mailboxes / "verbinden.example" / "plain"
        octets = fill(first, count)
        print(f"{count} mails, {octets / 1e6:.0f} MB", file=sys.stderr)
        run("imap_tools", server.port, USERS[0], dovecot.PASSWORD)  # Dovecot indexes what it sees for the first time
        for turn in range(rounds):
            whole = first.with_name(USERS[1].format(turn).partition("@")[0])
            shutil.copytree(first, whole)
            subprocess.run(["chown", "-R", "nobody", str(whole)], check=True)
            for name in PARTS:
                user = USERS[1].format(turn) if name == "whole" else USERS[0]
                results[name].append(run(name, server.port, user, dovecot.PASSWORD))
    report(results)
    return 0


def report(results: dict[str, list[dict[str, float]]]) -> None:
    """Mails a second, memory, and the ratio to imap-tools within each round."""
    base = [one["mails"] / one["seconds"] for one in results["imap_tools"]]
    for name, found in results.items():
        speeds = [one["mails"] / one["seconds"] for one in found]
        ratio = statistics.median(speed / other for speed, other in zip(speeds, base, strict=True))
        most = max(one["peak_mb"] for one in found)
        print(json.dumps({"part": name, "mails_a_second": round(statistics.median(speeds)),
                          "times_imap_tools": round(ratio, 2), "peak_mb": most}))  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        part(*sys.argv[2:])
        sys.exit(0)
    sys.exit(main(*(int(one) for one in [*sys.argv[1:], "10000", "3"][:2])))

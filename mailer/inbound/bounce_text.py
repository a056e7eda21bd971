"""Bounces written for people: which recipients they name, and what they say became of each; wordings in bounces.toml.

No format is known by its maker's name. What is read is what all of them share: a sentence that says that something did
not arrive, addresses that stand in it or below it, and then our own mail given back, which is not read at all.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from mailer.inbound.delivery_status import Recipient, find_status
from mailer.inbound.fold import fold
from mailer.inbound.headers import addresses, clean
from mailer.inbound.message import InboundMessage

LONGEST = 30_000
_LONGEST_LINE = 1_000
_MOST_LINES = 600
_MOST_NAMED = 100
# What may stand before an address that begins its line, in lists of any make.
_BEFORE = " \t\r>*•·-–—=|[(<\"'“„«:"
_TYPES = ("smtp:", "smtp=", "rfc822;", "mailto:")


@cache
def _table() -> dict[str, object]:
    return tomllib.loads(files("mailer.inbound").joinpath("bounces.toml").read_text(encoding="utf-8"))


@cache
def wordings(name: str) -> tuple[str, ...]:
    """The folded texts of one list of bounces.toml; raises KeyError for a list that it does not hold."""
    found = _table()[name]
    return tuple(fold(text) for text in found) if isinstance(found, list) else ()


@cache
def _causes() -> tuple[tuple[str, str], ...]:
    found = _table()["causes"]
    pairs = found.items() if isinstance(found, dict) else ()
    return tuple((fold(text), status) for status, texts in pairs for text in texts)


def says(text: str, name: str) -> bool:
    """Whether folded text holds one of the wordings of a list."""
    return any(wording in text for wording in wordings(name))


def cause(text: str) -> str:
    """The status of RFC 3463 that a refusal means: the one it gives, else the one its words mean, else ""."""
    plain = _plain(text)
    return find_status(text) or next((status for wording, status in _causes() if wording in plain), "")


def _plain(text: str) -> str:
    return " ".join(fold(text).replace("’", "'").split())


@dataclass(slots=True)
class _Reading:
    """One bounce being read: the recipients found so far, each with the line on which it stands."""

    ours: frozenset[str]
    domain: str
    mode: str
    before: str = ""
    apart: bool = True
    named: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    origins: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def take(self, line: str, at: int) -> None:
        """Look at one line, together with the last one before it that was not blank."""
        if line.strip():
            near = _plain(f"{self.before} {line}")
            self.mode = _mode(near) or self.mode
            self._read(line, _plain(line), near, at)
            self.before = line
        self.apart = not line.strip()

    def _read(self, line: str, here: str, near: str, at: int) -> None:
        if "@" not in line:
            self._take_local(line, at)
            return
        found = [] if _is_field(line) else [one for one in addresses(line, limit=20) if self._is_foreign(one, here)]
        if found and self.mode and _begins(line, found[0]) and self._stands():
            self._add(self.named, found[:1], at)
        elif not found or says(here, "asking"):
            return
        elif says(here, "original"):
            self._add(self.named if says(near, "failed") else self.origins, found, at)
        elif _mode(near) or any(wording in here for wording, _ in _causes()):
            self._add(self.named, found, at)

    def _stands(self) -> bool:
        """Whether a line that begins with an address is one of a list, and not the middle of a sentence."""
        before = self.before.rstrip()
        return self.apart or not before[-1:].isalpha() or "@" in before or bool(_mode(_plain(before)))

    def _take_local(self, line: str, at: int) -> None:
        """A mail system may list its own people without its own name: "screenname"."""
        word = line.strip()
        alone = 1 < len(word) < 65 and line[:1].isspace() and word.replace(".", "").replace("_", "").isalnum()
        if alone and self.domain and self.before.rstrip().endswith(":") and says(_plain(self.before), "failed"):
            self._add(self.named, [f"{word}@{self.domain}"], at)

    def _add(self, names: dict[str, tuple[str, str, int]], found: list[str], at: int) -> None:
        for one in found:
            if len(names) < _MOST_NAMED:
                names.setdefault(one.lower(), (one, self.mode or "failed", at))

    def _is_foreign(self, address: str, here: str) -> bool:
        """Whether it can be a recipient: not ourselves, not a sender, and nobody whom one is told to ask."""
        plain = address.lower()
        sender = f"from {plain}" in here and not says(here, "original")
        return plain not in self.ours and not sender and plain.partition("@")[0] not in wordings("helpers")


def _mode(near: str) -> str:
    for name in ("delivered", "delayed", "failed"):
        if says(near, name):
            return name
    return ""


def _is_field(line: str) -> bool:
    """A header line such as "To: ...", of the mail that came back."""
    name, colon, _ = line.lstrip(" \t*|>").partition(":")
    return bool(colon) and fold(name).strip() in wordings("fields")


def _begins(line: str, address: str) -> bool:
    bare = line.lstrip(_BEFORE).lower()
    for kind in _TYPES:
        bare = bare.removeprefix(kind).lstrip(_BEFORE)
    return bare.startswith(address.lower())


def _lines(text: str) -> Iterator[str]:
    """The lines a mail system wrote itself, up to where it gives our mail back."""
    for line in text[:LONGEST].split("\n")[:_MOST_LINES]:
        short = line.strip()
        if len(short) < 120 and _gives_back(_plain(short)):
            return
        yield line[:_LONGEST_LINE]


def _gives_back(plain: str) -> bool:
    """Whether our own mail begins here; "did not receive a copy of your message:" is still theirs."""
    begins = plain.lstrip("-–—=_*>|[ ").startswith(wordings("returning"))
    return (begins or says(plain, "returned")) and not says(plain, "failed") and not plain.startswith("subject")


def named_recipients(message: InboundMessage, text: str, announced: str) -> tuple[Recipient, ...]:
    """The recipients that a bounce names in words; `announced` is what its subject already said ("failed" or "")."""
    reading = _Reading(_ours(message), _own_domain(message), announced)
    lines = [message.subject, "", *_lines(text)]
    for at, line in enumerate(lines):
        reading.take(line, at)
    waiting = is_warning(message.subject, "\n".join(lines))
    return (*_told(lines, reading.named, waiting), *_origins(reading, waiting))


def _ours(message: InboundMessage) -> frozenset[str]:
    """To whom the bounce itself was sent, and who sent it."""
    shown = (value for name in ("to", "cc", "delivered-to") for value in message.headers.get(name, ()))
    ours = (*(one for value in shown for one in addresses(value)), message.return_path or "", _author(message))
    return frozenset(one.lower() for one in ours)


def _own_domain(message: InboundMessage) -> str:
    local, _, domain = _author(message).lower().partition("@")
    return domain if local in wordings("senders") else ""


def _told(lines: list[str], named: dict[str, tuple[str, str, int]], waiting: bool) -> Iterator[Recipient]:
    spots = sorted({at for _, _, at in named.values()} | {len(lines)})
    for address, mode, at in named.values():
        until = spots[bisect_right(spots, at)]
        said = "\n".join(lines[at : min(until, at + 12)])
        alone = "\n".join(lines)[:6000] if len(named) == 1 else ""
        yield Recipient(_action(mode, waiting), cause(said[:6000]) or cause(alone), clean(said, 500), address)


def _origins(reading: _Reading, waiting: bool) -> Iterator[Recipient]:
    """Addresses that lead to one that failed: without a status, for what is told is told of the other one."""
    for key, (address, mode, _) in reading.origins.items():
        if key not in reading.named:
            yield Recipient(_action(mode, waiting), "", "", address)


def _action(mode: str, waiting: bool) -> str:
    return "delayed" if waiting and mode == "failed" else mode


def is_warning(subject: str, text: str) -> bool:
    """Whether a bounce only says that the mail waits still (RFC 5321 §4.5.4.1)."""
    return says(_plain(f"{subject}\n{text[:LONGEST]}"), "warnings")


def _author(message: InboundMessage) -> str:
    return message.author.address if message.author else ""


def is_from_mail_system(message: InboundMessage) -> bool:
    """Whether the author, or who answers for the mail on its way, bears the name of a mail system, or none at all."""
    locals_ = {one.partition("@")[0].lower() for one in (_author(message), message.return_path or "")}
    nobody = message.author is None and message.header("from").strip() in ("", "<>")
    return nobody or not locals_.isdisjoint(wordings("senders"))


def has_null_path(message: InboundMessage) -> bool:
    """Whether the mail says that nothing may come back to it (RFC 5321 §4.5.5); "Return-Path: root" is not that."""
    return message.return_path == "" and message.header("return-path").replace(" ", "") == "<>"


def announces(subject: str) -> str:
    """What a subject says of a mail of ours: "failed", "delayed" or ""; an answer to a bounce says nothing."""
    plain = _plain(subject)
    if plain.startswith(("re:", "fw:", "fwd:", "aw:", "antw:", "tr:", "wg:", "sv:", "rv:", "ynt:", "odp:")):
        return ""
    if says(plain, "warnings"):
        return "delayed"
    return "failed" if says(plain, "subjects") else ""

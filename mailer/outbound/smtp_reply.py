"""What an SMTP server says (RFC 5321 §4.2), read line by line without trusting it, and what is kept of it."""

import re
from dataclasses import dataclass
from typing import NamedTuple

_LONGEST_LINE = 4096
_MOST_LINES = 100
_LONGEST_TEXT = 300
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """How an attempt ended: the last phase begun, and what the server said there, if it said anything.

    `phase` is connect (no connection was left to begin on), mail, rcpt, data (before 354), in_data, dot_sent (the dot
    was written and no answer can be relied on) or replied; `code` is None when the connection was lost. `text` is
    cleaned and at most 300 characters; it may name the recipient, so it is for the outbox and never for a log.
    """

    phase: str
    code: int | None = None
    enhanced: str | None = None
    text: str = ""


class Answer(NamedTuple):
    """One reply of the server: its code and the rest of its lines, as they came."""

    code: int
    raw: tuple[bytes, ...]

    @property
    def lines(self) -> list[str]:
        """The lines, decoded, whatever they hold."""
        return [line.decode("utf-8", "replace") for line in self.raw]

    @property
    def text(self) -> str:
        """The words, without controls and repeated status codes, cut."""
        return _clean(" ".join(_ENHANCED.sub("", line, count=1) for line in self.lines))

    def reply(self, phase: str) -> Reply:
        """As the end of an attempt; the enhanced code only where it belongs to the code's class (RFC 2034 §4)."""
        found = _ENHANCED.match(self.raw[0].decode("utf-8", "replace"))
        enhanced = found[1] if found and int(found[1][0]) == self.code // 100 else None
        return Reply(phase, self.code, enhanced, self.text)


def _clean(words: str) -> str:
    if not words.isprintable():
        words = "".join(char if char.isprintable() else " " for char in words)
    return " ".join(words.split())[:_LONGEST_TEXT]


class Replies:
    """Bytes as they come in → whole replies. `fault` is set at the first thing that is no SMTP, and nothing follows it.

    Time is linear in the bytes, memory at most one long line and a hundred short ones, whatever a server sends.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._rest = b""
        self._code = b""
        self._lines: list[bytes] = []

    @property
    def is_between(self) -> bool:
        """Whether everything that came belonged to whole replies."""
        return not (self._rest or self._lines or self.fault)

    def feed(self, data: bytes) -> list[Answer]:
        """The replies that are whole now."""
        found: list[Answer] = []
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self.fault:
                break
            self._read(line, found)
        if len(self._rest) > _LONGEST_LINE:
            self.fault = self.fault or "a reply line without an end"
        return found

    def _read(self, line: bytes, found: list[Answer]) -> None:
        legal = _LINE.fullmatch(line.rstrip(b"\r"))
        if not legal or len(line) > _LONGEST_LINE:
            self.fault = "a reply that is no SMTP"
            return
        code, mark, words = legal.groups(b"")
        if mark != b"-" and not self._lines:
            found.append(Answer(int(code), (words,)))
        else:
            self._continue(code, mark, words, found)

    def _continue(self, code: bytes, mark: bytes, words: bytes, found: list[Answer]) -> None:
        """A line of several: the code is the same on each (RFC 5321 §4.2.1)."""
        if (self._lines and self._code != code) or len(self._lines) >= _MOST_LINES:
            self.fault = "a reply that is no SMTP"
            return
        self._code = code
        self._lines.append(words)
        if mark != b"-":
            found.append(Answer(int(code), tuple(self._lines)))
            self._lines = []

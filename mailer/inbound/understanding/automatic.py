"""What programs write in people's names, known by its words alone; the words stand in words/automatic.toml.

Pure functions over a text of any language at once: such notes are short and formal, and often in two languages.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from mailer.inbound.fold import fold
from mailer.inbound.headers import addresses

_WORD = re.compile(r"[^\W_]+")
_LONGEST_NOTE = 1_200
_MOST_READ = 3_000
_BEGINNING = 700
_HEAD = 300
_REACH = 45  # how far behind "until" the day of return may stand
SURELY, PERHAPS = 4, 3


@dataclass(frozen=True, slots=True)
class Departure:
    """Somebody who is gone from an address: `successor` is whom to write to instead, or None."""

    gone: bool = False
    successor: str | None = None


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    source = files("mailer.inbound.understanding").joinpath("words", "automatic.toml").read_text(encoding="utf-8")
    return tomllib.loads(source)


@cache
def _phrases(section: str, name: str) -> tuple[str, ...]:
    return tuple(f" {plain(phrase).strip()}" for phrase in _table()[section][name])


@lru_cache(maxsize=4)  # the same few words are looked at from several sides
def plain(text: str) -> str:
    """Folded words between single blanks, with one before the first and one after the last."""
    return f" {' '.join(_WORD.findall(fold(text)))} "


def _has(text: str, section: str, name: str) -> bool:
    return any(phrase in text for phrase in _phrases(section, name))


def is_absence_start(subject: str) -> bool:
    """A subject of the languages without a file of their own: "Risposta automatica: ..."."""
    return plain(subject[:200]).startswith(_phrases("subjects", "absent"))


def is_doubtful_start(subject: str) -> bool:
    """A beginning that people write as well as programs: "Absence"."""
    return plain(subject[:200]).startswith(_phrases("subjects", "doubtful"))


def absence(own: str) -> int:
    """How strongly the newest words of a mail are an absence note: at least SURELY, at least PERHAPS, or less.

    Away has to stand at the beginning, with a day of return or somebody who stands in; whoever speaks to us at the same
    time ("so I cannot come") is a person.
    """
    if len(own) > _LONGEST_NOTE:
        return 0
    text = plain(own)
    head = text[:_HEAD]
    formal, soft = _has(head, "away", "formal"), _has(head, "away", "soft")
    if not (formal or soft) or _has(text, "away", "answering"):
        return 0
    until, instead = _names_return(text[:_BEGINNING]), _has(text[:_BEGINNING], "away", "instead")
    if not (until or instead):
        return 0
    reached = instead and ("@" in own or sum(char.isdigit() for char in own) >= 8)
    return 2 * formal + soft + until + instead + reached + _has(text, "desk", "automated")


def _names_return(text: str) -> bool:
    """Whether a date stands shortly after "until": a number, or the name of a day or month as one of the next words."""
    for after in _after(text, _phrases("away", "until")):
        near = f" {' '.join(after.split()[:4])}"
        if any(char.isdigit() for char in after) or _has(near, "away", "dates"):
            return True
    return False


def _after(text: str, phrases: tuple[str, ...]) -> Iterator[str]:
    """The words that follow each of these phrases, as whole words."""
    for phrase in phrases:
        at = text.find(f"{phrase} ")
        while at >= 0:
            end = at + len(phrase)
            yield text[end : end + _REACH]
            at = text.find(f"{phrase} ", end)


def without_stand_in(own: str) -> str:
    """A note without the sentences that name a stand-in: "in urgent cases please write to ..." is no cry for help."""
    sentences = own.replace("\n", " ").replace("? ", ". ").replace("! ", ". ").split(". ")
    return ". ".join(one for one in sentences if not _names_stand_in(one))


def _names_stand_in(sentence: str) -> bool:
    reached = "@" in sentence or sum(char.isdigit() for char in sentence) >= 8
    return reached and _has(plain(sentence), "away", "instead")


def departure(text: str, known: frozenset[str], from_mail_system: bool = False) -> Departure:
    """Whether a note says that somebody has left, or is reached elsewhere, and where; `known` addresses in lower case.

    To be asked of what is an automatic mail, or a bounce, for other reasons: people write so of themselves as well.
    A mail system says it with fewer words than a note ("please try ...").
    """
    short = text[:_LONGEST_NOTE]
    words = plain(short)
    gone, moved = _has(words, "left", "gone"), _has(words, "left", "moved")
    moved = moved or (from_mail_system and _has(words, "left", "elsewhere"))
    if not (gone or moved):
        return Departure()
    others = [one for one in addresses(short, limit=10) if one.lower() not in known]
    return Departure(gone, others[0] if others else None)


def is_departure_note(own: str) -> bool:
    """Whether a short text without any wish is such a note: gone, and whom to write to instead."""
    if len(own) > 800 or "@" not in own:
        return False
    text = plain(own)
    told = _has(text[:_HEAD], "left", "gone") and (_has(text, "away", "instead") or _has(text, "left", "moved"))
    return told and not _has(text, "away", "answering")


def is_receipt(subject: str, own: str) -> bool:
    """Whether a desk's program says "we have received your mail": it must promise, or say that it is a program."""
    text = plain(own[:_MOST_READ])
    numbered = "#" in subject or "[" in subject
    ticket = numbered and any(char.isdigit() for char in subject) and _has(plain(subject), "subjects", "ticket")
    ticket = ticket or ("[#" in subject and any(char.isdigit() for char in subject))
    automated = _has(text, "desk", "automated")
    if not _has(f"{plain(subject)}{text}", "desk", "received"):
        return ticket and automated
    return ticket or automated or (_has(text, "desk", "promised") and len(own) < _LONGEST_NOTE)


def is_challenge(own: str) -> bool:
    """Whether a program asks the sender to prove that they are human: by a link, or by answering."""
    return len(own) <= _MOST_READ and _has(plain(own), "desk", "challenge")

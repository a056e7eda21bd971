"""The newest words of an author, apart from what they quote, forward or sign with; linear in the length of the mail."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mailer.inbound.html_text import OWN, SIGNED, WEAK, may_mark, read_html, strip_tags
from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_lines import sort_lines
from mailer.inbound.reply_marks import banner_length, subject_kind
from mailer.inbound.reply_signature import cut_signature

MAX_TEXT = 200_000
MAX_OWN = 40_000
MAX_LINES = 4_000
# What a text part shows beside words of the HTML part: where links lead, and which picture stood there.
_SHOWN_LINKS = re.compile(r"<(?:https?|mailto|tel):[^<>\s]*+>|\[(?:cid|image|afbeelding)[^\[\]\n]*+\]|https?://\S++")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Words:
    """`own`: newest words; `signature`: what they sign with; `quoted`: the mail answered; `forwarded`: passed on."""

    own: str
    signature: str
    quoted: str
    forwarded: str


def newest(message: InboundMessage) -> str:
    """Only what the author wrote now: no quotes, signature or disclaimer (it may be empty)."""
    return read_words(message).own


def read_words(message: InboundMessage) -> Words:
    """Split the text of a mail: the structure of its HTML comes first, the lines of its text second.

    Words of the author that only one of the two bodies holds are kept. What cannot be told apart from a quote is
    quoted: answers between the lines of an unmarked one that differ by their colour or their weight only.
    """
    names, kind = _names(message), _kind(message)
    words = _read_bodies(message.text, message.html, names, kind)
    if not message.forwarded:
        return words
    forwarded = "\n\n".join([words.forwarded, *message.forwarded]).strip()
    return Words(words.own, words.signature, words.quoted, forwarded[:MAX_TEXT])


def _read_bodies(text: str, source: str | None, names: frozenset[str], kind: str) -> Words:
    if not source:
        return split_text(text, names, kind)
    flat = _squeezed(text)
    if flat and not may_mark(source) and _squeezed(strip_tags(source)) in flat:
        return split_text(text, names, kind)
    html = read_html(source)
    shown = _split(*_shortened(html.lines, html.marks), names, kind)
    if not flat or (shown.own and flat == _squeezed(html.text)):
        return shown
    written = split_text(text, names, kind)
    if not html.marked:
        return _with_missing(written, shown, text)
    return _with_missing(shown, written, html.text)


def _squeezed(text: str) -> str:
    """The characters of a text without white space and without the marks of quotes, lists and lines."""
    return "".join(text.replace(">", " ").replace("*", " ").replace("-", " ").replace("_", " ").split())


def _with_missing(words: Words, other: Words, all_text: str) -> Words:
    """The words of the better body, and those of the author that stand nowhere in it but in the other body."""
    if not other.own or _squeezed(other.own) in _squeezed(f"{words.own}\n{words.signature}"):
        return words
    if not words.own and other.quoted:
        # One body takes all for a quote, the other one shows which lines are none: an answer between quotes.
        return Words(other.own, words.signature, words.quoted, words.forwarded)
    known = _Known(all_text[:MAX_TEXT])
    lines = [line for line in other.own.split("\n") if not known.holds(line)]
    if not lines:
        return words
    return Words(f"{words.own}\n\n{_join(lines)}".strip()[:MAX_OWN], words.signature, words.quoted, words.forwarded)


class _Known:
    """Which words, pairs and triples of words a text holds."""

    def __init__(self, text: str) -> None:
        words = _spoken(text)
        self.words, self.pairs = set(words), set(pairwise(words))
        self.triples = set(_triples(words))

    def holds(self, line: str) -> bool:
        """Whether the words of a line stand in the text, in their order."""
        words = _spoken(line)
        if len(words) < 3:
            return tuple(words) in self.pairs if len(words) == 2 else self.words.issuperset(words)
        return all(triple in self.triples for triple in _triples(words))


def _spoken(text: str) -> list[str]:
    return _WORD.findall(_SHOWN_LINKS.sub(" ", text).casefold())


def _triples(words: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    return zip(words, words[1:], words[2:], strict=False)


def _kind(message: InboundMessage) -> str:
    """Whether a mail answers another one, passes one on, or is a new one, by its subject and its thread."""
    return subject_kind(message.subject) or ("" if message.thread_ids else "new")


def _names(message: InboundMessage) -> frozenset[str]:
    """The words by which a line can be known as the author's own name."""
    if message.author is None:
        return frozenset()
    words = f"{message.author.name} {message.author.address.partition('@')[0]}".casefold()
    return frozenset(word for word in _WORD.findall(words.replace("_", " ")) if len(word) > 2)


def split_text(text: str, names: frozenset[str] = frozenset(), kind: str = "") -> Words:
    """Split plain text into own words, signature, quoted and forwarded parts (top, bottom and inline replies).

    `names`: words of the author's name; `kind`: "answer", "forward" or "new" where that is known of the mail.
    """
    if len(text) > MAX_TEXT:
        text = f"{text[: MAX_TEXT - 50_000]}\n{text[-50_000:]}"
    lines = [line.strip() for line in text.split("\n")]
    marks = [WEAK if line[:1] == ">" else OWN for line in lines]
    return _split(*_shortened(lines, marks), names, kind)


def _shortened(lines: Sequence[str], marks: Sequence[int]) -> tuple[Sequence[str], Sequence[int]]:
    """The first and the last lines of a mail that is far too long: own words stand on top or at the bottom."""
    if len(lines) <= MAX_LINES:
        return lines, marks
    return [*lines[: MAX_LINES - 500], *lines[-500:]], [*marks[: MAX_LINES - 500], *marks[-500:]]


def _split(lines: Sequence[str], marks: Sequence[int], names: frozenset[str], kind: str) -> Words:
    regions = sort_lines(lines, marks, kind)
    if SIGNED in marks and not any(regions.own) and _speaks(regions.signed):
        # Somebody wrote in the place of the signature.
        regions = sort_lines(lines, [OWN if mark == SIGNED else mark for mark in marks], kind)
    own = regions.own[banner_length(regions.own) :]
    kept, signature = cut_signature(own, names)
    signed = _join([*signature, *regions.signed])[:4000]
    return Words(_join(kept)[:MAX_OWN], signed, _join(regions.quoted), _join(regions.forwarded))


def _speaks(lines: Iterable[str]) -> bool:
    return any(line.endswith((".", "!", "?")) and len(line.split()) >= 4 for line in lines)


def _join(lines: Iterable[str]) -> str:
    return "\n".join(lines).strip("\n")

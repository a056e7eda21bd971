"""The bodies of an edition cut at the marks of its slots, everything between the marks encoded once.

What one person gets is then put together from bytes that are ready. A value whose cleaning could change its neighbours
(a combining character at its begin, a line end in a fallback) is rare: then the whole body is encoded as `wire` does.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mailer.outbound.edition import MARK, Edition, Slot, escape
from mailer.outbound.encoding import base64_lines, clean_lines, clean_text, encode_text, piece
from mailer.outbound.text_wrap import fold_line, wrap

#: Letters of the private area that stand for a link of known length while a line is folded.
_STAND_IN = 0xE000
_STAND_INS = re.compile("([\ue000-\uf8ff])\\1*")
_MOST_LAYOUTS = 8


@dataclass(frozen=True, slots=True)
class Pieces:
    """Ready bytes with holes between them: piece, hole, piece … piece; `holes` says which filling goes where."""

    spaced: tuple[bytes, ...]
    holes: tuple[int, ...]

    def fill(self, fillings: Sequence[bytes]) -> list[bytes]:
        """The bytes with these fillings, in order, not joined."""
        filled = list(self.spaced)
        filled[1::2] = [fillings[hole] for hole in self.holes]
        return filled


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a body travels: `piece` encodes a part of it, `finish` what the parts make together, `whole` all at once."""

    transfer: str
    piece: Callable[[str], bytes]
    finish: Callable[[list[bytes]], list[bytes]]
    whole: Callable[[str], bytes]

    def each(self, values: Sequence[str], words: Sequence[str], ready: Sequence[bytes]) -> Sequence[bytes]:
        """The pieces of some values; those that are still the same words are ready, where they travel quoted."""
        if self.transfer != "quoted-printable":
            return [self.piece(value) for value in values]
        return [
            one if value is word else self.piece(value) for value, word, one in zip(values, words, ready, strict=True)
        ]


_QUOTED = Encoding("quoted-printable", piece, lambda parts: parts, piece)
#: Groups of three bytes do not end where a slot does: such a body is encoded for each person (Arabic text).
_BASE64 = Encoding(
    "base64", str.encode, lambda parts: [base64_lines(b"".join(parts))], lambda text: base64_lines(text.encode())
)


def _encoding(text: str) -> Encoding:
    return _BASE64 if encode_text(clean_text(text)).transfer == "base64" else _QUOTED


@dataclass(frozen=True, slots=True)
class HtmlBody:
    """The HTML of an edition; `pieces` is None where it can only be written as a whole."""

    edition: Edition
    encoding: Encoding
    pieces: Pieces | None
    ends_in_slot: bool

    @classmethod
    def of(cls, edition: Edition) -> "HtmlBody":
        """Cut the HTML at its marks."""
        encoding, cleaned = _encoding(edition.html), clean_text(edition.html)
        between, numbers = _cut(cleaned, edition.slots)
        whole = MARK.findall(cleaned) != MARK.findall(edition.html) or any(map(_may_compose, between[1:]))
        pieces = None if whole else _spaced([encoding.piece(part) for part in between], numbers)
        return cls(edition, encoding, pieces, bool(numbers) and not between[-1].strip("\r\n"))

    def fill(self, words: Sequence[str], ready: Sequence[bytes]) -> list[bytes]:
        """The encoded body for one person: `words` as `Edition.words` gives them, and the `piece` of each."""
        values = [escape(value) for value in words]
        if self.pieces is None or not all(map(_is_sound, values)) or (self.ends_in_slot and "" in values):
            text = clean_text(self.edition.written(self.edition.html, values))
            return [self.encoding.whole(text)]
        return self.encoding.finish(self.pieces.fill(self.encoding.each(values, words, ready)))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of text with words in it that are somebody's: `between` stands around the slots `numbers`."""

    between: tuple[str, ...]
    numbers: tuple[int, ...]

    def fill(self, words: Sequence[str]) -> str:
        """The line for one person, folded and cleaned."""
        parts = list(self.between)
        for place, number in enumerate(self.numbers):
            parts[place] += words[number]
        return clean_lines(fold_line("".join(parts)))


@dataclass(frozen=True, slots=True)
class TextBody:
    """The text of an edition; lines with links only are folded once for links of one length, as everybody's are."""

    edition: Edition
    encoding: Encoding
    lines: tuple[str | Row, ...]
    links: tuple[int, ...]
    layouts: dict[tuple[int, ...], Pieces] = field(default_factory=dict)

    @classmethod
    def of(cls, edition: Edition) -> "TextBody":
        """Look which lines hold whose words; no lines where the text can only be written as a whole."""
        encoding, text = _encoding(edition.text), edition.text
        between, numbers = _cut(text, edition.slots)
        last = clean_lines(text).rstrip("\n").rpartition("\n")[2]
        whole = "\r" in text or _STAND_INS.search(text) or not last
        whole = whole or any(_may_compose(clean_lines(part)) for part in between[1:])
        rows = [] if whole else [_row(line, edition.slots) for line in text.rstrip("\n").split("\n")]
        links = tuple(sorted({number for number in numbers if edition.slots[number].is_link}))
        ended = rows and (isinstance(rows[-1], Row) or clean_lines(rows[-1]).strip("\n") == clean_lines(rows[-1]) != "")
        return cls(edition, encoding, tuple(rows) if ended else (), links)

    def fill(self, words: Sequence[str], ready: Sequence[bytes]) -> list[bytes]:
        """The encoded body for one person: `words` as `Edition.words` gives them, and the `piece` of each."""
        rows = [row.fill(words) for row in self.lines if isinstance(row, Row)]
        last = rows[-1] if self.lines and isinstance(self.lines[-1], Row) else "."
        if not self.lines or not last or last.endswith("\n"):
            text = clean_text(wrap(self.edition.written(self.edition.text, words)))
            return [self.encoding.whole(text)]
        ended = [self.encoding.piece(row.replace("\n", "\r\n") + "\r\n") for row in rows]
        return self.encoding.finish(self._layout(words).fill([*self.encoding.each(words, words, ready), *ended]))

    def _layout(self, words: Sequence[str]) -> Pieces:
        lengths = tuple([len(words[number]) for number in self.links])
        found = self.layouts.get(lengths)
        if found is None:
            if len(self.layouts) >= _MOST_LAYOUTS:
                self.layouts.clear()
            found = self.layouts[lengths] = self._lay_out(dict(zip(self.links, lengths, strict=True)))
        return found

    def _lay_out(self, lengths: dict[int, int]) -> Pieces:
        """Fold what is the same for all whose links are so long; every `Row` and every link is a hole."""
        stand_ins = [chr(_STAND_IN + number) * lengths.get(number, 0) for number in range(len(self.edition.slots))]
        parts, numbers, rows = [""], list[int](), len(stand_ins)
        for line in self.lines:
            if isinstance(line, Row):
                parts.append("")
                numbers.append(rows)
                rows += 1
                continue
            folded = clean_lines(fold_line(self.edition.written(line, stand_ins))).replace("\n", "\r\n")
            for text, links in _links_in(folded + "\r\n", lengths):
                parts[-1] += text
                parts += [""] * len(links)
                numbers += links
        return _spaced(list(map(self.encoding.piece, parts)), numbers)


def _row(line: str, slots: Sequence[Slot]) -> str | Row:
    """The line itself where no words of anybody's stand in it (links are not words)."""
    between, numbers = _cut(line, slots)
    return line if all(slots[number].is_link for number in numbers) else Row(tuple(between), tuple(numbers))


def _cut(text: str, slots: Sequence[Slot]) -> tuple[list[str], list[int]]:
    """What stands between the marks of these slots, and the number of the slot after each but the last."""
    known = {slot.mark: number for number, slot in enumerate(slots)}
    between, numbers, start = list[str](), list[int](), 0
    for found in MARK.finditer(text):
        if found[0] in known:
            between.append(text[start : found.start()])
            numbers.append(known[found[0]])
            start = found.end()
    return [*between, text[start:]], numbers


def _links_in(folded: str, lengths: dict[int, int]) -> Iterable[tuple[str, list[int]]]:
    """Text, and the links that follow it; a run of one stand-in is that link once or several times."""
    start = 0
    for found in _STAND_INS.finditer(folded):
        number = ord(found[1]) - _STAND_IN
        yield folded[start : found.start()], [number] * (len(found[0]) // lengths[number])
        start = found.end()
    yield folded[start:], []


def _spaced(parts: Sequence[bytes], holes: Sequence[int]) -> Pieces:
    spaced = [b""] * (2 * len(parts) - 1)
    spaced[::2] = parts
    return Pieces(tuple(spaced), tuple(holes))


def _is_sound(value: str) -> bool:
    """Whether a value may be encoded by itself: it is clean, has no line end, and does not join what is before it."""
    if value.isascii():
        return value.isprintable()
    return not _may_compose(value) and "\n" not in value and clean_lines(value) == value


def _may_compose(text: str) -> bool:
    """Whether NFC may join the first character to one before it: marks, and the vowels and finals of Hangul."""
    first = text[:1]
    return first >= "\u0300" and (unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff")

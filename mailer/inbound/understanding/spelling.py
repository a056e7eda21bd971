"""Which words of a name the local part of an address spells: whole, joined, by initials, or from another script."""

from collections.abc import Sequence

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import is_latin, latin, letters, skeleton, umlauts
from mailer.inbound.understanding.names import is_title

_MOST_WORDS = 4


def marks_of(run: Sequence[str], pieces: Sequence[str]) -> frozenset[int]:
    """The places in a run of the words that the pieces of an address spell, whole or by their initials."""
    marks: set[int] = set()
    for piece in pieces:
        if len(piece) > 1:
            marks |= _of_piece(run, piece)
    initials = tuple(piece for piece in pieces if len(piece) < 4)
    if marks and initials:
        for at in range(max(0, min(marks) - 3), min(marks)):
            small = is_latin(run[at]) and (is_title(run[at]) or fold(run[at]) in shared("people", "particles"))
            if not small and latin(run[at].removeprefix("و")).startswith(initials):
                marks.add(at)
    return frozenset(marks)


def spelled_pieces(name: Sequence[str], pieces: Sequence[str]) -> int:
    """How many pieces of an address, initials apart, the words of a name spell."""
    return sum(bool(_of_piece(name, piece)) for piece in pieces if len(piece) > 1)


def has_vowel(piece: str) -> bool:
    """Whether a piece of an address can be a word."""
    return not piece.isascii() or any(char in "aeiouy" for char in piece)


def _of_piece(run: Sequence[str], piece: str) -> set[int]:
    """The places of the words that spell one piece: all of it first, then a good part of it."""
    spans = [(at, size) for size in range(min(_MOST_WORDS, len(run)), 0, -1) for at in range(len(run) - size + 1)]
    for at, size in spans:
        if _joined(run[at : at + size], piece) == piece or (size == 1 and _has_same_bones(run[at], piece)):
            return set(range(at, at + size))
    for at, size in spans:
        found = _in_part(run, at, size, piece)
        if found:
            return found
    return set()


def _in_part(run: Sequence[str], at: int, size: int, piece: str) -> set[int]:
    """The same of words that end a piece after an initial, or begin it."""
    joined = _joined(run[at : at + size], piece)
    if len(joined) > 2 and piece.endswith(joined) and len(piece) - len(joined) < 3:
        initial = at > 0 and letters(run[at - 1])[:1] == piece[:1]
        if initial or len(joined) > 3:
            return set(range(at - initial, at + size))
    if len(joined) > 2 and piece.startswith(joined):
        rest = piece[len(joined) :]
        follows = at + size < len(run) and letters(run[at + size])[: len(rest)] == rest
        if follows or len(joined) > 3:
            return set(range(at, at + size + follows))
    return set()


def _joined(words: Sequence[str], piece: str) -> str:
    """The letters of some words, umlauts as the address spells them."""
    plain = "".join(map(letters, words))
    if plain.isascii() and not any(char in word for word in words for char in "äöüÄÖÜ"):
        return plain
    spelled = "".join(letters(umlauts(word)) for word in words)
    return spelled if spelled in piece else plain


def _has_same_bones(word: str, piece: str) -> bool:
    """Whether a word of another script is spelled by this piece: "ناصر" and "nasser", "Азиз" and "aziz"."""
    if is_latin(word):
        return False
    bones = skeleton(word.removeprefix("ال"))
    without = skeleton(piece.removeprefix("al") if len(piece) > 5 else piece)
    return latin(word) == piece or (bool(bones) and bones in (without, skeleton(piece)))

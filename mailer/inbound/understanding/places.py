"""Which places of the patterns a word fits: worked out once for each word, so that sentences are compared with few.

A place is one word of a pattern: any of some words, of some beginnings, of some endings, or a number. Places that
say the same share a number, whatever pattern they stand in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NUMBER = "#"
_MOST_WORDS = 20_000  # remembered at a time: the words of a language are few, names and rubbish are many


@dataclass(slots=True)
class Places:
    """The places of one language; filled while its patterns are read, and asked for every word of a mail."""

    _numbers: dict[tuple[frozenset[str], tuple[str, ...], tuple[str, ...]], int] = field(default_factory=dict)
    _whole: dict[str, list[int]] = field(default_factory=dict)
    _beginnings: dict[str, list[int]] = field(default_factory=dict)
    _endings: dict[str, list[int]] = field(default_factory=dict)
    _known: dict[str, frozenset[int]] = field(default_factory=dict)

    def number(self, whole: frozenset[str], beginnings: tuple[str, ...], endings: tuple[str, ...]) -> int:
        """The number of the place that holds these folded words, beginnings and endings."""
        key = (whole, beginnings, endings)
        if key not in self._numbers:
            place = self._numbers[key] = len(self._numbers)
            for table, texts in ((self._whole, whole), (self._beginnings, beginnings), (self._endings, endings)):
                for text in texts:
                    table.setdefault(text, []).append(place)
        return self._numbers[key]

    def fitting(self, word: str) -> frozenset[int]:
        """Every place that a folded word fits."""
        known = self._known.get(word)
        if known is None:
            known = self._fitting(word)
            if len(self._known) >= _MOST_WORDS:
                self._known.clear()
            self._known[word] = known
        return known

    def _fitting(self, word: str) -> frozenset[int]:
        found = set(self._whole.get(word, ()))
        if word[:1].isdigit():
            found.update(self._whole.get(NUMBER, ()))
        for length in range(1, len(word) + 1):
            found.update(self._beginnings.get(word[:length], ()))
            found.update(self._endings.get(word[-length:], ()))
        return frozenset(found)

    def spelled(self) -> Mapping[int, tuple[frozenset[str], int]]:
        """For each place its whole words, and how many beginnings and endings it has."""
        return {place: (key[0], len(key[1]) + len(key[2])) for key, place in self._numbers.items()}


@dataclass(frozen=True, slots=True)
class Spots:
    """The words of one sentence as the places they fit: `present` in any of them, and where each one stands."""

    fits: Sequence[frozenset[int]]
    present: frozenset[int]

    def of(self, place: int) -> list[int]:
        """The positions of the words that fit a place, in order."""
        if place not in self.present:
            return []
        return [at for at, fitting in enumerate(self.fits) if place in fitting]


def spots(places: Places, words: Sequence[str]) -> Spots:
    """Where the words of a sentence fit which place."""
    fits = [places.fitting(word) for word in words]
    return Spots(fits, frozenset().union(*fits))

"""Patterns a coordinator can write, matched on the words of a sentence in linear time.

zet … me … op <list>          words in this order; "…" allows up to six others between
<want> + <me> + inschrij*     all of these, in any order, within eighteen words
<join> ~ <meeting>            the left side, but no word of the right side in the sentence
inschrij*  *lijst  a|b  <x>   a beginning, an ending, one of two, one of the words of class x
#  <address>  a|b_c          a number ("25", "19de"); a mail address; one word or two that follow each other
nee|neen?                  a word that may be missing
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from mailer.inbound.fold import fold
from mailer.inbound.understanding.sentences import ADDRESS, Sentence

GAP = 6
WINDOW = 18


@dataclass(frozen=True, slots=True)
class Word:
    """One place in a pattern: any of the words, or of the beginnings, or of the endings."""

    whole: frozenset[str]
    beginnings: tuple[str, ...]
    endings: tuple[str, ...]
    after_gap: bool

    def fits(self, word: str) -> bool:
        """Whether a folded word fits this place."""
        if word in self.whole or (self.beginnings and word.startswith(self.beginnings)):
            return True
        if "#" in self.whole and word[0].isdigit():
            return True
        return bool(self.endings) and word.endswith(self.endings)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: groups that must all occur, and words that must not; `text` as the coordinator wrote it."""

    text: str
    groups: tuple[tuple[Word, ...], ...]
    never: tuple[tuple[Word, ...], ...]

    @property
    def key(self) -> frozenset[str]:
        """Words of which a sentence must hold one; empty where beginnings or endings leave that open."""
        plain = [place.whole for group in self.groups for place in group if not (place.beginnings or place.endings)]
        return min((words for words in plain if "#" not in words), key=len, default=frozenset())


def compile_pattern(text: str, classes: Mapping[str, Sequence[str]]) -> tuple[Pattern, ...]:
    """Read one pattern, as several where it has phrases ("b_c"); raises ValueError for an unknown class or no words."""
    wanted, *unwanted = text.split("~")
    groups = [[_group(one, classes, text) for one in _spelled_out(part)] for part in wanted.split(" + ")]
    never = tuple(_group(one, classes, text) for part in unwanted for one in _spelled_out(part))
    return tuple(Pattern(text, chosen, never) for chosen in product(*groups))


def _spelled_out(part: str) -> list[str]:
    """A part of a pattern with each of its phrases in turn: "a|b_c d?" → "a", "a d", "b c", "b c d"."""
    choices = []
    for word in part.split():
        spelled = word.removesuffix("?")
        phrases = [one.replace("_", " ") for one in spelled.split("|") if "_" in one]
        single = "|".join(one for one in spelled.split("|") if "_" not in one)
        choices.append([*([""] if word != spelled else []), *([single] if single else []), *phrases])
    return [" ".join(chosen) for chosen in product(*choices)]


def _group(text: str, classes: Mapping[str, Sequence[str]], pattern: str) -> tuple[Word, ...]:
    words, gap = [], False
    for spelled in text.replace("...", "…").split():
        if spelled == "…":
            gap = True
            continue
        words.append(_word(spelled, classes, gap, pattern))
        gap = False
    if not words:
        raise ValueError(f"a pattern without words: {pattern!r}")
    return tuple(words)


def _word(spelled: str, classes: Mapping[str, Sequence[str]], gap: bool, pattern: str) -> Word:
    whole: set[str] = set()
    beginnings: list[str] = []
    endings: list[str] = []
    for choice in _choices(spelled, classes, pattern):
        folded = fold(choice)
        if folded.startswith("*"):
            endings.append(folded[1:])
        elif folded.endswith("*"):
            beginnings.append(folded[:-1])
        else:
            whole.add(folded)
    return Word(frozenset(whole), tuple(beginnings), tuple(endings), gap)


def _choices(spelled: str, classes: Mapping[str, Sequence[str]], pattern: str) -> Iterator[str]:
    for choice in spelled.split("|"):
        if not choice.startswith("<"):
            yield choice
        elif choice == "<address>":
            yield ADDRESS
        elif (name := choice.strip("<>")) in classes:
            for word in classes[name]:
                yield from _choices(word, classes, pattern)
        else:
            raise ValueError(f"an unknown class {choice} in the pattern {pattern!r}")


def match(pattern: Pattern, sentence: Sentence) -> tuple[int, ...] | None:
    """The positions of the words that make this sentence fit, or None."""
    places: list[int] = []
    for group in pattern.groups:
        found = _near(_runs(group, sentence.words), places)
        if found is None:
            return None
        places.extend(found)
    if any(_runs(group, sentence.words) for group in pattern.never):
        return None
    return tuple(sorted(set(places)))


def places(pattern: Pattern, sentence: Sentence) -> tuple[int, ...]:
    """Every position at which the words of a pattern of one group stand."""
    return tuple(sorted({at for run in _runs(pattern.groups[0], sentence.words) for at in run}))


def _near(runs: Sequence[tuple[int, ...]], places: Sequence[int]) -> tuple[int, ...] | None:
    """The run that stays within the window of what was found before."""
    for run in runs:
        both = (*run, *places)
        if max(both) - min(both) < WINDOW and not set(run) <= set(places):
            return run
    return None


def _runs(group: Sequence[Word], words: Sequence[str]) -> list[tuple[int, ...]]:
    """Every way a group fits, at most one for each place it can end."""
    first = group[0]
    runs: dict[int, tuple[int, ...]] = {at: (at,) for at, word in enumerate(words) if first.fits(word)}
    for place in group[1:]:
        reach = GAP + 1 if place.after_gap else 1
        longer: dict[int, tuple[int, ...]] = {}
        for end, run in runs.items():
            for at in range(end + 1, min(end + 1 + reach, len(words))):
                if place.fits(words[at]):
                    longer[at] = (*run, at)
        runs = longer
        if not runs:
            break
    return list(runs.values())

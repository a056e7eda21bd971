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
from mailer.inbound.understanding.places import Places, Spots
from mailer.inbound.understanding.sentences import ADDRESS

GAP = 6
WINDOW = 18


@dataclass(frozen=True, slots=True)
class Step:
    """The next word of a group: which place it has to fit, and how far behind the word before it may stand."""

    place: int
    reach: int


Group = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: groups that must all occur, and words that must not; `text` as the coordinator wrote it.

    `needed` are the places of its groups: a sentence that lacks one of them cannot fit.
    """

    text: str
    groups: tuple[Group, ...]
    never: tuple[Group, ...]
    needed: frozenset[int]


def compile_pattern(text: str, classes: Mapping[str, Sequence[str]], places: Places) -> tuple[Pattern, ...]:
    """Read one pattern, as several where it has phrases ("b_c"); raises ValueError for an unknown class or no words."""
    wanted, *unwanted = text.split("~")
    groups = [[_group(one, classes, text, places) for one in _spelled_out(part)] for part in wanted.split(" + ")]
    never = tuple(_group(one, classes, text, places) for part in unwanted for one in _spelled_out(part))
    return tuple(Pattern(text, chosen, never, _needed(chosen)) for chosen in product(*groups))


def _needed(groups: Sequence[Group]) -> frozenset[int]:
    return frozenset(step.place for group in groups for step in group)


def _spelled_out(part: str) -> list[str]:
    """A part of a pattern with each of its phrases in turn: "a|b_c d?" → "a", "a d", "b c", "b c d"."""
    choices = []
    for word in part.split():
        spelled = word.removesuffix("?")
        phrases = [one.replace("_", " ") for one in spelled.split("|") if "_" in one]
        single = "|".join(one for one in spelled.split("|") if "_" not in one)
        choices.append([*([""] if word != spelled else []), *([single] if single else []), *phrases])
    return [" ".join(chosen) for chosen in product(*choices)]


def _group(text: str, classes: Mapping[str, Sequence[str]], pattern: str, places: Places) -> Group:
    steps: list[Step] = []
    gap = False
    for spelled in text.replace("...", "…").split():
        if spelled == "…":
            gap = True
            continue
        steps.append(Step(places.number(*_choices_of(spelled, classes, pattern)), GAP + 1 if gap else 1))
        gap = False
    if not steps:
        raise ValueError(f"a pattern without words: {pattern!r}")
    return tuple(steps)


def _choices_of(
    spelled: str, classes: Mapping[str, Sequence[str]], pattern: str
) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]:
    """(whole words, beginnings, endings) that one word of a pattern stands for, folded."""
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
    return frozenset(whole), tuple(beginnings), tuple(endings)


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


def match(pattern: Pattern, spots: Spots) -> tuple[int, ...] | None:
    """The positions of the words that make a sentence fit, or None."""
    if not pattern.needed <= spots.present:
        return None
    found: list[int] = []
    for group in pattern.groups:
        run = _near(_runs(group, spots), found)
        if run is None:
            return None
        found.extend(run)
    if any(_runs(group, spots) for group in pattern.never):
        return None
    return tuple(sorted(set(found)))


def everywhere(pattern: Pattern, spots: Spots) -> tuple[int, ...]:
    """Every position at which the words of a pattern of one group stand."""
    return tuple(sorted({at for run in _runs(pattern.groups[0], spots) for at in run}))


def _near(runs: Sequence[tuple[int, ...]], found: Sequence[int]) -> tuple[int, ...] | None:
    """The run that stays within the window of what was found before."""
    for run in runs:
        both = (*run, *found)
        if max(both) - min(both) < WINDOW and not set(run) <= set(found):
            return run
    return None


def _runs(group: Group, spots: Spots) -> list[tuple[int, ...]]:
    """Every way a group fits, at most one for each place it can end."""
    runs: dict[int, tuple[int, ...]] = {at: (at,) for at in spots.of(group[0].place)}
    for step in group[1:]:
        if not runs:
            break
        longer: dict[int, tuple[int, ...]] = {}
        places = spots.of(step.place)
        for end, run in runs.items():
            for at in places:
                if end < at <= end + step.reach:
                    longer[at] = (*run, at)
        runs = longer
    return list(runs.values())

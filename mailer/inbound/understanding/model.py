"""The learned model: how likely each kind of wish is, from examples people wrote (`./run learn` makes its weights).

Two steps of the plainest kind, weighted sums: what each sentence is for, then what the mail as a whole asks. It says
how likely something is; what may be done about it is decided elsewhere. Pure, and no more than look-ups and sums.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from math import exp

from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.features import (
    BAG,
    KINDS,
    TAGS,
    length_of,
    looked_at,
    other_names,
    pair_names,
    stack_features,
    word_names,
)
from mailer.inbound.understanding.weights import Table, added, from_file, unpack

#: Side by side: the weights of the tags, those of the kinds, and a one that counts the features.
LANES = len(TAGS) + len(KINDS) + 1
FILE = "model.bin.gz"
_ONE = 1 << (32 * (LANES - 1))  # a feature that nothing was learned about
_MOST_WORDS = 20_000  # remembered at a time
_FINE = 1024  # the likelihoods of the second step as whole numbers


@dataclass(frozen=True, slots=True)
class Model:
    """The weights of every feature, in hundredths, packed; and the sums of the words that were met before."""

    table: Table
    _words: dict[tuple[str, str], int] = field(default_factory=dict, repr=False)

    def of_word(self, word: str, thread: str) -> int:
        """What all features of one word say."""
        found = self._words.get((word, thread))
        if found is None:
            found = added(self.table, word_names(word, thread), _ONE)
            if len(self._words) >= _MOST_WORDS:
                self._words.clear()
            self._words[word, thread] = found
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """How likely a mail is each of KINDS, and for each of its sentences how likely it is for each of TAGS (0 to 1)."""

    kinds: Mapping[str, float]
    tagged: Sequence[Sequence[float]]

    def best(self, *tags: str) -> float:
        """How likely the likeliest sentence for one of these tags is."""
        return max((row[TAGS.index(tag)] for row in self.tagged for tag in tags), default=0.0)


@cache
def model() -> Model:
    """The weights that are shipped, read once."""
    return model_of(files("mailer.inbound.understanding").joinpath(FILE).read_bytes())


def model_of(file: bytes) -> Model:
    """The model whose weights are in a file that `./run learn` wrote."""
    return Model({name: weights + _ONE for name, weights in from_file(file, LANES - 1).items()})


def read(
    evidence: Evidence, thread: str, ruled: Collection[str] | None, clear: Collection[str], known: Model | None = None
) -> Reading:
    """What these sentences most likely ask; `ruled` and `clear` are the kinds that the rules found."""
    using = known or model()
    sums = sums_of(evidence, thread, using)
    tagged = [tags_of(total) for total in sums]
    bag = unpack(sum(sums), LANES)
    scale = BAG / length_of(bag[-1])
    stacked = stack_features(tagged, thread, ruled, clear, evidence.sentences)
    beside = _sum_of_stack(using.table, stacked)
    totals = [(one * scale + other) / 100 for one, other in zip(bag[len(TAGS) : -1], beside, strict=True)]
    return Reading({kind: _squash(total) for kind, total in zip(KINDS, totals, strict=True)}, tagged)


def sums_of(evidence: Evidence, thread: str, using: Model) -> list[int]:
    """For each sentence that is looked at, what its features say together."""
    sums = []
    for sentence, cues, first in looked_at(evidence):
        words = sum([using.of_word(word, thread) for word in dict.fromkeys(sentence.words)])
        names = [*pair_names(sentence.words), *other_names(sentence, thread, cues, first)]
        sums.append(words + added(using.table, names, _ONE))
    return sums


def tags_of(total: int) -> list[float]:
    """How likely a sentence is for each of TAGS."""
    row = unpack(total, LANES)
    scale = 1 / (100 * length_of(row[-1]))
    return _soft([one * scale for one in row[: len(TAGS)]])


def _sum_of_stack(table: Table, stacked: Mapping[str, float]) -> list[float]:
    total = sum([(table.get(name, _ONE) - _ONE) * round(value * _FINE) for name, value in stacked.items()])
    return [one / _FINE for one in unpack(total, LANES - 1)[len(TAGS) :]]


def _soft(sums: Sequence[float]) -> list[float]:
    """Likelihoods that add up to one."""
    highest = max(sums)
    raised = [exp(one - highest) for one in sums]
    total = sum(raised)
    return [one / total for one in raised]


def _squash(total: float) -> float:
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, total))))

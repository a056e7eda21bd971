"""The learned model: how likely each kind of wish is, from examples people wrote (`./run learn` makes its weights).

Two steps of the plainest kind, weighted sums: what each sentence is for, then what the mail as a whole asks. It says
how likely something is; what may be done about it is decided elsewhere. Pure, and no more than look-ups and sums.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp

from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.features import (
    KINDS,
    TAGS,
    bag_features,
    sentence_features,
    stack_features,
)
from mailer.inbound.understanding.lexicon import Cue

Weights = Mapping[str, Sequence[int]]
_MOST_SENTENCES = 60


@dataclass(frozen=True, slots=True)
class Model:
    """For each feature the weights of the tags, or of the kinds, that it speaks for or against."""

    tags: Weights
    kinds: Weights


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
    packed = files("mailer.inbound.understanding").joinpath("model.json.gz").read_bytes()
    table = json.loads(gzip.decompress(packed))
    return Model(unpacked(table["tags"]), unpacked(table["kinds"]))


def unpacked(table: Mapping[str, Sequence[int]]) -> Weights:
    """Weights lie flat, in the file and here: which one, how many hundredths, which one, how many hundredths."""
    shared: dict[int, int] = {}  # the same few hundred numbers stand a million times
    return {name: tuple(shared.setdefault(one, one) for one in row) for name, row in table.items()}


def read(
    evidence: Evidence, thread: str, ruled: Collection[str] | None, clear: Collection[str], known: Model | None = None
) -> Reading:
    """What these sentences most likely ask; `ruled` and `clear` are the kinds that the rules found."""
    using = known or model()
    rows = features_of(evidence, thread)
    tagged = [_soft(_sums(using.tags, row, len(TAGS))) for row in rows]
    stacked = stack_features(tagged, thread, ruled, clear, evidence.sentences)
    sums = _sums(using.kinds, {**bag_features(rows), **stacked}, len(KINDS))
    return Reading({kind: _squash(total) for kind, total in zip(KINDS, sums, strict=True)}, tagged)


def features_of(evidence: Evidence, thread: str) -> list[dict[str, float]]:
    """The features of each sentence, the first ones of a very long mail."""
    cues: defaultdict[int, list[Cue]] = defaultdict(list)
    for cue in evidence.cues:
        cues[cue.sentence].append(cue)
    shown = evidence.sentences[:_MOST_SENTENCES]
    return [sentence_features(sentence, thread, cues[at], at == 0) for at, sentence in enumerate(shown)]


def _sums(weights: Weights, row: Mapping[str, float], size: int) -> list[float]:
    sums = [0.0] * size
    for name, value in row.items():
        pairs = iter(weights.get(name, ()))
        for at, hundredths in zip(pairs, pairs, strict=True):
            sums[at] += hundredths * value
    return [one / 100 for one in sums]


def _soft(sums: Sequence[float]) -> list[float]:
    """Likelihoods that add up to one."""
    highest = max(sums)
    raised = [exp(one - highest) for one in sums]
    total = sum(raised)
    return [one / total for one in raised]


def _squash(total: float) -> float:
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, total))))

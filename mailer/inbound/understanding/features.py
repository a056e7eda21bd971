"""What the learned model looks at: the words of a sentence, the cues in it, and what all of a mail says together.

Plain names of features, so that a weight can be read and argued with; the same for learning and for reading.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import log, sqrt

from mailer.inbound.understanding.lexicon import Cue
from mailer.inbound.understanding.request import HUMAN
from mailer.inbound.understanding.sentences import ADDRESS, Sentence

#: What one sentence can be for: nothing, one of the wishes, or an answer.
TAGS = (
    "", "join", "join_other", "leave", "stay", "update", "guidance", "information", "yes", "no", "maybe", "confirm",
    "deny", "privacy", "contribution", "help", "other", "spam",
)  # fmt: skip
#: What a whole mail can be, and whether a person has to see it.
PERSON = "person"
KINDS = (*HUMAN, PERSON)
_THREADED = ("yes", "no", "maybe", "leave", "deny", "confirm", "join", "information", "other")
_BAG = 5.0  # how much the words of the whole mail weigh beside what its sentences are for


def sentence_features(sentence: Sentence, thread: str, cues: Sequence[Cue], first: bool) -> dict[str, float]:
    """The features of one sentence, scaled to length one; `first`: it opens the mail."""
    counted: dict[str, int] = {}
    for name in _names(sentence, thread, cues, first):
        counted[name] = counted.get(name, 0) + 1
    return _scaled(counted, 1.0)


def _names(sentence: Sentence, thread: str, cues: Sequence[Cue], first: bool) -> Iterator[str]:
    words = sentence.words
    yield "bias"
    yield f"t:{thread}"
    for word in dict.fromkeys(words):
        yield f"w:{word}"
        yield f"w:{word}|{thread}"
        if len(word) > 4:
            yield from _pieces(f"^{word[:30]}$")
    framed = ("<", *words, ">")
    for at in range(len(framed) - 1):
        yield f"b:{framed[at]} {framed[at + 1]}"
        if at + 2 < len(framed):
            yield f"s:{framed[at]} {framed[at + 2]}"
    if sentence.asks:
        yield "ask"
        yield f"ask|{thread}"
    yield f"len:{min(6, len(words) // 3)}"
    if first:
        yield "first"
    for cue in cues:
        yield f"c:{cue.topic}{'!' if cue.negated else ''}{'?' if cue.conditional else ''}"


def _pieces(word: str) -> Iterator[str]:
    """The runs of five letters in a word: what inflected and compound words have in common."""
    yield from dict.fromkeys(f"g:{word[at : at + 5]}" for at in range(len(word) - 4))


def _scaled(counted: Mapping[str, int], length: float) -> dict[str, float]:
    scale = length / sqrt(sum(counted.values()) or 1)
    return {name: sqrt(count) * scale for name, count in counted.items()}


def bag_features(sentences: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """All features of all sentences of a mail together."""
    counted: dict[str, int] = {}
    for found in sentences:
        for name in found:
            counted[name] = counted.get(name, 0) + 1
    return _scaled(counted, _BAG)


def stack_features(
    tagged: Sequence[Sequence[float]],
    thread: str,
    ruled: Collection[str] | None,
    clear: Collection[str],
    sentences: Sequence[Sentence],
) -> dict[str, float]:
    """What the sentences of a mail are for, taken together, beside what the rules say of it.

    `tagged` holds for each sentence the likelihood of each tag; `ruled` is None where the rules shall not be heard.
    """
    found = {"one": 1.0, f"T:{thread}": 1.0, "size": min(len(tagged), 20) / 20}
    for at, tag in enumerate(TAGS):
        best, second, total = _summary([row[at] for row in tagged])
        found |= {f"m:{tag}": best, f"l:{tag}": log(best + 1e-3), f"z:{tag}": second, f"u:{tag}": min(total, 2.0)}
        if tag in _THREADED:
            found[f"m:{tag}|{thread}"] = best
    found |= {f"r:{kind}": 1.0 for kind in ruled or ()} | {f"k:{kind}": 1.0 for kind in clear if ruled is not None}
    if ruled is None:
        found["unruled"] = 1.0
    if any(ADDRESS in sentence.words for sentence in sentences):
        found["address"] = 1.0
    return found


def _summary(values: Sequence[float]) -> tuple[float, float, float]:
    """(the largest, the second, the sum)."""
    ordered = sorted(values, reverse=True)
    return (ordered[0] if ordered else 0.0), (ordered[1] if len(ordered) > 1 else 0.0), sum(values)

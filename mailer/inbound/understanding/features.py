"""What the learned model looks at: the words of a sentence, the cues in it, and what all of a mail says together.

Plain names of features, so that a weight can be read and argued with; the same for learning and for reading.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import pairwise
from math import log, sqrt

from mailer.inbound.understanding.evidence import Evidence
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
_MOST_SENTENCES = 60
BAG = 5.0  # how much the words of the whole mail weigh beside what its sentences are for


def looked_at(evidence: Evidence) -> list[tuple[Sentence, list[Cue], bool]]:
    """The sentences that the model looks at, the first of a very long mail, each with its cues; whether it opens it."""
    cues: defaultdict[int, list[Cue]] = defaultdict(list)
    for cue in evidence.cues:
        cues[cue.sentence].append(cue)
    return [(sentence, cues[at], at == 0) for at, sentence in enumerate(evidence.sentences[:_MOST_SENTENCES])]


def sentence_names(sentence: Sentence, thread: str, cues: Sequence[Cue], first: bool) -> list[str]:
    """The features of one sentence by name, some several times; `first`: it opens the mail."""
    words = [name for word in dict.fromkeys(sentence.words) for name in word_names(word, thread)]
    return [*words, *pair_names(sentence.words), *other_names(sentence, thread, cues, first)]


def word_names(word: str, thread: str) -> list[str]:
    """A word, the word in this thread, and its runs of five letters: what inflected and compound words share."""
    framed = f"^{word[:30]}$" if len(word) > 4 else ""
    pieces = dict.fromkeys(f"g:{framed[at : at + 5]}" for at in range(len(framed) - 4))
    return [f"w:{word}", f"w:{word}|{thread}", *pieces]


def pair_names(words: Sequence[str]) -> list[str]:
    """Words that follow each other, and those with one between them."""
    framed = ("<", *words, ">")
    near = [f"b:{one} {other}" for one, other in pairwise(framed)]
    return near + [f"s:{one} {other}" for one, other in zip(framed, framed[2:], strict=False)]


def other_names(sentence: Sentence, thread: str, cues: Sequence[Cue], first: bool) -> list[str]:
    """What else is seen in a sentence: where it stands, its length, whether it asks, and the cues of the rules."""
    names = ["bias", f"t:{thread}", f"len:{min(6, len(sentence.words) // 3)}"]
    if sentence.asks:
        names += ["ask", f"ask|{thread}"]
    if first:
        names.append("first")
    return names + [f"c:{cue.topic}{'!' if cue.negated else ''}{'?' if cue.conditional else ''}" for cue in cues]


def length_of(features: int) -> float:
    """What the sum over so many features is divided by: a long sentence shall not shout."""
    return sqrt(features or 1)


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

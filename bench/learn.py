"""Learn the weights of the model from the examples: `./run learn [--measure]`.

Reads mailer/inbound/understanding/examples/*.jsonl (mails sentence by sentence), the letters of the tests and the mails
of tests/corpus, and writes mailer/inbound/understanding/model.bin.gz. The same examples give the same weights. With
--measure the mails of tests/corpus are kept out of the learning, and say how well it does; nothing is written.
"""

import argparse
import json
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from math import exp, sqrt
from pathlib import Path
from random import Random
from typing import Any

from mailer.inbound.message import InboundMessage
from mailer.inbound.message import read as read_mail
from mailer.inbound.reply_text import read_words
from mailer.inbound.understanding import wishes
from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.features import (
    BAG,
    KINDS,
    PERSON,
    TAGS,
    length_of,
    looked_at,
    sentence_names,
    stack_features,
)
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.language import languages_of
from mailer.inbound.understanding.lexicon import find_cues
from mailer.inbound.understanding.model import FILE, LANES, Model, model_of, read
from mailer.inbound.understanding.sentences import ADDRESS, Sentence, first_words, read_sentences
from mailer.inbound.understanding.subject import own_subject
from mailer.inbound.understanding.understand import spoken
from mailer.inbound.understanding.weights import to_file

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "mailer" / "inbound" / "understanding"
FOLDS = 4
_SEEN = 2  # what stands in one example only teaches that one
_LEAST = 0.06  # smaller weights are not worth their place
MACHINES = {"report": "other", "auto_reply": "other", "bulk": "other", "calendar_reply": "rsvp"}

Row = Mapping[str, float]


@dataclass(slots=True)
class Example:
    """One mail with its answer; `tags` holds for each sentence its tag, None where that is not known."""

    evidence: Evidence
    thread: str
    kinds: frozenset[str]
    person: bool
    tags: Sequence[str | None]
    heard: bool = True
    rows: list[Counter[str]] = field(default_factory=list)

    def wanted(self) -> list[bool]:
        """Which of KINDS it is."""
        return [self.person if kind == PERSON else kind in self.kinds for kind in KINDS]


# --- reading the examples ---------------------------------------------------------------------------------------------


def evidence_of(sentences: Sequence[Sentence], text: str) -> Evidence:
    """The sentences with their cues, as the daemon reads them."""
    languages = languages_of(first_words(sentences, 400), text)
    return Evidence(tuple(sentences), find_cues(sentences, languages))


def tagged_mails(file: Path) -> Iterable[Example]:
    """The examples of one file, sentence by sentence."""
    for line in file.read_text(encoding="utf-8").splitlines():
        mail = json.loads(line)
        sentences: list[Sentence] = []
        tags: list[str | None] = []
        for text, tag in [(own_subject(mail["subject"]), None), *mail["lines"]]:
            for one in read_sentences(text):
                sentences.append(one)
                tags.append("" if tag and _is_greeting(one) else tag)
        text = "\n".join(one.text for one in sentences)
        yield Example(
            evidence_of(sentences, text), mail["thread"], _kinds(mail["kinds"]), not mail["auto_ok"], tags
        )


def _is_greeting(sentence: Sentence) -> bool:
    return len(sentence.words) <= 3 and sentence.words[0] in shared("sentences", "greetings")


def _kinds(kinds: Iterable[str]) -> frozenset[str]:
    return frozenset(MACHINES.get(kind, kind) for kind in kinds)


def letters() -> Iterable[Example]:
    """The letters of the tests; the rules were made with them, so what the rules say of them teaches nothing."""
    file = ROOT / "tests" / "unit" / "understanding" / "letters.toml"
    for letter in tomllib.loads(file.read_text(encoding="utf-8"))["letter"]:
        kinds = [kind.partition(":")[0] for kind in letter["kinds"].partition("|")[0].split("+")]
        text = f"{letter['subject']}\n\n{letter['text']}"
        sentences = read_sentences(text)
        person = not letter["may"].startswith("=") and kinds != ["spam"]
        thread = letter["thread"].split()[0]
        yield Example(evidence_of(sentences, text), thread, _kinds(kinds), person, [None] * len(sentences), heard=False)


def corpus(folder: Path) -> Iterable[Example]:
    """Whole mails with the answers of a careful coordinator."""
    for line in (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines():
        gold = json.loads(line)
        message = read_mail((folder / gold["file"]).read_bytes())
        if not isinstance(message, InboundMessage):
            raise SystemExit(f"{folder / gold['file']} cannot be read: {message.reason}")
        words = read_words(message)
        text = f"{own_subject(message.subject)}\n\n{spoken(words)}".strip()
        sentences = read_sentences(text[:20_000])
        tags: list[str | None] = [None] * len(sentences)
        evidence = evidence_of(sentences, text or words.signature)
        yield Example(evidence, gold["thread"], _kinds(gold["kinds"]), not gold["auto_ok"], tags)


# --- learning ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sums:
    """Weighted sums, learned by stochastic gradient descent with a step of its own for each weight (AdaGrad)."""

    size: int
    soft: bool
    step: float
    decay: float
    weights: dict[str, list[float]] = field(default_factory=dict)
    seen: dict[str, list[float]] = field(default_factory=dict)

    def learn(self, examples: Sequence[tuple[Row, Sequence[float]]], rounds: int) -> None:
        """Go through the examples some times, in an order that only the number of the round decides."""
        counts = Counter(name for row, _ in examples for name in row)
        often = [
            ({name: value for name, value in row.items() if counts[name] >= _SEEN}, wanted) for row, wanted in examples
        ]
        order = list(range(len(often)))
        for turn in range(rounds):
            Random(turn).shuffle(order)
            for at in order:
                self._step(*often[at])

    def _step(self, row: Row, wanted: Sequence[float]) -> None:
        found = self.likely(row)
        slopes = [(at, found[at] - wanted[at]) for at in range(self.size) if abs(found[at] - wanted[at]) > 0.005]
        for name, value in row.items():
            weights = self.weights.get(name)
            if weights is None:
                weights = self.weights[name] = [0.0] * self.size
                self.seen[name] = [1e-4] * self.size
            seen = self.seen[name]
            for at, slope in slopes:
                slope = slope * value + self.decay * weights[at]
                seen[at] += slope * slope
                weights[at] -= self.step * slope / sqrt(seen[at])

    def likely(self, row: Row) -> list[float]:
        sums = [0.0] * self.size
        for name, value in row.items():
            weights = self.weights.get(name)
            if weights is not None:
                sums = [one + value * weight for one, weight in zip(sums, weights, strict=True)]
        if self.soft:
            highest = max(sums)
            raised = [exp(one - highest) for one in sums]
            total = sum(raised)
            return [one / total for one in raised]
        return [1.0 / (1.0 + exp(-max(-30.0, min(30.0, one)))) for one in sums]

    def kept(self, name: str) -> list[int]:
        """What is worth keeping of the weights of a feature, in whole hundredths."""
        weights = self.weights.get(name, ())
        return [round(one * 100) if abs(one) >= _LEAST else 0 for one in weights] or [0] * self.size


def together(tags: Sums, kinds: Sums) -> bytes:
    """The weights of both steps as they are shipped."""
    names = {*tags.weights, *kinds.weights}
    return to_file({name: [*tags.kept(name), *kinds.kept(name)] for name in names}, LANES - 1)


def rows_of(evidence: Evidence, thread: str) -> list[Counter[str]]:
    """The features of each sentence that the model looks at, counted."""
    return [Counter(sentence_names(sentence, thread, cues, first)) for sentence, cues, first in looked_at(evidence)]


def scaled(counted: Counter[str], length: float = 1.0) -> Row:
    """The features of a sentence or of a mail, divided as the model does it."""
    scale = length / length_of(counted.total())
    return {name: count * scale for name, count in counted.items()}


def learn_tags(examples: Sequence[Example]) -> Sums:
    """What each sentence is for."""
    known = [
        (scaled(row), [float(tag == one) for one in TAGS])
        for example in examples
        for row, tag in zip(example.rows, example.tags, strict=False)
        if tag is not None
    ]
    sums = Sums(len(TAGS), soft=True, step=0.5, decay=1e-5)
    sums.learn(known, rounds=6)
    return sums


def learn_kinds(examples: Sequence[Example], stacked: Sequence[Row]) -> Sums:
    """What a whole mail asks, from what its sentences are for and from its words."""
    rows = [
        ({**scaled(sum(example.rows, Counter()), BAG), **stack}, [float(one) for one in example.wanted()])
        for example, stack in zip(examples, stacked, strict=True)
    ]
    sums = Sums(len(KINDS), soft=False, step=0.1, decay=1e-3)
    sums.learn(rows, rounds=6)
    return sums


def ruled(example: Example) -> tuple[frozenset[str], frozenset[str]]:
    """What the rules make of an example: (kinds, clear kinds)."""
    others = any(ADDRESS in sentence.words for sentence in example.evidence.sentences)
    found = wishes.rule(example.evidence, example.thread, "", False, others, False)
    return frozenset(found.kinds), frozenset(found.clear)


def stack(example: Example, tags: Sums) -> Row:
    """The features of the second step, from tags learned without this example."""
    tagged = [tags.likely(scaled(row)) for row in example.rows]
    kinds, clear = ruled(example)
    heard = kinds if example.heard else None
    return stack_features(tagged, example.thread, heard, clear, example.evidence.sentences)


def _fold(given: tuple[Sequence[Example], int]) -> list[tuple[int, Row]]:
    examples, number = given
    tags = learn_tags([one for at, one in enumerate(examples) if at % FOLDS != number])
    return [(at, stack(one, tags)) for at, one in enumerate(examples) if at % FOLDS == number]


def learn(examples: list[Example]) -> tuple[Sums, Sums]:
    """(tags, kinds) from all examples; the second step learns from tags that were guessed without the example."""
    Random(0).shuffle(examples)
    for example in examples:
        example.rows = rows_of(example.evidence, example.thread)
    with ProcessPoolExecutor() as pool:
        whole = pool.submit(learn_tags, examples)
        folds = list(pool.map(_fold, [(examples, number) for number in range(FOLDS)]))
        stacked = dict(pair for fold in folds for pair in fold)
        kinds = pool.submit(learn_kinds, examples, [stacked[at] for at in range(len(examples))])
        return whole.result(), kinds.result()


# --- measuring --------------------------------------------------------------------------------------------------------


def chosen(likely: Mapping[str, float]) -> frozenset[str]:
    """The kinds above one half, or the likeliest."""
    found = frozenset(kind for kind, one in likely.items() if one > 0.5 and kind != PERSON)
    return found or frozenset({max((kind for kind in likely if kind != PERSON), key=lambda kind: likely[kind])})


def measure(examples: Sequence[Example], using: Model) -> dict[str, Any]:
    """How often the kinds of a mail are exactly right, by the model and by the rules alone."""
    right = by_rules = careful = 0
    for example in examples:
        kinds, clear = ruled(example)
        found = read(example.evidence, example.thread, kinds, clear, using)
        right += chosen(found.kinds) == example.kinds
        by_rules += kinds == example.kinds
        careful += (found.kinds[PERSON] > 0.5) == example.person
    count = len(examples)
    return {"mails": count, "exact": round(right / count, 3), "rules": round(by_rules / count, 3),
            "person": round(careful / count, 3)}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="keep tests/corpus out, and say how well it does there")
    parser.add_argument("--corpus", type=Path, action="append", default=[], help="more folders of mails to measure on")
    parser.add_argument("--to", type=Path, help="write the weights there instead")
    options = parser.parse_args()
    began = time.monotonic()
    folders = [folder.parent for folder in sorted((ROOT / "tests" / "corpus").glob("*/gold.jsonl"))]
    examples = [one for file in sorted((HOUSE / "examples").glob("*.jsonl")) for one in tagged_mails(file)]
    examples += list(letters())
    if not options.measure:
        examples += [one for folder in folders for one in corpus(folder)]
    tags, kinds = learn(examples)
    weights = together(tags, kinds)
    using = model_of(weights)
    print(f"{len(examples)} examples, {time.monotonic() - began:.0f} s", file=sys.stderr)
    for folder in [*(folders if options.measure else []), *options.corpus]:
        print(json.dumps({"folder": folder.name, **measure(list(corpus(folder)), using)}))
    if options.to or not options.measure:
        (options.to or HOUSE / FILE).write_bytes(weights)
    return 0


if __name__ == "__main__":
    sys.exit(main())

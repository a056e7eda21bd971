"""The knowledge of the understanding: words/<language>.toml, read once, compiled, and found again in sentences."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.phrases import Pattern, compile_pattern, everywhere, match
from mailer.inbound.understanding.places import NUMBER, Places, Spots, spots
from mailer.inbound.understanding.sentences import Sentence

LANGUAGES = ("nl", "fr", "en", "de", "es", "tr", "ar", "uk", "ru")
_REACH = 3  # how far from the words of a cue a negation still speaks of them
_CONDITION, _POLITE = "~condition", "~polite"
# What a sentence is about decides what "inschrijven" or "afmelden" in it can mean.
_ABOUT = {
    "about.meeting": ["<meeting>"],
    "about.date": ["<month>|<day>"],
    "about.list": ["<list>|<letter>|<net>"],
    "about.third": ["<kin>|<third>", "<mine> <colleague>"],
    "about.kin": ["<kin>", "<mine> <colleague>"],
    "about.first": ["<mine>"],
    "about.else": ["<else>"],
    "about.for": ["<for>"],
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of one topic; the order of the rules is that of the topics, and of the lines within each."""

    topic: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What one language says: rules by topic ("join.strong"), and the small words that turn a meaning round.

    `keyed` holds for each place the rules that need it and are asked only where a word fits it.
    """

    language: str
    topics: frozenset[str]
    rules: tuple[Rule, ...]
    keyed: Mapping[int, frozenset[int]]
    places: Places
    common: frozenset[str]
    vocabulary: frozenset[str]
    negations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cue:
    """One pattern found: its topic, in which sentence, in which words, and whether it is denied or conditional."""

    topic: str
    language: str
    sentence: int
    words: tuple[int, ...]
    pattern: str
    negated: bool
    conditional: bool


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of one language; raises ValueError where a pattern in its file cannot be read."""
    source = files("mailer.inbound.understanding").joinpath("words", f"{language}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(source)
    classes = {name: text.split() for name, text in table["classes"].items()}
    small, places = table["small"], Places()
    rules = _rules(_topics(table), classes, places)
    common = frozenset(fold(word) for word in small["common"].split())
    return Lexicon(
        language=language,
        topics=frozenset(rule.topic for rule in rules),
        rules=rules,
        keyed=_keyed(rules, places, common),
        places=places,
        common=common,
        vocabulary=_vocabulary(rules, places),
        negations=frozenset(fold(word) for word in small["negations"].split()),
    )


def _topics(table: Mapping[str, Any]) -> dict[str, list[str]]:
    """The patterns of a file by topic, in the order in which they are asked."""
    topics = {
        f"{topic}.{strength}": [_spoken(text) for text in texts] if strength == "whole" else list(texts)
        for topic, kinds in table["topics"].items()
        for strength, texts in kinds.items()
    }
    topics |= _ABOUT | {_CONDITION: table["small"]["conditions"], _POLITE: table["small"]["polite"]}
    return dict(sorted(topics.items()))


def _rules(topics: Mapping[str, list[str]], classes: Mapping[str, Sequence[str]], places: Places) -> tuple[Rule, ...]:
    return tuple(
        Rule(topic, pattern)
        for topic, texts in topics.items()
        for text in texts
        for pattern in compile_pattern(text, classes, places)
    )


def _vocabulary(rules: Sequence[Rule], places: Places) -> frozenset[str]:
    """Every word that the patterns of a language name in full."""
    spelled = places.spelled()
    needed = {place for rule in rules if not rule.topic.startswith("~") for place in rule.pattern.needed}
    return frozenset(word for place in needed for word in spelled[place][0])


def _keyed(rules: Sequence[Rule], places: Places, common: frozenset[str]) -> Mapping[int, frozenset[int]]:
    """Each rule under the one of its places that the fewest sentences have."""
    often = {
        place: sum(50 if word in common or word == NUMBER else 1 for word in whole) + 20 * parts
        for place, (whole, parts) in places.spelled().items()
    }
    found: dict[int, set[int]] = {}
    for number, rule in enumerate(rules):
        found.setdefault(min(rule.pattern.needed, key=lambda place: (often[place], place)), set()).add(number)
    return {place: frozenset(numbers) for place, numbers in found.items()}


def _spoken(text: str) -> str:
    """A whole answer as its words are compared, without those of courtesy: "that's me, please" → "that s me"."""
    words = text.replace("'", " ").replace("-", " ").split()
    return " ".join(word for word in words if fold(word) not in shared("sentences", "fillers")) or text


def find_cues(sentences: Sequence[Sentence], languages: Sequence[str]) -> tuple[Cue, ...]:
    """Every topic the sentences speak of in these languages; the first pattern of a topic in a sentence counts."""
    found: list[Cue] = []
    for language in languages:
        known = lexicon(language)
        for at, sentence in enumerate(sentences):
            found.extend(_cues(known, sentence, at))
    return tuple(found)


def _cues(known: Lexicon, sentence: Sentence, at: int) -> list[Cue]:
    """The cues of one sentence; of each topic the first that is not denied, of what it is about all of them."""
    here = spots(known.places, sentence.words)
    hits = _hits(known, sentence, here)
    topics = {topic for topic, _, _ in hits}
    conditional = _CONDITION in topics and _POLITE not in topics
    found: list[Cue] = []
    for topic, group in groupby(hits, key=itemgetter(0)):
        if topic.startswith("~"):
            continue
        cues = [
            Cue(topic, known.language, at, words, text, _negated(known, sentence, words), conditional)
            for _, text, words in group
        ]
        cues.sort(key=attrgetter("negated"))
        found.extend(cues if topic.startswith("about.") else cues[:1])
    return found


def _hits(known: Lexicon, sentence: Sentence, here: Spots) -> list[tuple[str, str, tuple[int, ...]]]:
    """(topic, pattern, words) of every rule that fits, in the order of the rules."""
    keyed = known.keyed
    possible = {number for place in here.present if place in keyed for number in keyed[place]}
    found = []
    for number in sorted(possible):
        rule = known.rules[number]
        if rule.pattern.needed <= here.present:
            words = _places(rule, sentence, here)
            if words:
                found.append((rule.topic, rule.pattern.text, words))
    return found


def _places(rule: Rule, sentence: Sentence, here: Spots) -> tuple[int, ...] | None:
    """Where a pattern fits; for what a sentence is about, every place."""
    if rule.topic.endswith(".whole"):
        return _all_of(rule.pattern, sentence, here)
    if rule.topic.startswith("about."):
        return everywhere(rule.pattern, here)
    if rule.topic.startswith("opening."):
        return _at_first(rule.pattern, sentence, here)
    return match(rule.pattern, here)


def _all_of(pattern: Pattern, sentence: Sentence, here: Spots) -> tuple[int, ...] | None:
    """The words of a sentence that says only this: "Stop!", "Ja, graag."; thanks and pleases around it do not count."""
    fillers, meant = shared("sentences", "fillers"), pattern.groups[0]
    said = tuple(at for at, word in enumerate(sentence.words) if word not in fillers) or tuple(
        range(len(sentence.words))
    )
    fits = len(said) == len(meant) and all(
        step.place in here.fits[at] for at, step in zip(said, meant, strict=True)
    )
    return said if fits else None


def _at_first(pattern: Pattern, sentence: Sentence, here: Spots) -> tuple[int, ...] | None:
    """Where a sentence begins with these words, after thanks and pleases: "Ja, maar ...", "Merci, non ..."."""
    found, fillers = match(pattern, here), shared("sentences", "fillers")
    return found if found and all(word in fillers for word in sentence.words[: found[0]]) else None


def _negated(known: Lexicon, sentence: Sentence, words: tuple[int, ...]) -> bool:
    """Whether a negation that is not part of the cue stands in one of its clauses, within or close to it."""
    clauses = {sentence.clauses[at] for at in words}
    first, last = max(0, words[0] - _REACH), min(len(sentence.words), words[-1] + _REACH + 1)
    return any(
        sentence.words[at] in known.negations and sentence.clauses[at] in clauses and at not in words
        for at in range(first, last)
    )

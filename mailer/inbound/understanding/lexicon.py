"""The knowledge of the understanding: words/<language>.toml, read once, compiled, and found again in sentences."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import itemgetter

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.phrases import Pattern, compile_pattern, match, places
from mailer.inbound.understanding.sentences import Sentence

LANGUAGES = ("nl", "fr", "en", "de", "es", "tr", "ar", "uk", "ru")
_REACH = 3  # how far from the words of a cue a negation still speaks of them


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What one language says: patterns per topic ("join.strong"), and the small words that turn a meaning round."""

    language: str
    patterns: Mapping[str, tuple[Pattern, ...]]
    keyed: Mapping[str, frozenset[tuple[str, int]]]
    common: frozenset[str]
    vocabulary: frozenset[str]
    negations: frozenset[str]
    conditions: tuple[Pattern, ...]
    polite: tuple[Pattern, ...]


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
    patterns = {
        f"{topic}.{strength}": _compiled(map(_spoken, texts) if strength == "whole" else texts, classes)
        for topic, kinds in table["topics"].items()
        for strength, texts in kinds.items()
    }
    # What a sentence is about decides what "inschrijven" or "afmelden" in it can mean.
    patterns |= {
        "about.meeting": _compiled(["<meeting>"], classes),
        "about.date": _compiled(["<month>|<day>"], classes),
        "about.list": _compiled(["<list>|<letter>|<net>"], classes),
        "about.third": _compiled(["<kin>|<third>", "<mine> <colleague>"], classes),
        "about.kin": _compiled(["<kin>", "<mine> <colleague>"], classes),
        "about.first": _compiled(["<mine>"], classes),
        "about.else": _compiled(["<else>"], classes),
        "about.for": _compiled(["<for>"], classes),
    }
    small = table["small"]
    return Lexicon(
        language,
        patterns,
        _keyed(patterns),
        frozenset(fold(word) for word in small["common"].split()),
        _vocabulary(patterns),
        frozenset(fold(word) for word in small["negations"].split()),
        _compiled(small["conditions"], classes),
        _compiled(small["polite"], classes),
    )


def _vocabulary(patterns: Mapping[str, tuple[Pattern, ...]]) -> frozenset[str]:
    """Every word that the patterns of a language name in full."""
    groups = (group for ones in patterns.values() for one in ones for group in one.groups)
    return frozenset(word for group in groups for place in group for word in place.whole)


def _keyed(patterns: Mapping[str, tuple[Pattern, ...]]) -> Mapping[str, frozenset[tuple[str, int]]]:
    """Which patterns a word can begin to fit, so that a sentence is compared with few of them; "" for all words."""
    found: dict[str, set[tuple[str, int]]] = {"": set()}
    for topic, ones in patterns.items():
        for at, pattern in enumerate(ones):
            for word in pattern.key or ("",):
                found.setdefault(word, set()).add((topic, at))
    return {word: frozenset(places) for word, places in found.items()}


def _spoken(text: str) -> str:
    """A whole answer as its words are compared, without those of courtesy: "that's me, please" → "that s me"."""
    words = text.replace("'", " ").replace("-", " ").split()
    return " ".join(word for word in words if fold(word) not in shared("sentences", "fillers")) or text


def _compiled(texts: Iterable[str], classes: Mapping[str, Sequence[str]]) -> tuple[Pattern, ...]:
    return tuple(pattern for text in texts for pattern in compile_pattern(text, classes))


def find_cues(sentences: Sequence[Sentence], languages: Sequence[str]) -> tuple[Cue, ...]:
    """Every topic the sentences speak of in these languages; the first pattern of a topic in a sentence counts."""
    found: list[Cue] = []
    for language in languages:
        known = lexicon(language)
        for at, sentence in enumerate(sentences):
            found.extend(_cues(known, sentence, at))
    return tuple(found)


def _cues(known: Lexicon, sentence: Sentence, at: int) -> list[Cue]:
    found: list[Cue] = []
    conditional = any(match(one, sentence) for one in known.conditions) and not any(
        match(one, sentence) for one in known.polite
    )
    possible = {place for word in ("", *sentence.words) for place in known.keyed.get(word, ())}
    for topic, pairs in groupby(sorted(possible), key=itemgetter(0)):
        cues = [_cue(known, topic, known.patterns[topic][n], sentence, at, conditional) for _, n in pairs]
        fitting = sorted((cue for cue in cues if cue), key=lambda cue: cue.negated)
        found.extend(fitting if topic.startswith("about.") else fitting[:1])
    return found


def _cue(known: Lexicon, topic: str, pattern: Pattern, sentence: Sentence, at: int, conditional: bool) -> Cue | None:
    words = _places(topic, pattern, sentence)
    if not words:
        return None
    return Cue(topic, known.language, at, words, pattern.text, _negated(known, sentence, words), conditional)


def _places(topic: str, pattern: Pattern, sentence: Sentence) -> tuple[int, ...] | None:
    """Where a pattern fits; for what a sentence is about, every place."""
    if topic.endswith(".whole"):
        return _all_of(pattern, sentence)
    if topic.startswith("about."):
        return places(pattern, sentence)
    if topic.startswith("opening."):
        return _at_first(pattern, sentence)
    return match(pattern, sentence)


def _all_of(pattern: Pattern, sentence: Sentence) -> tuple[int, ...] | None:
    """The words of a sentence that says only this: "Stop!", "Ja, graag."; thanks and pleases around it do not count."""
    fillers, meant = shared("sentences", "fillers"), pattern.groups[0]
    said = tuple(at for at, word in enumerate(sentence.words) if word not in fillers) or tuple(
        range(len(sentence.words))
    )
    fits = len(said) == len(meant) and all(
        place.fits(sentence.words[at]) for at, place in zip(said, meant, strict=True)
    )
    return said if fits else None


def _at_first(pattern: Pattern, sentence: Sentence) -> tuple[int, ...] | None:
    """Where a sentence begins with these words, after thanks and pleases: "Ja, maar ...", "Merci, non ..."."""
    found, fillers = match(pattern, sentence), shared("sentences", "fillers")
    return found if found and all(word in fillers for word in sentence.words[: found[0]]) else None


def _negated(known: Lexicon, sentence: Sentence, words: tuple[int, ...]) -> bool:
    """Whether a negation that is not part of the cue stands in one of its clauses, within or close to it."""
    clauses = {sentence.clauses[at] for at in words}
    first, last = max(0, words[0] - _REACH), min(len(sentence.words), words[-1] + _REACH + 1)
    return any(
        sentence.words[at] in known.negations and sentence.clauses[at] in clauses and at not in words
        for at in range(first, last)
    )

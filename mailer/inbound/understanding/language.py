"""Which language a mail is written in: scripts first, then common words; the mailbox's own words decide nothing."""

from collections import Counter
from collections.abc import Sequence

from mailer.inbound.understanding.lexicon import LANGUAGES, lexicon

_LATIN = ("nl", "fr", "en", "de", "es", "tr")


def languages_of(words: Sequence[str], text: str) -> tuple[str, ...]:
    """The languages in which to look for meaning, the likeliest first; every one of its script for a few words only."""
    script = _script(text)
    if script == "arabic":
        return ("ar", *_also_latin(words))
    if script == "cyrillic":
        return (*(("ru", "uk") if _is_russian(text) else ("uk", "ru")), *_also_latin(words))
    return _latin(words)


def _latin(words: Sequence[str]) -> tuple[str, ...]:
    score = _scores(words)
    known = _known(words) if max(score.values()) < 3 else score
    ranked = sorted(_LATIN, key=lambda name: (-score[name], -known[name], LANGUAGES.index(name)))
    best = score[ranked[0]]
    if best < 3:
        return tuple(ranked)
    return tuple(name for name in ranked if score[name] >= max(2, best * 0.2))


def _known(words: Sequence[str]) -> Counter[str]:
    """How many of a few words each language has a meaning for: "finalement" is French although it is not common."""
    return Counter({name: sum(word in lexicon(name).vocabulary for word in words) for name in _LATIN})


def _scores(words: Sequence[str]) -> Counter[str]:
    score: Counter[str] = Counter()
    for name in _LATIN:
        common = lexicon(name).common
        score[name] = sum(word in common for word in words)
    return score


def _also_latin(words: Sequence[str]) -> tuple[str, ...]:
    score = _scores(words)
    return tuple(name for name in _LATIN if score[name] >= 4)


def _script(text: str) -> str:
    arabic = sum("\u0600" <= char <= "\u06ff" for char in text)
    cyrillic = sum("\u0400" <= char <= "\u04ff" for char in text)
    latin = sum(char.isascii() and char.isalpha() for char in text)
    if arabic * 2 > latin:
        return "arabic" if arabic >= cyrillic and arabic else "cyrillic" if cyrillic else "latin"
    return "cyrillic" if cyrillic * 2 > latin and cyrillic else "latin"


def _is_russian(text: str) -> bool:
    lowered = text.lower()
    ukrainian = sum(lowered.count(letter) for letter in "іїєґ")
    return sum(lowered.count(letter) for letter in "ыэъё") > ukrainian

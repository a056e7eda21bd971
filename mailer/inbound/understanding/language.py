"""Which language a mail is written in: scripts first, then common words; the mailbox's own words decide nothing."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from mailer.inbound.understanding.lexicon import LANGUAGES, lexicon

_ARABIC, _CYRILLIC, _ASCII = re.compile("[\u0600-\u06ff]"), re.compile("[\u0400-\u04ff]"), re.compile("[A-Za-z]")
_ALSO = 0.12  # so many words of its own, for each word of the likeliest one, make a mail one of two languages
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
    own = _own_words(words, ranked[0])
    return (ranked[0], *(name for name in ranked[1:] if own[name] >= max(2, best * _ALSO)))


def _own_words(words: Sequence[str], best: str) -> Counter[str]:
    """How many common words of each language are not words of the best one as well: neighbours share many."""
    common = _common()
    known = (common[word] for word in words if word in common)
    return Counter(name for names in known if best not in names for name in names)


def _known(words: Sequence[str]) -> Counter[str]:
    """How many of a few words each language has a meaning for: "finalement" is French although it is not common."""
    return Counter({name: sum(word in lexicon(name).vocabulary for word in words) for name in _LATIN})


def _scores(words: Sequence[str]) -> Counter[str]:
    """How many of the words are common ones of each language."""
    common = _common()
    score = Counter(dict.fromkeys(_LATIN, 0))
    score.update(name for word in words for name in common.get(word, ()))
    return score


@cache
def _common() -> dict[str, tuple[str, ...]]:
    """For each common word the languages in which it is one."""
    words = {word for name in _LATIN for word in lexicon(name).common}
    return {word: tuple(name for name in _LATIN if word in lexicon(name).common) for word in words}


def _also_latin(words: Sequence[str]) -> tuple[str, ...]:
    score = _scores(words)
    return tuple(name for name in _LATIN if score[name] >= 4)


def _script(text: str) -> str:
    if text.isascii():
        return "latin"
    arabic, cyrillic = len(_ARABIC.findall(text)), len(_CYRILLIC.findall(text))
    latin = len(_ASCII.findall(text))
    if arabic * 2 > latin:
        return "arabic" if arabic >= cyrillic and arabic else "cyrillic" if cyrillic else "latin"
    return "cyrillic" if cyrillic * 2 > latin and cyrillic else "latin"


def _is_russian(text: str) -> bool:
    lowered = text.lower()
    ukrainian = sum(lowered.count(letter) for letter in "іїєґ")
    return sum(lowered.count(letter) for letter in "ыэъё") > ukrainian

"""Runs of words that can be the name of a house: words with capitals, forms such as "vzw", small words between."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import bare, spells

LONGEST = 7
_OPENS = '«“"„(‘[*_'
_CLOSES = ',.;:?!)»”"…]*_،؟'
_ARTICLES = ("l'", "d'", "l’", "d’", "all'", "dell'")
_POINTED = ("e.", "v.", "st.", "st", "dr.", "ste.", "b.")
_HARD = "\u2060"  # keeps "e. V." one word


def tokens(text: str) -> list[str]:
    """The words of a text; "\\n" where a line ends for good, and the article "l'" apart from its noun."""
    found: list[str] = []
    for line in text.replace("e. V", f"e.{_HARD}V").replace("\t", " | ").replace(";", "; ").split("\n"):
        for word in line.split(" "):
            if "'" in word or "’" in word:
                found.extend(_parted(word))
            elif word:
                found.append(word)
        if len(line) < 50:
            found.append("\n")
    return found


def _parted(word: str) -> list[str]:
    plain = word.lstrip(_OPENS)
    head = next((one for one in _ARTICLES if plain.startswith(one)), "")
    end = word.index(head) + len(head)
    return [word[:end], word[end:]] if head and len(word) > end else [word]


def ends(word: str) -> bool:
    """Whether a name cannot go on after this word: a mark ends it, or the ending of its case does ("Evi'nden")."""
    if word == "\n" or (word[-1:] in _CLOSES and word.lower() not in _POINTED):
        return True
    if word.endswith(("'s", "’s", "'", "’")) or ("'" not in word and "’" not in word):
        return False
    return len(bare(word)) < len(word)


def starts(word: str) -> bool:
    """Whether a name cannot begin before this word."""
    return word[:1] in _OPENS and len(word) > 1


def core(word: str) -> str:
    """A word without the marks around it."""
    if word.isalnum():
        return word
    plain = word.strip(_OPENS + _CLOSES)
    return plain[1:] if plain[:1] == "'" and plain[1:2].isupper() else plain


def is_solid(word: str) -> bool:
    """Whether a word has a capital, so that a name can begin or end with it; not the English "I"."""
    plain = word.lstrip(_OPENS)
    if plain[:1] == "I" and (len(plain) == 1 or plain[1] in "'’,.;"):
        return False
    return plain[:1].isupper() or (plain[:1] in "'’" and plain[1:2].isalpha() and len(plain) == 2)


def folded(words: Sequence[str]) -> list[str]:
    """The words without their marks, folded, all at once."""
    return fold(" ".join(map(core, words))).split(" ") if words else []


@cache
def _endings() -> tuple[str, ...]:
    return tuple(shared("organisations", "endings"))


@cache
def _role_endings() -> tuple[str, ...]:
    return tuple(shared("organisations", "role_endings"))


def is_legal(word: str) -> bool:
    """Whether a word is a legal form: "vzw", "asbl", "e.V."."""
    plain = fold(bare(core(word))).replace(".", "").replace(_HARD, "")
    return plain in shared("organisations", "legal")


def is_house_word(word: str) -> bool:
    """Whether a word says what a house is and stands in no name of a person: "vzw", "school"."""
    plain = fold(bare(word))
    if plain in shared("organisations", "forms"):
        return len(plain) > 3 or not word.islower()  # "go" and "uni" are words as well
    return plain in shared("organisations", "known") or is_legal(word)


def is_form(word: str) -> bool:
    """Whether a word says what a house is, if only by its ending: "wijkhuis" (but "Neuhaus" is a surname as well)."""
    if is_house_word(word):
        return True
    plain = fold(bare(word))
    return len(plain) > 6 and plain.endswith(_endings())


def is_role(word: str) -> bool:
    """Whether a word says what somebody does, and not where."""
    plain = fold(core(word))
    return plain in shared("organisations", "roles") or plain.endswith(_role_endings())


def is_inner(word: str) -> bool:
    """Whether a small word can stand within the name of a house."""
    plain = fold(word)
    return any(
        plain in shared(section, name)
        for section, name in (
            ("people", "particles"),
            ("organisations", "articles"),
            ("organisations", "adjectives"),
            ("organisations", "inner"),
        )
    )


def _is_link(word: str) -> bool:
    """A word that links two parts of the name of a house, or two things that are none: "Centrum voor ..."."""
    return fold(word) in shared("organisations", "links")


def run_around(words: Sequence[str], at: int, label: str = "", alone: bool = False) -> tuple[int, int]:
    """(start, end) of the longest run of name words around a word: solid ones, forms, and small ones between them.

    Words in small letters that spell a good part of `label`, a domain, belong to it as well: "Maison arc-en-ciel".
    `alone`: the words are a line of their own, in which "for" and "and" need no form before them.
    """
    start = end = at
    while start > 0 and at - start < LONGEST and not starts(words[start]) and not ends(words[start - 1]):
        if not _joins(words[start - 1], label):
            break
        start -= 1
    while end + 1 < len(words) and end - at < LONGEST and not ends(words[end]) and not starts(words[end + 1]):
        if not _joins(words[end + 1], label):
            break
        end += 1
    if not alone:
        start, end = _unlinked(words, start, at, end)
    while start < at and not _is_edge(words[start], label):
        start += 1
    while (
        end > at and not _is_edge(words[end], label) and fold(words[end]) not in shared("organisations", "adjectives")
    ):
        end -= 1
    return start, end + 1


def _joins(word: str, label: str) -> bool:
    return _is_edge(word, label) or is_inner(word) or _is_link(word)


def _is_edge(word: str, label: str) -> bool:
    if is_solid(word) or is_form(word):
        return True
    return bool(label) and len(word) > 3 and spells(word, label) >= len(core(word)) - core(word).count("-")


def _unlinked(words: Sequence[str], start: int, at: int, end: int) -> tuple[int, int]:
    """Cut a run at "for" or "and", unless it begins with what a house is called: "Centrum voor ..."."""
    for one in range(at - 1, start, -1):
        if _is_link(words[one]) and not _is_called(words[start:one]):
            start = one + 1
            break
    for one in range(at + 1, end):  # "Fundación Puentes en Bruselas" ends before the town
        if _is_link(words[one]) and not (_is_called(words[start:one]) and not _is_town(words[one + 1])):
            return start, one - 1
    return start, end


def _is_town(word: str) -> bool:
    return fold(bare(word)) in shared("organisations", "towns")


def _is_called(words: Sequence[str]) -> bool:
    return any(is_solid(word) and is_form(word) and not is_legal(word) for word in words)


def written(words: Sequence[str]) -> str:
    """A run as a name: without the marks around it, and without what a language hangs on its last word."""
    last = words[-1].rstrip(".,;:)")
    last = f"{last}." if is_legal(last) and "." in last else bare(core(last))
    head = [core(word) if at == 0 else word.rstrip(",;:") for at, word in enumerate(words[:-1])]
    name = " ".join([*head, last])
    for article in ("l'", "d'", "L'", "D'", "l’", "d’"):
        if article in name:
            name = name.replace(f" {article} ", f" {article}").removeprefix(f"{article} ")
    if name.endswith(f"{_HARD}V"):
        name += "."
    return name.replace(_HARD, " ").strip(' ,;:()«»“”"?!')


def has_pair(words: Sequence[str]) -> bool:
    """Whether two words with capitals stand side by side."""
    return any(is_solid(one) and is_solid(two) for one, two in pairwise(words))

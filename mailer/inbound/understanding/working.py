"""Where somebody says they work: "ik werk bij X", "I'm with X", "je travaille chez X", "wij heten voortaan X"."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import is_latin
from mailer.inbound.understanding.runs import core, ends, folded, is_form, is_legal, is_solid, run_around, written

_REACH = 9
_LOCATIVE = ("da", "de", "ta", "te")
_ARTICLED = ("L'", "L’", "La", "Le", "Les")


@dataclass(frozen=True, slots=True)
class Told:
    """An organisation somebody tells of; `sure` where the words say that it is the new one."""

    name: str
    sure: bool


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The words of one sentence, as written and folded, and what they speak of."""

    words: Sequence[str]
    plain: Sequence[str]
    works: bool
    turns: bool


def working_at(words: Sequence[str], named: frozenset[str], moved: bool, of_others: bool = False) -> Told | None:
    """The organisation the author says they (or those they name) work for: the first, or after a move the last one.

    `words`: as mailer.inbound.understanding.runs gives them; `named`: the words of names, which are no house's.
    """
    plain = folded(words)
    said = set(plain)
    if not any(_has(said, name) for name in ("works_others",) * of_others + ("works", "roles", "am", "turns")):
        return _in_turkish(words, named)
    found: Told | None = None
    begin = 0
    for at, word in enumerate(words, 1):
        if word == "\n" or word[-1:] in ".!?" or at == len(words):
            sentence = _read(words[begin:at], plain[begin:at], moved, of_others)
            begin = at
            told = _in_sentence(sentence, named, moved) if sentence else None
            if told and not moved:
                return told
            if told and not (found and found.sure and not told.sure):
                found = told
    return found or _in_turkish(words, named)


def _read(words: Sequence[str], plain: Sequence[str], moved: bool, of_others: bool) -> _Sentence | None:
    """A sentence that may tell where somebody works; None for any other."""
    said = set(plain)
    if of_others:
        works, speaks = _has(said, "works_others"), True
    else:
        works, speaks = _has(said, "works") or _has(said, "roles"), _has(said, "mine")
    turns = moved and _has(said, "turns")
    told = turns or (speaks and (works or _has(said, "am")))
    return _Sentence(words, plain, works and speaks, turns) if told else None


def _has(said: set[str], name: str) -> bool:
    return not said.isdisjoint(shared("organisations", name))


def _in_sentence(sentence: _Sentence, named: frozenset[str], moved: bool) -> Told | None:
    found = None
    for at in range(len(sentence.words)):
        told = _behind(sentence, at, named)
        if told and not moved:
            return told
        found = told or found
    return found


def _behind(sentence: _Sentence, at: int, named: frozenset[str]) -> Told | None:
    """The name behind the preposition, or the word of a change, at one place of a sentence."""
    word = sentence.plain[at]
    strict = word in shared("organisations", "at")
    changes = sentence.turns and word in shared("organisations", "turns")
    maybe = word in shared("organisations", "at_maybe")
    if not (strict or changes or maybe) or (at and is_solid(sentence.words[at])):
        return None
    before = sentence.plain[:at]
    start, stop = _named_run(sentence.words, _over_articles(sentence.words, at + 1))
    run = sentence.words[start:stop]
    if not run or _is_away(before) or _is_left(sentence.plain, stop) or _is_no_house(run, named):
        return None
    formed = any(map(is_form, run))
    called = formed and is_solid(run[0])
    if maybe and not strict and not (sentence.works or sentence.turns or called):
        return None
    if _ends_small(run):
        return None
    if not formed and sum(map(is_solid, run)) < 2:
        articled = core(run[0]).startswith(_ARTICLED[:2]) or core(run[0]) in _ARTICLED
        plainly = strict and (sentence.works or _is_right_after_am(before))
        if not _is_alone(sentence, stop) or changes or not (plainly or articled):
            return None
    turned = sentence.turns and not shared("organisations", "turns").isdisjoint(before)
    return Told(written(run), changes or turned)


def _is_right_after_am(before: Sequence[str]) -> bool:
    """Whether "I am" stands right before a preposition: "I'm with X"."""
    return bool(before) and before[-1] in shared("organisations", "am")


def _over_articles(words: Sequence[str], at: int) -> int:
    """The place behind up to two articles and any marks."""
    count = 0
    while at < len(words) and count < 2:
        plain = core(words[at])
        if plain and not (plain.islower() and fold(plain) in shared("organisations", "articles")):
            break
        count += bool(plain)
        at += 1
    return at


def _named_run(words: Sequence[str], first: int) -> tuple[int, int]:
    """The run that begins here: with a capital, or with a form in small letters before one."""
    none = (first, first)
    if first >= len(words) or words[first] == "\n":
        return none
    if is_solid(words[first]):
        return first, run_around(words, first)[1]
    if not is_form(words[first]) or ends(words[first]):
        return none
    if not is_latin(words[first]):
        return first, _end_of_caseless(words, first)
    stop = run_around(words, first)[1]
    run = words[first:stop]
    vague = len(run) > 1 and not is_solid(run[1]) and fold(run[1]) in shared("organisations", "at_maybe")
    return none if vague or not any(map(is_solid, run)) else (first, stop)


def _ends_small(run: Sequence[str]) -> bool:
    """Whether a run ends in what it is and not in a name: "GSA van onze school", "Evangelische kerk"."""
    return is_latin(run[-1]) and run[-1].islower() and not is_legal(run[-1])


def _end_of_caseless(words: Sequence[str], first: int) -> int:
    """Where a name ends in a script without capitals: after one word behind those that say what it is."""
    at = first
    while at + 1 < len(words) and is_form(words[at]) and not ends(words[at]):
        at += 1
    return at + 1


def _in_turkish(words: Sequence[str], named: frozenset[str]) -> Told | None:
    """The name with a form on which "at" hangs as an ending: "Köprü Derneği'nde çalışıyorum"."""
    for at, word in enumerate(words):
        tail = word.replace("’", "'").rpartition("'")[2] if is_solid(word) and ("'" in word or "’" in word) else ""
        if tail.removeprefix("n").startswith(_LOCATIVE) and is_form(word):
            start, _ = run_around(words, at)
            if not _is_no_house(words[start : at + 1], named) and at > start:
                return Told(written(words[start : at + 1]), sure=False)
    return None


def _is_away(before: Sequence[str]) -> bool:
    """Whether the words before a name say that it is left behind: nothing between them and it turns that round."""
    for word in reversed(before[-_REACH:]):
        if word in shared("organisations", "turns"):
            return False
        if word in shared("organisations", "away"):
            return True
    return False


def _is_left(plain: Sequence[str], after: int) -> bool:
    """Whether "to" follows: of "van X naar Y" the first is the old one."""
    return after < len(plain) and plain[after] in shared("updates", "coming")


def _is_alone(sentence: _Sentence, stop: int) -> bool:
    """Whether a single word with a capital stands by itself: in "bij de Turkse gemeenschap" it does not."""
    if ends(sentence.words[stop - 1]) or stop >= len(sentence.words) or sentence.words[stop] == "\n":
        return True
    following = sentence.plain[stop]
    if following in shared("organisations", "links") and any(map(is_solid, sentence.words[stop + 1 : stop + 2])):
        return False  # "bij Kind en Gezin": one name or two
    return any(following in shared("organisations", name) for name in ("at_maybe", "at", "links", "behind"))


def _is_no_house(run: Sequence[str], named: frozenset[str]) -> bool:
    """Whether a run is a town, a month or somebody's name."""
    plain = [fold(core(word)) for word in run]
    if len(" ".join(plain)) < 3 or "@" in "".join(run) or (plain[0] in named and not any(map(is_form, run))):
        return True
    content = [word for word in plain if word not in shared("people", "particles")]
    return all(word in shared("organisations", "towns") or word in named for word in content)

"""Which words of a run spell the domain of an address, and what belongs to the name around them."""

from collections.abc import Sequence

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import bare, is_latin, latin, letters, spells, umlauts
from mailer.inbound.understanding.runs import core, ends, is_form, is_inner, is_legal, is_role, is_solid


def fit(words: Sequence[str], start: int, end: int, house: str) -> tuple[float, int, int]:
    """(share of a domain spelled, first, last + 1) of the words in a run that spell it; 0.0 where they do not.

    `house`: the part of the domain that may spell an organisation, as written.
    """
    label = letters(house)
    found = [spells(word, label) for word in words[start:end]]
    first, last = _telling(words[start:end], found)
    if first == last:
        return 0.0, 0, 0
    score = sum(found[first:last]) / max(len(label), 1)
    spelled = " ".join(bare(core(word)) for word in words[start + first : start + last])
    joined = letters(spelled)
    whole = not _words_of(house).isdisjoint((joined, letters(umlauts(spelled))))
    public = shared("organisations", "public")
    town = joined in label and label.replace(joined, "", 1) in public
    town = town or label[: sum(found[first:last])] in public
    enough = score >= (0.5 if last - first > 1 else 0.6) or whole
    if len(joined) < 3 or not enough or (town and not any(map(is_form, words[start:end]))):
        return 0.0, 0, 0
    return min(score, 1.0), start + first, start + last


def _telling(words: Sequence[str], found: Sequence[int]) -> tuple[int, int]:
    """(first, last + 1) of the words that spell a domain: short ones only right beside others, "De" before "Brug"."""
    telling = [at for at, count in enumerate(found) if count > 3 or (count > 1 and is_solid(words[at]))]
    while telling and found[telling[0]] < 4 and not _are_near(words, telling[:2], inner=False):
        telling = telling[1:]
    while len(telling) > 1 and found[telling[-1]] < 3 and not _are_near(words, telling[-2:], inner=True):
        telling = telling[:-1]
    solid = any(is_solid(words[at]) and fold(core(words[at])) not in _openings() for at in telling)
    caseless = any(not is_latin(words[at]) for at in telling)
    return (telling[0], telling[-1] + 1) if telling and (solid or caseless) else (0, 0)


def _are_near(words: Sequence[str], pair: Sequence[int], inner: bool) -> bool:
    """Whether two words stand side by side, with nothing but "&" between them, or (`inner`) small words."""
    between = words[pair[0] + 1 : pair[-1]]
    return len(pair) == 2 and all(core(word) in ("&", "+", "") or (inner and is_inner(word)) for word in between)


def _openings() -> frozenset[str]:
    return shared("organisations", "openings")


def _words_of(house: str) -> frozenset[str]:
    """The words of a domain between its hyphens, and behind the form it begins with, that are no mere forms."""
    known = shared("organisations", "public") | shared("organisations", "legal")
    pieces = {piece for piece in house.split("-") if len(piece) > 3 and piece not in known}
    whole = letters(house)
    for size in range(3, len(whole) - 3):
        if whole[:size] in shared("organisations", "forms"):
            pieces.add(whole[size:])
    return frozenset(pieces)


def widened(words: Sequence[str], first: int, last: int, start: int, end: int, label: str) -> tuple[int, int]:
    """The words that spell a domain with what belongs to them: articles and forms before, forms and names after."""
    first, last = _to_the_left(words, first, last, start, label), _to_the_right(words, last, end, label)
    article = fold(core(words[first])) in shared("organisations", "articles")
    if article and last - first > 2 and words[first + 1].islower():
        first += 1  # "Le centre Refuge" begins a sentence, not a name
    return first, last


def _to_the_left(words: Sequence[str], first: int, last: int, start: int, label: str) -> int:
    """A form in small letters before words that spell all of it is none of the name: "mijn koffiehuis Huyskamer"."""
    whole = "".join(letters(core(word)) for word in words[first:last]) == label
    while first > start:
        before = words[first - 1]
        small = before.islower() and (is_role(before) or (whole and not is_legal(before)))
        opening = is_solid(before) and fold(core(before)) in _openings()
        acronym = core(before).isupper() and len(core(before)) < 5 and is_form(words[first])
        if (is_form(before) and not small) or opening or acronym or core(before) in ("'t", "’t"):
            first -= 1
            continue
        back = _over_small_words(words, first, start)
        if back == first:
            break
        first = back
    return first


def _over_small_words(words: Sequence[str], first: int, start: int) -> int:
    """The place of a form from which one or two small words lead to the name: "Centre de planning familial Le Fil"."""
    for size in (1, 2):
        at = first - 1 - size
        if at >= start and is_form(words[at]) and all(is_inner(word) for word in words[at + 1 : first]):
            return at
    return first


def _to_the_right(words: Sequence[str], last: int, end: int, label: str) -> int:
    while last < end:
        word = words[last]
        joined = core(word) in ("&", "+") and last + 1 < end and is_solid(words[last + 1])
        if not (joined or is_solid(word) or is_form(word) or fold(word) in shared("organisations", "adjectives")):
            break
        last += 1 + joined
    number = core(words[last]) if last < len(words) and not ends(words[last - 1]) else ""
    return last + 1 if number.isdigit() and number in label else last


def without_case(name: str, house: str) -> str:
    """A Slavic name without the ending of its case, where the domain shows where the name ends: "Очага" → "Очаг"."""
    label = letters(house)
    if is_latin(name) or latin(name) in label:
        return name
    spelled = (name[:-size] for size in (1, 2))
    return next((one for one in spelled if latin(one) == label or latin(one) in _words_of(house)), name)

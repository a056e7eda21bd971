"""Names as a coordinator would write them: in their natural order, with capitals, without titles."""

from collections.abc import Sequence
from functools import cache

from mailer.inbound.fold import fold
from mailer.inbound.headers import clean
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import is_latin, local_pieces, parts, skeleton


def natural(shown: str, address: str) -> str:
    """A display name in its natural order: "Peeters, An", "PEETERS An" and "Van Gorp Filip" (f.vangorp@) turn round."""
    name = clean(shown.strip("\"' "), 100)
    if not name or "@" in name:
        return ""
    name = _without_house(name)
    if name.count(",") == 1:
        last, first = (part.strip() for part in name.split(","))
        if last and first and len(first.split()) <= 3:
            return cased(f"{first} {last}")
    words = untitled(name.split())
    return cased(" ".join(_shouted_first(words) or _turn(words, address)))


def _without_house(name: str) -> str:
    """ "An Peeters (De Brug)", "An Peeters | De Brug" and "An Peeters - De Brug" → "An Peeters"."""
    for mark in (" (", " | ", " - ", " – "):
        head, found, _ = name.partition(mark)
        if found and "," not in head and head.strip():
            return head.strip()
    return name


def house_in(name: str) -> str:
    """What stands behind a name in brackets, or behind a bar or a dash, in a display name; "" for nothing."""
    return name.removeprefix(_without_house(name)).strip(" ()|-–")


def untitled(words: Sequence[str]) -> list[str]:
    """The words of a name without the titles in front, as long as two are left."""
    found = list(words)
    while len(found) > 2 and is_title(found[0]) and len(found[0]) != 1 and not _is_particle(found[1]):
        found = found[1:]
    return found


def _is_particle(word: str) -> bool:
    return word.islower() and word in shared("people", "particles")


def is_title(word: str) -> bool:
    """Whether a word is a title or a form of address."""
    return fold(word).replace(".", "") in shared("people", "titles")


def _shouted_first(words: list[str]) -> list[str]:
    """The surname in capitals put last: "DE WIT An" → "An DE WIT"."""
    loud = 0
    while loud < len(words) and words[loud].isupper() and (len(words[loud]) > 2 or loud or len(words) > 2):
        loud += 1
    if 0 < loud < len(words) and len("".join(words[:loud])) > 2 and not words[loud].isupper():
        return [*words[loud:], *map(_title, words[:loud])]
    return []


def _turn(words: list[str], address: str) -> list[str]:
    """Surname first, if the local part of the address has the last word first."""
    pieces = list(local_pieces(address))
    if len(words) < 2 or len(pieces) < 2:
        return words
    first, last = fold(words[0]), fold(words[-1])
    rest = "".join(fold(word) for word in words[:-1])
    surname_first = pieces[0] == last or (len(pieces[0]) == 1 and pieces[0] == last[:1])
    if surname_first and "".join(pieces[1:]).replace("'", "") in (rest, first) and pieces[0] != first:
        return [words[-1], *words[:-1]]
    return words


def cased(name: str) -> str:
    """Small letters or capitals throughout become a name; anything else stays as it is written."""
    words = name.split()
    loud = any(len(word) > 3 and word.isupper() for word in words)
    if name.islower() or name.isupper() or loud:
        words = [_cased_word(word, at, loud) for at, word in enumerate(words)]
    return " ".join(words)


def _cased_word(word: str, at: int, loud: bool) -> str:
    if word.isupper() and loud and len(word) > 1 and "." not in word:
        return _title(word)
    if word.lower() in shared("people", "particles") and at:
        return word
    shouted = len(word) > 3 and word.isupper() and "." not in word
    return _title(word) if shouted or word.islower() else word


def _title(word: str) -> str:
    """ "D'HOOGHE-MAES" → "D'Hooghe-Maes"."""
    parts = ["'".join(one[:1].upper() + one[1:].lower() for one in part.split("'")) for part in word.split("-")]
    return "-".join(parts)


def is_personal(name: str) -> bool:
    """At least two words that are no initials, and none that speaks of a team."""
    words = [fold(word).strip(".,") for word in name.split()]
    return len([word for word in words if len(word) > 1]) >= 2 and not is_team(name)


def is_team(name: str) -> bool:
    """Whether a name or the local part of an address speaks of a team and not of a person."""
    words = parts(name)
    return not shared("people", "team").isdisjoint(words) or any(word.endswith(_team_endings()) for word in words)


@cache
def _team_endings() -> tuple[str, ...]:
    return tuple(shared("people", "team_endings"))


def is_shared(address: str) -> bool:
    """Whether several people read this mailbox: "info@", "onthaal.gent@"."""
    pieces = local_pieces(address)
    return bool(pieces) and pieces[0] in shared("people", "team")


def segments(line: str) -> list[str]:
    """The parts of a line between commas, bars, brackets and dashes that stand apart."""
    for mark in ("|", "(", ")", " - ", " – ", ",", "·", ";", "—", "،", "•", "\t", "/"):
        if mark in line:
            line = line.replace(mark, "\x00")
    return [piece.strip(" .*_-–:!") for piece in line.split("\x00") if piece.strip(" .*_-–:!")]


def name_in(piece: str) -> str:
    """`piece` as a name of two to five words, each with a capital, or ""; titles in front go."""
    words = piece.split()
    while len(words) > 1 and is_title(words[0]) and len(words[0].strip(".")) > 1:
        words = words[1:]
    if not 2 <= len(words) <= 5 or any(char.isdigit() or char in "@/:&?!" for char in piece):
        return ""
    solid = [word for word in words if word[:1].isupper() and len(word.strip(".")) > 1]
    fine = all(is_name_word(word) for word in words) and words[0][:1].isupper()
    return cased(" ".join(words)) if fine and len(solid) >= 2 and not is_team(piece) else ""


def is_name_word(word: str) -> bool:
    """Whether a word can stand within a name: it has a capital, or is one of the small ones."""
    return word[:1].isupper() or word.lower() in shared("people", "particles") or word.startswith(("'", "’"))


def stems(text: str) -> frozenset[str]:
    """The words of a name or an address by which they can be compared."""
    return frozenset(word for word in parts(text) if len(word) > 1)


def matches(word: str, known: frozenset[str]) -> bool:
    """Whether a folded word is one of the known ones, or part of one, or holds one."""
    if word in known:
        return True
    if not is_latin(word):
        bones = skeleton(word)
        return bool(bones) and any(skeleton(one) == bones for one in known)
    return len(word) > 3 and any(len(one) > 3 and (one.startswith(word) or word in one) for one in known)


def from_local(address: str) -> str:
    """A name from "first.last@": only where the local part has two or three plain words, none of a team."""
    words = [word for word in address.partition("@")[0].replace("_", ".").split(".") if word]
    fine = 2 <= len(words) <= 3 and all(word.isalpha() and len(word) > 1 for word in words)
    return " ".join(word.capitalize() for word in words) if fine and not is_shared(address) else ""


def nominative(name: str) -> str:
    """A Slavic name out of the accusative, in which one asks to add somebody: "Марту" → "Марта"."""
    return name if is_latin(name) else " ".join(map(_nominative_word, name.split()))


def _nominative_word(word: str) -> str:
    for ending, plain in (("скую", "ская"), ("цкую", "цкая"), ("ю", "я"), ("у", "а")):
        if len(word) > 3 and word.endswith(ending):
            return word.removesuffix(ending) + plain
    return word

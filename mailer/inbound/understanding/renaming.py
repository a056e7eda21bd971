"""How a member is called from now on, as a mail gives it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mailer.inbound.fold import fold
from mailer.inbound.understanding.beside import words_of
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import bare, letters, local_pieces
from mailer.inbound.understanding.names import is_name_word, is_title
from mailer.inbound.understanding.runs import is_house_word


@dataclass(frozen=True, slots=True)
class _Said:
    """The words of a text as written, without the marks around them, and folded."""

    words: Sequence[str]
    bare: Sequence[str]
    folded: Sequence[str]


def _read(text: str) -> _Said:
    words = words_of(text)
    plain = [bare(word) for word in words]
    return _Said(words, plain, [fold(word) for word in plain])


def new_name(text: str, signature: str, old: str, renamed: bool) -> str:
    """The name somebody wants from now on, as the text or the signature gives it; "" for none.

    `renamed`: the words of the mail ask for it; without that only a mail that speaks of names can.
    """
    known = old.split()
    if len(known) < 2:
        return ""
    said, signed = _read(text), _read(signature)
    found = _hyphened(said, known) or _hyphened(signed, known) or _called(said, known, renamed) or _turned(said, known)
    if found or not (renamed or not shared("people", "renaming").isdisjoint(said.folded)):
        return found
    found = _with_middle(said, known) or _other_name(signed, known)
    return found or ("" if _last_place(signed, known) >= 0 else _other_name(said, known))


def married_name(text: str, known: str, address: str) -> str:
    """The name by which a new address calls somebody with the same first name: "Aus Vogt wird Sommer"; "" for none."""
    pieces, old = local_pieces(address), known.split()
    if len(pieces) != 2 or len(old) < 2 or pieces[0] != fold(old[0]) or pieces[1] == fold(old[-1]):
        return ""
    words = map(bare, words_of(text))
    return next((f"{old[0]} {word}" for word in words if word[:1].isupper() and letters(word) == pieces[1]), "")


def _hyphened(said: _Said, known: Sequence[str]) -> str:
    """ "Zerouali" that has become "Zerouali-Peeters"."""
    last = fold(known[-1])
    for word in said.bare:
        head, joined, tail = word.partition("-")
        if joined and tail[:1].isupper() and fold(head) == last:
            return " ".join([*known[:-1], word])
    return ""


def _called(said: _Said, known: Sequence[str], renamed: bool) -> str:
    """The name behind "I am called": a full one that shares a word with the old one, or a first name alone."""
    found = ""
    for at, word in enumerate(said.folded):
        if word in shared("people", "called") and shared("updates", "old").isdisjoint(said.folded[max(0, at - 3) : at]):
            house = any(map(is_house_word, said.words[max(0, at - 2) : at]))
            found = ("" if house else _merged(_name_behind(said, at), known, renamed)) or found
    return found


def _name_behind(said: _Said, at: int) -> list[str]:
    """The name that begins within four words, in the same sentence; [] for none."""
    after = range(at + 1, min(at + 5, len(said.words)))
    first = next((to for to in after if said.bare[to][:1].isupper() and len(said.bare[to]) > 1), None)
    if first is None or any(word[-1:] in ".!?\n" for word in said.words[at:first]):
        return []
    if said.bare[first + 1 : first + 2] == [said.bare[first]]:
        first += 1  # "Ik heet Emma. Emma Daems."
    name = [said.bare[first]]
    for to in range(first + 1, min(first + 5, len(said.words))):
        if said.words[to - 1][-1:] in ".!?,;:" or not is_name_word(said.bare[to]):
            break
        name.append(said.bare[to])
    return name


def _merged(name: Sequence[str], known: Sequence[str], renamed: bool) -> str:
    """The new name as a whole; "" where it is the old one, or has nothing to do with it."""
    folded, old = [fold(word) for word in name], [fold(word) for word in known]
    if not name or folded == old or is_title(name[0]) or folded[0] in shared("sentences", "greetings"):
        return ""
    if len(name) > 1:
        return " ".join(name) if not set(folded).isdisjoint(old) and name[-1][:1].isupper() else ""
    fits = folded[0] not in old and (renamed or _are_alike(folded[0], old[0]))
    return " ".join([name[0], *known[1:]]) if fits else ""


def _are_alike(one: str, other: str) -> bool:
    """Whether two names differ by a letter or two."""
    same = one[:1] == other[:1] and one[-1:] == other[-1:]
    return same and abs(len(one) - len(other)) < 2 and len(set(one) ^ set(other)) < 3


def _turned(said: _Said, known: Sequence[str]) -> str:
    """Both words of the name in the other order, where the text has them so and never as they are known."""
    if len(known) != 2:
        return ""
    first, last = map(fold, known)
    found = ""
    for at, (one, two) in enumerate(pairwise(said.folded)):
        if said.words[at][-1:] in ".,":
            continue
        if (one, two) == (first, last):
            return ""
        if (one, two) == (last, first):
            found = f"{said.bare[at]} {said.bare[at + 1]}"
    return found


def _with_middle(said: _Said, known: Sequence[str]) -> str:
    """Both names with another one between them: "Ngoc Anh Tran"."""
    both = {fold(known[0]), fold(known[-1])}
    for at in range(len(said.words) - 2):
        first, middle, last = said.folded[at : at + 3]
        if {first, last} == both and middle not in both and said.bare[at + 1][:1].isupper():
            return " ".join(said.bare[at : at + 3])
    return ""


def _other_name(said: _Said, known: Sequence[str]) -> str:
    """The last full name that shares the first name or the surname with the old one; "" where that comes last."""
    surname, size = [fold(word) for word in known[1:]], len(known)
    found, place = "", -1
    for at in range(len(said.words) - 1):
        if said.words[at][-1:] in ".,;:!?" or not _begins_name(said, at):
            continue
        if said.folded[at + 1 : at + size] == surname and said.folded[at] != fold(known[0]):
            found, place = " ".join(said.bare[at : at + size]), at
        elif said.folded[at] == fold(known[0]) and said.folded[at + 1] != surname[0] and _ends_name(said.bare[at + 1]):
            found, place = f"{said.bare[at]} {said.bare[at + 1]}", at
    return found if place > _last_place(said, known) else ""


def _last_place(said: _Said, known: Sequence[str]) -> int:
    """Where a text last holds the name as it is known; -1 for nowhere."""
    name, size = [fold(word) for word in known], len(known)
    return next((at for at in range(len(said.words) - size, -1, -1) if said.folded[at : at + size] == name), -1)


def _begins_name(said: _Said, at: int) -> bool:
    """Whether a first name may stand here, and nobody says that it was the old one: "nog als Bjorn"."""
    word = said.bare[at]
    strange = is_title(word) or said.folded[at] in shared("people", "kin")
    before = said.folded[max(0, at - 3) : at]
    return word[:1].isupper() and len(word) > 1 and not strange and shared("updates", "old").isdisjoint(before)


def _ends_name(word: str) -> bool:
    return word[:1].isupper() and len(word) > 2 and not is_house_word(word)

"""The name that belongs to an address in a text: next to it, or the words nearby that its local part spells."""

from collections.abc import Iterator, Sequence

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import bare, is_latin, letters, local_pieces
from mailer.inbound.understanding.names import (
    cased,
    from_local,
    is_name_word,
    is_shared,
    is_team,
    is_title,
    natural,
    nominative,
)
from mailer.inbound.understanding.runs import is_house_word
from mailer.inbound.understanding.spelling import has_vowel, marks_of, spelled_pieces

_BEFORE, _AFTER = 40, 30
_CUTS = ",.;:!?)|…،؟"


def words_of(text: str) -> list[str]:
    """The words of a text, with "\\n" where a line ends, and brackets apart."""
    for mark in ("\n", "<", ">", "(", "[", "\t", "|", ";"):
        if mark in text:
            text = text.replace(mark, f" {mark} ")
    text = text.replace(",", ", ")
    return [word for word in text.split(" ") if word]


def name_beside(words: Sequence[str], at: int, address: str, writer: frozenset[str]) -> str:
    """The name of the person whose address is the word at `at`, in its natural order; "" where none is plain.

    `words`: as words_of gives them; `writer`: the folded words of the author's name, who is meant only where the
    address says so.
    """
    pieces = local_pieces(address)
    runs = list(_runs(words, max(0, at - _BEFORE), at))
    behind = list(_runs(words, at + 1, min(len(words), at + 1 + _AFTER)))
    found = _best_spelled(words, at, [*reversed(runs), *behind], pieces)
    name = (
        " ".join(_in_full(found, words))
        or _in_small_letters(words, max(0, at - _BEFORE), at, pieces)
        or " ".join(_scattered(words, max(0, at - 12), at, pieces))
        or _next_to(words, at, runs, behind[:1], writer, is_shared(address))
    )
    return nominative(natural(name, address))


def _plain(word: str) -> str:
    """A word without its marks; an initial keeps its point."""
    plain = bare(word)
    return f"{plain}." if len(plain) == 1 and word.rstrip(",;:)").endswith(".") else plain


def _is_next(words: Sequence[str], first: int, last: int) -> bool:
    """Whether only marks stand between two places."""
    return not any(any(map(str.isalnum, word)) for word in words[first + 1 : last])


def _runs(words: Sequence[str], start: int, end: int) -> Iterator[list[int]]:
    """The places of words that can be one name; in scripts without capitals every word can."""
    run: list[int] = []
    for at in range(start, end):
        word = words[at]
        plain = _plain(word)
        fits = bool(plain) and "@" not in word and _can_be_name(plain, within=bool(run))
        if run and (not fits or (word[:1] in "«“\"„'" and word[1:2].isupper())):
            yield run
            run = []
        if fits:
            run.append(at)
            if word[-1:] in _CUTS and not (plain.endswith(".") and len(plain) == 2):
                yield run
                run = []
    if run:
        yield run


def _can_be_name(word: str, within: bool) -> bool:
    if word[:1].isupper():
        return True
    if is_latin(word):
        return within and is_name_word(word)
    return word.isalpha() and word[:1] >= "\u0590"


def _best_spelled(words: Sequence[str], at: int, runs: Sequence[Sequence[int]], pieces: Sequence[str]) -> Sequence[str]:
    """Of the runs, the nearest first, the one of which the address spells the most."""
    best: Sequence[str] = ()
    most = 0
    for places in runs:
        run = [_plain(words[one]) for one in places]
        name = _spelled(run, pieces, next_to=_is_next(words, places[-1], at))
        count = spelled_pieces(name, pieces) if name else 0
        if count > most:
            best, most = name, count
    return best


def _spelled(run: Sequence[str], pieces: Sequence[str], next_to: bool) -> list[str]:
    """The words of a run that an address spells, with the rest of the name around them."""
    marks = marks_of(run, pieces)
    if not any(len(run[at].strip(".")) > 1 for at in marks):
        return []
    first, last = min(marks), max(marks)
    if not is_latin(run[first]) and not run[first][:1].isupper():
        head = run[first].removeprefix("و") if _has_and(run[first], pieces[0]) else run[first]
        return [head, *run[first + 1 : last + 1]] if last > first or len(pieces) == 1 else []
    name = list(run[_first_of(run, first, last) : _last_of(run, pieces, marks, next_to) + 1])
    while name and not name[-1][:1].isupper():
        name.pop()
    while len(name) > 2 and is_title(name[0]):
        name = name[1:]
    return name if sum(word[:1].isupper() for word in name) > 1 else []


def _has_and(word: str, piece: str) -> bool:
    """Whether the Arabic "and" stands before a name, which does not begin with it."""
    return word.startswith("و") and len(word) > 3 and piece[:1] not in "wou"


def _first_of(run: Sequence[str], first: int, last: int) -> int:
    """Where a name begins: behind a title ("Frau Thi Lan Pham"), or with the first name before a lone surname."""
    titled = next((at for at in range(first - 1, max(-1, first - 4), -1) if is_title(run[at])), None)
    if titled is not None:
        return titled + 1
    if first != last and not (last - first < 2 and not _begins_name(run[first])):
        return first
    at = first
    while at > 1 and not run[at - 1][:1].isupper():
        at -= 1
    return at - 1 if at > 0 and run[at - 1][:1].isupper() and not _is_common(run[at - 1]) else first


def _begins_name(word: str) -> bool:
    return word[:1].isupper() and fold(word) not in shared("people", "particles") and not is_title(word)


def _last_of(run: Sequence[str], pieces: Sequence[str], marks: frozenset[int], next_to: bool) -> int:
    """A first name takes its surname along; a surname what is in capitals too, or ends right before the address."""
    last = max(marks)
    rest = run[last + 1 :]
    if not rest or any(map(is_house_word, rest)):
        return last
    first_only = letters(run[last]) == pieces[0] and (len(pieces) == 1 or not has_vowel(pieces[-1]))
    loud = run[last].isupper() and len(run[last]) > 2 and all(map(str.isupper, rest))
    more = next_to and len(rest) < 3 and len(marks) > 1 and _is_surname(rest)
    return min(len(run) - 1, last + 3) if (len(marks) == 1 and first_only) or loud or more else last


def _is_surname(rest: Sequence[str]) -> bool:
    """Whether words go on a name, and are not "of" or "for" something."""
    small = [fold(word) for word in rest if word.islower()]
    apart = shared("organisations", "at_maybe") - shared("people", "particles")
    return rest[-1][:1].isupper() and apart.isdisjoint(small)


def _is_common(word: str) -> bool:
    """Whether a word with a capital is one that may stand before a name, and no part of it."""
    plain = fold(word)
    known = (("people", "kin"), ("organisations", "roles"), ("organisations", "mine"), ("sentences", "greetings"))
    return is_title(word) or any(plain in shared(section, name) for section, name in known)


def _in_full(name: Sequence[str], words: Sequence[str]) -> Sequence[str]:
    """The same name as the text gives it elsewhere with another surname: "voluit heet hij Diego Salcedo Rojas"."""
    size = len(name)
    for at in range(len(words) - size if name else 0):
        if not words[at].startswith(name[0]) or [bare(one) for one in words[at : at + size]] != list(name):
            continue
        if words[at + size - 1][-1:] in _CUTS:
            continue
        rest = words[at + size : at + size + 3]
        end = next((one for one, word in enumerate(rest) if word[-1:] in ".,;!?"), -1)
        more = [bare(word) for word in rest[: end + 1]]
        solid = sum(word[:1].isupper() for word in more)
        if 0 < solid < 3 and all(map(is_name_word, more)) and more[-1][:1].isupper():
            return name if any(map(is_house_word, more)) else [*name, *more]
    return name


def _in_small_letters(words: Sequence[str], start: int, at: int, pieces: Sequence[str]) -> str:
    """A name without capitals that is just what the address spells: "anja van roey" of anja.vanroey@."""
    if len(pieces) < 2:
        return ""
    whole = "".join(pieces)
    for first in range(start, at):
        if letters(words[first]) == pieces[0]:
            runs = ([bare(word) for word in words[first : min(at, first + size)]] for size in (2, 3, 4))
            found = next((run for run in runs if "".join(map(letters, run)) == whole), None)
            if found:
                return cased(" ".join(found).lower())
    return ""


def _scattered(words: Sequence[str], start: int, at: int, pieces: Sequence[str]) -> list[str]:
    """First name and surname in cells of their own: one word before the address for each piece of it."""
    if len(pieces) < 2 or any(len(piece) < 2 for piece in pieces):
        return []
    near = {letters(word): word for word in map(bare, words[start:at]) if word[:1].isupper()}
    return [near[piece] for piece in pieces] if all(piece in near for piece in pieces) else []


def _next_to(
    words: Sequence[str],
    at: int,
    runs: Sequence[Sequence[int]],
    behind: Sequence[Sequence[int]],
    writer: frozenset[str],
    many: bool,
) -> str:
    """A full name right before or after an address that spells another one; `many`: several people read there."""
    near = [run for run in runs if len(run) > 1 and _is_next(words, run[-1], at)]
    near += [run for run in behind if len(run) > 1 and _is_next(words, at, run[0])]
    if not near and many:
        near = [run for run in runs[-4:] if len(run) > 1 and words[run[-1]][-1:] != "."][-1:]
    names = (_whole_name([_plain(words[one]) for one in run], writer) for run in near)
    return next((name for name in names if name), "")


def _whole_name(name: Sequence[str], writer: frozenset[str]) -> str:
    """The words of a run as a full name that is not the author's and of no house; "" for any other."""
    while len(name) > 2 and _is_common(name[0]):
        name = name[1:]
    solid = [word for word in name if word[:1].isupper() and len(word) > 1]
    strange = any(map(is_house_word, name)) or is_team(" ".join(name)) or writer.issuperset(map(fold, name))
    fine = len(solid) > 1 and len(name) < 6 and name[-1][:1].isupper()
    return " ".join(name) if fine and not strange and not _is_common(name[0]) else ""


def name_of_local(words: Sequence[str], address: str) -> str:
    """A name from the address alone, or the first name in the text where the rest of it is no word."""
    pieces = local_pieces(address)
    if all(map(has_vowel, pieces)):
        return from_local(address)
    return next((bare(word) for word in words if word[:1].isupper() and letters(bare(word)) == pieces[0]), "")

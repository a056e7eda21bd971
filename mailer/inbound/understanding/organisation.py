"""The organisation a mail names: words that spell the domain of an address, a line of the signature, or "I work at"."""

from collections.abc import Iterable, Iterator, Sequence

from mailer.inbound.fold import fold
from mailer.inbound.understanding.domains import fit, widened, without_case
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import house_of, is_latin, letters, spells
from mailer.inbound.understanding.mentions import Mentions, tail
from mailer.inbound.understanding.names import is_title, segments
from mailer.inbound.understanding.runs import (
    core,
    has_pair,
    is_form,
    is_house_word,
    is_legal,
    is_role,
    is_solid,
    run_around,
    tokens,
    written,
)
from mailer.inbound.understanding.working import working_at


def organisation_of(where: Mentions, address: str, named: frozenset[str], moved: bool = False) -> str | None:
    """The organisation of the author, as written, or None: never guessed from the domain alone.

    `named`: the words of the names in the mail, which are nobody's house; `moved`: the mail tells of a change.
    """
    changed = working_at(where.text, named, moved=True) if moved else None
    if changed and changed.sure:
        return changed.name
    fitting = fitting_house(where, address, named, moved)
    if fitting:
        return fitting
    if where.labelled:
        return where.labelled
    told = changed or working_at(where.text, named, moved=False)
    formed = _first_formed((*where.signed, *tail(where), *where.shown), named)
    return formed or (told.name if told else None) or _quoted(where.text) or _under_name(where, named)


def shared_house(where: Mentions, address: str, named: frozenset[str], colleague: bool) -> str | None:
    """The organisation of somebody named in a mail: one that fits their address, or that of all the mail speaks of.

    `colleague`: their address is at the author's domain, so that the author's house is theirs.
    """
    fitting = fitting_house(where, address, named) or where.labelled
    if fitting or not colleague:
        return fitting
    told = working_at(where.text, named, moved=False, of_others=True)
    return _first_formed(where.signed, named) or (told.name if told else None) or _under_name(where, named)


def fitting_house(where: Mentions, address: str, named: frozenset[str], moved: bool = False) -> str | None:
    """The words of a mail that spell the domain of an address best, with their legal form; None for none.

    Of two that do so equally well the first counts, or the last where the mail tells of a change.
    """
    house = house_of(address)
    label = letters(house)
    if not label:
        return None
    best: tuple[tuple[float, bool, bool], str] = ((0.0, False, False), "")
    caseless = [] if is_latin(" ".join(where.last)) else [piece for piece in tail(where) if not is_latin(piece[0])]
    for words, signed in (*((piece, True) for piece in (*where.signed, *caseless)), (where.text, False)):
        for score, name in _fitting(words, house, label, signed):
            rank = (round(score, 1), any(map(is_form, name.split())), signed)
            if (rank > best[0] or (moved and rank == best[0])) and not is_name(name, named):
                best = (rank, name)
    shown = (name for words in where.shown for _, name in _fitting(words, house, label, signed=True))
    return without_case(best[1] or next(shown, ""), house) or None


def _fitting(words: Sequence[str], house: str, label: str, signed: bool) -> Iterator[tuple[float, str]]:
    """(share of the domain, name) of every run of words that spells a domain."""
    done = 0
    for at, word in enumerate(words):
        if at < done or (word.islower() and word.isascii()) or not _may_spell(word, label):
            continue
        start, done = run_around(words, at, label, alone=signed)
        score, first, last = fit(words, start, done, house)
        if score:
            first, last = widened(words, first, last, start, done, label)
            if signed:
                first, last = _from_first_own(words, first, start), _to_last_own(words, last)
            run = words[first:last]
            if not _is_common(run) or (len(run) > 1 and score > 0.9):
                yield score, _with_article(words, first, written(run), label)


def _is_common(run: Sequence[str]) -> bool:
    """Whether a run says what a house (or somebody) is and not how it is called: "Het OCMW", "Secretaris"."""
    telling = [word for word in run if fold(core(word)) not in shared("organisations", "openings")]
    if len(run) > 1:
        return all(map(is_house_word, telling))
    plain = fold(core(run[0]))
    said = plain in shared("updates", "new") or plain in shared("updates", "old")
    known = plain in shared("organisations", "known")
    return said or is_role(run[0]) or (is_house_word(run[0]) and not known)


def _may_spell(word: str, label: str) -> bool:
    """Whether a word may be the first that spells a domain: with a capital, or of a script that has none."""
    caseless = not is_latin(word) and not core(word)[:1].islower()
    return (caseless or is_solid(word)) and "@" not in word and spells(word, label) > 1


def _from_first_own(words: Sequence[str], first: int, start: int) -> int:
    """In a line of its own a name begins with its first word that is no role: "Kanzlei X", "The Harbour Laundry"."""
    while first > start and is_solid(words[first - 1]):
        if is_role(words[first - 1]) or is_title(words[first - 1]):
            break
        first -= 1
    return first


def _to_last_own(words: Sequence[str], last: int) -> int:
    """In scripts without capitals a name goes on to the end of its line."""
    caseless = not is_latin(words[last - 1]) and not is_solid(words[last - 1])
    return len(words) if caseless and len(words) < 4 else last


def _with_article(words: Sequence[str], first: int, name: str, label: str) -> str:
    """ "des Quatre Vents" of lesquatrevents.example are "Les Quatre Vents"."""
    before = fold(words[first - 1]) if first else ""
    article = "Les" if before in ("des", "aux") else "Le" if before in ("du", "au") else ""
    spelled = letters(article + "".join(word for word in name.split() if not is_legal(word)))
    return f"{article} {name}" if article and spelled in label else name


def _first_formed(lines: Sequence[Sequence[str]], named: frozenset[str]) -> str | None:
    """The first name with a form in some short lines: "Wijkhuis De Wissel", "vzw Thuishaven"."""
    return next((name for name in map(_formed, lines) if name and not is_name(name, named)), None)


def _formed(words: Sequence[str]) -> str | None:
    for at, word in enumerate(words):
        if not is_form(word) or (is_role(word) and (word.islower() or at == 0)):
            continue
        start, end = run_around(words, at, alone=True)
        while start < end and _is_no_beginning(words[start]):
            start += 1
        run = words[start:end]
        articles = shared("organisations", "openings")
        solid = [one for one in run if is_solid(one) and not is_role(one) and fold(core(one)) not in articles]
        if _trails_off(run):
            continue
        if (
            1 < len(run) < 8
            and solid
            and (len(solid) > 1 or not all(map(is_form, run[:1])) or not all(map(is_form, solid)))
        ):
            return written(run)
        if not is_latin(word) and 1 < len(words) - at < 5:
            return " ".join(words[at:])
    return None


def _trails_off(run: Sequence[str]) -> bool:
    """Whether a run ends in "of the shelter", which names none: "Jasper van de nachtopvang"."""
    small = len(run) > 1 and run[-1].islower() and not is_legal(run[-1])
    return small and fold(run[-2]) in shared("organisations", "articles") | shared("organisations", "at_maybe")


def _is_no_beginning(word: str) -> bool:
    """Roles and small words stand before the name of a house, not in it."""
    plain = fold(core(word))
    if is_role(word) and (word.islower() or not is_form(word)):
        return True
    return plain in shared("organisations", "at") or (word.islower() and plain in shared("organisations", "at_maybe"))


def is_name(name: str, named: frozenset[str]) -> bool:
    """Whether the words of a run are only those of names in the mail, with their titles."""
    words = [word for word in fold(name).replace("-", " ").replace(".", " ").split() if len(word) > 1]
    strange = shared("people", "particles") | shared("people", "kin")
    own = [word for word in words if word not in strange and not is_title(word)]
    if all(word in named for word in own):
        return bool(named)
    known = own[0] in named and sum(word in named for word in own) > 1
    return known and not any(map(is_form, name.split()))


def _quoted(words: Sequence[str]) -> str | None:
    """A name in «angle quotes», as Ukrainian and Russian write organisations."""
    for at, word in enumerate(words):
        if word.startswith("«") and not is_latin(word) and core(word)[:1].isupper():
            end = next((to for to in range(at, min(at + 6, len(words))) if "»" in words[to]), None)
            if end is not None:
                return " ".join(words[at : end + 1]).partition("»")[0].removeprefix("«")
    return None


def _under_name(where: Mentions, named: frozenset[str]) -> str | None:
    """A line of the signature that looks like the name of a house: words with capitals, none a role, a town, a name."""
    for words in where.signed:
        if not (words and 2 <= len(words) <= 5 and is_solid(words[0]) and has_pair(words)):
            continue
        plain = {fold(core(word)) for word in words}
        known = shared("organisations", "roles") | shared("people", "kin") | named
        town = fold(core(words[0])) in shared("organisations", "towns")
        if town or plain & known or is_title(words[0]) or any(map(is_role, words)) or any(map(_is_street, plain)):
            continue
        if run_around(words, 0, alone=True)[1] == len(words) and not _is_nickname(plain, named):
            return written(words)
    return None


def _is_street(word: str) -> bool:
    return word.endswith(tuple(shared("organisations", "streets")))


def _is_nickname(plain: Iterable[str], named: frozenset[str]) -> bool:
    """Whether a word is short for a name in the mail: "Den Gust" signs for Gustaaf."""
    return any(one.startswith(word) for word in plain if len(word) > 2 for one in named)


def house_beside(words: Sequence[str], at: int | None, named: frozenset[str]) -> str | None:
    """The organisation that stands in the line of an address, between marks: "- Naam, adres, organisatie"."""
    if at is None:
        return None
    start = next((one + 1 for one in range(at - 1, max(-1, at - 16), -1) if _is_edge(words[one])), max(0, at - 15))
    after = range(at + 1, min(len(words), at + 10))
    stop = next((one for one in after if _is_edge(words[one])), after.stop)
    bar = "| ." if words[at][-1:] in ".;" else "|"
    for piece in segments(" ".join([*words[start:at], bar, *words[at + 1 : stop]])):
        run = [word for word in tokens(piece) if word != "\n"]
        if _is_all_house(run) and not is_name(piece, named):
            return written(run)
    return None


def _is_all_house(run: Sequence[str]) -> bool:
    """Whether the words between two marks are the name of a house and nothing else."""
    if len(run) < 2 or is_role(run[0]) or run_around(run, 0) != (0, len(run)):
        return False
    return any(map(is_form, run)) and any(map(is_solid, run)) and (is_solid(run[0]) or is_form(run[0]))


def _is_edge(word: str) -> bool:
    return word == "\n" or "@" in word

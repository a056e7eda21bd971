"""Who a mail is about: addresses, names in their natural order, and the organisation if the mail names it."""

from collections.abc import Sequence
from itertools import pairwise

from mailer.inbound.fold import fold
from mailer.inbound.headers import addresses, clean
from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_text import Words
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.organisation import organisation_of
from mailer.inbound.understanding.request import Person


def own_address(message: InboundMessage) -> str:
    """The author's address, or "" without one author."""
    return message.author.address if message.author else ""


def author(message: InboundMessage, words: Words, address: str = "", organised: bool = True) -> Person:
    """The author as a person to register, at `address` if they ask for another one than their own."""
    at = address or own_address(message)
    texts = (words.own, words.signature)
    name = _author_name(message, words, at)
    organisation = organisation_of(message.subject, texts, at, name) if organised else None
    return Person(at or None, name, organisation)


def _author_name(message: InboundMessage, words: Words, address: str) -> str | None:
    """The fullest name the header, the signature or the text gives for this address."""
    shown = natural(message.author.name if message.author else "", address)
    if _is_shared(address) and (member := _any_signed(words)):
        return member  # behind a shared mailbox the signature says who wrote
    known = _stems(f"{message.author.name if message.author else ''} {address.partition('@')[0]}")
    signed = _signed(f"{words.signature}\n{_tail(words.own)}", known)
    if shown and _is_personal(shown) and (not signed or not _fuller(signed, shown)):
        return shown
    if signed:
        return signed
    vcard = next((name for name in map(_vcard_name, message.vcards) if name), "")
    team = not _is_personal(shown) or _is_shared(address)
    return vcard or (_any_signed(words) if team else "") or shown or _from_local(address) or None


def _tail(text: str) -> str:
    return "\n".join(text.split("\n")[-3:])


def natural(shown: str, address: str) -> str:
    """A display name in its natural order: "Peeters, An", "PEETERS An" and "Van Gorp Filip" (f.vangorp@) turn round."""
    name = clean(shown.strip("\"' "), 100)
    if not name or "@" in name:
        return ""
    if name.count(",") == 1:
        last, first = (part.strip() for part in name.split(","))
        if last and first and len(first.split()) <= 3:
            return _cased(f"{first} {last}")
    words = name.split()
    if len(words) > 1 and words[0].isupper() and len(words[0]) > 2 and not words[-1].isupper():
        return _cased(" ".join([words[-1], *words[:-1]]))
    return _cased(_turn(words, address))


def _turn(words: Sequence[str], address: str) -> str:
    """Surname first, if the local part of the address has the last word first."""
    local = fold(address.partition("@")[0])
    if len(words) < 2:
        return " ".join(words)
    first, last = fold(words[0]), fold(words[-1])
    rest = "".join(fold(word) for word in words[:-1])
    pieces = [piece for piece in local.replace("_", ".").replace("-", ".").split(".") if piece]
    surname_first = len(pieces) > 1 and (pieces[0] == last or (len(pieces[0]) == 1 and pieces[0] == last[:1]))
    if surname_first and "".join(pieces[1:]).replace("'", "") in (rest, first) and pieces[0] != first:
        return " ".join([words[-1], *words[:-1]])
    return " ".join(words)


def _cased(name: str) -> str:
    """Small letters or capitals throughout become a name; anything else stays as it is written."""
    words = name.split()
    if name.islower() or name.isupper() or any(len(word) > 3 and word.isupper() for word in words):
        words = [
            word if word.lower() in shared("people", "particles") and at else _title(word)
            for at, word in enumerate(words)
        ]
    return " ".join(words)


def _title(word: str) -> str:
    if (len(word) > 3 and word.isupper()) or word.islower():
        return "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
    return word


def _is_personal(name: str) -> bool:
    """At least two words that are no initials, and none that speaks of a team."""
    words = [fold(word).strip(".,") for word in name.split()]
    return len([word for word in words if len(word) > 1]) >= 2 and not set(words) & shared("people", "team")


def _is_shared(address: str) -> bool:
    return fold(address.partition("@")[0]) in shared("people", "team")


def _stems(text: str) -> frozenset[str]:
    plain = fold(text)
    for mark in ".,_-+()\"'0123456789":
        plain = plain.replace(mark, " ")
    return frozenset(word for word in plain.split() if len(word) > 1)


def _signed(text: str, known: frozenset[str]) -> str:
    """A full name in the text that shares a word with what the header shows."""
    for line in text.split("\n"):
        for piece in _segments(line):
            name = _name_in(piece)
            if name and any(_matches(fold(word), known) for word in name.split()):
                return name
    return ""


def _matches(word: str, known: frozenset[str]) -> bool:
    return word in known or (
        len(word) > 3 and any(len(one) > 3 and (one.startswith(word) or word in one) for one in known)
    )


def _segments(line: str) -> list[str]:
    for mark in ("|", "(", ")", " - ", " – ", ",", "·", ";", "—"):
        line = line.replace(mark, "\x00")
    return [piece.strip(" .*_") for piece in line.split("\x00") if piece.strip()]


def _name_in(piece: str) -> str:
    """`piece` as a name of two to four words, each with a capital, or ""."""
    words = piece.split()
    while words and fold(words[0]).strip(".") in shared("people", "titles") and len(words) > 1:
        words = words[1:]
    capitals = [
        word
        for word in words
        if word[:1].isupper() or word.lower() in shared("people", "particles") or word.startswith("'")
    ]
    solid = [word for word in words if word[:1].isupper() and len(word.strip(".")) > 1]
    fine = 2 <= len(words) <= 5 and len(capitals) == len(words) and len(solid) >= 2 and words[0][:1].isupper()
    if (
        not fine
        or any(char.isdigit() or char in "@/:&" for char in piece)
        or set(map(fold, words)) & shared("people", "team")
    ):
        return ""
    return _cased(" ".join(words))


def _any_signed(words: Words) -> str:
    """The first name in the signature, for a mailbox that several people share."""
    lines = [*words.signature.split("\n"), *reversed(words.own.split("\n")[-3:])]
    return next((name for line in lines for name in [_name_in(next(iter(_segments(line)), ""))] if name), "")


def _fuller(signed: str, shown: str) -> bool:
    """Whether the signature says more than the header: initials spelled out, or a lower-case name written well."""
    return fold(signed) == fold(shown) or any(len(word.strip(".")) == 1 for word in shown.split())


def _vcard_name(card: str) -> str:
    for line in card.split("\n")[:200]:
        name, _, value = line.partition(":")
        if name.upper().split(";")[0] == "FN":
            return clean(value, 100)
    return ""


def _from_local(address: str) -> str:
    """A name from "first.last@": only where the local part has two or three plain words."""
    words = [word for word in address.partition("@")[0].replace("_", ".").split(".") if word]
    fine = 2 <= len(words) <= 3 and all(word.isalpha() and len(word) > 1 for word in words)
    return " ".join(word.capitalize() for word in words) if fine else ""


def others(message: InboundMessage, words: Words) -> tuple[Person, ...]:
    """The people whose addresses stand in the text, beside the author, with the names written next to them."""
    text = f"{message.subject}\n{words.own}"
    found = [one for one in addresses(text, 20) if one.casefold() != own_address(message).casefold()]
    known = {one.casefold() for one in message.recipients}
    people = []
    for one in found:
        if one.casefold() in known and not _name_beside(text, one):
            continue
        name = _name_beside(text, one) or _name_anywhere(text, one) or _from_local(one) or None
        people.append(Person(one, name, organisation_of(message.subject, (words.own, words.signature), one, name)))
    return tuple(people)


def _name_beside(text: str, address: str) -> str:
    """The name in the same line or just before the address."""
    stems = _stems(address.partition("@")[0])
    at = text.find(address)
    before = " ".join(text[max(0, at - 160) : at].replace("\n", " , ").split())
    return natural(_best_name(before, stems), address)


def _best_name(text: str, stems: frozenset[str]) -> str:
    """The run of capitalised words nearest to the end of `text` that fits an address."""
    words = [word.strip('()<>:;"“”„•*') for word in text.replace(" - ", " , ").split()]
    best = ""
    run: list[str] = []
    for word in [*words, ""]:
        plain = word.rstrip(",.)")
        if (
            plain
            and (plain[:1].isupper() or (run and plain.lower() in shared("people", "particles")))
            and fold(plain) not in shared("people", "titles")
        ):
            run.append(plain)
            if plain == word:
                continue
        name = " ".join(run)
        if run and any(_matches(fold(one), stems) or _initial(one, stems) for one in run) and len(run) >= 2:
            best = name
        run = []
    return best


def _initial(word: str, stems: frozenset[str]) -> bool:
    return any(len(stem) > 4 and stem.endswith(fold(word)) for stem in stems)


def _name_anywhere(text: str, address: str) -> str:
    return _best_name(" ".join(text.split()), _stems(address.partition("@")[0]))


def changed(
    message: InboundMessage, words: Words, named: tuple[Person, ...], moves: bool, renamed: bool
) -> tuple[Person, ...]:
    """The new values of a member, or of several: of two addresses with one local part the newer one is meant."""
    by_local: dict[str, Person] = {}
    for one in named:
        by_local[(one.address or "").partition("@")[0].casefold()] = one
    if len(by_local) > 1:
        return tuple(by_local.values())
    itself = author(message, words)
    if renamed:
        itself = Person(itself.address, _new_name(words, itself.name) or itself.name, itself.organisation)
    if (moves or len(by_local) == 1) and by_local and _says_old(words.own) is False:
        only = next(iter(by_local.values()))
        return (Person(only.address, itself.name, only.organisation or itself.organisation),)
    return (itself,)


def _says_old(text: str) -> bool:
    """Whether the other address is called the old one."""
    plain = set(fold(text).replace(",", " ").replace(".", " ").split())
    return bool(
        plain
        & {
            "oude",
            "oud",
            "ancienne",
            "ancien",
            "vieille",
            "old",
            "alte",
            "alten",
            "antigua",
            "vieja",
            "eski",
            "старий",
            "стара",
        }
    )


def _new_name(words: Words, old: str | None) -> str | None:
    """A full name in the text that shares the surname with the name shown, but not the first name."""
    if not old or len(old.split()) < 2:
        return None
    surname = fold(old.split()[-1])
    text = " ".join(f"{words.own} {words.signature}".replace(",", " ").replace(".", " ").split()).split()
    for first, last in pairwise(text):
        if (
            fold(last) == surname
            and first[:1].isupper()
            and fold(first) not in (fold(old.split()[0]), *shared("people", "titles"))
        ):
            return f"{first} {last}"
    return None

"""The name of the author: from the header, the signature, the text, a vCard; the fullest that is surely theirs."""

from collections.abc import Sequence

from mailer.inbound.fold import fold
from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_marks import closing, is_mobile_line
from mailer.inbound.reply_text import Words
from mailer.inbound.understanding.beside import words_of
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.letters import bare, house_of, letters, local_pieces, skeleton
from mailer.inbound.understanding.names import (
    cased,
    from_local,
    is_name_word,
    is_personal,
    is_shared,
    is_team,
    is_title,
    matches,
    name_in,
    natural,
    segments,
    stems,
)
from mailer.inbound.understanding.runs import is_house_word
from mailer.inbound.understanding.vcard import read_card

_MOST_TEXT = 12_000


def author_name(message: InboundMessage, words: Words, address: str) -> str | None:
    """The fullest name the header, the signature or the text gives for this address; None for none."""
    header = message.author.name if message.author else ""
    shown = natural(header, address)
    team = is_team(shown)
    if team or is_shared(address):
        # Behind a shared mailbox the signature says who wrote.
        return _anyone_signed(words, shown, letters(house_of(address))) or (None if team else shown or None)
    known = stems(f"{header} {address.partition('@')[0]}")
    signed = _signed(f"{words.signature}\n{_tail(words.own)}", known)
    personal = is_personal(shown)
    if (
        signed
        and signed.replace(".", "") != shown.replace(".", "")
        and (not personal or _is_fuller(signed, shown, address))
    ):
        return signed
    if personal and not _has_kin(shown):
        return shown
    told = _told(words_of(f"{words.own[:_MOST_TEXT]}\n{words.signature}"), shown, address)
    card = next((one.name for one in map(read_card, message.vcards) if one.name), None)
    return told or card or shown or from_local(address) or None


def _tail(text: str) -> str:
    return "\n".join(text[-1000:].split("\n")[-3:])


def _has_kin(shown: str) -> bool:
    return not shared("people", "kin").isdisjoint(fold(shown).split())


def _signed(text: str, known: frozenset[str]) -> str:
    """A full name in the text that shares a word with what the header shows."""
    for line in text.split("\n"):
        for piece in segments(line):
            name = name_in(piece)
            if name and any(matches(fold(word), known) for word in name.split()) and not _is_house(name):
                return name
    return ""


def _is_house(name: str) -> bool:
    return any(map(is_house_word, name.split())) or _has_kin(name)


def _is_fuller(signed: str, shown: str, address: str) -> bool:
    """Whether the signature says more than the header: initials spelled out, a surname more, small letters made big."""
    one, other = fold(signed).split(), fold(shown).split()
    if any(len(word.strip(".")) == 1 for word in one):
        return False
    if one == other:
        return signed != shown
    if any(len(word.strip(".")) == 1 for word in other) or _has_kin(shown):
        return True
    if len(one) == len(other) and one[:-1] == other[:-1]:
        return one[-1].startswith(f"{other[-1]}-")
    short = any(word.isupper() and 1 < len(word) < 4 for word in shown.split())
    if short and one[0] == other[0]:
        return True
    more = one[len(other) :]
    initials = {piece[0] for piece in local_pieces(address)[len(other) :]}
    return one[: len(other)] == other and bool(more) and more[0][0] in initials


def _anyone_signed(words: Words, shown: str, label: str) -> str:
    """The first name in the signature, for a mailbox that several people share; not that of their house."""
    lines = [*words.signature.split("\n"), *reversed(_tail(words.own).split("\n"))]
    pieces = [next(iter(segments(line)), "") for line in lines if not is_mobile_line(line) and not closing(line)]
    house = stems(shown)
    for piece in pieces:
        name = name_in(piece) or _leading_name(piece)
        if name and not _is_house(name) and stems(name).isdisjoint(house) and not _spells_domain(name, label):
            return name
    return next((piece for piece in pieces if _is_first_name(piece) and fold(piece) not in house), "")


def _spells_domain(name: str, label: str) -> bool:
    return bool(label) and (letters(name) in label or letters(name.split()[0]) in label)


def _leading_name(piece: str) -> str:
    """The name a note begins with: "Lien Vercammen typte dit"."""
    words = piece.split()
    count = next((at for at, word in enumerate(words) if not is_name_word(word)), len(words))
    return name_in(" ".join(words[:count])) if 2 <= count < len(words) <= 7 else ""


def _is_first_name(piece: str) -> bool:
    """Whether a line holds one word that may be a first name."""
    other = (("sentences", "greetings"), ("organisations", "towns"), ("organisations", "roles"), ("people", "titles"))
    return (
        piece.isalpha()
        and piece.istitle()
        and len(piece) > 2
        and not is_team(piece)
        and not any(fold(piece) in shared(section, name) for section, name in other)
    )


def _told(words: Sequence[str], shown: str, address: str) -> str:
    """The full name in the text that begins with the first name the header (or the address) shows."""
    pieces = local_pieces(address)
    first = fold(shown.split()[0]) if shown else ""
    if _has_kin(shown) and pieces:
        first = next((piece for piece in pieces if piece in fold(shown).split()), pieces[0])
    if len(first) < 2:
        return ""
    for at, word in enumerate(words[:-1]):
        if word[-1:] not in ".,!?;:" and fold(bare(word)) == first:
            name = _with_surname(words, at, pieces)
            if name:
                return cased(name)
    return ""


def _with_surname(words: Sequence[str], at: int, pieces: Sequence[str]) -> str:
    """The first name at this place with the words after it that have a capital, or that the address spells."""
    name = [bare(words[at])]
    for word in words[at + 1 : at + 5]:
        plain = bare(word)
        belongs = bool(plain) and (is_name_word(plain) or _is_spelled(plain, pieces))
        if not belongs or len(plain) == 1 or is_house_word(plain) or is_title(plain):
            break
        name.append(plain)
        if word[-1:] in ".,!?;:)":
            break
    while len(name) > 1 and not (name[-1][:1].isupper() or _is_spelled(name[-1], pieces)):
        name.pop()
    if len(name) < 2 or fold(name[-1]) in shared("organisations", "towns") or is_team(" ".join(name)):
        return ""
    small = any(word.islower() for word in name)
    return " ".join(word[:1].upper() + word[1:] if small else word for word in name)


def _is_spelled(word: str, pieces: Sequence[str]) -> bool:
    """Whether a piece of the address is this word, or its first consonants: "grv" of "grevisse"."""
    plain, bones = letters(word), skeleton(word)
    return len(plain) > 2 and any(piece == plain or _abbreviates(piece, plain, bones) for piece in pieces)


def _abbreviates(piece: str, plain: str, bones: str) -> bool:
    short = skeleton(piece)
    vowels = any(vowel in piece[1:] for vowel in "aeiou")
    return len(piece) > 2 and not vowels and bool(short) and piece[0] == plain[0] and bones.startswith(short)

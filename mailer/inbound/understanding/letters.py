"""Words compared with the spelling of addresses: plain letters, other scripts in Latin ones, and consonants alone."""

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared, spellings

_MARKS = '()<>[]{}:;,."“”„«»•*!?…|_،؛؟'
_VOWELS = str.maketrans("", "", "aeiouyw'")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_PARTS = str.maketrans(dict.fromkeys(".,_-+()\"'0123456789", " "))
_LONGEST = 60  # letters of a word that is compared: no name is longer


def letters(text: str) -> str:
    """The letters and digits of a text, folded."""
    folded = fold(text)
    return folded if folded.isalnum() else "".join(char for char in folded if char.isalnum())


def umlauts(text: str) -> str:
    """German umlauts as addresses spell them."""
    return text.translate(_UMLAUTS)


def is_latin(text: str) -> bool:
    """Whether a text is written in Latin letters."""
    return text.isascii() or all(char < "\u0370" or not char.isalpha() for char in text)


def latin(text: str) -> str:
    """The letters of a text of any script, in Latin ones."""
    return "".join(char for char in fold(text).translate(spellings()) if char.isalnum())


def skeleton(text: str) -> str:
    """The consonants of a text in Latin letters, doubled ones once: "Nasser" and "ناصر" are both "nsr"."""
    bones = latin(text).translate(_VOWELS)
    return "".join(char for at, char in enumerate(bones) if char != bones[at - 1 : at])


def bare(word: str) -> str:
    """A word without the marks around it, and without what a language hangs on a name: "Sarı'yı" → "Sarı"."""
    if word.isalnum():
        return word
    plain = word.strip(_MARKS)
    if "'" not in plain and "’" not in plain:
        return plain
    plain = plain.removesuffix("'").removesuffix("’")
    for mark in ("'", "’"):
        head, found, tail = plain.rpartition(mark)
        if found and len(head) > 1 and tail.islower() and len(tail) <= 7 and head[:1].isupper():
            return head
    return plain


def spells(word: str, label: str) -> int:
    """How many letters of a domain a word accounts for: all of its own, or a good beginning of them."""
    plain = bare(word).strip("‘'’")
    if len(plain) > _LONGEST:
        return 0
    if not is_latin(plain):
        return _spells_bones(plain, label)
    found = _spells_letters(letters(plain), label)
    return found if found or plain.isascii() else _spells_letters(letters(umlauts(plain)), label)


def _spells_letters(spelled: str, label: str) -> int:
    if spelled in label:
        return len(spelled) if len(spelled) > 1 else 0
    if spelled[:6] not in label:
        return 0
    return next((size for size in range(len(spelled) - 1, 5, -1) if spelled[:size] in label), 0)


def _spells_bones(word: str, label: str) -> int:
    """The same of a word in another script, by its spelling or by its consonants."""
    spelled = latin(word)
    if len(spelled) > 2 and (spelled in label or spelled[:-1] in label):
        return len(spelled)
    bones, whole = skeleton(word.removeprefix("ال")), skeleton(label)
    return max(1, len(label) * len(bones) // len(whole)) if len(bones) > 1 and bones in whole else 0


def house_of(address: str) -> str:
    """The part of a domain that may spell an organisation, as written; "" for mail providers."""
    labels = address.rpartition("@")[2].casefold().split(".")
    label = labels[-2] if len(labels) > 1 else ""
    return "" if not shared("organisations", "free_mail").isdisjoint((label, *label.split("-"))) else label


def parts(text: str) -> list[str]:
    """The words of a name or an address, folded, cut at its points, dashes and digits."""
    return fold(text).translate(_PARTS).split()


def local_pieces(address: str) -> tuple[str, ...]:
    """The words of the local part of an address, folded: "an.de-wit3@" → ("an", "de", "wit")."""
    return tuple(parts(address.partition("@")[0]))

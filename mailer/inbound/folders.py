"""What the four folders of the mailbox are called: in the network's first language, unless it names them itself."""

import unicodedata
from collections.abc import Mapping, Sequence

#: By disposition, its folder's names: the one to use, then those that are used on where they stand and it does not.
Folders = Mapping[str, tuple[str, ...]]

DISPOSITIONS = ("handled", "review", "ignored", "quarantine")
_NAMES = {
    "nl": ("Afgehandeld", "Te bekijken", "Genegeerd", "Quarantaine"),
    "fr": ("Traités", "À examiner", "Ignorés", "Quarantaine"),
    "en": ("Handled", "Review", "Ignored", "Quarantine"),
    "de": ("Erledigt", "Zu prüfen", "Ignoriert", "Quarantäne"),
    "es": ("Atendidos", "Por revisar", "Ignorados", "Cuarentena"),
    "tr": ("Tamamlananlar", "İncelenecekler", "Yok sayılanlar", "Karantina"),
    "ar": ("تمت معالجته", "للمراجعة", "تم تجاهله", "العزل"),
}
_LONGEST = 60
#: What separates folders on some server, or means "any folder" in a LIST (RFC 9051 §6.3.9, §5.1).
_NOT_IN_NAMES = frozenset('/\\.%*"')


def parse(text: str) -> dict[str, str]:
    """Read `handled=…,review=…`, any of the four; raises ValueError with everything that is wrong with it."""
    names: dict[str, str] = {}
    wrong: list[str] = []
    for piece in (part.strip() for part in text.split(",")):
        disposition, equals, name = (word.strip() for word in piece.partition("="))
        if disposition not in DISPOSITIONS or not equals:
            wrong.append(f"“{piece}” is not one of {', '.join(f'{one}=NAME' for one in DISPOSITIONS)}")
        elif disposition in names:
            wrong.append(f"{disposition} is named twice")
        else:
            names[disposition] = unicodedata.normalize("NFC", name)
            wrong += [f"{disposition}: {problem}" for problem in _problems(names[disposition])]
    if wrong:
        raise ValueError("; ".join(wrong))
    return names


def _problems(name: str) -> list[str]:
    if not name:
        return ["has no name"]
    if key(name) == "inbox":
        return ["INBOX is where mail comes in; choose another"]
    if len(name) > _LONGEST or not name.isprintable():
        return [f"must be one line of at most {_LONGEST} characters"]
    if _NOT_IN_NAMES & set(name) or name.startswith(("#", "~")):
        return [f"“{name}” must be plain words, without / \\ . % * and quotes, and not start with # or ~"]
    return []


def choose(languages: Sequence[str], named: Mapping[str, str]) -> Folders:
    """The names for a network that writes `languages`; what it named itself is final.

    Else the name in its first language, and after it those of its other languages and the English one, so that a
    mailbox already sorted under one of them goes on as it is. Raises ValueError where two folders would have one name.
    """
    first = _by_language(languages[0]) | dict(named)
    keys = {disposition: key(name) for disposition, name in first.items()}
    twice = sorted(name for disposition, name in first.items() if list(keys.values()).count(keys[disposition]) > 1)
    if twice:
        raise ValueError(f"two folders are called “{twice[0]}”; give each a name of its own")
    spoken = [_by_language(language) for language in (*languages, "en")]
    return {
        disposition: (name,) if disposition in named else _with_former(name, disposition, spoken, set(keys.values()))
        for disposition, name in first.items()
    }


def _by_language(language: str) -> dict[str, str]:
    return dict(zip(DISPOSITIONS, _NAMES.get(language, _NAMES["en"]), strict=True))


def _with_former(
    name: str, disposition: str, spoken: Sequence[Mapping[str, str]], taken: set[str]
) -> tuple[str, ...]:
    """`name`, then what else this folder may be called already, unless that is another folder's name now."""
    others = (names[disposition] for names in spoken)
    return tuple(dict.fromkeys([name, *(other for other in others if key(other) not in taken)]))


def key(name: str) -> str:
    """What is equal for two names of one folder: servers differ in capitals, and some take letters apart."""
    return unicodedata.normalize("NFC", name).casefold()


#: As they were called before the names followed the language.
ENGLISH: Folders = choose(("en",), {})

"""The organisation a mail names: a line of the signature or words of the text that fit the domain of the address."""

from collections.abc import Sequence

from mailer.inbound.fold import fold
from mailer.inbound.reply_marks import closing
from mailer.inbound.understanding.knowledge import shared


def organisation_of(subject: str, texts: Sequence[str], address: str, name: str | None) -> str | None:
    """The organisation the author names, as written, or None: never guessed from the domain alone."""
    label = _label(address)
    own, signature = texts[0], texts[1] if len(texts) > 1 else ""
    pieces = [piece for line in (*signature.split("\n"), subject) for piece in _pieces(line)]
    tail = [piece for line in own.split("\n")[-4:] if len(line) < 80 for piece in _pieces(line)]
    named = _stems(name or "")
    for piece in [*pieces, *tail]:
        if label and _fits(piece, label) and not _is_name(piece, named):
            return piece
    running = _in_text(f"{subject}\n{own}", label) if label else None
    if running:
        return running
    formed = (piece for piece in [*pieces, *tail] if _has_form(piece) and not _is_name(piece, named))
    signed = (piece for line in signature.split("\n") for piece in _pieces(line) if _is_house(piece, named))
    return next(formed, None) or _at_work(own) or _quoted(own) or next(signed, None)


def _is_house(piece: str, named: frozenset[str]) -> bool:
    """Whether a line under somebody's name may be that of their house: some words with capitals, and no greeting."""
    words = piece.split()
    capitals = [word for word in words if word[:1].isupper() and len(word) > 2]
    plain = not any(char.isdigit() for char in piece) and not set(map(fold, words)) & named
    return plain and not closing(piece) and 2 <= len(words) <= 5 and len(capitals) >= 2 and words[0][:1].isupper()


def _at_work(text: str) -> str | None:
    """The name behind "ik werk bij", "I work for", "formatrice à": capitals directly after the preposition."""
    for sentence in text.replace("\n", " ").split(". "):
        words = sentence.split()
        if not any(fold(word).strip(",") in shared("organisations", "works") for word in words):
            continue
        for at, word in enumerate(words[:-1]):
            if words[at - 1 : at] and fold(words[at - 1]) in shared("organisations", "away"):
                continue
            end = at + 1
            while end < len(words) and end < at + 6 and _is_named(words[end]):
                end += 1
                if words[end - 1][-1:] in ",.;:)":
                    break
            strict = fold(word) == "a" and word != "a"  # French "à": a place, unless an article or a form follows
            run = _without_article(" ".join(words[at + 1 : end]).strip(" ,.;:()!?"))
            if (
                fold(word) in shared("organisations", "at")
                or (strict and run.startswith(("L'", "L’", "La ", "Le ", "Les ")))
            ) and _is_org(run):
                return run
    return None


def _without_article(run: str) -> str:
    """ "het Regenboogsteunpunt" → "Regenboogsteunpunt": a small word in front is none of the name's."""
    head, _, rest = run.partition(" ")
    return rest if head in ("de", "het", "the", "la", "le", "des", "du") and rest else run


def _is_named(word: str) -> bool:
    plain = word.strip("(),.;:'\"")
    return (
        plain[:1].isupper()
        or fold(plain) in shared("organisations", "forms")
        or plain in ("de", "van", "het", "der", "den", "&", "la", "des", "du")
    )


def _is_org(run: str) -> bool:
    return len(run) > 2 and any(char.isupper() for char in run) and (not run.split()[-1].islower() or _has_form(run))


def _quoted(text: str) -> str | None:
    """A name in «angle quotes», as Ukrainian and Russian write organisations."""
    _, opened, rest = text.partition("«")
    name, closed, _ = rest.partition("»")
    cyrillic = any("\u0400" <= char <= "\u04ff" for char in name)
    return name if opened and closed and cyrillic and 0 < len(name) < 60 and name[:1].isupper() else None


def _label(address: str) -> str:
    """The letters of the domain that may spell an organisation; "" for mail providers."""
    labels = address.rpartition("@")[2].casefold().split(".")
    label = labels[-2] if len(labels) > 1 else ""
    return "" if label in shared("organisations", "free_mail") else _letters(label)


def _letters(text: str) -> str:
    return "".join(char for char in fold(text) if char.isalnum())


def _pieces(line: str) -> list[str]:
    """The parts of a signature line: cut at bars, commas and dashes that stand apart."""
    if "@" in line or "://" in line or "www." in line.lower():
        line = line.split("www.")[0] if "@" not in line else ""
    for mark in ("|", " - ", " – ", " — ", ",", "·", "(", ")", ";"):
        line = line.replace(mark, "\x00")
    found = [_after_role(piece.strip(" .*_:-")) for piece in line.split("\x00")]
    return [piece for piece in found if 2 < len(piece) < 70 and not _is_contact(piece)]


def _after_role(piece: str) -> str:
    """ "woonbegeleider bij vzw De Brug" → "vzw De Brug"."""
    words = piece.split()
    for at, word in enumerate(words[1:], 1):
        if word in ("bij", "chez", "at", "bei", "voor", "for") and at < len(words) - 1:
            return " ".join(words[at + 1 :])
    return piece


def _is_contact(piece: str) -> bool:
    words = fold(piece).replace(":", " ").split()
    digits = sum(char.isdigit() for char in piece)
    return digits > 5 or words[0] in shared("organisations", "contact") or piece.endswith(("?", "!"))


def _fits(piece: str, label: str) -> bool:
    """Whether the words of a piece spell the domain: all of it, or a good part of it."""
    if len(piece.split()) > 7 or not any(char.isupper() for char in piece):
        return False
    if any(umlaut in piece for umlaut in "äöüÄÖÜ") and _fits(_spelled(piece), label):
        return True
    words = [fold(word).strip(".'\"“”«»") for word in piece.split()]
    content = [word for word in map(_letters, words) if word and word not in shared("organisations", "forms")]
    joined = "".join(content)
    if len(joined) >= 4 and (
        joined in label or label in joined or _letters(piece) in label or label in _letters(piece)
    ):
        return True
    long = [word for word in content if len(word) > 3]
    hits = [word for word in long if word in label]
    return bool(hits) and sum(map(len, hits)) * 2 >= len(label)


def _spelled(piece: str) -> str:
    """German umlauts as domains spell them."""
    return (
        piece.replace("ä", "ae")
        .replace("ö", "oe")
        .replace("ü", "ue")
        .replace("Ä", "Ae")
        .replace("Ö", "Oe")
        .replace("Ü", "Ue")
    )


def _in_text(text: str, label: str) -> str | None:
    """The run of capitalised words in a text that spells the domain, with its legal form."""
    words = " ".join(text.split()).split(" ")
    for start, word in enumerate(words):
        if not _begins(word):
            continue
        for length in range(6, 0, -1):
            run = words[start : start + length]
            if len(run) == length and _is_run(run) and _fits(" ".join(run), label):
                return _with_forms(words, start, start + length)
    return None


def _begins(word: str) -> bool:
    return word.lstrip("«“\"'(")[:1].isupper()


def _is_run(run: Sequence[str]) -> bool:
    """Words that can be one name: they begin with a capital or are small words, and no comma or point cuts them."""
    inner = all(not word.endswith((",", ".", ";", ":", "?", "!")) for word in run[:-1])
    ends = _begins(run[0]) and (run[-1].strip("«»“”\"'(),.;:?!")[:1].isupper() or "&" in run)
    small = all(word[:1].isupper() or len(word) <= 3 or "'" in word for word in run)
    return inner and ends and small and "@" not in "".join(run)


def _with_forms(words: Sequence[str], start: int, end: int) -> str:
    """The run with the legal form that stands directly before or after it."""
    if start and _letters(words[start - 1]) in shared("organisations", "forms") and words[start - 1][-1:] not in ",.;:":
        start -= 1
    closed = words[end - 1][-1:] in ",;:)?!"
    while (
        not closed
        and end < len(words)
        and fold(words[end]).strip(",;:)?!") in shared("organisations", "forms") | {"e.", "v.", "e"}
    ):
        closed = words[end][-1:] in ",;:)?!"
        end += 1
    return " ".join(words[start:end]).strip(' ,;:()«»“”"?!').removesuffix("'s")


def _has_form(piece: str) -> bool:
    words = [fold(word).strip(".,'\"") for word in piece.split()]
    return (
        1 < len(words) <= 6
        and any(word in shared("organisations", "forms") for word in words)
        and any(char.isupper() for char in piece)
    )


def _stems(name: str) -> frozenset[str]:
    return frozenset(fold(name).replace("-", " ").split())


def _is_name(piece: str, named: frozenset[str]) -> bool:
    words = fold(piece).replace("-", " ").split()
    return bool(named) and all(word in named for word in words)

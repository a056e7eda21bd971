"""How mail programs and people mark the end of their own words; knowledge from words/*.toml, rules without regexes."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from mailer.inbound.fold import fold

LANGUAGES = ("nl", "fr", "en", "de", "es", "tr", "ar", "uk", "ru")


@cache
def _marks(name: str) -> frozenset[str]:
    """The folded phrases of one kind, of all languages together."""
    folder = files("mailer.inbound.understanding").joinpath("words")
    found: set[str] = set()
    for language in LANGUAGES:
        table = tomllib.loads(folder.joinpath(f"{language}.toml").read_text(encoding="utf-8"))
        found.update(fold(phrase) for phrase in table.get("reply", {}).get(name, []))
    return frozenset(found)


def _starts(line: str, name: str) -> bool:
    """Whether a folded line begins with one of the phrases, as whole words."""
    if line[:3] not in _beginnings(name):
        return False
    return any(line.startswith(phrase) and not line[len(phrase) : len(phrase) + 1].isalpha() for phrase in _marks(name))


@cache
def _beginnings(name: str) -> frozenset[str]:
    """The first letters of the phrases, to pass over most lines at once."""
    return frozenset(phrase[:length] for phrase in _marks(name) for length in (1, 2, 3) if len(phrase) >= length)


def is_mobile_line(line: str) -> bool:
    """A line such as "Sent from my iPhone"."""
    return 0 < len(line) < 100 and _starts(fold(line).lstrip("- "), "mobile")


def is_closing(line: str) -> bool:
    """A closing formula alone on its line, perhaps with the name after it: "Met vriendelijke groeten,"."""
    folded = fold(line).strip(" ,.!:;-")
    if not 0 < len(folded) < 60 or line.endswith("?") or not _starts(folded, "closings"):
        return False
    # "Merci de m'inscrire" is a wish, "Merci beaucoup" a formula: few words may follow it.
    formula = max((phrase for phrase in _marks("closings") if folded.startswith(phrase)), key=len)
    return len(folded.split()) - len(formula.split()) <= (2 if " " not in formula else 4)


def is_postscript(line: str) -> bool:
    """A line that goes on after the signature: "PS: ..."."""
    return fold(line).replace(".", "").lstrip().startswith(("ps ", "ps:", "nb:", "nb ", "p s", "пс:", "зы:"))


def is_disclaimer(paragraph: str) -> bool:
    """A paragraph a mail server adds: confidentiality, the environment, legal notes."""
    folded = fold(paragraph[:2000])
    return any(phrase in folded for phrase in _marks("disclaimers"))


def is_original_mark(line: str) -> bool:
    """A line such as "-----Original Message-----"."""
    return _is_dashed(line) and _has(line, "originals")


def is_forward_mark(line: str) -> bool:
    """A line such as "---------- Forwarded message ---------" or "Begin forwarded message:"."""
    return len(line) < 120 and (_is_dashed(line) or line.endswith(":")) and _has(line, "forwards")


def _is_dashed(line: str) -> bool:
    return 10 < len(line) < 120 and line.startswith(("--", "—", "__", "==")) and line.endswith(("--", "—", "__", "=="))


def _has(line: str, name: str) -> bool:
    folded = fold(line)
    return any(phrase in folded for phrase in _marks(name))


def attribution_length(lines: Sequence[str], at: int) -> int:
    """How many lines from `at` are "On … wrote:" in any language, wrapped or not; 0 if they are not."""
    first = lines[at].strip()
    if not first or len(first) > 300:
        return 0
    joined = ""
    for length in (1, 2, 3):
        if at + length > len(lines) or not lines[at + length - 1].strip():
            return 0
        joined = f"{joined} {lines[at + length - 1].strip()}".strip()
        if joined.rstrip().endswith(":"):
            return length if _is_attribution(joined) else 0
    return 0


def _is_attribution(line: str) -> bool:
    """Who wrote when: a word for writing, and a date or an address."""
    if len(line) > 400:
        return False
    folded = fold(line)
    words = set(folded.replace(":", " ").replace(",", " ").split())
    wrote = any(phrase in words if " " not in phrase else phrase in folded for phrase in _marks("wrote"))
    return wrote and ("@" in line or sum(char.isdigit() for char in line) >= 3)


def header_block_length(lines: Sequence[str], at: int) -> int:
    """How many lines from `at` are the header block of an Outlook reply; 0 for fewer than three known fields."""
    if ":" not in lines[at] or not _is_field(lines[at]):
        return 0
    known = 0
    for length, line in enumerate(lines[at : at + 8]):
        known += _is_field(line)
        if not line.strip() or length == 7:
            break
    return known if known >= 3 else 0


def _is_field(line: str) -> bool:
    name = line.partition(":")[0]
    return 0 < len(name) < 40 and ":" in line and fold(name).strip(" *\u200f\u200e") in _marks("fields")


def is_absence_subject(subject: str) -> bool:
    """A subject that begins as automatic answers do: "Automatisch antwoord: ..."; "Re: out of office" is none."""
    return _starts(fold(subject).lstrip(" [("), "absent")

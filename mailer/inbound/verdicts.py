"""A coordinator's plain reply to the digest as decisions: "12 ja", "14: nee", "3 oui / 4 non", or "ja" under an item.

Strict on purpose: a line that says anything else beside a number and a decision decides nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.inbound.fold import fold
from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_text import newest
from mailer.inbound.understanding.knowledge import shared

YES, NO, DONE = "yes", "no", "done"
#: What coordinators write, in the languages they speak; a kind corrects the guess.
_WORDS = {
    YES: "ja yes oui jawel ok oke okay akkoord accord",
    NO: "nee neen no non nein",
    DONE: "gedaan klaar opgelost afgehandeld done handled solved fait regle traite erledigt",
    "join": "inschrijven inscrire add einschreiben",
    "leave": "uitschrijven afmelden unsubscribe desinscrire abmelden",
    "spam": "spam reclame publicite pub advertising werbung",
}
_VERDICTS = {word: verdict for verdict, words in _WORDS.items() for word in words.split()}
_BESIDE = frozenset(
    ("nr", "nummer", "number", "numero", "n", "n°", "pour", "le", "la", "voor", "for", "fur", "die", "de", "het", "dat",
     "doe", "do", "it", "d", "graag", "gerne", "volontiers")
)  # fmt: skip
_MAX_LINES = 200
_LONGEST_LINE = 120
_ITEM = re.compile(r"[>\s|]*\*{0,2}(?:nummer|numéro|numero|number)[\s\u00a0]{1,3}(\d{1,9})(?!\d)", re.IGNORECASE)
_NUMBER = re.compile(r"#?(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision: on which request, and "yes", "no", "done" or a kind; `line` counts the reply's own lines from 1."""

    number: int
    verdict: str
    line: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply decides, in its order, and the lines that decide nothing; `tried`: one looks as if it should."""

    verdicts: tuple[Verdict, ...]
    unclear: tuple[int, ...]
    tried: bool


def read_reply(message: InboundMessage) -> Reply:
    """The decisions in a reply; two that contradict each other are both unclear."""
    found: list[Verdict] = []
    unclear: list[int] = []
    tried = False
    for at, (line, number) in enumerate(_lines(message), 1):
        tried = tried or _tries(line)
        decided = _line(line, number, at)
        if decided is None:
            unclear.append(at)
        found.extend(decided or ())
    said = {(one.number, one.verdict) for one in found}
    torn = {one.number for one in found if sum(number == one.number for number, _ in said) > 1}
    unclear.extend(one.line for one in found if one.number in torn)
    kept = {one.number: one for one in found if one.number not in torn}
    return Reply(tuple(kept.values()), tuple(sorted(set(unclear))), tried)


def _lines(message: InboundMessage) -> Iterator[tuple[str, int | None]]:
    """The author's own lines, each with the number of the item it stands under, where it stands among quotes."""
    own = [line.strip() for line in newest(message).splitlines() if line.strip()][:_MAX_LINES]
    number, at = None, 0
    for line in message.text.splitlines()[: 50 * _MAX_LINES]:
        if line.lstrip().startswith(">"):
            named = _ITEM.match(line[:_LONGEST_LINE])
            number = int(named[1]) if named else number
        elif at < len(own) and line.strip() == own[at]:
            yield own[at], number
            at += 1
    yield from ((line, None) for line in own[at:])


def _line(line: str, under: int | None, at: int) -> list[Verdict] | None:
    """The decisions of one line; [] for a greeting or a name, None for what should decide and is not clear."""
    if len(line) > _LONGEST_LINE:
        return None
    words = _tokens(line)
    if not any(_NUMBER.fullmatch(word) or word in _VERDICTS for word in words):
        return [] if len(words) <= 4 else None
    parts = [_tokens(part) for part in re.split(r"[/;,|]", line)]
    pieces = [_piece(part, under, at) for part in parts if not all(map(_is_beside, part))]
    return [one for one in pieces if one] if pieces and all(pieces) else None


def _tries(line: str) -> bool:
    """Whether a line begins as a decision does: with a number, or with nothing but a yes or a no."""
    words = _tokens(line[:_LONGEST_LINE])
    named = [word for word in words[:2] if _NUMBER.fullmatch(word)]
    return bool(named) or (bool(words) and all(word in _VERDICTS or _is_beside(word) for word in words))


def _tokens(piece: str) -> list[str]:
    spaced = "".join(char if char.isalnum() or char in "#°" else " " for char in piece)
    return fold(spaced).split()


def _piece(words: Sequence[str], under: int | None, at: int) -> Verdict | None:
    numbers = [int(found[1]) for word in words if (found := _NUMBER.fullmatch(word))]
    verdicts = [_VERDICTS[word] for word in words if word in _VERDICTS]
    beside = sum(map(_is_beside, words))
    if len(verdicts) != 1 or len(numbers) > 1 or len(numbers) + len(verdicts) + beside != len(words):
        return None
    number = numbers[0] if numbers else under
    return Verdict(number, verdicts[0], at) if number is not None else None


def _is_beside(word: str) -> bool:
    """Whether a word is mere courtesy, and says nothing of what is decided."""
    return word not in _VERDICTS and (word in _BESIDE or word in shared("sentences", "fillers"))

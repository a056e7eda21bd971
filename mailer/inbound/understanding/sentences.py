"""Text as sentences of folded words: where clauses end, what is asked, which addresses stand where."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.inbound.fold import fold
from mailer.inbound.headers import addresses
from mailer.inbound.understanding.knowledge import shared

MAX_SENTENCES = 300
MAX_ALIKE = 3
MAX_WORDS = 70
_END = re.compile("[.!?…؟。;]")
_BREAKS = ',:()[]«»“”"–—/|'
_WIDE = 46  # a line at least this wide was probably broken by the mail program, not by the writer
# A word of at most 200 letters and digits, or one mark that ends a clause.
_TOKEN = re.compile(rf"(?:[^\W_]|[+%€$]){{1,200}}|[{re.escape(_BREAKS)}]")
ADDRESS = "‹address›"
LINK = "‹link›"


@dataclass(frozen=True, slots=True)
class Sentence:
    """`words` folded; `clauses`: the number of the clause of each; `asks`: it ends in a question mark."""

    text: str
    words: tuple[str, ...]
    clauses: tuple[int, ...]
    asks: bool


def read_sentences(text: str) -> tuple[Sentence, ...]:
    """Cut text into sentences; one pass, at most 300 of them, each at most 70 words long."""
    found: list[Sentence] = []
    alike: Counter[str] = Counter()
    for block in _blocks(text):
        for piece in _pieces(block):
            alike[piece] += 1
            if alike[piece] <= MAX_ALIKE:
                found.extend(one for part in _greeting(piece) for one in _sentences(part))
            if len(found) >= MAX_SENTENCES:
                return tuple(found[:MAX_SENTENCES])
    return tuple(found)


def _blocks(text: str) -> list[str]:
    """Lines that belong together: a long line goes on in the next one, a short one or a list mark ends."""
    blocks, wide = [""], False
    for line in text.split("\n"):
        plain = line.strip()
        if not plain or not wide or plain.startswith(("- ", "* ", "• ", "– ")) or plain[:2].rstrip(".)").isdigit():
            blocks.append(plain)
        elif len(blocks[-1]) < 20_000:
            blocks[-1] = f"{blocks[-1]} {plain}"
        else:
            blocks.append(plain)
        wide = len(plain) >= _WIDE
    return [block for block in blocks if block]


def _pieces(block: str) -> list[str]:
    """Cut at the ends of sentences; a point within a word, a number or an address is none."""
    pieces, start = [], 0
    for mark in _END.finditer(block):
        at = mark.start()
        if _ends(block, start, at):
            pieces.append(block[start : at + 1])
            start = at + 1
    return [piece for piece in [*pieces, block[start:]] if piece.strip(" .!?…;\"'-")]


def _ends(block: str, start: int, at: int) -> bool:
    """Whether the mark at `at` ends the sentence that begins at `start`."""
    char, after = block[at], block[at + 1 : at + 2]
    if after and after not in " \"')»”’" and char in ".;" and (after.isalnum() and at > 0):
        return False
    return not (char == "." and _is_short(block, start, at))


def _greeting(piece: str) -> list[str]:
    """A greeting in front of a sentence is a sentence of its own: "Beste collega's, ..."."""
    head, comma, rest = piece.partition(",")
    words = fold(head).split()
    if comma and rest.strip() and 0 < len(words) <= 5 and words[0] in shared("sentences", "greetings"):
        return [head, rest]
    return [piece]


def _is_short(block: str, start: int, at: int) -> bool:
    """An abbreviation or an initial ("dhr.", "J.", "a.u.b.") does not end a sentence."""
    word = block[max(start, at - 7) : at].rpartition(" ")[2]
    return len(word) <= 1 or "." in word or word.lower() in shared("sentences", "abbreviations")


def _sentences(piece: str) -> list[Sentence]:
    words: list[str] = []
    clauses: list[int] = []
    clause = 0
    for token in _tokens(piece):
        if token in _BREAKS:
            clause += 1
        else:
            clause += token in shared("sentences", "turns")
            words.append(token)
            clauses.append(clause)
    asks = piece.rstrip(" \"')»”’!").endswith(("?", "؟"))
    return [
        Sentence(piece.strip(), tuple(words[at : at + MAX_WORDS]), tuple(clauses[at : at + MAX_WORDS]), asks)
        for at in range(0, len(words), MAX_WORDS)
    ]


def _tokens(piece: str) -> list[str]:
    """Folded words and the marks that end a clause; an address or a link is one word."""
    if "@" not in piece and "://" not in piece and "ww." not in piece.lower():
        return _words(piece)
    found: list[str] = []
    for chunk in piece.split():
        if "@" in chunk and addresses(chunk, 1):
            found.append(ADDRESS)
            found.extend(char for char in chunk[-1:] if char in _BREAKS)
        elif "://" in chunk or chunk.lower().startswith("www."):
            found.append(LINK)
        else:
            found.extend(_words(chunk))
    return found


def _words(text: str) -> list[str]:
    folded = fold(text)
    if "n't" in folded or "can" in folded:
        for written, read in (("can't", "can not"), ("won't", "will not"), ("cannot", "can not"), ("n't", " not")):
            folded = folded.replace(written, read)
    return _TOKEN.findall(folded)


def first_words(sentences: Sequence[Sentence], count: int) -> tuple[str, ...]:
    """The first `count` words of a text, across its sentences."""
    words: list[str] = []
    for sentence in sentences:
        words.extend(sentence.words)
        if len(words) >= count:
            break
    return tuple(words[:count])

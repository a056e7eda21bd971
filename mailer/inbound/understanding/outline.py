"""The outline of a mail: its newest words without anything that is somebody's own, to measure the understanding on.

What our lexicons do not know (names, places, anybody's story) becomes "·", addresses, links and longer numbers become
marks; sentence marks and lines stay. `reread` understands an outline as a mail of that shape would be.
"""

from functools import cache

from mailer.inbound.fold import fold
from mailer.inbound.headers import addresses
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.reply_text import newest
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.lexicon import LANGUAGES, lexicon
from mailer.inbound.understanding.request import Request, Thread
from mailer.inbound.understanding.sentences import ADDRESS, LINK
from mailer.inbound.understanding.subject import own_subject
from mailer.inbound.understanding.understand import understand

UNKNOWN, NUMBER = "·", "#"
MAX_OUTLINE = 4000
_MARKS = frozenset(".,;:!?…()\"'/+%€-؟،")
_LONGEST_NUMBER = 2
#: A word that no lexicon knows: what stands for one must keep the others as far apart as they were.
_SOMETHING = "xqx"
_SOMEBODY = "From: iemand@post.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"


def outline(message: InboundMessage) -> str:
    """The newest words of a mail and its own subject as an outline of at most 4,000 characters; in linear time."""
    text = f"{own_subject(message.subject)}\n\n{newest(message)[: 4 * MAX_OUTLINE]}".strip()
    return "\n".join(map(_redacted_line, text.split("\n")))[:MAX_OUTLINE]


def reread(text: str, thread: str) -> Request:
    """What today's rules understand of an outline; unknown words, addresses and links come back as made-up ones."""
    message = read((_SOMEBODY + "\n".join(map(_restored, text.split("\n")))).encode())
    assert isinstance(message, InboundMessage)  # a few thousand characters of plain text
    return understand(message, Thread(thread))


def _restored(line: str) -> str:
    made_up = {UNKNOWN: _SOMETHING, ADDRESS: "collega@elders.example", LINK: "https://elders.example/"}
    for mark, word in made_up.items():
        line = line.replace(mark, word)
    return line


def _redacted_line(line: str) -> str:
    """A line without what is somebody's own; a number beside another one may be a piece of a telephone number."""
    chunks = line.split()
    digits = [sum(char.isdigit() for char in chunk) for chunk in chunks]
    near = [sum(digits[max(0, at - 1) : at + 2]) for at in range(len(chunks))]
    return " ".join(
        NUMBER if count and total > _LONGEST_NUMBER and "@" not in chunk else _redacted(chunk)
        for chunk, count, total in zip(chunks, digits, near, strict=True)
    )


def _redacted(chunk: str) -> str:
    """One piece between spaces: each word in it is known, or goes."""
    if "@" in chunk:
        return (ADDRESS if addresses(chunk[:400], 1) else UNKNOWN) + _ending(chunk)
    if "://" in chunk or chunk.lower().startswith("www."):
        return LINK
    if _is_known(fold(chunk)):
        return fold(chunk)
    pieces = _split(chunk)
    mixed = any(piece[0].isalpha() for piece in pieces)
    return "".join(NUMBER if mixed and piece[0].isdigit() else _shown(piece) for piece in pieces)


def _ending(chunk: str) -> str:
    return chunk[-1] if chunk[-1] in _MARKS else ""


def _split(chunk: str) -> list[str]:
    """Runs of letters, runs of digits, and every other character by itself."""
    pieces: list[str] = []
    before = ""
    for char in chunk:
        kind = "digit" if char.isdigit() else "letter" if char.isalnum() or not char.isascii() else ""
        kind = "" if char in _MARKS else kind
        if kind and kind == before:
            pieces[-1] += char
        else:
            pieces.append(char)
        before = kind
    return pieces


def _shown(piece: str) -> str:
    if piece in _MARKS:
        return piece
    if piece[0].isdigit():
        return piece if piece.isascii() else NUMBER
    folded = fold(piece)
    return folded if _is_known(folded) else UNKNOWN


def _is_known(folded: str) -> bool:
    return folded in _known_words()


@cache
def _known_words() -> frozenset[str]:
    """The words of every lexicon, and those that all languages share."""
    own = (lexicon(language) for language in LANGUAGES)
    words = frozenset().union(*(one.vocabulary | one.common | one.negations for one in own))
    common = frozenset().union(*(shared("sentences", name) for name in ("greetings", "fillers", "turns")))
    return frozenset(word for word in words | common if word.isalpha() or "'" in word)

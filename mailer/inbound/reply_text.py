"""The newest words of an author, apart from what they quote, forward or sign with; linear in the length of the mail."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.inbound.html_text import HtmlText, read_html
from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_marks import (
    attribution_length,
    header_block_length,
    is_closing,
    is_disclaimer,
    is_forward_mark,
    is_mobile_line,
    is_original_mark,
    is_postscript,
)

MAX_TEXT = 200_000
MAX_OWN = 40_000
MAX_LINES = 4_000


@dataclass(frozen=True, slots=True)
class Words:
    """`own`: newest words; `signature`: what they sign with; `quoted`: the mail answered; `forwarded`: passed on."""

    own: str
    signature: str
    quoted: str
    forwarded: str


def newest(message: InboundMessage) -> str:
    """Only what the author wrote now: no quotes, signature or disclaimer (it may be empty)."""
    return read_words(message).own


def read_words(message: InboundMessage) -> Words:
    """Split the text of a mail; the structure of its HTML comes first, the lines of its text second."""
    names = _names(message)
    html = read_html(message.html) if message.html else None
    split = split_text(message.text[:MAX_TEXT], names)
    if html is not None and html.marked and _same_mail(html, message.text):
        split = _from_html(html, names)
    forwarded = "\n\n".join([split.forwarded, *message.forwarded]).strip()
    return Words(split.own, split.signature, split.quoted, forwarded[:MAX_TEXT])


def _from_html(html: HtmlText, names: frozenset[str]) -> Words:
    """The quotes an HTML body marks are taken away; the text rules do the rest on both sides."""
    own = split_text(html.own[:MAX_TEXT], names)
    if own.quoted or own.forwarded:
        return own
    if not own.own and html.quoted:
        inner = split_text(html.quoted[:MAX_TEXT], names)
        return Words("", own.signature, inner.quoted, inner.forwarded)
    return Words(own.own, own.signature, html.quoted[:MAX_TEXT], "")


def _same_mail(html: HtmlText, text: str) -> bool:
    """Whether the two bodies say the same: the first words of the HTML also stand in the text."""
    first = html.own.split()[:6]
    return not first or " ".join(first) in " ".join(text[:MAX_TEXT].split())


def _names(message: InboundMessage) -> frozenset[str]:
    """The words by which a line can be known as the author's own name."""
    if message.author is None:
        return frozenset()
    local = message.author.address.partition("@")[0]
    words = f"{message.author.name} {local}".casefold()
    for mark in ".,_-+()\"'":
        words = words.replace(mark, " ")
    return frozenset(word for word in words.split() if len(word) > 2)


def split_text(text: str, names: frozenset[str] = frozenset()) -> Words:
    """Split plain text into own words, signature, quoted and forwarded parts (top, bottom and inline replies)."""
    lines = _shortened(text.replace("\xa0", " ").split("\n"))
    own: list[str] = []
    quoted: list[str] = []
    forwarded: list[str] = []
    at = 0
    while at < len(lines):
        at = _take(lines, at, own, quoted, forwarded)
    kept, signature = _sign(_trim(own), names)
    return Words(_join(kept)[:MAX_OWN], _join(signature)[:4000], _join(quoted), _join(forwarded))


def _shortened(lines: list[str]) -> list[str]:
    """The first and the last lines of a mail that is far too long: own words stand on top or at the bottom."""
    return lines if len(lines) <= MAX_LINES else [*lines[: MAX_LINES - 500], *lines[-500:]]


def _take(lines: Sequence[str], at: int, own: list[str], quoted: list[str], forwarded: list[str]) -> int:
    """Put the line at `at`, or all the rest, where it belongs; returns the next line to look at."""
    line = lines[at].strip()
    if line.startswith(">"):
        quoted.append(line.lstrip("> "))
        return at + 1
    if is_forward_mark(line):
        return _rest(lines, at + 1, forwarded)
    length = attribution_length(lines, at)
    if length:
        return at + length if _marked_below(lines, at + length) else _rest(lines, at + length, quoted)
    if is_original_mark(line) or header_block_length(lines, at):
        answered = any(text.strip() for text in own) or is_original_mark(line)
        return _rest(lines, at, quoted if answered else forwarded)
    own.append(lines[at].rstrip())
    return at + 1


def _rest(lines: Sequence[str], at: int, kept: list[str]) -> int:
    kept.extend(line.strip().lstrip("> ") for line in lines[at:])
    return len(lines)


def _marked_below(lines: Sequence[str], at: int) -> bool:
    """Whether the next line with words is quoted with ">", so that answers may stand between the quotes."""
    for line in lines[at : at + 6]:
        if line.strip():
            return line.lstrip().startswith(">")
    return False


def _trim(lines: list[str]) -> list[str]:
    """Without the lines a telephone or a program adds by itself, and without rules drawn between mails."""
    kept = [line for line in lines if not is_mobile_line(line.strip()) and not _is_rule(line.strip())]
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _is_rule(line: str) -> bool:
    return len(line) > 7 and not line.strip("_-=*~ ")


def _sign(lines: list[str], names: frozenset[str]) -> tuple[list[str], list[str]]:
    """(own lines, signature): it begins at "--", at a closing formula, or at a line with the author's name."""
    start = _signature_start(lines, names)
    kept, tail = lines[:start], lines[start:]
    signature: list[str] = []
    for block in _paragraphs(tail):
        (kept if is_postscript(block[0]) else signature).extend(["", *block])
    own: list[str] = []
    for block in _paragraphs(kept):
        (signature if is_disclaimer(" ".join(block)) else own).extend(["", *block])
    return own, signature


def _signature_start(lines: Sequence[str], names: frozenset[str]) -> int:
    for at, line in enumerate(lines):
        plain = line.strip()
        if plain in ("--", "—", "- -") or line == "-- ":
            return at
        if is_closing(plain) and len(lines) - at <= 30 and at > 0:
            return at
    first = max(1, len(lines) - 14)
    return next((at for at in range(first, len(lines)) if _is_name(lines, at, names)), len(lines))


def _is_name(lines: Sequence[str], at: int, names: frozenset[str]) -> bool:
    """A short line near the end, without the end of a sentence, that holds a word of the author's name."""
    line = lines[at].strip()
    if not line or len(line) > 60 or line.endswith(("?", "!", ":")) or "@" in line:
        return False
    words = line.split(",")[0].replace(".", " ").replace("(", " ").split()
    known = any(word.casefold() in names for word in words)
    return known and len(words) <= 5 and line[:1].isupper() and _ends_before(lines, at)


def _ends_before(lines: Sequence[str], at: int) -> bool:
    """Whether the sentence before this line is over: an empty line, or punctuation at its end."""
    before = lines[at - 1].strip()
    return not before or before.endswith((".", "!", "?", ",", ")", ":")) or len(before) < 30


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _join(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip("\n")

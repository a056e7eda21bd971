"""Where a mail may name an organisation: in its running text, in short lines, in the name a shared mailbox goes by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.inbound.fold import fold
from mailer.inbound.reply_marks import closing, is_disclaimer, is_mobile_line
from mailer.inbound.reply_text import Words
from mailer.inbound.understanding.knowledge import shared
from mailer.inbound.understanding.names import segments
from mailer.inbound.understanding.runs import folded, tokens

MOST_TEXT = 12_000
_LINES = 40


@dataclass(frozen=True, slots=True)
class Mentions:
    """`text`: the words of what is written and the subject; `last`: its last short lines.

    `signed`: the parts of the lines of the signature; `shown`: those of the name a shared mailbox goes by;
    `labelled`: what a form names as the organisation.
    """

    text: Sequence[str]
    last: tuple[str, ...]
    signed: tuple[tuple[str, ...], ...]
    shown: tuple[tuple[str, ...], ...]
    labelled: str | None


def mentions(subject: str, words: Words, shown: str = "") -> Mentions:
    """The words of a mail as they are searched; `shown`: the name a shared mailbox goes by."""
    return Mentions(
        text=tokens(f"{words.own[:MOST_TEXT]}\n{subject}"),
        last=tuple(line for line in words.own[-1000:].split("\n")[-4:] if len(line) < 80),
        signed=tuple(_parts(words.signature.split("\n")[:_LINES])),
        shown=tuple(_parts([shown])),
        labelled=_labelled(words.own[:MOST_TEXT]),
    )


def tail(where: Mentions) -> tuple[tuple[str, ...], ...]:
    """The parts of the last short lines of the text that are no sentences: a signature without a closing formula."""
    return tuple(part for part in _parts(where.last) if _is_label(part))


def _labelled(text: str) -> str | None:
    """The one organisation that a form names: "Organisatie: De Brug"; None where none or several are."""
    if ":" not in text:
        return None
    found = [value for line in text.split("\n") if (value := _value(line))]
    return found[0] if len(found) == 1 else None


def _value(line: str) -> str:
    label, colon, value = line.lstrip("-*• ").partition(":")
    if not colon or fold(label).strip() not in shared("organisations", "labels"):
        return ""
    name = value.strip(" .*_")
    return name if 2 < len(name) < 80 and "@" not in name else ""


def _parts(lines: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The parts of the lines of a signature that may name somebody or some house; no ways of contact."""
    for line in lines:
        if (
            not line
            or fold(line.split(" ", 1)[0]) in shared("sentences", "greetings")
            or is_mobile_line(line)
            or closing(line)
            or is_disclaimer(line)
        ):
            continue
        for piece in segments(_without_links(line)):
            if 2 < len(piece) < 80 and not _is_contact(piece):
                yield tuple(word for word in tokens(piece) if word != "\n")


def _without_links(line: str) -> str:
    """A line without its addresses and links; nothing of one that is no row of parts between bars."""
    if "@" not in line and "://" not in line and "www." not in line:
        return line
    if "|" not in line:
        return ""
    return " ".join("|" if any(mark in word for mark in ("@", "://", "www.")) else word for word in line.split(" "))


def _is_contact(piece: str) -> bool:
    first = fold(piece).replace(":", " ").split(" ", 1)[0].strip(".")
    return first in shared("organisations", "contact") or sum(map(str.isdigit, piece)) > 3


def _is_label(words: Sequence[str]) -> bool:
    """Whether a line of the text is no sentence: few words, none of somebody who speaks, no end of a sentence."""
    plain = folded(words)
    spoken = shared("organisations", "mine") | shared("organisations", "am") | shared("organisations", "yours")
    spoken |= shared("sentences", "greetings")
    return 0 < len(words) < 7 and spoken.isdisjoint(plain) and words[-1][-1:] not in ".!?"

"""What a member wants changed: which of the addresses in a mail is the new one."""

from collections.abc import Sequence
from itertools import pairwise

from mailer.inbound.fold import fold
from mailer.inbound.understanding.knowledge import shared

_NEAR = 9
_BEHIND = 6
_MARKS = ".,;:!?'\"()"


def is_old(words: Sequence[str], at: int, here: bool) -> bool | None:
    """Whether the address at this place is the one that goes (True), the one that comes (False), or neither is said.

    `here`: the mail speaks of the address it comes from, so that "to" before another one says nothing.
    """
    after = [_bare(word) for word in _after(words, at)]
    if not shared("updates", "gone").isdisjoint(after[:2]):
        return True
    before = [_bare(word) for word in _before(words, at)]
    for distance, plain in enumerate(before):
        if not here and distance < 2 and plain in shared("updates", "coming"):
            return False
        if plain in shared("updates", "old") or (distance < 1 and plain in shared("updates", "leaving")):
            return True
        if plain in shared("updates", "new"):
            return not shared("updates", "until").isdisjoint(before[distance + 1 : distance + 2])  # "tot nu"
    return None if shared("updates", "gone").isdisjoint(after) else True


def _bare(word: str) -> str:
    return fold(word).replace(".", "").strip(_MARKS)


def _before(words: Sequence[str], at: int) -> list[str]:
    """The words before an address, the nearest first, up to another address or the end of another sentence."""
    found: list[str] = []
    for word in reversed(words[max(0, at - _NEAR) : at]):
        if "@" in word or (word[-1:] in ".!?" and len(word) > 3):
            break
        if word.strip("\n<>([|-–:"):
            found.append(word)
    return found


def _after(words: Sequence[str], at: int) -> list[str]:
    """The words behind an address (and another one joined to it) up to the end of the sentence."""
    if words[at][-1:] in ".!?":
        return []
    found: list[str] = []
    for word in words[at + 1 : at + 1 + _BEHIND]:
        if "@" in word and found and fold(found[-1]) not in shared("organisations", "links"):
            break
        found.append(word)
        if word[-1:] in ".!?":
            break
    return found


def says_here(text: str) -> bool:
    """Whether a mail speaks of the address it comes from as one to use: "hier", "this address", "celle-ci"."""
    plain = fold(text)
    for mark in ",;:()'":
        plain = plain.replace(mark, " ")
    for mark in "!?\n":
        plain = plain.replace(mark, ". ")
    return any(_is_here(sentence.split()) for sentence in plain.split(". "))


def _is_here(sentence: Sequence[str]) -> bool:
    words = {word.replace(".", "") for word in sentence}
    if not words.isdisjoint(shared("updates", "closing")) or not words.isdisjoint(shared("updates", "old")):
        return False
    this, address = shared("updates", "this"), shared("updates", "address")
    named = any(one in this and two.rstrip(".") in address for one, two in pairwise(sentence))
    return named or not words.isdisjoint(shared("updates", "here"))

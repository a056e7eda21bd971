"""What a template sees instead of personal values: marks that may be written down and nothing else."""

import difflib
from collections.abc import Iterable
from typing import NoReturn

from mailer.outbound.edition import SLOT_NAMES, Slot, mark_for

ROOTS = ("member", "link")


class Misuse(Exception):
    """Something a template may not do, found while it runs; the room adds the file and the line."""


class SlotValue:
    """A personal value in a template: it can be written down and given a fallback; everything else is refused."""

    __slots__ = ("_book", "slot")

    def __init__(self, name: str, book: dict[str, Slot], fallback: str | None = None) -> None:
        self.slot = Slot(mark_for(name, fallback), name, fallback)
        self._book = book
        book[self.slot.mark] = self.slot

    def or_else(self, fallback: str) -> "SlotValue":
        """The same slot with words for those of whom we do not know this."""
        if self.slot.is_link:
            raise Misuse(f"{self.slot.name} is always there: leave out or_else")
        return SlotValue(self.slot.name, self._book, fallback)

    def __html__(self) -> str:
        return self.slot.mark

    __str__ = __html__

    def _refuse(self, *_: object) -> NoReturn:
        raise Misuse(slot_misused(self.slot.name))

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __int__ = __float__ = __index__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _refuse
    __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __rmod__ = __format__ = _refuse


def slot_misused(name: str) -> str:
    """What to write instead of a slot in a condition, a loop or a filter."""
    advice = "" if name.startswith("link.") else f'; write {{{{ {name} | or_else("…") }}}} for those without one'
    return (
        f"{name} is personal: it is filled in for each reader later, so it cannot be used in a condition, a loop, "
        f"a comparison or a filter{advice}"
    )


def slot_values(book: dict[str, Slot]) -> dict[str, dict[str, SlotValue]]:
    """The roots `member` and `link` as a template gets them; every slot made is written in `book` by its mark."""
    values: dict[str, dict[str, SlotValue]] = {root: {} for root in ROOTS}
    for name in SLOT_NAMES:
        root, _, field = name.partition(".")
        values[root][field] = SlotValue(name, book)
    return values


def unknown(name: str, known: Iterable[str]) -> str:
    """The message for a name nobody knows, with the nearest known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1, 0.6)
    if near:
        return f'"{name}" is not known here; did you mean {near[0]}?'
    return f'"{name}" is not known here; known are: {", ".join(names)}' if names else f'"{name}" is not known here'

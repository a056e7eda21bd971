"""How today's rules do on what coordinators decided before."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.inbound.register import Example
from mailer.inbound.understanding.outline import reread


@dataclass(frozen=True, slots=True)
class Compared:
    """One example beside what is understood of it today; `agrees` says whether that is what the person decided."""

    number: int
    language: str
    outline: str
    decided: tuple[str, ...]
    today: tuple[str, ...]
    agrees: bool


def compare(examples: Sequence[Example]) -> list[Compared]:
    """Understand every outline anew; nothing but its text and the kind of thread is known of it."""
    return [_compare(one) for one in examples]


def _compare(one: Example) -> Compared:
    today, decided = reread(one.outline, one.thread).kinds, tuple(one.decided)
    return Compared(one.id, one.language, one.outline, decided, today, _agrees(one, today))


def _agrees(one: Example, today: tuple[str, ...]) -> bool:
    """The same kinds, in any order; where the person said no, anything but the guess that was refused."""
    return set(today) == set(one.decided) if one.decided else not set(today) & set(one.guessed)

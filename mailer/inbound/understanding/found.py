"""The wishes gathered while the cues of one mail are weighed."""

from dataclasses import dataclass, field

from mailer.inbound.understanding.request import HUMAN, Rsvp

# Topics that speak of something else than the network: a vague wish to join means nothing beside them.
ELSEWHERE = ("distinct", "guidance.strong", "contribution.strong", "privacy.strong")
CHANGES = ("address.strong", "rename.strong", "preference.strong")
UPDATES = ("language", *CHANGES)


@dataclass(slots=True)
class Wishes:
    """What is gathered while the cues are weighed; `clear` holds the kinds a machine may act on."""

    kinds: set[str] = field(default_factory=set)
    clear: set[str] = field(default_factory=set)
    answer: Rsvp | None = None
    stops: list[str] = field(default_factory=list)
    #: Why a person should look as well, although nothing sounds grave.
    cautions: list[str] = field(default_factory=list)

    def add(self, kind: str, clear: bool) -> None:
        """Note a wish."""
        self.kinds.add(kind)
        if clear:
            self.clear.add(kind)

    def ordered(self) -> tuple[str, ...]:
        """The kinds in a fixed order, the gravest first."""
        return tuple(kind for kind in HUMAN if kind in self.kinds)

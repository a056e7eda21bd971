"""What a mail asks for, as values: Request and its parts, and the Plan made of it."""

from dataclasses import dataclass

from mailer.calendar import Itip
from mailer.inbound.report import Report

HUMAN = (
    "help",
    "spam",
    "leave",
    "join",
    "join_other",
    "update",
    "confirm",
    "rsvp",
    "privacy",
    "guidance",
    "contribution",
    "information",
    "other",
)
MACHINE = ("report", "auto_reply", "calendar_reply", "bulk")


@dataclass(frozen=True, slots=True)
class Thread:
    """Which mail of ours is answered: none, invitation, newsletter, confirmation or welcome."""

    kind: str = "none"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to register, or the new values of a member; None for what is not said."""

    address: str | None
    name: str | None
    organisation: str | None


@dataclass(frozen=True, slots=True)
class Rsvp:
    """An answer in words: "yes", "no" or "maybe", how many come along, and the words themselves."""

    answer: str
    guests: int
    note: str


@dataclass(frozen=True, slots=True)
class Request:
    """What was understood; `kinds` are of HUMAN and MACHINE, `certain` is false where a person should look.

    `gone` and `successor`: a machine says that nobody is at the author's (or a bounced) address any more, or whom to
    write to instead: a suggestion for a coordinator, never more.
    """

    kinds: tuple[str, ...]
    people: tuple[Person, ...] = ()
    rsvp: Rsvp | None = None
    language: str = "nl"
    certain: bool = False
    why: tuple[str, ...] = ()
    report: Report | None = None
    calendar: Itip | None = None
    clear: frozenset[str] = frozenset()
    wanted_language: str | None = None
    receipt: bool = False
    gone: bool = False
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the service does by itself, and where the mail is filed: handled, review, ignored or quarantine."""

    actions: tuple[str, ...]
    disposition: str

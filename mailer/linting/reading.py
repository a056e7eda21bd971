"""A message as the rules see it: read from its bytes alone, with nothing of the code that wrote it."""

import email
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from functools import cached_property

from mailer.linting.page import Page, read_page

LISTED = frozenset({"newsletter", "invitation"})  # What a member can have enough of: it carries a way out (OUT-30).
MANY = LISTED | {"update", "cancellation", "reminder"}  # What follows an invitation may carry one, too.


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: its id in the conformance list and what is wrong, without quoting the letter's people."""

    id: str
    message: str


@dataclass(frozen=True, slots=True)
class Field:
    """A header field: its name in lower case, its unfolded value, its lines as they were sent."""

    name: str
    value: str
    lines: tuple[bytes, ...]


@dataclass(frozen=True)
class Part:
    """A leaf of the MIME tree, its content decoded from its transfer encoding."""

    entity: Message
    data: bytes

    @property
    def type(self) -> str:
        """The media type in lower case."""
        return self.entity.get_content_type()

    @property
    def transfer(self) -> str:
        """The Content-Transfer-Encoding in lower case; 7bit when it is not named (RFC 2045 §6.1)."""
        return str(self.entity.get("Content-Transfer-Encoding", "7bit")).strip().lower()

    @cached_property
    def text(self) -> str:
        """The content as UTF-8, with U+FFFD for what is not."""
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True)
class Reading:
    """The message and everything the rules ask of it more than once."""

    raw: bytes
    fields: tuple[Field, ...]
    root: Message
    parts: tuple[Part, ...]
    wanted_kind: str | None

    @cached_property
    def kind(self) -> str:
        """The kind of letter: as told, else read from the headers; "" for one that belongs to no list."""
        if self.wanted_kind is not None:
            return self.wanted_kind
        if not self.values("list-id"):
            return ""
        return "invitation" if self.calendars else "newsletter"

    @property
    def is_service(self) -> bool:
        """Whether it is one letter to one person who did something: a question, an answer, a notice."""
        return bool(self.kind) and self.kind not in MANY

    def values(self, name: str) -> list[str]:
        """Every value of this field, by its lower-case name."""
        return [field.value for field in self.fields if field.name == name]

    def value(self, name: str) -> str:
        """The first value of this field, or ""."""
        return next(iter(self.values(name)), "")

    def addresses(self, name: str) -> list[str]:
        """The addr-specs in every field of this name."""
        return [address for _, address in getaddresses(self.values(name))]

    @property
    def author(self) -> str:
        """The address in From, or ""."""
        return next(iter(self.addresses("from")), "")

    @property
    def recipient(self) -> str:
        """The address in To, or ""."""
        return next(iter(self.addresses("to")), "")

    @cached_property
    def subject(self) -> str:
        """The Subject with its encoded-words decoded."""
        return decoded(self.value("subject"))

    @property
    def unsubscribe(self) -> list[str]:
        """The URIs of List-Unsubscribe."""
        return re.findall(r"<([^>]*)>", self.value("list-unsubscribe"))

    def shown(self, media_type: str) -> Part | None:
        """The first part of this type that is meant to be read, not saved."""
        return next((part for part in self.parts if part.type == media_type and not is_attached(part.entity)), None)

    @cached_property
    def page(self) -> Page | None:
        """The HTML part, taken apart."""
        part = self.shown("text/html")
        return read_page(part.text) if part else None

    @property
    def text(self) -> str | None:
        """The text part."""
        part = self.shown("text/plain")
        return part.text if part else None

    @property
    def calendars(self) -> list[Part]:
        """Every calendar object, shown or attached."""
        return [part for part in self.parts if part.type in ("text/calendar", "application/ics")]


Rule = Callable[[Reading], Iterator[Problem]]


def read_message(raw: bytes, kind: str | None) -> Reading:
    """Take the bytes apart; total: bytes that are no message give a Reading with few fields."""
    root = email.message_from_bytes(raw)
    leaves = tuple(Part(part, _payload(part)) for part in root.walk() if not part.is_multipart())
    return Reading(raw, tuple(_fields(raw)), root, leaves, kind)


def head(raw: bytes) -> bytes:
    """The header section with the CRLF of its last line."""
    return raw.partition(b"\r\n\r\n")[0] + b"\r\n"


def decoded(value: str) -> str:
    """A header value with its encoded-words decoded; U+FFFD for what cannot be."""
    try:
        pieces = decode_header(value)
    except ValueError:
        return value
    return "".join(piece if isinstance(piece, str) else piece.decode("utf-8", "replace") for piece, _ in pieces)


def is_attached(entity: Message) -> bool:
    """Whether this part is a file to save."""
    return entity.get_content_disposition() == "attachment"


def check(reading: Reading, rules: Iterable[Rule]) -> list[Problem]:
    """What these rules find, in their order."""
    return [problem for rule in rules for problem in rule(reading)]


def _payload(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _fields(raw: bytes) -> Iterator[Field]:
    for lines in re.findall(rb"[^ \t\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head(raw)):
        name, _, value = lines.replace(b"\r\n", b"").partition(b":")
        text = value.decode("utf-8", "replace").strip()
        yield Field(name.decode("ascii", "replace").lower(), text, tuple(lines.split(b"\r\n")[:-1]))

"""The frozen Edition: a letter that is finished but for the slots of the one person who gets it."""

import base64
import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit

from mailer.outbound.text_wrap import wrap

Variant = Literal["plain", "discreet"]

MARK = re.compile(r"vq[0-9a-f]{16}qv")
SLOT_NAMES = (
    "member.name",
    "member.first_name",
    "member.organisation",
    "link.unsubscribe",
    "link.preferences",
    "link.confirm",
    "link.rsvp",
    "link.rsvp_yes",
    "link.rsvp_no",
    "link.rsvp_maybe",
)
_LONGEST = 80
_SPACES = re.compile(" {2,}")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_URL_LIKE = re.compile(r"(?<=[\w:])([./])(?=[\w/])")
#: What nearly every link looks like: of those that `_link` lets pass.
_SOUND_LINK = re.compile(
    r"(?:https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)?"
    r"|mailto:[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)"
)
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]|[^\x00-\x7f]")


def mark_for(name: str, fallback: str | None) -> str:
    """The opaque text that stands for a slot: lower-case letters and digits only, so that it survives every tool."""
    return f"vq{sha256(f'{name}|{fallback!r}'.encode()).hexdigest()[:16]}qv"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for something personal; `fallback` is written when the member has no such value, None means required."""

    mark: str
    name: str
    fallback: str | None

    @property
    def is_link(self) -> bool:
        """Whether its value is an address to follow rather than words to read."""
        return self.name.startswith("link.")


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture that travels inside the letter; `cid` is its Content-ID without brackets (RFC 2392)."""

    cid: str
    name: str
    type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Filled:
    """What one person reads: nothing in it is a template any more."""

    subject: str
    html: str
    text: str
    images: tuple[InlineImage, ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """One language and variant of a letter, as approved; `text` has one paragraph per line, `fill` wraps it."""

    language: str
    variant: Variant
    direction: Literal["ltr", "rtl"]
    subject: str
    preheader: str
    html: str
    text: str
    slots: tuple[Slot, ...]
    images: tuple[InlineImage, ...]

    def fill(self, values: Mapping[str, str]) -> Filled:
        """Write the personal values (slot name to raw text) in their places, each escaped for its place.

        Raises KeyError naming the slot when a value is missing or blank and the slot has no fallback, and ValueError
        when a link is anything but an absolute https, http or mailto address.
        """
        lines = [value_of(slot, values) for slot in self.slots]
        words = [self.words(slot, line) for slot, line in zip(self.slots, lines, strict=True)]
        return Filled(
            self.written(self.subject, lines),
            self.written(self.html, map(escape, words)),
            wrap(self.written(self.text, words)),
            self.images,
        )

    def written(self, text: str, values: Iterable[str]) -> str:
        """A text of this edition with a value in the place of each slot, in their order; other marks stay."""
        chosen = dict(zip((slot.mark for slot in self.slots), values, strict=True))
        return MARK.sub(lambda found: chosen.get(found[0], found[0]), text)

    def words(self, slot: Slot, value: str) -> str:
        """The value for reading: no mail program may make a link of a name, nor turn the line's direction round."""
        if slot.is_link:
            return value
        defused = _URL_LIKE.sub("\\1\u2060", value)
        if _direction(value) in (None, self.direction):
            return defused
        return f"\u2068{defused}\u2069"

    def to_json(self) -> dict[str, Any]:
        """The whole edition as plain JSON data, for the database."""
        slots = [[slot.mark, slot.name, slot.fallback] for slot in self.slots]
        images = [[i.cid, i.name, i.type, base64.b64encode(i.data).decode("ascii")] for i in self.images]
        words = {key: getattr(self, key) for key in _WORDS}
        return {**words, "slots": slots, "images": images}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Edition":
        """The edition that `to_json` wrote; raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            **{key: stored[key] for key in _WORDS},
            slots=tuple(Slot(*slot) for slot in stored["slots"]),
            images=tuple(
                InlineImage(cid, name, kind, base64.b64decode(raw)) for cid, name, kind, raw in stored["images"]
            ),
        )


def with_marks(edition: Edition, values: Mapping[str, str]) -> Edition:
    """The edition with a slot for each of these values that is no slot of its own: its mark was given as a fact."""
    more = tuple(Slot(mark_for(name, None), name, None) for name in values if name not in SLOT_NAMES)
    return replace(edition, slots=edition.slots + more)


_WORDS = ("language", "variant", "direction", "subject", "preheader", "html", "text")


def one_line(value: str) -> str:
    """Anybody's text as one clean line: composed (NFC), no control or direction characters, single spaces."""
    if value.isprintable() and "  " not in value and unicodedata.is_normalized("NFC", value):
        return value.strip()  # nearly every name: nothing in it is a control, a mark of direction or a line's end
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in value)
    kept = "".join(c for c in _BIDI.sub("", spaced) if unicodedata.category(c) != "Cs")
    return _SPACES.sub(" ", unicodedata.normalize("NFC", kept)).strip()  # no-break spaces stay: French needs them


def escape(value: str) -> str:
    """Words as they stand in HTML, also between the quotes of an attribute."""
    if not ("&" in value or "<" in value or ">" in value or '"' in value or "'" in value):
        return value  # nearly always, and five times faster than looking for each to replace it
    return html.escape(value, quote=True)


def value_of(slot: Slot, values: Mapping[str, str]) -> str:
    """What is written for a slot, not yet escaped for its place; raises KeyError and ValueError as `fill` does."""
    given = values.get(slot.name)
    if slot.is_link:
        if not given:
            raise KeyError(slot.name)
        return _link(slot.name, given)
    line = one_line(given or "")
    if not line and slot.fallback is None:
        raise KeyError(slot.name)
    line = line or slot.fallback or ""
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


def _link(name: str, url: str) -> str:
    if _SOUND_LINK.fullmatch(url):
        return url
    parts = urlsplit(url)
    sound = parts.scheme == "mailto" or (parts.scheme in ("https", "http") and parts.netloc and not parts.username)
    if not sound or _UNSAFE_IN_URL.search(url):
        raise ValueError(f"the value of {name} is not an address that may be put in a letter")
    return url


def _direction(value: str) -> Literal["ltr", "rtl"] | None:
    for char in value:
        kind = unicodedata.bidirectional(char)
        if kind == "L":
            return "ltr"
        if kind in ("R", "AL"):
            return "rtl"
    return None

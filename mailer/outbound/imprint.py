"""An Imprint: a frozen edition whose bytes are ready but for what is one reader's, so that a letter costs microseconds.

It means exactly what `wire.render` makes of `Writer.issue_letter`; boundaries, line breaks and encodings may differ.
"""

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mailer.outbound import signing, wire
from mailer.outbound.edition import MARK, Edition, value_of
from mailer.outbound.encoding import base64_lines, piece
from mailer.outbound.letter import Letter
from mailer.outbound.pieces import HtmlBody, TextBody
from mailer.outbound.signing import Canonical, Signer
from mailer.outbound.wire import Part

_MOST_IMPRINTS = 16  # seven languages in two variants, and some to spare
#: Where the body of a part will stand; NUL is in nothing that we encode.
_TEXT, _HTML, _CALENDAR = b"\0text\0", b"\0html\0", b"\0calendar\0"
_PLACES = re.compile(b"(\0[a-z]+\0)")


@dataclass(frozen=True, slots=True)
class Copy:
    """What makes a letter of an edition one person's; `values` are by slot name, `calendar` is their iTIP object."""

    recipient: str
    message_id: str
    date: datetime
    unsubscribe: tuple[str, ...]
    values: Mapping[str, str]
    calendar: bytes | None = None


@dataclass(frozen=True, slots=True)
class Imprint:
    """One edition, encoded; make it with `Imprint.of`."""

    edition: Edition
    subject: str
    sender: str
    standing: str
    closing: str
    one_click: bool
    has_calendar: bool
    skeleton: tuple[bytes, ...]
    text: TextBody
    html: HtmlBody
    signers: tuple[Signer, ...]
    wordy: tuple[int, ...]  # the slots that are no links
    ready: Mapping[str, Canonical]

    @classmethod
    def of(cls, edition: Edition, frame: Letter, signers: tuple[Signer, ...] = ()) -> "Imprint":
        """The imprint of an edition in its frame (`Writer.issue_frame`); raises ValueError as `wire.render` does."""
        text, html = TextBody.of(edition), HtmlBody.of(edition)
        content = _skeleton(edition, frame, text.encoding.transfer, html.encoding.transfer)
        subject = "" if MARK.search(edition.subject) else wire.subject_field(edition.subject)
        sender, standing = wire.sender_field(frame), wire.standing_fields(frame)
        closing = wire.automation_fields(frame) + content.header
        return cls(
            edition=edition,
            subject=subject,
            sender=sender,
            standing=standing,
            closing=closing,
            one_click=frame.one_click,
            has_calendar=frame.calendar is not None,
            skeleton=tuple(_PLACES.split(content.body)),
            text=text,
            html=html,
            signers=signers,
            wordy=tuple(number for number, slot in enumerate(edition.slots) if not slot.is_link),
            ready={part: signing.canonical(part) for part in (sender, standing, closing, subject) if part},
        )

    def fill(self, copy: Copy) -> bytes:
        """The letter of one person, signed: CRLF lines, 7-bit, the same bytes at every call.

        Raises KeyError and ValueError as `Edition.fill`, RuleBroken and ValueError as `wire.render` does.
        """
        if self.has_calendar != (copy.calendar is not None):
            raise ValueError("a calendar part is in every letter of an imprint, or in none")
        edition = self.edition
        lines = [value_of(slot, copy.values) for slot in edition.slots]
        words = list(lines)
        for number in self.wordy:
            words[number] = edition.words(edition.slots[number], lines[number])
        header, body = self._header(copy, lines), self._body(words, copy.calendar)
        if self.signers:
            body = [b"".join(body)]
            header = [signing.seal(self.signers, header, body[0], copy.date, self.ready), *header]
        return b"".join(("".join(header).encode(), b"\r\n", *body))

    def _header(self, copy: Copy, lines: Sequence[str]) -> list[str]:
        """The fields in the order of `wire.render`, those in one text that are always the same."""
        subject = self.subject or wire.subject_field(self.edition.written(self.edition.subject, lines))
        return [
            self.sender,
            wire.to_field(copy.recipient),
            subject,
            wire.moment_fields(copy.date, copy.message_id),
            self.standing,
            wire.unsubscribe_fields(copy.unsubscribe, self.one_click),
            self.closing,
        ]

    def _body(self, words: Sequence[str], calendar: bytes | None) -> list[bytes]:
        ready = [piece(value) for value in words]
        places = {_TEXT: self.text.fill(words, ready), _HTML: self.html.fill(words, ready)}
        if calendar is not None:
            places[_CALENDAR] = [base64_lines(calendar)]
        body: list[bytes] = []
        for part in self.skeleton:
            body += places.get(part) or [part]
        return body


def _skeleton(edition: Edition, frame: Letter, text: str, html: str) -> Part:
    """The MIME tree with its boundaries and images; for text, HTML and calendar the place only.

    The boundaries follow from what everybody gets, so that a retry after a restart has the same (OUT-38).
    """
    ways = [Part(wire.text_header("plain", text), _TEXT), Part(wire.text_header("html", html), _HTML)]
    calendar = [Part(part.header, _CALENDAR) for part in wire.calendar_parts(frame.calendar)]
    seed = "\0".join((edition.subject, edition.text, edition.html, str(frame.list_id), str(frame.calendar is None)))
    return wire.assemble(ways, edition.images, calendar, hashlib.sha256(seed.encode(errors="replace")).hexdigest())


@dataclass(frozen=True, slots=True)
class Imprints:
    """The imprints used last, for one process; `key` must name all that an imprint is made from."""

    kept: dict[Hashable, Imprint] = field(default_factory=dict)

    def find(self, key: Hashable) -> Imprint | None:
        """The imprint of this key, if it was made and is still kept."""
        return self.kept.get(key)

    def get(self, key: Hashable, make: Callable[[], Imprint]) -> Imprint:
        """The imprint of this key, made when it is not there; the one not used for longest goes."""
        found = self.kept.pop(key, None) or make()
        while len(self.kept) >= _MOST_IMPRINTS:
            self.kept.pop(next(iter(self.kept)))
        self.kept[key] = found
        return found

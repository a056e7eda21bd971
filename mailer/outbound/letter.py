"""One letter to one person as a value: everything the wire needs, nothing the wire decides."""

from dataclasses import dataclass
from datetime import datetime

from mailer.outbound.edition import InlineImage


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """An iTIP object to carry by iMIP (RFC 6047): `method` like "REQUEST", `data` its CRLF bytes, untouched."""

    method: str
    data: bytes
    filename: str = "uitnodiging.ics"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said to one recipient, in whose name, and how a machine should treat it.

    Addresses are bare addr-specs; `message_id`, `in_reply_to` and `references` hold ids with their angle brackets
    (references oldest first); `date` is aware; `language` is an ISO 639-1 code. `html=None` is a plain letter.
    `reply_to=None` means that answers go to the sender. `list_id` is the bare id (`news.network.example`),
    `unsubscribe` the https and mailto URIs without brackets; `one_click` says that the https one obeys RFC 8058.
    """

    sender_name: str
    sender: str
    recipient: str
    subject: str
    date: datetime
    message_id: str
    language: str
    text: str
    html: str | None = None
    images: tuple[InlineImage, ...] = ()
    reply_to: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    list_id: str | None = None
    list_phrase: str = ""
    unsubscribe: tuple[str, ...] = ()
    one_click: bool = False
    auto_submitted: str | None = None
    bulk: bool = False
    feedback_id: str | None = None
    calendar: CalendarPart | None = None
    x_loop: str | None = None

"""The digest: what came in, what was done by itself and what waits, for every coordinator in their own language.

A waiting mail is told of by number, hour, folder and guess; its author only masked, and not at all where it may be a
cry for help. What can be decided with one word carries two ready mails, made for this coordinator alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from contacts import coordinator
from contacts.coordinator import Coordinator
from mailer import decision_mail, decisions, maillog
from mailer.errors import TemplateError
from mailer.inbound import register
from mailer.inbound.folders import ENGLISH
from mailer.inbound.register import HANDLED, IGNORED, QUARANTINE, REVIEW, CoordinatorRequest
from mailer.inbound.verdicts import NO, YES
from mailer.links import DECIDE
from mailer.outbound.writer import Recipient, Writer

#: So many waiting mails are told of one by one; of the others only how many there are.
MOST_ITEMS = 20
#: A digest this late is not sent any more: the next one is nearer.
_LATE = timedelta(hours=12)
_FIRST_LOOK_BACK = timedelta(days=1)
_ENGLISH = {disposition: names[0] for disposition, names in ENGLISH.items()}


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell at one moment: the mails since `since`, by disposition and first kind, and who waits.

    `folders` says what the folder of each disposition is called.
    """

    since: datetime
    came: Mapping[tuple[str, str], int]
    waiting: Sequence[CoordinatorRequest]
    folders: Mapping[str, str]

    @property
    def total(self) -> int:
        """How many mails came in."""
        return sum(self.came.values())

    def of(self, disposition: str) -> int:
        """How many of them ended so."""
        return sum(count for (where, _), count in self.came.items() if where == disposition)


def due(local: datetime, at: time, last: date | None) -> date | None:
    """The day whose digest should go out now, or None; `local` is the network's clock, `at` the hour on it.

    An hour that the clock skips is due as soon as it is past, one that it repeats the first time. A network that has
    had no digest yet gets its first at the next hour; one missed is caught up with for half a day.
    """
    today = local.date()
    if local.time() >= at:
        return today if last is None or last < today else None
    yesterday = today - timedelta(days=1)
    late = local.replace(tzinfo=None) - datetime.combine(yesterday, at)
    return yesterday if last is not None and last < yesterday and late < _LATE else None


def send(session: Session, writer: Writer, day: date, now: datetime, folders: Mapping[str, str] = _ENGLISH) -> int:
    """Queue the digest of a day for everybody, once; returns how many letters.

    None where another process has the day, nor where there is nothing to tell: nothing came on a working day, or at a
    weekend nothing waits; then the next digest tells of it.
    """
    people = coordinator.everyone(session)
    if not people:
        return 0
    taken = coordinator.take_digest_day(session, day, since(session, now), now)
    if taken is None:
        return 0
    news = gather(session, taken.since, folders)
    if news.waiting or (news.total and day.weekday() < 5):
        taken.letters = sum(write(session, writer, person, news, now) for person in people)
    return taken.letters


def since(session: Session, now: datetime) -> datetime:
    """From when the next digest counts: since the last one that went out."""
    last = coordinator.last_digest(session)
    if last is None:
        return now - _FIRST_LOOK_BACK
    return last.done_at if last.letters else last.since


def gather(session: Session, after: datetime, folders: Mapping[str, str] = _ENGLISH) -> News:
    """What came in after an instant, coordinators' decisions left out, and everything that waits, urgent ones first."""
    mails = [(where, kinds[0] if kinds else "other") for kinds, where in register.came_since(session, after)]
    came = Counter(one for one in mails if one[1] != decision_mail.KIND)
    return News(after, came, register.requests(session), folders)


def write(session: Session, writer: Writer, person: Coordinator, news: News, now: datetime) -> bool:
    """Queue one coordinator's digest; False when its template is broken, which is logged."""
    to = Recipient(person.address, writer.network.language(person.language), name=person.name)
    try:
        writer.queue(session, "digest", to, now, {"digest": _facts(session, writer, person, news, now)})
    except TemplateError as error:
        maillog.template_broken("digest", error.file, error.line)
        return False
    return True


def _facts(session: Session, writer: Writer, person: Coordinator, news: News, now: datetime) -> dict[str, Any]:
    """What the template tells; no name, no word of a mail, no whole address."""
    done = sorted(((kind, count) for (where, kind), count in news.came.items() if where == HANDLED), key=_most)
    shown = news.waiting[:MOST_ITEMS]
    return {
        "since": news.since.isoformat(),
        "total": news.total,
        "done": [{"kind": kind, "count": count} for kind, count in done],
        "review": news.of(REVIEW), "ignored": news.of(IGNORED), "quarantine": news.of(QUARANTINE),
        "waiting": len(news.waiting), "more": len(news.waiting) - len(shown),
        "urgent": sum(request.urgent for request in news.waiting),
        "items": [_item(session, writer, person, request, news.folders, now) for request in shown],
    }  # fmt: skip


def _most(one: tuple[str, int]) -> tuple[int, str]:
    return -one[1], one[0]


def _item(
    session: Session,
    writer: Writer,
    person: Coordinator,
    request: CoordinatorRequest,
    folders: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    disposition = register.mail_of(session, request).disposition
    decidable = not request.urgent and decisions.hindrance(request) is None
    rsvp = request.suggestion.get("rsvp") or {}
    return {
        "number": request.id, "came_at": request.created_at.isoformat(), "folder": folders[disposition],
        "urgent": request.urgent, "unread": disposition == QUARANTINE, "kinds": list(request.kinds),
        "answer": rsvp.get("answer") or "", "people": len(request.suggestion.get("people") or ()),
        "author": "" if request.urgent else masked(request.author),
        **_links(session, writer, person, request, now, decidable),
    }  # fmt: skip


def _links(
    session: Session,
    writer: Writer,
    person: Coordinator,
    request: CoordinatorRequest,
    now: datetime,
    decidable: bool,
) -> dict[str, str]:
    """The two ready mails; they stay mails where there are pages, too."""
    if not decidable:
        return {"yes": "", "no": ""}
    key = register.decision_key(session, request.id, person.id, writer.new_key())
    token = writer.links.token(DECIDE, key, now)
    return {"yes": writer.links.mailto(DECIDE, token, YES), "no": writer.links.mailto(DECIDE, token, NO)}


def masked(address: str | None) -> str:
    """An address for somebody who may look over a shoulder: its first letter and its domain, "" for none."""
    local, _, domain = (address or "").rpartition("@")
    return f"{local[0] if len(local) > 1 else ''}…@{domain}" if domain else ""

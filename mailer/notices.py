"""Word to the coordinators that mails wait: at once, in one letter where several came together, never their words.

A cry for help is always told. The first ones of an hour go out each at once; of a flood the next letter waits for some
minutes and names all that came meanwhile, for nobody reads three hundred letters. Nothing hangs on a letter: the tray
has every mail, the urgent ones on top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from contacts import coordinator
from contacts.coordinator import Coordinator
from mailer import maillog
from mailer.errors import TemplateError
from mailer.inbound import register
from mailer.outbound import outbox
from mailer.outbound.edition import mark_for
from mailer.outbound.writer import Recipient, Writer

#: More notices than this in an hour nobody reads; the tray has them all, and an urgent one always comes.
NOTICES_PER_HOUR = 30
#: So many urgent notices in an hour go out at once to each coordinator; then the next one gathers for this long.
URGENT_AT_ONCE = 6
URGENT_GATHERS_FOR = timedelta(minutes=5)
#: What the outbox calls a notice of a cry for help.
URGENT = "urgent"
_NAME = "notice"
#: So many numbers stand in a letter; more of them nobody compares.
_MOST_NUMBERS = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """One mail that waits for a person: its number in the tray, what was recognised, and where it lies."""

    number: int
    kinds: tuple[str, ...]
    folder: str
    urgent: bool


def tell(session: Session, writer: Writer, waiting: Sequence[Waiting], now: datetime) -> None:
    """Tell every coordinator of mails that came together; each is named to each of them, but for the cap on calm ones.

    Works inside the caller's transaction: a mail that is in the tray was told of.
    """
    people = coordinator.everyone(session)
    urgent = [one for one in waiting if one.urgent]
    for person in people if urgent else ():
        _tell_urgently(session, writer, person, urgent, now)
    for folder in dict.fromkeys(one.folder for one in waiting if not one.urgent):
        lately = outbox.written_since(session, (_NAME,), now - timedelta(hours=1))
        if lately < NOTICES_PER_HOUR * len(people):
            calm = [one for one in waiting if one.folder == folder and not one.urgent]
            for person in people:
                _write(session, writer, person, _Notice.of(writer, calm, now), _NAME, now)


def _tell_urgently(
    session: Session, writer: Writer, person: Coordinator, waiting: Sequence[Waiting], now: datetime
) -> None:
    """At once, or in the letter that has not left yet."""
    unsent = outbox.unsent(session, person.address, URGENT)
    if unsent is not None and unsent.about:
        waits = {number: Waiting(number, (), waiting[0].folder, True)
                 for number in register.urgent_since(session, int(unsent.about, 16))}  # fmt: skip
        gathered = [*(waits | {one.number: one for one in waiting}).values()]
        _add_to(writer, unsent, person, _Notice.of(writer, gathered, now), now)
        return
    lately = outbox.times_sent(session, person.address, (URGENT,), now - timedelta(hours=1))
    later = URGENT_GATHERS_FOR if lately >= URGENT_AT_ONCE else timedelta(0)
    _write(session, writer, person, _Notice.of(writer, waiting, now), URGENT, now + later, now)


@dataclass(frozen=True, slots=True)
class _Notice:
    """What a notice says: facts that its template may ask about, and what is another word in each letter."""

    first: int
    facts: Mapping[str, Any]
    values: Mapping[str, str]

    @classmethod
    def of(cls, writer: Writer, waiting: Sequence[Waiting], now: datetime) -> "_Notice":
        """The notice of these mails, of which at least one just came."""
        numbers = sorted(one.number for one in waiting)
        shown = ", ".join(map(str, numbers[:_MOST_NUMBERS])) + (" …" if len(numbers) > _MOST_NUMBERS else "")
        here = now.astimezone(writer.network.timezone)
        each = {"numbers": shown, "count": str(len(numbers)), "hour": f"{here:%H}", "minute": f"{here:%M}"}
        facts = {
            "folder": waiting[0].folder,
            "kinds": list(waiting[0].kinds) if len(waiting) == 1 else [],
            "urgent": waiting[0].urgent,
            "several": len(waiting) > 1,
            "day": here.date().isoformat(),
            **{name: mark_for(f"notice.{name}", None) for name in each},
        }
        return cls(numbers[0], {"notice": facts}, {f"notice.{name}": value for name, value in each.items()})


def _write(
    session: Session,
    writer: Writer,
    person: Coordinator,
    notice: _Notice,
    kind: str,
    due: datetime,
    now: datetime | None = None,
) -> None:
    about = f"{notice.first:032x}"
    try:
        item = writer.queue(
            session, _NAME, _reader(writer, person), now or due, notice.facts, None, about, notice.values, kind
        )
        item.next_attempt_at = due
    except TemplateError as error:
        maillog.template_broken(_NAME, error.file, error.line)


def _add_to(
    writer: Writer, unsent: outbox.OutboxItem, person: Coordinator, notice: _Notice, now: datetime
) -> None:
    try:
        writer.rewrite(unsent, _NAME, _reader(writer, person), now, notice.facts, notice.values)
    except TemplateError as error:
        maillog.template_broken(_NAME, error.file, error.line)


def _reader(writer: Writer, person: Coordinator) -> Recipient:
    return Recipient(person.address, writer.network.language(person.language), name=person.name)

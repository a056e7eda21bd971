"""From bytes to what was done: some mails read, understood, answered and committed together, and if need be alone.

Mails share a transaction while all goes well; a mail that breaks anything is taken again in one of its own, so that it
alone ends in Quarantine (conformance INB-30). Reading and understanding happen before the transaction, under no lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import in_hand
from jobs.app import App
from jobs.folder_names import folder_name
from mailer import maillog, notices
from mailer.desk import Context, Desk
from mailer.inbound import answer as answering
from mailer.inbound import register
from mailer.inbound.identity import content_key
from mailer.inbound.message import InboundMessage, Quarantine, read
from mailer.inbound.register import QUARANTINE, REVIEW, Entry, InboundMail, Place, Waits
from mailer.inbound.suggestion import example_outline, suggestion
from mailer.inbound.understanding import Plan, Request, Thread, decide, understand


@dataclass(slots=True)
class Mail:
    """One mail on its way in: where it lies, its bytes, what they say, and what that asks for."""

    place: Place
    size: int
    key: str
    message_id: str | None
    message: InboundMessage | None = None
    request: Request | None = None
    reason: str = ""


def take_together(app: App, raws: Sequence[tuple[Place, bytes]]) -> dict[int, str]:
    """The disposition of each mail by UID, all committed; raises whatever goes wrong with any of them."""
    span = f"{raws[0][0]}-{raws[-1][0].uid}"
    with in_hand.reading(app.data_dir, span, known=0):
        mails = [_read(place, raw) for place, raw in raws]
    _understand(app, mails, span, 0)
    return _commit(app, mails)


def take_alone(app: App, place: Place, raw: bytes) -> str | None:
    """The disposition of one mail, committed; None when the next round has to look at it again."""
    try:
        return _take(app, place, raw)
    except IntegrityError:  # another process took the same mail in at the same moment: the next round sees its row
        note_failure(app, place)
        return None
    except DataError as error:
        return set_aside(app, place, content_key(raw), f"our program failed on it ({type(error).__name__})")
    except (SQLAlchemyError, OSError, MemoryError):
        raise  # our trouble (the database, the disk): the mail stays where it is
    except Exception as error:  # one mail that breaks our code must not keep the others waiting (INB-30)
        return set_aside(app, place, content_key(raw), f"our program failed on it ({type(error).__name__})")


def _take(app: App, place: Place, raw: bytes) -> str:
    with in_hand.reading(app.data_dir, str(place)) as deaths:
        if deaths >= in_hand.MOST_DEATHS:
            return set_aside(app, place, content_key(raw), f"brought our program down, {deaths} times")
        mail = _read(place, raw)
    _understand(app, [mail], str(place), deaths)
    return _commit(app, [mail])[place.uid]


def set_aside(app: App, place: Place, key: str, reason: str) -> str:
    """Put a mail in Quarantine unread, with the reason; a coordinator hears of it, for it may be a cry for help."""
    return _commit(app, [Mail(place, 0, key, None, reason=reason)])[place.uid]


def note_failure(app: App, place: Place) -> None:
    """The mail at this place could not be taken in this time."""
    with app.database.begin() as session:
        register.note_failure(session, place, app.now())


def _read(place: Place, raw: bytes) -> Mail:
    found = read(raw)
    mail = Mail(place, len(raw), found.content_hash, found.message_id)
    if isinstance(found, Quarantine):
        mail.reason, mail.message_id = found.reason, None
    else:
        mail.message = found
    return mail


def _understand(app: App, mails: Sequence[Mail], held: str, deaths: int) -> None:
    """Work out what each mail asks for; of the database only the kind of letter it answers is needed."""
    own = frozenset({app.network.address.lower()})
    with app.database.read() as session:
        desk = Desk.prepare(session, [mail.message for mail in mails if mail.message])
        threads = [desk.look_up(mail.message).thread if mail.message else Thread() for mail in mails]
    with in_hand.reading(app.data_dir, held, deaths):
        for mail, thread in zip(mails, threads, strict=True):
            if mail.message is not None:
                mail.request = understand(mail.message, thread, own)


def _commit(app: App, mails: Sequence[Mail]) -> dict[int, str]:
    """Answer the mails and write down what was done, in one transaction."""
    with app.database.begin() as session:
        before = register.known(session, [mail.key for mail in mails])
        fresh: dict[str, Mail] = {}
        for mail in mails:
            if mail.key not in before:
                fresh.setdefault(mail.key, mail)
        made = _answer_all(app, session, list(fresh.values()))
        found = before | {mail.content_key: mail for mail in made}
        copies = {mail.place: found[mail.key] for mail in mails if fresh.get(mail.key) is not mail}
        register.tick(session, copies, app.now())
        done = {mail.place.uid: found[mail.key].disposition for mail in mails}
        for row in copies.values():
            maillog.mail_seen_before(row.id)
    for mail in fresh.values():
        _log(mail, done[mail.place.uid])
    return done


def _log(mail: Mail, disposition: str) -> None:
    if disposition == QUARANTINE:
        maillog.mail_quarantined(mail.place.uid, mail.reason)
    else:
        maillog.mail_read(mail.place.uid, disposition, mail.size)


def _answer_all(app: App, session: Session, mails: Sequence[Mail]) -> list[InboundMail]:
    now = app.now()
    desk = Desk.prepare(session, [mail.message for mail in mails if mail.message])
    entries: list[Entry] = []
    waiting: list[_Waiting | None] = []
    for mail in mails:
        if mail.message is None or mail.request is None:
            entries.append(Entry(mail.place, app.new_key(), mail.key, None, ("other",), QUARANTINE, (mail.reason,)))
            waiting.append(_Waiting(Waits(None, app.network.languages[0], False, {}), True))
            continue
        context = desk.look_up(mail.message)
        plan = decide(mail.request)
        entry = _answer(app, session, mail, mail.message, mail.request, plan, context)
        waits = entry.disposition == REVIEW
        entries.append(entry)
        waiting.append(_waiting(session, mail.message, mail.request, context, now) if waits else None)
        if context.is_coordinator:
            desk.forget_strangers()
        elif "register" in plan.actions:
            desk.forget_strangers([person.address for person in mail.request.people if person.address])
    made = register.record(session, entries, now)
    _put_in_tray(app, session, [(row, one) for row, one in zip(made, waiting, strict=True) if one])
    return made


def _answer(
    app: App, session: Session, mail: Mail, message: InboundMessage, request: Request, plan: Plan, context: Context
) -> Entry:
    result = answering.answer(session, app.writer, message, context, request, plan, app.pepper, app.now())
    return Entry(
        mail.place,
        app.new_key(),
        mail.key,
        mail.message_id,
        result.kinds or request.kinds,
        result.disposition,
        result.why,
        result.member_id,
    )


class _Waiting(NamedTuple):
    """What a coordinator has to know of a mail that waits, and whether to send word of it."""

    waits: Waits
    tell: bool


def _waiting(
    session: Session, message: InboundMessage, request: Request, context: Context, now: datetime
) -> _Waiting:
    """Word is sent, but not of what a coordinator wrote, nor of what a mail server says; of a cry for help always."""
    urgent = "help" in request.kinds
    waits = Waits(
        author=context.author.text if context.author else None,
        language=request.language,
        urgent=urgent,
        suggestion=suggestion(session, message, context, request, now),
        thread=context.thread.kind,
        outline=example_outline(message, request),
    )
    return _Waiting(waits, urgent or (request.report is None and not context.writes_as_coordinator))


def _put_in_tray(app: App, session: Session, waiting: Sequence[tuple[InboundMail, _Waiting]]) -> None:
    """Put them there, and tell the coordinators in as few letters as that can be done in."""
    found = register.add_requests(session, [(row, one.waits) for row, one in waiting], app.now())
    folders = {one: folder_name(app, one) for one in {row.disposition for row, _ in waiting}}
    told = [
        notices.Waiting(new.id, tuple(new.kinds), folders[row.disposition], new.urgent)
        for new, (row, one) in zip(found, waiting, strict=True)
        if one.tell
    ]
    notices.tell(session, app.writer, told, app.now())

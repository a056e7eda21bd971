"""The way in: every mail in the mailbox is read, understood, answered, committed, and only then filed.

One transaction for each mail; a mail that makes our code fail goes to Quarantine and the round goes on.
"""

import hashlib
import threading
from datetime import timedelta

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import folder_names, heartbeat, in_hand
from jobs.app import App
from jobs.folder_names import folder_name
from mailer import acts, maillog
from mailer.errors import Unavailable
from mailer.inbound import answer as answering
from mailer.inbound import register
from mailer.inbound.identity import content_key
from mailer.inbound.mailbox import Mailbox, Waiting
from mailer.inbound.message import MAX_SIZE, InboundMessage, Quarantine, read
from mailer.inbound.understanding import Request, decide, prepare, understand

#: How long one connection is used before a fresh one takes its place.
_WATCH_FOR = timedelta(minutes=10)


def read_mailbox(app: App, stop: threading.Event) -> int:
    """One round: do everything that waits, once; returns how many mails were done."""
    with app.open_mailbox() as box:
        return drain(app, box, stop, set())


def watch_mailbox(app: App, stop: threading.Event) -> int:
    """Do everything that waits, and go on as new mail arrives, for as long as one connection is used."""
    done, until, kept = 0, app.now() + _WATCH_FOR, set[int]()
    with app.open_mailbox() as box:
        while True:
            done += drain(app, box, stop, kept)
            heartbeat.beat(app.data_dir, "read_mailbox", app.now())
            if stop.is_set() or app.now() >= until:
                return done
            box.wait(app.config.poll_seconds, stop)


def drain(app: App, box: Mailbox, stop: threading.Event, kept: set[int]) -> int:
    """Take up what is in the inbox, oldest first; stops between two mails when asked to.

    `kept` holds the UIDs that this connection could not move; they are left where they are.
    """
    prepare()
    folder_names.note(app, box.folders)
    waiting = box.waiting()
    with app.database.read() as session:
        ledger = register.ledger(session, box.uidvalidity, [mail.uid for mail in waiting])
    count = 0
    for mail in waiting:
        if stop.is_set():
            break
        noted = ledger.get(mail.uid)
        done = noted.disposition if noted else None
        disposition = done or _handle(app, box, mail, noted.attempts if noted else 0)
        count += done is None
        if disposition is not None and mail.uid not in kept:
            _file(box, mail.uid, disposition, kept)
        heartbeat.beat(app.data_dir, "read_mailbox", app.now())
    return count


def _file(box: Mailbox, uid: int, disposition: str, kept: set[int]) -> None:
    """Move a finished mail to its folder; one that cannot be moved is told of once and stays, marked as done."""
    try:
        moved = box.file(uid, disposition)
    except Unavailable:
        box.waiting()  # raises again when it is the server that is away, and not this one mail (a full quota)
        moved = False
    if not moved:
        kept.add(uid)
        maillog.mail_not_filed(uid)


def _handle(app: App, box: Mailbox, mail: Waiting, failures: int) -> str | None:
    """Fetch, read, answer and commit one mail; the disposition, or None when there is nothing to file yet."""
    place = register.Place(box.uidvalidity, mail.uid)
    if failures >= register.MAX_ATTEMPTS:
        key = hashlib.sha256(str(place).encode()).hexdigest()
        return _quarantine(app, key, place, f"it could not be taken in, {failures} times")
    try:
        raw = box.header(mail.uid) if mail.size > MAX_SIZE else box.fetch(mail.uid)
    except Unavailable:
        _note_failure(app, place)
        box.waiting()  # raises again when it is the server that is away, and not this one mail
        return None
    if raw is None:
        return None
    if mail.size > MAX_SIZE:
        return _quarantine(app, content_key(raw), place, "larger than 25 MB")
    return _take_in(app, raw, place)


def _take_in(app: App, raw: bytes, place: register.Place) -> str | None:
    try:
        return _process(app, raw, place)
    except IntegrityError:  # another process took the same mail in at the same moment: the next round sees its row
        _note_failure(app, place)
        return None
    except DataError as error:
        return _quarantine(app, content_key(raw), place, f"our program failed on it ({type(error).__name__})")
    except (SQLAlchemyError, OSError, MemoryError):
        raise  # our trouble (the database, the disk): the mail stays where it is
    except Exception as error:  # one mail that breaks our code must not keep the others waiting (INB-30)
        return _quarantine(app, content_key(raw), place, f"our program failed on it ({type(error).__name__})")


def _note_failure(app: App, place: register.Place) -> None:
    with app.database.begin() as session:
        register.note_failure(session, place, app.now())


def _process(app: App, raw: bytes, place: register.Place) -> str:
    key = content_key(raw)
    with in_hand.reading(app.data_dir, str(place)) as deaths:
        if deaths >= in_hand.MOST_DEATHS:
            return _quarantine(app, key, place, f"brought our program down, {deaths} times")
        message = read(raw)
    if isinstance(message, Quarantine):
        return _quarantine(app, key, place, message.reason)
    with app.database.begin() as session:
        before = register.known(session, key)
        if before is not None:
            register.tick(session, place, before, app.now())
            maillog.mail_seen_before(before.id)
            return before.disposition
        disposition = _answer(app, session, message, place, key, deaths)
    maillog.mail_read(place.uid, disposition, len(raw))
    return disposition


def _answer(app: App, session: Session, message: InboundMessage, place: register.Place, key: str, deaths: int) -> str:
    now = app.now()
    context = answering.look_up(session, message)
    with in_hand.reading(app.data_dir, str(place), deaths):
        request = understand(message, context.thread, frozenset({app.network.address.lower()}))
        plan = decide(request)
    result = answering.answer(session, app.writer, message, context, request, plan, app.pepper, now)
    mail = register.record(
        session,
        place,
        app.new_key(),
        key,
        message.message_id,
        request.kinds,
        result.disposition,
        result.why,
        result.member_id,
        now,
    )
    if result.disposition == register.REVIEW:
        author = context.author.text if context.author else None
        urgent = "help" in request.kinds
        waiting = register.add_request(session, mail, author, request.language, urgent, _suggestion(request), now)
        if urgent or (request.report is None and not context.writes_as_coordinator):
            _tell(app, session, waiting, result.disposition)
    return result.disposition


def _tell(app: App, session: Session, waiting: register.CoordinatorRequest, disposition: str) -> None:
    """A notice to the coordinators; not about what one of them wrote, nor about what a mail server says."""
    folder = folder_name(app, disposition)
    acts.tell_coordinators(session, app.writer, waiting.kinds, folder, waiting.id, waiting.urgent, app.now())


def _suggestion(request: Request) -> dict[str, object]:
    """What the machine would have done, for the person who decides."""
    people = [{"address": p.address, "name": p.name, "organisation": p.organisation} for p in request.people]
    rsvp = {"answer": request.rsvp.answer, "guests": request.rsvp.guests} if request.rsvp else None
    return {"people": people, "rsvp": rsvp, "certain": request.certain}


def _quarantine(app: App, key: str, place: register.Place, reason: str) -> str:
    """Set a mail aside, unread, with the reason; a coordinator hears of it, for it may be a cry for help."""
    now = app.now()
    with app.database.begin() as session:
        mail = register.known(session, key)
        if mail is None:
            new = app.new_key()
            mail = register.record(session, place, new, key, None, ["other"], register.QUARANTINE, [reason], None, now)
            waiting = register.add_request(session, mail, None, app.network.languages[0], False, {}, now)
            _tell(app, session, waiting, register.QUARANTINE)
        else:
            register.tick(session, place, mail, now)
    maillog.mail_quarantined(place.uid, reason)
    return mail.disposition

"""The way in: every mail in the mailbox is read, understood, answered, committed, and only then filed.

One transaction for each mail; a mail that makes our code fail goes to Quarantine and the round goes on.
"""

import hashlib
import threading
from datetime import timedelta

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from jobs import heartbeat
from jobs.app import App
from mailer import acts, maillog
from mailer.inbound import answer as answering
from mailer.inbound import register
from mailer.inbound.identity import content_key
from mailer.inbound.mailbox import Mailbox, Waiting
from mailer.inbound.message import MAX_SIZE, InboundMessage, Quarantine, read
from mailer.inbound.understanding import Request, decide, understand

#: How long one connection is used before a fresh one takes its place.
_WATCH_FOR = timedelta(minutes=10)


def read_mailbox(app: App, stop: threading.Event) -> int:
    """One round: do everything that waits, once; returns how many mails were done."""
    with app.open_mailbox() as box:
        return drain(app, box, stop)


def watch_mailbox(app: App, stop: threading.Event) -> int:
    """Do everything that waits, and go on as new mail arrives, for as long as one connection is used."""
    done, until = 0, app.now() + _WATCH_FOR
    with app.open_mailbox() as box:
        while True:
            done += drain(app, box, stop)
            heartbeat.beat(app.data_dir, "read_mailbox", app.now())
            if stop.is_set() or app.now() >= until:
                return done
            box.wait(app.config.poll_seconds, stop)


def drain(app: App, box: Mailbox, stop: threading.Event) -> int:
    """Take up what is in the inbox, oldest first; stops between two mails when asked to."""
    waiting = box.waiting()
    with app.database.read() as session:
        ended = register.done(session, box.uidvalidity, [place.uid for place in waiting])
    count = 0
    for place in waiting:
        if stop.is_set():
            break
        disposition = ended.get(place.uid) or _handle(app, box, place)
        count += place.uid not in ended
        if disposition is not None and not box.file(place.uid, register.FOLDERS[disposition]):
            maillog.mail_not_filed(place.uid)
    return count


def _handle(app: App, box: Mailbox, place: Waiting) -> str | None:
    """Read, understand, answer and commit one mail; the disposition, or None when the mail is gone."""
    now = app.now()
    with app.database.begin() as session:
        entry = register.begin(session, box.uidvalidity, place.uid, now)
        entry_id, attempts = entry.id, entry.attempts
    if attempts > register.MAX_ATTEMPTS:  # also a mail that the server lists and will not give
        place_key = hashlib.sha256(f"{box.uidvalidity}:{place.uid}".encode()).hexdigest()
        return _quarantine(app, place_key, entry_id, place, f"could not be taken in, {register.MAX_ATTEMPTS} times")
    raw = box.header(place.uid) if place.size > MAX_SIZE else box.fetch(place.uid)
    if raw is None:
        return None
    if place.size > MAX_SIZE:
        return _quarantine(app, content_key(raw), entry_id, place, "larger than 25 MB")
    try:
        return _process(app, raw, entry_id, place)
    except OperationalError:
        _forgive(app, entry_id)
        raise
    except IntegrityError:  # another process took the same mail in at the same moment: the next round sees its row
        return None
    except Exception as error:  # one mail that breaks our code must not keep the others waiting (INB-30)
        return _quarantine(app, content_key(raw), entry_id, place, f"our program failed on it ({type(error).__name__})")


def _process(app: App, raw: bytes, entry_id: int, place: Waiting) -> str:
    key, message = content_key(raw), read(raw)
    if isinstance(message, Quarantine):
        return _quarantine(app, key, entry_id, place, message.reason)
    with app.database.begin() as session:
        before = register.known(session, key)
        if before is not None:
            register.tick(session, entry_id, before, before.disposition)
            maillog.mail_seen_before(before.id)
            return before.disposition
        return _answer(app, session, raw, message, entry_id, key)


def _answer(app: App, session: Session, raw: bytes, message: InboundMessage, entry_id: int, key: str) -> str:
    now = app.now()
    context = answering.look_up(session, message)
    request = understand(message, context.thread, frozenset({app.network.address}))
    result = answering.answer(session, app.writer, message, context, request, decide(request), app.pepper, now)
    mail = register.record(
        session,
        entry_id,
        app.new_key(),
        key,
        message.message_id,
        request.kinds,
        result.disposition,
        result.why,
        result.member_id,
        now,
    )
    if result.disposition in (register.REVIEW, register.QUARANTINE):
        urgent = "help" in request.kinds
        author = context.author.text if context.author else None
        waiting = register.add_request(session, mail, author, request.language, urgent, _suggestion(request), now)
        if not context.is_coordinator and request.report is None:
            _tell(app, session, waiting, result.disposition)
    maillog.mail_read(mail.id, result.disposition, request.kinds, len(raw))
    return result.disposition


def _tell(app: App, session: Session, waiting: register.CoordinatorRequest, disposition: str) -> None:
    """A notice to the coordinators; not about what one of them wrote, nor about what a mail server says."""
    folder = register.FOLDERS[disposition]
    acts.tell_coordinators(session, app.writer, waiting.kinds, folder, waiting.id, waiting.urgent, app.now())


def _suggestion(request: Request) -> dict[str, object]:
    """What the machine would have done, for the person who decides."""
    people = [{"address": p.address, "name": p.name, "organisation": p.organisation} for p in request.people]
    rsvp = {"answer": request.rsvp.answer, "guests": request.rsvp.guests} if request.rsvp else None
    return {"people": people, "rsvp": rsvp, "certain": request.certain}


def _quarantine(app: App, key: str, entry_id: int, place: Waiting, reason: str) -> str:
    """Set a mail aside, unread, with the reason; a coordinator hears of it, for it may be a cry for help."""
    now = app.now()
    with app.database.begin() as session:
        before = register.known(session, key)
        if before is None:
            mail = register.record(
                session, entry_id, app.new_key(), key, None, ["other"], register.QUARANTINE, [reason], None, now
            )
            waiting = register.add_request(session, mail, None, app.network.languages[0], False, {}, now)
            _tell(app, session, waiting, register.QUARANTINE)
        else:
            register.tick(session, entry_id, before, before.disposition)
    maillog.mail_quarantined(place.uid, reason)
    return before.disposition if before else register.QUARANTINE


def _forgive(app: App, entry_id: int) -> None:
    try:
        with app.database.begin() as session:
            register.forgive(session, entry_id)
    except OperationalError:
        return  # the database is still away; one attempt of three is lost, the mail is not

"""The way in: every mail in the mailbox is read, understood, answered, committed, and only then filed.

Mails are fetched, taken in and filed some hundred at a time, oldest first; whatever goes wrong with that is done again
mail by mail, so that a hostile mail, or one that the server will not give, keeps no other waiting.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from jobs import folder_names, heartbeat, in_hand, taking_in
from jobs.app import App
from jobs.filing import Filing
from mailer import maillog
from mailer.errors import Unavailable
from mailer.inbound import register
from mailer.inbound.identity import content_key
from mailer.inbound.mailbox import Mailbox, Waiting
from mailer.inbound.message import MAX_SIZE
from mailer.inbound.register import LedgerEntry, Place
from mailer.inbound.understanding import prepare

#: How long one connection is used before a fresh one takes its place.
_WATCH_FOR = timedelta(minutes=10)
#: How much is in hand at a time: messages, and octets, so that the memory stays flat.
_MOST_MAILS, _MOST_OCTETS = 200, 4 * 1024 * 1024


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
    """Take up what is in the inbox, oldest first; stops between two batches when asked to.

    `kept` holds the UIDs that this connection could not move; they are left where they are.
    """
    prepare()
    folder_names.note(app, box.folders)
    waiting = [mail for mail in box.waiting() if mail.uid not in kept]
    with app.database.read() as session:
        noted = register.ledger(session, box.uidvalidity, [mail.uid for mail in waiting])
    finished = {uid: entry.disposition for uid, entry in noted.items() if entry.disposition}
    one_by_one = in_hand.is_left_behind(app.data_dir)
    count = 0
    with Filing(box, kept) as filing:
        filing.add(finished)
        for batch in _batches([mail for mail in waiting if mail.uid not in finished], 1 if one_by_one else _MOST_MAILS):
            if stop.is_set():
                break
            count += _take(app, box, batch, noted, filing)
            heartbeat.beat(app.data_dir, "read_mailbox", app.now())
        filing.finish()
    return count


def _batches(waiting: Sequence[Waiting], most: int) -> Iterator[list[Waiting]]:
    """Neighbours that are taken in hand together; a large mail goes alone."""
    batch: list[Waiting] = []
    octets = 0
    for mail in waiting:
        if batch and (len(batch) >= most or octets + mail.size > _MOST_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(mail)
        octets += mail.size
    if batch:
        yield batch


def _take(
    app: App, box: Mailbox, batch: Sequence[Waiting], noted: Mapping[int, LedgerEntry], filing: Filing
) -> int:
    """Take in a batch, together if that works, else mail by mail; returns how many mails were done."""
    if len(batch) > 1 and not any(mail.uid in noted for mail in batch):
        found = _take_together(app, box, batch, filing)
        if found is not None:
            filing.add(found)
            return len(found)
    done = 0
    for mail in batch:
        entry = noted.get(mail.uid)
        disposition = _take_alone(app, box, mail, entry.attempts if entry else 0, filing)
        if disposition is not None:
            filing.add({mail.uid: disposition})
            done += 1
    return done


def _take_together(app: App, box: Mailbox, batch: Sequence[Waiting], filing: Filing) -> dict[int, str] | None:
    """The dispositions of a batch by UID, or None when each mail has to be taken by itself to see which is to blame."""
    here = _fetch_together(box, batch, filing)
    if here is None:
        return None
    try:
        return taking_in.take_together(app, here) if here else {}
    except (OperationalError, OSError, MemoryError):
        raise  # our trouble (the database, the disk): the mails stay where they are
    except Exception as error:  # nothing was committed; alone, the mail that is to blame will show itself
        maillog.batch_broken(len(batch), type(error).__name__)
        return None


def _fetch_together(box: Mailbox, batch: Sequence[Waiting], filing: Filing) -> list[tuple[Place, bytes]] | None:
    """The mails of a batch that are still there, or None when the server does not give them all."""
    with filing.paused():
        try:
            raws = box.fetch_all([mail.uid for mail in batch])
        except Unavailable:
            box.waiting()  # raises again when it is the server that is away, and not one of these mails
            return None
    return [(Place(box.uidvalidity, mail.uid), raws[mail.uid]) for mail in batch if mail.uid in raws]


def _take_alone(app: App, box: Mailbox, mail: Waiting, failures: int, filing: Filing) -> str | None:
    """Fetch one mail and take it in; the disposition, or None when there is nothing to file yet."""
    place = Place(box.uidvalidity, mail.uid)
    if failures >= register.MAX_ATTEMPTS:
        key = hashlib.sha256(str(place).encode()).hexdigest()
        return taking_in.set_aside(app, place, key, f"it could not be taken in, {failures} times")
    with filing.paused():
        try:
            raw = box.header(mail.uid) if mail.size > MAX_SIZE else box.fetch(mail.uid)
        except Unavailable:
            taking_in.note_failure(app, place)
            box.waiting()  # raises again when it is the server that is away, and not this one mail
            return None
    if raw is None:
        return None
    if mail.size > MAX_SIZE:
        return taking_in.set_aside(app, place, content_key(raw), "larger than 25 MB")
    return taking_in.take_alone(app, place, raw)

"""Forgetting somebody everywhere at once, and making sure that no byte of them stays in the file (GDPR art. 17)."""

from contextlib import closing

from sqlalchemy.orm import Session

from contacts import privacy, roster
from contacts.address import Address
from contacts.database import Database
from jobs.app import App
from mailer.inbound import register
from mailer.outbound import outbox


def forget(app: App, session: Session, address: Address) -> list[str]:
    """Erase an address in the caller's transaction; returns what was done, in sentences. Twice does no harm."""
    member = roster.find(session, address)
    for spelling in {address.text, member.address if member else address.text}:
        outbox.forget(session, spelling, member.id if member else None)
        register.forget_author(session, spelling)
    _forget_mentions(session, address)
    if member is None:
        roster.suppress(session, address, "erased", app.pepper, app.now())
        return ["Nobody with this address was a member; letters to it and notes of its mails are emptied."]
    privacy.forget(session, member, app.pepper, app.now())
    return [
        "The member, their consents, their invitations and answers are deleted.",
        "Letters to them and notes of their mails are emptied; only counts stay.",
        "A keyed hash of the address stays, so that no list can bring them back.",
    ]


def _forget_mentions(session: Session, address: Address) -> None:
    """Requests of others that name the address: the person is taken out of what the machine noted."""
    for request in register.requests(session, open_only=False):
        people = request.suggestion.get("people", [])
        kept = [one for one in people if (one.get("address") or "").casefold() != address.text.casefold()]
        if len(kept) < len(people):
            request.suggestion = {**request.suggestion, "people": kept}


def scrub(database: Database) -> bool:
    """Take old copies of deleted rows out of the journal; False when a reader holds it. PostgreSQL does it by itself.

    `secure_delete` has overwritten the rows themselves; what they were stands in the write-ahead log until then.
    """
    if not database.is_sqlite:
        return True
    with closing(database.engine.raw_connection()) as live:
        cursor = live.cursor()
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

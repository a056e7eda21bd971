"""Forgetting somebody everywhere at once, however their address is spelled there (GDPR art. 17)."""

from typing import Any

from sqlalchemy.orm import Session

from contacts import privacy, roster
from contacts.address import Address
from jobs.app import App
from mailer.inbound import register
from mailer.outbound import outbox


def forget(app: App, session: Session, address: Address) -> list[str]:
    """Erase an address in the caller's transaction; returns what was done, in sentences. Twice does no harm.

    The caller lets `Database.scrub` take the last bytes out of the file, after the commit.
    """
    member = roster.find(session, address)
    member_id = member.id if member else None
    proofs = [row.evidence for row in roster.story(session, member) if row.evidence] if member else []
    outbox.forget(session, address, member_id)
    register.forget_author(session, address, member_id, proofs)
    _forget_mentions(session, address)
    if member is None:
        privacy.note_erased(session, address, app.pepper, app.now())
        return ["Nobody with this address was a member; letters to it and notes of its mails are emptied."]
    privacy.forget(session, member, app.pepper, app.now())
    return [
        "The member, their consents, their invitations and answers are deleted.",
        "Letters to them and notes of their mails are emptied; only counts stay.",
        "A keyed hash of the address stays, so that no list can bring them back.",
    ]


def mentions(session: Session) -> set[str]:
    """Every address that somebody named in a mail, as far as it is noted."""
    named = {_address(one) for request in register.requests(session, open_only=False) for one in _people(request)}
    return named - {""}


def _forget_mentions(session: Session, address: Address) -> None:
    """Requests of others that name the address: the person is taken out of what the machine noted."""
    for request in register.requests(session, open_only=False):
        people = _people(request)
        kept = [one for one in people if not privacy.spellings(address, [_address(one)])]
        if len(kept) < len(people):
            request.suggestion = {**request.suggestion, "people": kept}


def _people(request: register.CoordinatorRequest) -> list[dict[str, Any]]:
    return list(request.suggestion.get("people", []))


def _address(one: dict[str, Any]) -> str:
    return str(one.get("address") or "")

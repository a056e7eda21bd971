"""People that a coordinator brings in, one or a list: asked to confirm, or in at once with proof of their consent.

Nobody is brought back who must not be: suppressed addresses, those who left, and those we know are told, not touched.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from contacts import roster
from contacts.consent import ASKED
from contacts.exchange import Row
from contacts.member import ACTIVE, LEFT, Member
from contacts.roster import Person
from jobs.app import App
from mailer import acts
from mailer.acts import Occasion

ADDED, ASK, KNOWN, SUPPRESSED, PROBLEM = "added", "asked", "known", "suppressed", "problem"
LEFT_BEFORE, TOO_MANY = "left", "too_many"
RESULTS = (ADDED, ASK, KNOWN, SUPPRESSED, LEFT_BEFORE, TOO_MANY, PROBLEM)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one person: the result, the words that follow the address, and how many letters were queued."""

    result: str
    message: str
    letters: int = 0
    line: int | None = None
    address: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def take_all(app: App, session: Session, rows: Sequence[Row], consent: str | None) -> list[Taken]:
    """Everybody on a list, one report for each line; whoever we know in whatever state is passed over."""
    report = []
    for row in rows:
        if row.person is None:
            report.append(Taken(PROBLEM, row.problem or "cannot be read", line=row.line))
            continue
        known = roster.find(session, row.person.address)
        taken = _known(known) if known else take(app, session, row.person, consent)
        report.append(replace(taken, line=row.line, address=row.person.address.text))
    return report


def take(app: App, session: Session, person: Person, consent: str | None, discreet: str | None = None) -> Taken:
    """One person: active with `consent` (the proof of it), else asked to confirm; refused where that must not be."""
    known = roster.find(session, person.address)
    if roster.is_suppressed(session, person.address, app.pepper):
        return Taken(SUPPRESSED, "must not be brought back by anybody else; only their own mail to us can do that")
    if known is not None and known.state == ACTIVE:
        return _known(known)
    if known is not None and known.state == LEFT and consent:
        return Taken(LEFT_BEFORE, "left the network; without --consent they are asked whether they want to come back")
    member = roster.add(session, person, app.network.language(person.language), app.now(), app.new_key)
    member.discreet = discreet or member.discreet
    return _record(app, session, member, consent) if consent else _ask(app, session, person, member)


def _known(member: Member) -> Taken:
    return Taken(KNOWN, f"is known already ({member.state})")


def _record(app: App, session: Session, member: Member, consent: str) -> Taken:
    roster.record_consent(session, member, consent, app.now(), app.new_key)
    return Taken(ADDED, "is a member now; no mail is sent")


def _ask(app: App, session: Session, person: Person, member: Member) -> Taken:
    """The question to confirm, at most once a day; the very act that a mail of theirs would start."""
    before = roster.last_act(session, member, ASKED)
    occasion = Occasion(app.now(), "coordinator", "asked by a coordinator")
    if not acts.ask(session, app.writer, person, member.language, occasion, app.pepper):
        return Taken(TOO_MANY, "was not asked: this hour has seen too many questions; do it again in an hour")
    after = roster.last_act(session, member, ASKED)
    if before is not None and after is not None and before.id == after.id:
        return Taken(KNOWN, "was asked within the last day already; nothing is sent again")
    return Taken(ASK, "is asked to confirm, and a member once they say yes", letters=1)

"""People that a coordinator brings in, one or a list: asked to confirm, or in at once with proof of their consent.

Nobody is brought back who must not be: suppressed addresses, those who left, and those we know are told, not touched.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from contacts import roster
from contacts.consent import ASKED, GIVEN, WITHDRAWN
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
        taken = _known(app, session, known) if known else take(app, session, row.person, consent)
        report.append(replace(taken, line=row.line, address=row.person.address.text))
    return report


def take(app: App, session: Session, person: Person, consent: str | None, discreet: str | None = None) -> Taken:
    """One person: active with `consent` (the proof of it), else asked to confirm; refused where that must not be."""
    if person.language is not None and person.language not in app.network.languages:
        return Taken(PROBLEM, f"the network speaks {', '.join(app.network.languages)}, and not {person.language}")
    known = roster.find(session, person.address)
    if roster.is_suppressed(session, person.address, app.pepper):
        return Taken(SUPPRESSED, "must not be brought back by anybody else; only their own mail to us can do that")
    if known is not None and known.state == ACTIVE:
        return _known(app, session, known)
    if known is not None and consent and _goodbye(session, known):
        refused = _known(app, session, known)
        return replace(refused, message=f"{refused.message}, and without --consent we ask them whether they want to")
    member = roster.add(session, person, app.network.language(person.language), app.now(), app.new_key)
    member.discreet = discreet or member.discreet
    session.flush()
    return _record(app, session, member, consent) if consent else _ask(app, session, person, member)


def _known(app: App, session: Session, member: Member) -> Taken:
    goodbye = _goodbye(session, member)
    if goodbye is None:
        return Taken(KNOWN, f"is known already ({member.state})")
    day = goodbye.astimezone(app.network.timezone).date()
    return Taken(LEFT_BEFORE, f"left on {day}; only they can come back")


def _goodbye(session: Session, member: Member) -> datetime | None:
    """When somebody left, if that is the last thing they said; a question that others asked since changes nothing."""
    said = [row for row in roster.story(session, member) if row.act in (GIVEN, WITHDRAWN)]
    if member.state == ACTIVE:
        return None
    if said and said[-1].act == WITHDRAWN:
        return said[-1].at
    return member.left_at if member.state == LEFT else None


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

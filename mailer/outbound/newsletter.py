"""An issue from approval to its end: freeze the editions, release the audience into the outbox, follow what happens.

All SQL about issues; invitations and their updates are issues of another kind (`mailer.outbound.invitation`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, exists, func, insert, null, or_, select, update
from sqlalchemy.orm import Session

from contacts import agenda, coordinator, roster
from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.meeting import Invitation, Meeting
from contacts.member import Member, Organisation, first_name_of, variant_of
from contacts.network import Network
from mailer.outbound import outbox, wire
from mailer.outbound.compile import VARIANTS
from mailer.outbound.edition import Edition, one_line
from mailer.outbound.issue import (
    APPROVED,
    CANCELLATION,
    CANCELLED,
    INVITATION,
    NEWSLETTER,
    PAUSED,
    SENDING,
    FrozenEdition,
    Issue,
)
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.retry import GIVE_UP_AFTER
from mailer.outbound.sample import sample_letter
from mailer.outbound.source import Source
from mailer.outbound.writer import Recipient, Writer

_CHUNK = 1000
Editions = Mapping[tuple[str, str], Edition]
FactsOf = Callable[[str, str], dict[str, Any]]
_Frozen = TypeVar("_Frozen")
#: Why a letter of an issue that was called off never left (`OutboxItem.phase`): for good, or for a newer one.
CALLED_OFF, REPLACED = "called_off", "replaced"


@dataclass(frozen=True, slots=True)
class Approval:
    """Who lets an issue go, when, and at which instant it should leave (None: not before somebody says so)."""

    by: str
    at: datetime
    send_at: datetime | None


def compile_all(writer: Writer, source: Source, facts_of: FactsOf) -> dict[tuple[str, str], Edition]:
    """Every language of the network in every variant; a language nobody wrote gets the first one somebody did.

    Raises TemplateError for the first fault, and when there is no text in any language of the network.
    """
    written = [language for language in writer.network.languages if language in source.languages]
    if not written:
        source.text(writer.network.languages[0])
    editions: dict[tuple[str, str], Edition] = {}
    for language in writer.network.languages:
        used = language if language in written else written[0]
        for variant in VARIANTS:
            facts = {**writer.facts(), **facts_of(used, variant)}
            editions[language, variant] = writer.compiler.edition(source.folder, used, variant, facts)
    return editions


def agenda_facts(session: Session, now: datetime) -> FactsOf:
    """What every issue may use: the meetings to come, in the reader's language."""
    meetings = agenda.upcoming(session, now)

    def facts_of(language: str, variant: str) -> dict[str, Any]:
        return {"agenda": [describe(meeting, language, variant) for meeting in meetings]}

    return facts_of


def describe(meeting: Meeting, language: str, variant: str) -> dict[str, Any]:
    """A meeting as templates see it; the title stays itself, for this is inside the letter, not on its envelope."""
    return {
        "title": meeting.title(language),
        "neutral_title": meeting.title(language, "discreet"),
        "place": meeting.place,
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
        "online_link": "",
        "online": bool(meeting.online_link),
        "capacity": meeting.capacity or 0,
        "variant": variant,
    }


def approve(
    session: Session,
    kind: str,
    slug: str,
    editions: Editions,
    approval: Approval,
    new_key: Callable[[], str],
    meeting: Meeting | None = None,
    author: str | None = None,
) -> Issue:
    """Freeze the editions: what was approved is what is sent; raises RuleBroken("exists") for a name used before.

    `author` is the address of who wrote it, where the folder names one; raises RuleBroken("second") when the same
    coordinator approves and there is another who could.
    """
    if author and Address.parse(author).key == Address.parse(approval.by).key and coordinator.several(session):
        raise RuleBroken("second", f"You wrote {slug} yourself; ask another coordinator to look at it and approve it.")
    if find(session, slug):
        raise RuleBroken("exists", f"{slug} was approved already; call it off and give the new one another name.")
    issue = Issue(
        key=new_key(),
        slug=slug,
        kind=kind,
        meeting_id=meeting.id if meeting else None,
        state=APPROVED,
        approved_by=approval.by,
        approved_at=approval.at,
        send_at=approval.send_at,
    )
    session.add(issue)
    session.flush()
    for (language, variant), edition in editions.items():
        frozen = FrozenEdition(issue_id=issue.id, language=language, variant=variant, content=edition.to_json())
        session.add(frozen)
    session.flush()
    return issue


def find(session: Session, slug: str) -> Issue | None:
    """The issue with this name."""
    return session.scalar(select(Issue).where(Issue.slug == slug))


def everything(session: Session, kind: str | None = None) -> Sequence[Issue]:
    """All issues, the newest first."""
    wanted = select(Issue).order_by(Issue.id.desc())
    return session.scalars(wanted.where(Issue.kind == kind) if kind else wanted).all()


def count_about(session: Session, meeting: Meeting) -> int:
    """How many issues there were about a meeting."""
    return int(session.scalar(select(func.count()).where(Issue.meeting_id == meeting.id)) or 0)


def due(session: Session, now: datetime) -> Sequence[int]:
    """The ids of approved issues whose hour has come, and is not so long past that a person should decide."""
    wanted = select(Issue).where(Issue.state == APPROVED, Issue.send_at <= now).order_by(Issue.id)
    return [issue.id for issue in session.scalars(wanted) if not overdue(issue, now)]


def take(session: Session, issue_id: int, now: datetime) -> Issue | None:
    """A due issue, locked for releasing it; None when it is due no more, or another daemon is at it."""
    wanted = select(Issue).where(Issue.id == issue_id, Issue.state == APPROVED, Issue.send_at <= now)
    return session.scalar(wanted.with_for_update(skip_locked=True))


def release(session: Session, writer: Writer, issue: Issue, now: datetime) -> int:
    """Put a letter for everybody in the audience in the outbox; returns how many. Twice does nothing twice.

    The audience passes in chunks of plain rows, so that neither memory nor the time of the lock grows out of hand.
    """
    frozen = select(FrozenEdition.language, FrozenEdition.variant, FrozenEdition.id)
    rows = session.execute(frozen.where(FrozenEdition.issue_id == issue.id).order_by(FrozenEdition.id))
    editions = {(row.language, row.variant): row.id for row in rows}
    same = _same_for_all(session, writer, issue, now)
    audience = _audience(issue).order_by(Member.id).limit(_CHUNK)
    letters = last = 0
    while people := session.execute(audience.where(Member.id > last)).all():
        session.execute(insert(OutboxItem), [same | _own(writer, issue, person, editions) for person in people])
        letters, last = letters + len(people), people[-1].id
    issue.state, issue.released_at = SENDING, now
    return letters


def _audience(issue: Issue) -> Any:
    """Members who have no row of this issue yet, as light rows, with their invitation where it is about a meeting."""
    person = (Member.id, Member.key, Member.address, Member.language, Member.discreet)
    if issue.meeting_id is None:
        nothing = (null().label("invitation_id"), null().label("about"))
        return roster.audience().with_only_columns(*person, *nothing).where(~_has_row(OutboxItem.issue_id == issue.id))
    invited = roster.audience().with_only_columns(
        *person, Invitation.id.label("invitation_id"), Invitation.key.label("about")
    )
    invited = invited.join(Invitation, Invitation.member_id == Member.id)
    invited = invited.where(Invitation.meeting_id == issue.meeting_id)
    if issue.kind == INVITATION:  # who joined since gets one; who has one does not get it again
        return invited.where(~_has_row(_of_invitations(issue.meeting_id), ~_came_to_nothing()))
    invited = invited.where(_has_row(_of_invitations(issue.meeting_id), _was_sent()))
    return invited.where(~_has_row(OutboxItem.issue_id == issue.id))


def _has_row(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(OutboxItem.member_id == Member.id, *conditions)


def _of_invitations(meeting_id: int) -> ColumnElement[bool]:
    issues = select(Issue.id).where(Issue.meeting_id == meeting_id, Issue.kind == INVITATION)
    return OutboxItem.issue_id.in_(issues)


def _was_sent() -> ColumnElement[bool]:
    """Letters that people may have before them: a change or a farewell is for these only (conformance CAL-09)."""
    sent = OutboxItem.state.in_((outbox.ACCEPTED, outbox.IN_DOUBT, outbox.SUBMITTING))
    return or_(sent, and_(OutboxItem.state == outbox.QUEUED, OutboxItem.phase == "dot_sent"))


def _came_to_nothing() -> ColumnElement[bool]:
    """Letters that never left, and never will, because a newer invitation takes their place."""
    replaced = and_(OutboxItem.state == outbox.WITHDRAWN, func.coalesce(OutboxItem.phase, "") == REPLACED)
    stranded = OutboxItem.issue_id.in_(select(Issue.id).where(Issue.state == CANCELLED))
    return or_(replaced, and_(OutboxItem.state == outbox.QUEUED, stranded))


def _same_for_all(session: Session, writer: Writer, issue: Issue, now: datetime) -> dict[str, Any]:
    give_up_at = now + GIVE_UP_AFTER
    if issue.meeting_id is not None and issue.kind != CANCELLATION:
        give_up_at = min(give_up_at, session.get_one(Meeting, issue.meeting_id).starts_at)
    return {
        "kind": issue.kind, "issue_id": issue.id, "return_path": writer.network.address, "state": outbox.QUEUED,
        "attempt": 0, "next_attempt_at": now, "give_up_at": give_up_at, "created_at": now,
    }  # fmt: skip


def _own(writer: Writer, issue: Issue, person: Any, editions: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "edition_id": _edition_for(editions, writer.network, person.language, variant_of(person.discreet)),
        "member_id": person.id, "invitation_id": person.invitation_id, "about": person.about,
        "recipient": person.address, "message_id": writer.message_id(issue.kind, issue.key, person.key),
    }  # fmt: skip


def _edition_for(editions: Mapping[tuple[str, str], _Frozen], network: Network, language: str, variant: str) -> _Frozen:
    """The edition for a reader; languages may have come to the network after approval, variants are never mixed.

    Raises LookupError when there is none of this variant: a discreet member gets nothing rather than a plain letter.
    """
    for spoken in (language, *network.languages, *(one for one, _ in editions)):
        if (spoken, variant) in editions:
            return editions[spoken, variant]
    raise LookupError(f"there is no {variant} edition")


def sent_the_invitation(session: Session, meeting: Meeting) -> int:
    """How many members may have the invitation before them, and hear of a change."""
    wanted = roster.audience().with_only_columns(func.count())
    return int(session.scalar(wanted.where(_has_row(_of_invitations(meeting.id), _was_sent()))) or 0)


def call_off_about(session: Session, meeting: Meeting, phase: str, now: datetime) -> list[Issue]:
    """End every issue about a meeting that is still going out; returns them. What waits becomes withdrawn.

    A letter whose last byte left us may have arrived: it is in doubt, and not sent again.
    """
    going = select(Issue).where(Issue.meeting_id == meeting.id, Issue.state.in_((APPROVED, SENDING, PAUSED)))
    issues = list(session.scalars(going.order_by(Issue.id).with_for_update()))
    waiting = update(OutboxItem).where(
        OutboxItem.issue_id.in_([issue.id for issue in issues]), OutboxItem.state == outbox.QUEUED
    )
    doubtful = waiting.where(OutboxItem.phase == "dot_sent")
    session.execute(doubtful.values(state=outbox.IN_DOUBT, finished_at=now))
    session.execute(waiting.values(state=outbox.WITHDRAWN, phase=phase, finished_at=now))
    for issue in issues:
        issue.cancel(now)
    session.flush()
    return issues


def queue_sample(session: Session, writer: Writer, edition: Edition, to: Recipient, now: datetime) -> OutboxItem:
    """Put one letter as `to` would get it in the outbox; its links lead nowhere.

    Raises KeyError for a slot that cannot be filled.
    """
    letter = sample_letter(writer, edition, to, now)
    item = OutboxItem(
        kind="test", recipient=to.address, return_path=writer.network.address, message_id=letter.message_id,
        content=wire.render(letter), state=outbox.QUEUED, attempt=0, next_attempt_at=now,
        give_up_at=now + GIVE_UP_AFTER, created_at=now,
    )  # fmt: skip
    session.add(item)
    session.flush()
    return item


def unfillable(session: Session, writer: Writer, editions: Editions) -> list[str]:
    """The addresses of members whose letter would lack a value: a slot without fallback that they have nothing for."""
    needed = {
        key: {slot.name for slot in edition.slots if slot.fallback is None and not slot.is_link}
        for key, edition in editions.items()
    }
    if not any(needed.values()):
        return []
    known = roster.audience().with_only_columns(
        Member.address, Member.language, Member.discreet, Member.name, Organisation.name.label("house")
    )
    known = known.outerjoin(Organisation, Member.organisation_id == Organisation.id).order_by(Member.id)
    return [
        person.address
        for person in session.execute(known).yield_per(_CHUNK)
        if _lacks(person, _edition_for(needed, writer.network, person.language, variant_of(person.discreet)))
    ]


def _lacks(person: Any, needed: set[str]) -> bool:
    """Whether a value would be blank, as `Edition.fill` sees it."""
    has = {
        "member.name": person.name, "member.first_name": first_name_of(person.name), "member.organisation": person.house
    }  # fmt: skip
    return any(not one_line(has[name] or "") for name in needed)


def overdue(issue: Issue, now: datetime) -> bool:
    """Whether its hour is so long past that a person should say whether it still makes sense (REL-55)."""
    return issue.kind == NEWSLETTER and issue.send_at is not None and now - issue.send_at > timedelta(hours=6)

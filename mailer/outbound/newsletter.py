"""An issue from approval to its end: freeze the editions, release the audience into the outbox, follow what happens.

All SQL about issues; invitations and their updates are issues of another kind (`mailer.outbound.invitation`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from contacts import agenda, roster
from contacts.errors import RuleBroken
from contacts.meeting import Invitation, Meeting
from contacts.member import Member
from mailer.outbound import outbox
from mailer.outbound.edition import Edition
from mailer.outbound.issue import APPROVED, CANCELLATION, INVITATION, NEWSLETTER, SENDING, FrozenEdition, Issue
from mailer.outbound.issue_letters import dry_values
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.retry import GIVE_UP_AFTER
from mailer.outbound.source import Source
from mailer.outbound.writer import Writer

VARIANTS = ("plain", "discreet")
_CHUNK = 1000
Editions = Mapping[tuple[str, str], Edition]
FactsOf = Callable[[str, str], dict[str, Any]]


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
    editions = {}
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
) -> Issue:
    """Freeze the editions: what was approved is what is sent; raises RuleBroken("exists") for a name used before."""
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


def due(session: Session, now: datetime) -> Sequence[Issue]:
    """Approved issues whose hour has come; another daemon that is releasing one keeps it."""
    wanted = select(Issue).where(Issue.state == APPROVED, Issue.send_at <= now).order_by(Issue.id)
    return session.scalars(wanted.with_for_update(skip_locked=True)).all()


def release(session: Session, writer: Writer, issue: Issue, now: datetime) -> int:
    """Put a letter for everybody in the audience in the outbox; returns how many. Twice does nothing twice."""
    editions = {
        (row.language, row.variant): row.id
        for row in session.scalars(select(FrozenEdition).where(FrozenEdition.issue_id == issue.id))
    }
    audience = [(member, invitation) for member, invitation in _audience(session, issue)]
    rows = [_row(writer, issue, member, invitation, editions, now) for member, invitation in audience]
    for start in range(0, len(rows), _CHUNK):
        session.execute(insert(OutboxItem), rows[start : start + _CHUNK])
    issue.state, issue.released_at = SENDING, now
    return len(rows)


def _audience(session: Session, issue: Issue) -> Sequence[Any]:
    """Members, with their invitation for an issue about a meeting, who have no row of this issue yet."""
    had = select(OutboxItem.member_id).where(OutboxItem.member_id.is_not(None))
    if issue.kind == INVITATION:  # who joined since gets one; who has one does not get it again
        had = had.join(Issue, OutboxItem.issue_id == Issue.id)
        had = had.where(Issue.meeting_id == issue.meeting_id, Issue.kind == INVITATION)
    else:
        had = had.where(OutboxItem.issue_id == issue.id)
    if issue.meeting_id is None:
        members = session.scalars(
            select(Member).where(Member.id.in_(roster.audience()), Member.id.not_in(had)).order_by(Member.id)
        )
        return [(member, None) for member in members]
    invited = (
        select(Member, Invitation)
        .join(Invitation, Invitation.member_id == Member.id)
        .where(Invitation.meeting_id == issue.meeting_id, Member.id.in_(roster.audience()), Member.id.not_in(had))
    )
    return [(row[0], row[1]) for row in session.execute(invited.order_by(Member.id))]


def _row(
    writer: Writer,
    issue: Issue,
    member: Member,
    invitation: Invitation | None,
    editions: Mapping[tuple[str, str], int],
    now: datetime,
) -> dict[str, Any]:
    language = writer.network.language(member.language)
    give_up_at = now + GIVE_UP_AFTER
    if invitation is not None and issue.kind != CANCELLATION:
        give_up_at = min(give_up_at, invitation.meeting.starts_at)
    return {
        "kind": issue.kind,
        "issue_id": issue.id,
        "edition_id": editions[language, member.variant],
        "member_id": member.id,
        "invitation_id": invitation.id if invitation else None,
        "about": invitation.key if invitation else None,
        "recipient": member.address,
        "return_path": writer.network.address,
        "message_id": writer.message_id(issue.kind, issue.key, member.key),
        "state": outbox.QUEUED,
        "attempt": 0,
        "next_attempt_at": now,
        "give_up_at": give_up_at,
        "created_at": now,
    }


def unfillable(writer: Writer, session: Session, editions: Editions) -> list[int]:
    """The numbers of members whose letter would lack a value: a slot without fallback that they have nothing for."""
    found = []
    for member in roster.everyone(session, "active"):
        edition = editions[writer.network.language(member.language), member.variant]
        try:
            edition.fill(dry_values(writer, member))
        except KeyError:
            found.append(member.id)
    return found


def overdue(issue: Issue, now: datetime) -> bool:
    """Whether its hour is so long past that a person should say whether it still makes sense (REL-55)."""
    return issue.kind == NEWSLETTER and issue.send_at is not None and now - issue.send_at > timedelta(hours=6)

"""The whole story of one member as plain data: profile, consents, invitations with answers, letters."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contacts import agenda, roster
from contacts.member import Member
from mailer.outbound import outbox
from mailer.outbound.issue import Issue
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.outcome import sentence


def profile(member: Member) -> dict[str, Any]:
    """What we know of a member themselves."""
    return {
        "address": member.address, "name": member.name,
        "organisation": member.organisation.name if member.organisation else None, "language": member.language,
        "state": member.state, "discreet": member.discreet, "created_at": member.created_at,
        "confirmed_at": member.confirmed_at, "left_at": member.left_at,
    }  # fmt: skip


def tell(session: Session, member: Member, timezone: ZoneInfo) -> dict[str, Any]:
    """Everything about a member; times in sentences are local, all others aware UTC."""
    return {
        "member": profile(member),
        "consents": [
            {"act": row.act, "at": row.at, "channel": row.channel, "language": row.language, "wording": row.wording,
             "evidence": row.evidence}
            for row in roster.story(session, member)
        ],
        "invitations": [
            {"meeting": one.meeting.slug, "answer": one.answer, "guests": one.guests, "waiting": one.waiting,
             "note": one.note, "channel": one.channel, "answered_at": one.answered_at}
            for one in agenda.invitations_of(session, member)
        ],
        "letters": [_letter(session, item, timezone) for item in outbox.of_member(session, member)],
    }  # fmt: skip


def _letter(session: Session, item: OutboxItem, timezone: ZoneInfo) -> dict[str, Any]:
    issue = session.get(Issue, item.issue_id) if item.issue_id else None
    return {
        "id": item.id, "kind": item.kind, "issue": issue.slug if issue else None, "state": item.state,
        "created_at": item.created_at, "finished_at": item.finished_at, "sentence": sentence(item, issue, timezone),
    }  # fmt: skip

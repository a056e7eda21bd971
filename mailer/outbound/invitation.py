"""Meetings as coordinators write them: a folder becomes a meeting, the meeting invitations, changes, a farewell."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contacts import agenda
from contacts.errors import RuleBroken
from contacts.meeting import Meeting
from mailer.errors import TemplateError
from mailer.outbound import newsletter
from mailer.outbound.issue import CANCELLATION, INVITATION, UPDATE, Issue
from mailer.outbound.newsletter import Approval
from mailer.outbound.source import Source, load
from mailer.outbound.writer import Writer


def read(source: Source, timezone: ZoneInfo) -> dict[str, Any]:
    """The fields of a Meeting as the folder's meeting.toml gives them; raises TemplateError naming the key.

    Times are local; one that does not exist or exists twice at a change of the clock is refused with both offsets.
    """
    settings, file = source.settings, source.settings_file
    starts, ends = (_instant(settings.get(name), name, timezone, file) for name in ("starts", "ends"))
    if ends <= starts:
        raise TemplateError("ends must be later than starts", file)
    titles = _lines(source, "title")
    if not titles:
        raise TemplateError('write a title for each language, like: [nl] title = "…"', file)
    capacity = settings.get("capacity")
    if capacity is not None and (not isinstance(capacity, int) or capacity < 1):
        raise TemplateError("capacity must be a whole number of places, or left out", file)
    return {
        "titles": titles,
        "neutral_titles": _lines(source, "neutral_title"),
        "starts_at": starts,
        "ends_at": ends,
        "place": str(settings.get("place", "")),
        "online_link": settings.get("online_link") or None,
        "capacity": capacity,
        "status": "CONFIRMED",
    }


def _lines(source: Source, key: str) -> dict[str, str]:
    return {language: line for language in source.languages if (line := source.line(language, key))}


def _instant(value: object, name: str, timezone: ZoneInfo, file: str) -> datetime:
    """A local wall-clock time as an aware instant (conformance CAL-15)."""
    if not isinstance(value, datetime) or value.tzinfo is not None:
        raise TemplateError(f"{name} must be a local time, like: {name} = 2027-01-21T14:00:00", file)
    early, late = value.replace(tzinfo=timezone, fold=0), value.replace(tzinfo=timezone, fold=1)
    if early.utcoffset() != late.utcoffset():
        offsets = f"{early:%z} and {late:%z}"
        raise TemplateError(
            f"the clock changes at this hour, so {name} is not one moment ({offsets}); choose another", file
        )
    return early


def invite(session: Session, writer: Writer, slug: str, approval: Approval) -> Issue:
    """The first invitation, or one for those who joined since: everybody active who has none gets one."""
    source = load(writer.compiler.find("meetings", slug))
    meeting = agenda.find(session, slug) or _create(session, writer, source, slug, approval.at)
    if not meeting.is_open(approval.at) or approval.at >= meeting.starts_at:
        raise RuleBroken("past", f"{slug} has begun, or was called off; nobody is invited any more.")
    if not agenda.invite(session, meeting, writer.network.domain, writer.new_key):
        raise RuleBroken("nobody", f"Everybody was invited to {slug} already.")
    return _issue(session, writer, source, meeting, INVITATION, approval)


def revise(session: Session, writer: Writer, slug: str, approval: Approval) -> Issue | None:
    """Take over what changed in the folder and tell everybody invited; None when nobody would see a difference."""
    source = load(writer.compiler.find("meetings", slug))
    meeting = _require(session, slug)
    before = meeting.sequence
    meeting.revise(read(source, writer.network.timezone), approval.at)
    if meeting.sequence == before:
        return None
    return _issue(session, writer, source, meeting, UPDATE, approval)


def cancel(session: Session, writer: Writer, slug: str, approval: Approval) -> Issue:
    """Call a meeting off and tell everybody who was invited."""
    meeting = _require(session, slug)
    if not meeting.revise({"status": "CANCELLED"}, approval.at):
        raise RuleBroken("state", f"{slug} was called off already.")
    source = load(writer.compiler.find("mails", "meeting_cancelled"))
    return _issue(session, writer, source, meeting, CANCELLATION, approval)


def _create(session: Session, writer: Writer, source: Source, slug: str, now: datetime) -> Meeting:
    fields = read(source, writer.network.timezone)
    meeting = Meeting(key=writer.new_key(), slug=slug, sequence=0, revised_at=now, **fields)
    session.add(meeting)
    session.flush()
    return meeting


def _require(session: Session, slug: str) -> Meeting:
    meeting = agenda.find(session, slug)
    if meeting is None:
        raise RuleBroken("unknown", f"Nobody was invited to {slug} yet.")
    return meeting


def _issue(session: Session, writer: Writer, source: Source, meeting: Meeting, kind: str, approval: Approval) -> Issue:
    editions = newsletter.compile_all(writer, source, facts(meeting, kind))
    number = sum(issue.meeting_id == meeting.id for issue in newsletter.everything(session)) + 1
    slug = f"{meeting.slug}/{kind}-{number}"
    return newsletter.approve(session, kind, slug, editions, approval, writer.new_key, meeting)


def facts(meeting: Meeting, kind: str) -> newsletter.FactsOf:
    """What an invitation's template may say of its meeting."""

    def facts_of(language: str, variant: str) -> dict[str, Any]:
        return {"meeting": newsletter.describe(meeting, language, variant), "update": kind == UPDATE}

    return facts_of


def preview_facts(source: Source, timezone: ZoneInfo) -> newsletter.FactsOf:
    """The same facts straight from the folder, before anybody was invited."""
    fields: Mapping[str, Any] = read(source, timezone)
    return facts(
        Meeting(key="", slug=source.folder.name, sequence=0, revised_at=fields["starts_at"], **fields), INVITATION
    )

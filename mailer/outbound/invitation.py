"""Meetings as coordinators write them: a folder becomes a meeting, the meeting invitations, changes, a farewell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contacts import agenda
from contacts.errors import RuleBroken
from contacts.meeting import Meeting
from contacts.network import instant
from mailer.errors import TemplateError
from mailer.outbound import newsletter
from mailer.outbound.issue import CANCELLATION, INVITATION, UPDATE, Issue
from mailer.outbound.newsletter import CALLED_OFF, REPLACED, Approval, Editions, FactsOf
from mailer.outbound.source import Source, load
from mailer.outbound.writer import Writer


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter about a meeting before anything is written: compiling takes seconds, and nobody should wait for it.

    `fields` are what it makes of the meeting, `revised_at` that of the meeting it was compiled for (None: there was
    none yet), `afresh` for an update the invitation as it reads from now on.
    """

    kind: str
    fields: Mapping[str, Any]
    revised_at: datetime | None
    editions: Editions
    afresh: Editions
    author: str | None


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
    try:
        return instant(value, timezone)
    except RuleBroken as broken:
        raise TemplateError(f"{name}: {broken.message}", file) from None


def prepare(session: Session, writer: Writer, slug: str, kind: str) -> Draft:
    """Compile an invitation, an update or a cancellation; reads only, so that no lock is held meanwhile.

    Raises TemplateError for the first fault, RuleBroken("unknown") where nobody was invited yet.
    """
    meeting = agenda.find(session, slug) if kind == INVITATION else _require(session, slug)
    if kind == CANCELLATION:
        source, fields = load(writer.compiler.find("mails", "meeting_cancelled")), {"status": "CANCELLED"}
    else:
        source = load(writer.compiler.find("meetings", slug))
        fields = read(source, writer.network.timezone)
    shown = meeting if meeting is not None and kind != UPDATE else _unsaved(slug, fields)
    return Draft(
        kind=kind,
        fields=fields,
        revised_at=meeting.revised_at if meeting else None,
        editions=newsletter.compile_all(writer, source, facts(shown, kind)),
        afresh=newsletter.compile_all(writer, source, facts(shown, INVITATION)) if kind == UPDATE else {},
        author=str(source.settings["author"]) if source.settings.get("author") else None,
    )


def invite(session: Session, writer: Writer, slug: str, approval: Approval, draft: Draft | None = None) -> Issue:
    """The first invitation, or one for those who joined since: everybody active who has none gets one.

    Without a `draft` it is compiled here, which holds the transaction up for seconds.
    """
    draft = draft or prepare(session, writer, slug, INVITATION)
    meeting = _as_prepared(session, slug, draft) or _create(session, writer, slug, draft, approval.at)
    if not meeting.is_open(approval.at) or approval.at >= meeting.starts_at:
        raise RuleBroken("past", f"{slug} has begun, or was called off; nobody is invited any more.")
    if not agenda.invite(session, meeting, writer.network.domain, writer.new_key):
        raise RuleBroken("nobody", f"Everybody was invited to {slug} already.")
    return _issue(session, writer, meeting, draft, draft.editions, approval)


def revise(session: Session, writer: Writer, slug: str, approval: Approval, draft: Draft | None = None) -> Issue | None:
    """Take over what changed in the folder and tell everybody who was sent the invitation; None when nobody would
    see a difference. Who still waits for the invitation gets it as it reads now instead.

    Raises RuleBroken("unknown") where nobody was invited, ("state") for a meeting that was called off.
    """
    draft = draft or prepare(session, writer, slug, UPDATE)
    meeting = _as_prepared(session, slug, draft) or _require(session, slug)
    if meeting.status != "CONFIRMED":
        raise RuleBroken("state", f"{slug} was called off; announce it again under another name.")
    before = meeting.sequence
    meeting.revise(dict(draft.fields), approval.at)
    if meeting.sequence == before:
        return None
    ended = newsletter.call_off_about(session, meeting, REPLACED, approval.at)
    hours = [one.send_at or approval.at for one in ended if one.kind == INVITATION]
    if hours:
        later = replace(approval, send_at=max(approval.at, min(hours)))
        _issue(session, writer, meeting, replace(draft, kind=INVITATION), draft.afresh, later)
    return _issue(session, writer, meeting, draft, draft.editions, approval)


def cancel(session: Session, writer: Writer, slug: str, approval: Approval, draft: Draft | None = None) -> Issue:
    """Call a meeting off and tell everybody who was sent the invitation; nothing else about it leaves any more."""
    draft = draft or prepare(session, writer, slug, CANCELLATION)
    meeting = _as_prepared(session, slug, draft) or _require(session, slug)
    if not meeting.revise(dict(draft.fields), approval.at):
        raise RuleBroken("state", f"{slug} was called off already.")
    newsletter.call_off_about(session, meeting, CALLED_OFF, approval.at)
    return _issue(session, writer, meeting, draft, draft.editions, approval)


def _as_prepared(session: Session, slug: str, draft: Draft) -> Meeting | None:
    """The meeting, if it still is as the draft says; raises RuleBroken("changed") otherwise."""
    meeting = agenda.find(session, slug)
    if (meeting.revised_at if meeting else None) != draft.revised_at:
        raise RuleBroken("changed", f"Somebody else changed {slug} at this moment; look at it, and try again.")
    return meeting


def _create(session: Session, writer: Writer, slug: str, draft: Draft, now: datetime) -> Meeting:
    meeting = Meeting(key=writer.new_key(), slug=slug, sequence=0, revised_at=now, **draft.fields)
    session.add(meeting)
    session.flush()
    return meeting


def _require(session: Session, slug: str) -> Meeting:
    meeting = agenda.find(session, slug)
    if meeting is None:
        raise RuleBroken("unknown", f"Nobody was invited to {slug} yet.")
    return meeting


def _issue(
    session: Session, writer: Writer, meeting: Meeting, draft: Draft, editions: Editions, approval: Approval
) -> Issue:
    slug = f"{meeting.slug}/{draft.kind}-{newsletter.count_about(session, meeting) + 1}"
    return newsletter.approve(session, draft.kind, slug, editions, approval, writer.new_key, meeting, draft.author)


def facts(meeting: Meeting, kind: str) -> FactsOf:
    """What an invitation's template may say of its meeting."""

    def facts_of(language: str, variant: str) -> dict[str, Any]:
        return {"meeting": newsletter.describe(meeting, language, variant), "update": kind == UPDATE}

    return facts_of


def facts_for(session: Session, writer: Writer, kind: str) -> Callable[[Source], FactsOf]:
    """The same facts for the folder that is looked at, as `prepare` will use them; they raise TemplateError."""

    def of_folder(source: Source) -> FactsOf:
        fields = read(source, writer.network.timezone)
        meeting = agenda.find(session, source.folder.name) if kind == INVITATION else None
        return facts(meeting or _unsaved(source.folder.name, fields), kind)

    return of_folder


def _unsaved(slug: str, fields: Mapping[str, Any]) -> Meeting:
    """A meeting as its folder gives it, to look at and not to keep."""
    return Meeting(key="", slug=slug, sequence=0, revised_at=fields["starts_at"], **fields)

"""The page that asks whether somebody comes to a meeting, and notes the answer; the latest one counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contacts import agenda
from contacts.errors import RuleBroken
from contacts.meeting import PARTSTAT, YES, Invitation
from mailer import acts
from mailer.outbound.template_filters import filters_for
from web.forms import Form
from web.pages import Page, message
from web.visit import Visit
from web.words import Words

MOST_GUESTS = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """The form as it is to be shown: what is chosen in it, and what is wrong with that (field → line)."""

    answer: str
    guests: int
    note: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def show(visit: Visit) -> Page:
    """The meeting and the form, with the button of the mail chosen; raises RuleBroken("link_unknown")."""
    invitation = _invitation(visit)
    words = visit.words(invitation.member)
    if _is_closed(visit, invitation):
        return _closed(invitation, words)
    answer = visit.wanted if visit.wanted in PARTSTAT else invitation.answer or ""
    return _form(visit, invitation, words, Draft(answer, invitation.guests))


def act(visit: Visit, form: Form) -> Page:
    """Note the answer and say what was noted, or what is missing; too late is a page of its own."""
    invitation = _invitation(visit)
    words = visit.words(invitation.member)
    if _is_closed(visit, invitation):
        return _closed(invitation, words)
    draft = _read(form, invitation, words)
    if draft.problems:
        return _form(visit, invitation, words, draft, 422)
    note, occasion = draft.note or invitation.note or "", visit.occasion("page")
    acts.answer_invitation(
        visit.session, visit.door.writer, invitation, draft.answer, draft.guests, note, visit.now, occasion
    )
    return _answered(visit, invitation, words)


def _invitation(visit: Visit) -> Invitation:
    invitation = agenda.invitation_by_key(visit.session, visit.key)
    if invitation is None:
        raise RuleBroken("link_unknown", "Nobody is behind this link.")
    return invitation


def _is_closed(visit: Visit, invitation: Invitation) -> bool:
    """Answers are taken until the meeting begins (conformance CAL-22, SEC-22)."""
    return not invitation.meeting.is_open(visit.now) or visit.now >= invitation.meeting.starts_at


def _closed(invitation: Invitation, words: Words) -> Page:
    about = "cancelled" if invitation.meeting.status == "CANCELLED" else "closed"
    return message(about, words, 410)


def _read(form: Form, invitation: Invitation, words: Words) -> Draft:
    answer, guests, problems = form.get("answer"), form.get("guests") or "0", {}
    if answer not in PARTSTAT:
        problems["answer"] = words.lines["rsvp"]["problem"]
    if guests not in [str(count) for count in range(_most_guests(invitation) + 1)]:
        problems["guests"] = words.lines["rsvp"]["problem_guests"]
    note = form.get("note").strip()[:2000]
    return Draft(answer, 0 if "guests" in problems else int(guests), note, problems)


def _most_guests(invitation: Invitation) -> int:
    """Who brings more than the page offers, by mail, must not lose them by opening it."""
    return max(MOST_GUESTS, invitation.guests)


def _form(visit: Visit, invitation: Invitation, words: Words, draft: Draft, status: int = 200) -> Page:
    values = {
        "action": visit.action, "meeting": _meeting(visit, invitation, words), "answer": draft.answer,
        "guests": draft.guests, "most_guests": _most_guests(invitation), "note": draft.note,
        "has_note": invitation.note is not None,  # its words stay ours: this link may have been passed on
        "standing": invitation.answer is not None, "waiting": invitation.waiting,
        "problems": {"answer": "", "guests": "", **draft.problems},
    }  # fmt: skip
    return Page("rsvp.html", words, status, values)


def _answered(visit: Visit, invitation: Invitation, words: Words) -> Page:
    outcome = "waiting" if invitation.answer == YES and invitation.waiting else invitation.answer or ""
    said = {"one": "", "many": "", **words.lines["answered"][outcome]}
    values = {
        "action": visit.action, "said": said, "guests": invitation.guests,
        "meeting": _meeting(visit, invitation, words),
    }  # fmt: skip
    return Page("answered.html", words, values=values)


def _meeting(visit: Visit, invitation: Invitation, words: Words) -> dict[str, Any]:
    """What the page tells of the meeting, in local time; the title as the member's letters have it."""
    meeting, member = invitation.meeting, invitation.member
    filters = filters_for(words.language, visit.door.network.timezone.key)
    starts, ends = meeting.starts_at.isoformat(), meeting.ends_at.isoformat()
    days = filters["date"](starts), filters["date"](ends)
    last = filters["time"](ends) if days[0] == days[1] else filters["datetime"](ends)
    return {
        "title": meeting.title(member.language, member.variant), "place": meeting.place,
        "online": bool(meeting.online_link), "day": days[0], "hours": f"{filters['time'](starts)}\u00a0– {last}",
    }  # fmt: skip

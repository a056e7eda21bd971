"""The page where a member chooses the language and the visibility of our mails; nothing else (GDP-27)."""

from collections.abc import Mapping
from typing import Any

from babel import Locale

from contacts import roster
from contacts.errors import RuleBroken
from contacts.member import Member
from mailer.links import UNSUBSCRIBE
from web.forms import Form
from web.joining import DISCREET
from web.pages import Page, message
from web.visit import Visit


def show(visit: Visit) -> Page:
    """The form as things are now; raises RuleBroken("link_unknown") when nobody is behind the link any more."""
    return _form(visit, _member(visit), {})


def act(visit: Visit, form: Form) -> Page:
    """Take over both choices, or say what is wrong with them; the answer is in the new language."""
    member = _member(visit)
    problems = _problems(visit, form, member)
    if problems:
        return _form(visit, member, problems, 422)
    member.language = form.get("language")
    if form.get("discreet") != "subject" or member.discreet == "off":
        member.discreet = form.get("discreet")  # who chose more than a neutral subject, by mail, keeps it
    return message("saved", visit.words(member), done=True)


def _member(visit: Visit) -> Member:
    member = roster.find_by_key(visit.session, visit.key)
    if member is None:
        raise RuleBroken("link_unknown", "Nobody is behind this link.")
    return member


def _problems(visit: Visit, form: Form, member: Member) -> dict[str, str]:
    allowed = {"language": visit.door.network.languages, "discreet": DISCREET}
    line = visit.words(member).lines["preferences"]["problem"]
    return {name: line for name, values in allowed.items() if form.get(name) not in values}


def _form(visit: Visit, member: Member, problems: Mapping[str, str], status: int = 200) -> Page:
    links = visit.door.writer.links
    values: dict[str, Any] = {
        "action": visit.action, "problems": {"language": "", "discreet": "", **problems}, "discreet": member.discreet,
        "chosen_language": visit.door.network.language(member.language),
        "languages": [(code, _own_name(code)) for code in visit.door.network.languages],
        "leave_url": f"{visit.door.root}/a/{links.token(UNSUBSCRIBE, member.key, visit.now)}",
    }  # fmt: skip
    return Page("preferences.html", visit.words(member), status, values)


def _own_name(language: str) -> str:
    """What a language calls itself, with a capital, as in a list."""
    name = Locale.parse(language).get_language_name(language) or language
    return name[:1].upper() + name[1:]

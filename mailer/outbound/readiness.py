"""Whether an issue can go out: its folder as it stands, every letter's bytes, every member's name, in one report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from contacts import coordinator
from contacts.address import Address
from contacts.errors import RuleBroken
from mailer.errors import TemplateError
from mailer.lint import lint
from mailer.outbound import check as looking
from mailer.outbound import newsletter, wire
from mailer.outbound.check import Problem
from mailer.outbound.edition import Edition
from mailer.outbound.issue import NEWSLETTER
from mailer.outbound.newsletter import FactsOf
from mailer.outbound.sample import sample_letter, somebody
from mailer.outbound.source import Source, load
from mailer.outbound.writer import Writer

_NAMED = 10  # as many members are named in one problem
#: The personal links that the letters of each kind of folder have.
_OF_ALL = {"link.unsubscribe", "link.preferences"}
_LINKS = {
    "newsletters": _OF_ALL,
    "meetings": _OF_ALL | {"link.rsvp", "link.rsvp_yes", "link.rsvp_no", "link.rsvp_maybe"},
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """What must be mended before it can go out, remarks that stop nothing, and the editions once the files are good."""

    problems: list[Problem]
    remarks: list[Problem] = field(default_factory=list)
    editions: Mapping[tuple[str, str], Edition] = field(default_factory=dict)
    author: str | None = None


def check(
    session: Session,
    writer: Writer,
    kind: str,
    name: str,
    facts_for: Callable[[Source], FactsOf],
    now: datetime,
) -> Readiness:
    """Look at the folder `kind`/`name` ("newsletters" or "meetings"); a bad template is a problem, never an exception.

    Raises TemplateError only when there is no such folder.
    """
    folder = writer.compiler.find(kind, name)
    try:
        source = load(folder)
        facts_of = facts_for(source)
    except TemplateError as error:
        return Readiness([Problem(error.file, error.line, error.message)])
    found = looking.check(source, writer.compiler, writer.network.languages, _with_network(writer, facts_of))
    found += _author(session, source)
    remarks = [problem for problem in found if problem.severity == "warning"]
    problems = [problem for problem in found if problem.severity == "error"]
    if problems:
        return Readiness(problems, remarks)
    editions = newsletter.compile_all(writer, source, facts_of)
    problems = _strange_links(kind, name, editions)
    if problems:
        return Readiness(problems, remarks)
    problems = _gaps(session, writer, name, editions)
    if kind == "newsletters":  # an invitation's letter has a calendar part, which belongs to a real invitation
        problems += _broken_rules(writer, name, editions, now)
    return Readiness(problems, remarks, editions, source.settings.get("author"))


def _author(session: Session, source: Source) -> list[Problem]:
    """Who wrote it, if the folder says so, must be an address: it keeps the author from approving their own words."""
    named = source.settings.get("author")
    if named is None:
        return []
    try:
        address = Address.parse(named if isinstance(named, str) else "")
    except RuleBroken:
        return [Problem(source.settings_file, None, 'author must be an address: author = "an@stad.example"')]
    if coordinator.find(session, address):
        return []
    return [Problem(source.settings_file, None, f"{address} is not a coordinator, or not by this address", "warning")]


def _strange_links(kind: str, name: str, editions: Mapping[tuple[str, str], Edition]) -> list[Problem]:
    """Personal links that belong to letters of another kind: nobody has a value for them."""
    strange = {
        (language, slot.name): None
        for (language, _), edition in editions.items()
        for slot in edition.slots
        if slot.is_link and slot.name not in _LINKS[kind]
    }
    return [Problem(f"{name}/{language}", None, f"there is no {link} in {kind}") for language, link in strange]


def _with_network(writer: Writer, facts_of: FactsOf) -> FactsOf:
    return lambda language, variant: {**writer.facts(), **facts_of(language, variant)}


def _gaps(session: Session, writer: Writer, name: str, editions: Mapping[tuple[str, str], Edition]) -> list[Problem]:
    """Members whose letter would lack a name or a house that the text needs."""
    lacking = newsletter.unfillable(session, writer, editions)
    if not lacking:
        return []
    named = lacking[:_NAMED]
    more = f" and {len(lacking) - len(named)} more" if len(lacking) > len(named) else ""
    reason = "we do not know everything the letter says of them; give it a fallback with or_else"
    return [Problem(name, None, f"{reason}: {', '.join(named)}{more}")]


def _broken_rules(
    writer: Writer, name: str, editions: Mapping[tuple[str, str], Edition], now: datetime
) -> list[Problem]:
    """What a finished letter of each edition would do wrong on its way."""
    found: dict[Problem, None] = {}
    for (language, variant), edition in editions.items():
        letter = sample_letter(writer, edition, somebody(writer, language, variant), now)
        for problem in lint(wire.render(letter), NEWSLETTER):
            found[Problem(f"{name}/{language}", None, f"{problem.id} {problem.message} ({variant})")] = None
    return list(found)

"""Whether an issue can go out: its folder as it stands, every letter's bytes, every member's name, in one report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from contacts import roster
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


@dataclass(frozen=True, slots=True)
class Readiness:
    """What must be mended before it can go out, remarks that stop nothing, and the editions once the files are good."""

    problems: list[Problem]
    remarks: list[Problem] = field(default_factory=list)
    editions: Mapping[tuple[str, str], Edition] = field(default_factory=dict)


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
    remarks = [problem for problem in found if problem.severity == "warning"]
    problems = [problem for problem in found if problem.severity == "error"]
    if problems:
        return Readiness(problems, remarks)
    editions = newsletter.compile_all(writer, source, facts_of)
    problems = _gaps(session, writer, name, editions)
    if kind == "newsletters":  # an invitation's letter has a calendar part, which belongs to a real invitation
        problems += _broken_rules(writer, name, editions, now)
    return Readiness(problems, remarks, editions)


def _with_network(writer: Writer, facts_of: FactsOf) -> FactsOf:
    return lambda language, variant: {**writer.facts(), **facts_of(language, variant)}


def _gaps(session: Session, writer: Writer, name: str, editions: Mapping[tuple[str, str], Edition]) -> list[Problem]:
    """Members whose letter would lack a name or a house that the text needs."""
    ids = set(newsletter.unfillable(writer, session, editions))
    if not ids:
        return []
    named = [member.address for member in roster.everyone(session, "active") if member.id in ids][:_NAMED]
    more = f" and {len(ids) - len(named)} more" if len(ids) > len(named) else ""
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

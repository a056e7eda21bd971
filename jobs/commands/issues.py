"""What newsletters and meetings have in common at the terminal: problems with file and line, and hours to come."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from contacts.errors import RuleBroken
from jobs.commands import arguments, terminal
from mailer.outbound.check import Problem
from mailer.outbound.readiness import Readiness


def show_problems(found: Readiness, as_json: bool) -> None:
    """Tell what the check found, and remarks that stop nothing."""
    if as_json:
        report = {
            "problems": [_facts(one) for one in found.problems],
            "remarks": [_facts(one) for one in found.remarks],
        }
        return terminal.show_json(report)
    for problem in found.problems:
        click.echo(_line(problem))
    for remark in found.remarks:
        click.echo(f"By the way: {_line(remark)}")
    click.echo(f"{len(found.problems)} to mend." if found.problems else "Nothing to mend.")
    return None


def _facts(problem: Problem) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line, "message": problem.message}


def _line(problem: Problem) -> str:
    place = ":".join(str(part) for part in (problem.file, problem.line) if part)
    return terminal.clean(f"{place}: {problem.message}")


def future(local: datetime, timezone: ZoneInfo, now: datetime) -> datetime:
    """A time as people of the network read it, as an instant to come; raises RuleBroken("past") for one that is not."""
    at = arguments.instant(local, timezone)
    if at <= now:
        raise RuleBroken("past", f"{terminal.local(at, timezone)} is over already; choose a time to come.")
    return at

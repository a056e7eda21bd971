"""`verbinden meetings`: write, invite, change, call off, and see who comes."""

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from contacts import agenda
from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.exchange import defuse
from contacts.meeting import MAYBE, NO, YES, Invitation, Meeting
from jobs.app import App
from jobs.commands import arguments, drafts, terminal
from jobs.commands.issues import future, show_problems
from jobs.commands.opening import opening, the_coordinator
from mailer.outbound import invitation, readiness
from mailer.outbound.newsletter import Approval, FactsOf
from mailer.outbound.source import Source

COLUMNS = ("name", "address", "organisation", "answer", "guests", "waiting", "note", "answered_at", "channel")


@click.group()
def meetings() -> None:
    """Meetings, their invitations and answers."""


@meetings.command()
@click.argument("name", type=arguments.NAME)
@click.pass_obj
def new(env_file: Path | None, name: str) -> None:
    """Start a meeting: a copy of the example to write in."""
    with opening(env_file) as app:
        folder = drafts.start(app, "meetings", name)
    click.echo(f"Write in {folder}; when, where and for how many stands in meeting.toml.")


@meetings.command("list")
@arguments.as_json
@click.pass_obj
def list_(env_file: Path | None, as_json: bool) -> None:
    """All meetings: those being written, and those people were invited to."""
    with opening(env_file) as app, app.database.read() as session:
        known = {meeting.slug: meeting for meeting in agenda.everything(session)}
        rows = [_facts(session, meeting, app.now()) for meeting in known.values()]
        rows += [{"name": name, "state": "written"} for name in drafts.names(app, "meetings") if name not in known]
    if as_json:
        return terminal.show_json(rows)
    cells = [
        (row["name"], row["state"], terminal.local(row.get("starts_at"), app.network.timezone), row.get("invited", ""),
         row.get("places", ""), row.get("capacity") or "")
        for row in rows
    ]  # fmt: skip
    nothing = "There is no meeting yet; start one with: verbinden meetings new NAME"
    return terminal.show_table(("name", "state", "starts", "invited", "places taken", "of"), cells, nothing)


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.as_json
@click.pass_context
def check(ctx: click.Context, name: str, as_json: bool) -> None:
    """Every language, every variant, every member: what is wrong, with file and line. Exit code 1 when something is."""
    with opening(ctx.obj) as app, app.database.read() as session:
        found = _check(app, session, name)
    show_problems(found, as_json)
    if found.problems:
        ctx.exit(1)


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.by
@click.option("--at", type=arguments.LOCAL_TIME, help='When the letters leave: "2026-12-01 09:00".')
@click.option("--now", "at_once", is_flag=True, help="At once, which is what happens without --at.")
@click.pass_context
def invite(ctx: click.Context, name: str, by: Address, at: datetime | None, at_once: bool) -> None:
    """Invite every member, or those who joined since; refused while the check finds anything."""
    if at and at_once:
        raise click.UsageError("Say when: either --at TIME or --now.")
    drafts.require_real(name)
    with opening(ctx.obj) as app, app.database.begin() as session:
        approval = _approval(app, session, by, at)
        _refuse_problems(ctx, app, session, name)
        invitation.invite(session, app.writer, name, approval)
        meeting = agenda.find(session, name)
        invited = len(agenda.invitations(session, meeting)) if meeting else 0
    click.echo(f"{terminal.count(invited, 'person is', 'people are')} invited to {name}.")
    _say_when(app, approval)


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.by
@click.pass_context
def update(ctx: click.Context, name: str, by: Address) -> None:
    """Take over what changed in the folder, and tell everybody invited when time or place did."""
    with opening(ctx.obj) as app, app.database.begin() as session:
        approval = _approval(app, session, by, None)
        _refuse_problems(ctx, app, session, name)
        issue = invitation.revise(session, app.writer, name, approval)
    if issue is None:
        click.echo("Neither time nor place changed, so nobody is written to; what did change is taken over.")
    else:
        _say_when(app, approval)


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.by
@click.pass_obj
def cancel(env_file: Path | None, name: str, by: Address) -> None:
    """Call a meeting off, and tell everybody who was invited."""
    with opening(env_file) as app, app.database.begin() as session:
        approval = _approval(app, session, by, None)
        invitation.cancel(session, app.writer, name, approval)
    click.echo(f"{name} is called off.")
    _say_when(app, approval)


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.as_json
@click.pass_obj
def answers(env_file: Path | None, name: str, as_json: bool) -> None:
    """Who comes, who does not, who has not said."""
    with opening(env_file) as app, app.database.read() as session:
        meeting = _find(session, name)
        facts = _facts(session, meeting, app.now())
        rows = [_answer(one) for one in agenda.invitations(session, meeting)]
    if as_json:
        return terminal.show_json({"meeting": facts, "answers": rows})
    cells = [
        (row["name"], row["address"], row["organisation"], _words(row), row["guests"] or "", row["note"],
         terminal.local(row["answered_at"], app.network.timezone))
        for row in rows
    ]  # fmt: skip
    columns = ("name", "address", "organisation", "answer", "guests", "note", "answered")
    terminal.show_table(columns, cells, "Nobody was invited yet.")
    room = f" of {facts['capacity']}" if facts["capacity"] else ""
    click.echo(
        f"{facts['places']}{room} places taken: {facts[YES]} yes, {facts[MAYBE]} maybe, {facts[NO]} no, "
        f"{facts['waiting']} on the waiting list, {facts['silent']} without an answer."
    )
    return None


@meetings.command()
@click.argument("name", type=arguments.NAME)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE.csv")
@click.pass_obj
def export(env_file: Path | None, name: str, out: Path) -> None:
    """The list for the door, as CSV."""
    with opening(env_file) as app, app.database.read() as session:
        rows = [_answer(one) for one in agenda.invitations(session, _find(session, name))]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        row["answered_at"] = terminal.local(row["answered_at"], app.network.timezone)
        row["waiting"] = "yes" if row["waiting"] else ""
        writer.writerow(defuse(str(row[column] if row[column] is not None else "")) for column in COLUMNS)
    terminal.write_private(out, text.getvalue().encode("utf-8-sig"))
    click.echo(f"{terminal.count(len(rows), 'person is', 'people are')} in {out}; delete it after use.")


def _approval(app: App, session: Session, by: Address, at: datetime | None) -> Approval:
    now = app.now()
    return Approval(the_coordinator(session, by).address, now, future(at, app) if at else now)


def _say_when(app: App, approval: Approval) -> None:
    if approval.send_at == approval.at:
        click.echo("The letters leave within seconds, once the daemon looks.")
    else:
        click.echo(f"The letters leave on {terminal.local(approval.send_at, app.network.timezone)}.")


def _check(app: App, session: Session, name: str) -> readiness.Readiness:
    def facts_of(folder: Source) -> FactsOf:
        return invitation.preview_facts(folder, app.network.timezone)

    return readiness.check(session, app.writer, "meetings", name, facts_of, app.now())


def _refuse_problems(ctx: click.Context, app: App, session: Session, name: str) -> None:
    found = _check(app, session, name)
    if found.problems:
        show_problems(found, False)
        ctx.exit(1)


def _find(session: Session, name: str) -> Meeting:
    meeting = agenda.find(session, name)
    if meeting is None:
        raise RuleBroken("unknown", f"Nobody was invited to {name} yet.")
    return meeting


def _facts(session: Session, meeting: Meeting, now: datetime) -> dict[str, Any]:
    invited = agenda.invitations(session, meeting)
    called_off = meeting.status != "CONFIRMED"
    return {
        "name": meeting.slug, "state": "called off" if called_off else "to come" if meeting.is_open(now) else "over",
        "starts_at": meeting.starts_at, "ends_at": meeting.ends_at, "place": meeting.place,
        "capacity": meeting.capacity, "invited": len(invited), "places": agenda.taken(session, meeting),
        **{answer: sum(one.answer == answer and not one.waiting for one in invited) for answer in (YES, NO, MAYBE)},
        "waiting": sum(one.waiting for one in invited), "silent": sum(one.answer is None for one in invited),
    }  # fmt: skip


def _answer(one: Invitation) -> dict[str, Any]:
    house = one.member.organisation.name if one.member.organisation else None
    return {
        "name": one.member.name, "address": one.member.address, "organisation": house, "answer": one.answer,
        "guests": one.guests, "waiting": one.waiting, "note": one.note, "answered_at": one.answered_at,
        "channel": one.channel,
    }  # fmt: skip


def _words(row: dict[str, Any]) -> str:
    return "yes, if a place comes free" if row["waiting"] else row["answer"] or ""

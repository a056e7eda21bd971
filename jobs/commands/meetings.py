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
from contacts.agenda import Tally
from contacts.errors import RuleBroken
from contacts.exchange import defuse
from contacts.meeting import MAYBE, NO, YES, Invitation, Meeting
from jobs.app import App
from jobs.commands import arguments, drafts, terminal
from jobs.commands.issues import future, show_problems
from jobs.commands.opening import opening, the_coordinator
from mailer.outbound import invitation, newsletter, readiness
from mailer.outbound.issue import CANCELLATION, INVITATION, UPDATE
from mailer.outbound.newsletter import Approval

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
        now, known, sums = app.now(), agenda.everything(session), agenda.tallies(session)
        rows = [_facts(meeting, sums.get(meeting.id, Tally()), now) for meeting in known]
        invited = {meeting.slug for meeting in known}
        rows += [{"name": name, "state": "written"} for name in drafts.names(app, "meetings") if name not in invited]
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
        found = _check(app, session, name, UPDATE if agenda.find(session, name) else INVITATION)
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
    with opening(ctx.obj) as app:
        approval = _approval(app, by, at)
        draft = _prepare(ctx, app, name, INVITATION)
        with app.database.begin() as session:
            invitation.invite(session, app.writer, name, approval, draft)
            invited = agenda.tally(session, _find(session, name)).invited
    click.echo(f"{terminal.count(invited, 'person is', 'people are')} invited to {name}.")
    _say_when(app, approval)


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.by
@click.pass_context
def update(ctx: click.Context, name: str, by: Address) -> None:
    """Take over what changed in the folder, and tell everybody invited when time or place did."""
    with opening(ctx.obj) as app:
        approval = _approval(app, by, None)
        draft = _prepare(ctx, app, name, UPDATE)
        with app.database.begin() as session:
            issue = invitation.revise(session, app.writer, name, approval, draft)
            told = newsletter.sent_the_invitation(session, _find(session, name))
    if issue is None:
        click.echo("Neither time nor place changed, so nobody is written to; what did change is taken over.")
    else:
        click.echo(f"{_who(told)} of the change; who still waits for it gets it as it is now.")
        _say_when(app, approval)


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.by
@click.pass_obj
def cancel(env_file: Path | None, name: str, by: Address) -> None:
    """Call a meeting off, and tell everybody who was sent the invitation."""
    with opening(env_file) as app:
        approval = _approval(app, by, None)
        with app.database.read() as session:
            draft = invitation.prepare(session, app.writer, name, CANCELLATION)
        with app.database.begin() as session:
            invitation.cancel(session, app.writer, name, approval, draft)
            told = newsletter.sent_the_invitation(session, _find(session, name))
    click.echo(f"{name} is called off. {_who(told)} of it; what still waited does not leave.")
    _say_when(app, approval)


def _who(told: int) -> str:
    if not told:
        return "Nobody was sent the invitation yet, so nobody hears"
    return "One person who was sent the invitation hears" if told == 1 else f"{told} people who were sent it hear"


@meetings.command()
@click.argument("name", type=arguments.NAME)
@arguments.as_json
@click.pass_obj
def answers(env_file: Path | None, name: str, as_json: bool) -> None:
    """Who comes, who does not, who has not said."""
    with opening(env_file) as app, app.database.read() as session:
        meeting = _find(session, name)
        facts = _facts(meeting, agenda.tally(session, meeting), app.now())
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


def _approval(app: App, by: Address, at: datetime | None) -> Approval:
    now = app.now()
    with app.database.read() as session:
        person = the_coordinator(session, by)
    return Approval(person.address, now, future(at, app.network.timezone, now) if at else now)


def _say_when(app: App, approval: Approval) -> None:
    if approval.send_at == approval.at:
        click.echo("The letters leave within seconds, once the daemon looks.")
    else:
        click.echo(f"The letters leave on {terminal.local(approval.send_at, app.network.timezone)}.")


def _check(app: App, session: Session, name: str, kind: str) -> readiness.Readiness:
    facts_for = invitation.facts_for(session, app.writer, kind)
    return readiness.check(session, app.writer, "meetings", name, facts_for, app.now())


def _prepare(ctx: click.Context, app: App, name: str, kind: str) -> invitation.Draft:
    """The letter, compiled before anything is locked; ends here when the check finds anything."""
    with app.database.read() as session:
        found = _check(app, session, name, kind)
        if found.problems:
            show_problems(found, False)
            ctx.exit(1)
        return invitation.prepare(session, app.writer, name, kind)


def _find(session: Session, name: str) -> Meeting:
    meeting = agenda.find(session, name)
    if meeting is None:
        raise RuleBroken("unknown", f"Nobody was invited to {name} yet.")
    return meeting


def _facts(meeting: Meeting, sums: Tally, now: datetime) -> dict[str, Any]:
    called_off = meeting.status != "CONFIRMED"
    return {
        "name": meeting.slug, "state": "called off" if called_off else "to come" if meeting.is_open(now) else "over",
        "starts_at": meeting.starts_at, "ends_at": meeting.ends_at, "place": meeting.place,
        "capacity": meeting.capacity, "invited": sums.invited, "places": sums.places,
        YES: sums.yes, NO: sums.no, MAYBE: sums.maybe, "waiting": sums.waiting, "silent": sums.silent,
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

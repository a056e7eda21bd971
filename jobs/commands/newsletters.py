"""`verbinden newsletters`: write, check, look, have it approved, send, follow."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from contacts.address import Address
from contacts.coordinator import Coordinator
from contacts.errors import RuleBroken
from contacts.member import first_name_of
from jobs.app import App
from jobs.commands import arguments, drafts, terminal
from jobs.commands.issues import future, show_problems
from jobs.commands.opening import opening, the_coordinator
from mailer.outbound import newsletter, outbox, readiness
from mailer.outbound.issue import APPROVED, NEWSLETTER, Issue
from mailer.outbound.newsletter import Approval
from mailer.outbound.writer import Recipient


@click.group()
def newsletters() -> None:
    """Newsletters, from the first draft to the last letter."""


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@click.pass_obj
def new(env_file: Path | None, name: str) -> None:
    """Start a newsletter: a copy of the example to write in."""
    with opening(env_file) as app:
        folder = drafts.start(app, "newsletters", name)
    click.echo(f"Write in {folder}; then look at it with: verbinden newsletters preview {name}")


@newsletters.command("list")
@arguments.as_json
@click.pass_obj
def list_(env_file: Path | None, as_json: bool) -> None:
    """All newsletters: those being written, and those that were approved."""
    with opening(env_file) as app, app.database.read() as session:
        issues = {issue.slug: issue for issue in newsletter.everything(session, NEWSLETTER)}
        written = [name for name in drafts.names(app, "newsletters") if name not in issues]
        rows = [_facts(session, name, issues.get(name)) for name in (*written, *issues)]
    if as_json:
        return terminal.show_json(rows)
    cells = [
        (row["name"], row["state"], terminal.local(row["send_at"], app.network.timezone), row["audience"] or "",
         row["approved_by"])
        for row in rows
    ]  # fmt: skip
    nothing = "There is no newsletter yet; start one with: verbinden newsletters new NAME"
    return terminal.show_table(("name", "state", "leaves", "letters", "approved by"), cells, nothing)


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@arguments.as_json
@click.pass_context
def check(ctx: click.Context, name: str, as_json: bool) -> None:
    """Every language, every variant, every member: what is wrong, with file and line. Exit code 1 when something is."""
    with opening(ctx.obj) as app, app.database.read() as session:
        found = _check(app, session, name, app.now())
    show_problems(found, as_json)
    if found.problems:
        ctx.exit(1)


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where to (in DATA_DIR).")
@click.pass_context
def preview(ctx: click.Context, name: str, out: Path | None) -> None:
    """Write every language and variant as pages to look at in a browser."""
    from mailer.outbound.sample import write_pages

    with opening(ctx.obj) as app, app.database.read() as session:
        found = _check(app, session, name, app.now())
        if found.editions:
            out = out or app.data_dir / "preview" / name
            index = write_pages(app.writer, name, found.editions, out, app.now())[0]
            click.echo(f"Open {index.resolve()} in a browser.")
    if found.problems:
        show_problems(found, False)
        ctx.exit(1)


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@click.option("--to", type=arguments.ADDRESS, required=True, help="A coordinator.")
@click.option("--language", help="In which language (the one the coordinator reads).")
@click.option("--discreet", is_flag=True, help="As a discreet member gets it.")
@click.pass_obj
def test(env_file: Path | None, name: str, to: Address, language: str | None, discreet: bool) -> None:
    """Send the real thing to one coordinator, and to nobody else; its links lead nowhere."""
    with opening(env_file) as app:
        now = app.now()
        with app.database.read() as session:  # compiling takes seconds, in which others may want to write
            found = _check(app, session, name, now)
            reader = the_coordinator(session, to)
        if not found.editions:
            raise RuleBroken("problems", "It cannot be written yet; see: verbinden newsletters check " + name)
        person = _as_member(app, reader, language, discreet)
        edition = found.editions[person.language, person.variant]
        with app.database.begin() as session:
            newsletter.queue_sample(session, app.writer, edition, person, now)
    terminal.say_queued(1)


def _as_member(app: App, reader: Coordinator, language: str | None, discreet: bool) -> Recipient:
    """A coordinator as somebody who gets a newsletter; the key is nobody's, so that the links lead nowhere."""
    return Recipient(
        address=reader.address,
        language=app.network.language(language or reader.language),
        variant="discreet" if discreet else "plain",
        key=app.new_key(),
        name=reader.name,
        first_name=first_name_of(reader.name),
        organisation=app.network.name,
    )


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@arguments.by
@click.option("--at", type=arguments.LOCAL_TIME, help='When it leaves, as the clock shows it: "2026-12-01 09:00".')
@click.pass_context
def approve(ctx: click.Context, name: str, by: Address, at: datetime | None) -> None:
    """Freeze a newsletter: from now on this is what is sent. Refused while the check finds anything."""
    drafts.require_real(name)
    with opening(ctx.obj) as app:
        now = app.now()
        send_at = future(at, app.network.timezone, now) if at else None
        with app.database.read() as session:  # compiling takes seconds, in which others may want to write
            person = the_coordinator(session, by)
            found = _check(app, session, name, now)
        if found.problems:
            show_problems(found, False)
            ctx.exit(1)
        approval = Approval(person.address, now, send_at)
        with app.database.begin() as session:
            newsletter.approve(session, NEWSLETTER, name, found.editions, approval, app.new_key, author=found.author)
    click.echo(f"{name} is approved, and frozen as it is now.")
    if send_at:
        click.echo(f"It leaves on {terminal.local(send_at, app.network.timezone)}.")
    else:
        click.echo(f"It leaves when you say so: verbinden newsletters schedule {name} --now")


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@click.option("--at", type=arguments.LOCAL_TIME, help='When it leaves, as the clock shows it: "2026-12-01 09:00".')
@click.option("--now", "at_once", is_flag=True, help="As soon as the daemon looks.")
@click.pass_obj
def schedule(env_file: Path | None, name: str, at: datetime | None, at_once: bool) -> None:
    """Say when an approved newsletter leaves."""
    if bool(at) == at_once:
        raise click.UsageError("Say when: either --at TIME or --now.")
    with opening(env_file) as app, app.database.begin() as session:
        issue = _find(session, name)
        now = app.now()
        issue.schedule(future(at, app.network.timezone, now) if at else now)
        when = terminal.local(issue.send_at, app.network.timezone)
    click.echo(f"{name} leaves {'within seconds, once the daemon looks' if at_once else 'on ' + when}.")


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@arguments.as_json
@click.pass_obj
def status(env_file: Path | None, name: str, as_json: bool) -> None:
    """Where a newsletter stands, and what became of its letters."""
    with opening(env_file) as app, app.database.read() as session:
        issue = newsletter.find(session, name)
        if issue is None and name not in drafts.names(app, "newsletters"):
            raise RuleBroken("unknown", f"There is no newsletter {name}.")
        row = _facts(session, name, issue)
        late = issue is not None and issue.state == APPROVED and newsletter.overdue(issue, app.now())
    if as_json:
        return terminal.show_json({**row, "overdue": late})
    when = app.network.timezone
    terminal.show_pairs(
        (label.replace("_", " "), terminal.local(value, when) if label.endswith("_at") else value)
        for label, value in row.items() if label != "letters"
    )  # fmt: skip
    for state, count in row["letters"].items():
        click.echo(f"{state + ':':<16}{count}")
    if late:
        click.echo(f"Its hour is long past, so it waits for you: verbinden newsletters schedule {name} --now")
    return None


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@click.pass_obj
def pause(env_file: Path | None, name: str) -> None:
    """Hold back what has not left yet."""
    with opening(env_file) as app, app.database.begin() as session:
        _find(session, name).pause()
    click.echo(f"{name} is held back; go on with: verbinden newsletters resume {name}")


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@click.pass_obj
def resume(env_file: Path | None, name: str) -> None:
    """Go on with a newsletter that was held back."""
    with opening(env_file) as app, app.database.begin() as session:
        issue = _find(session, name)
        issue.resume()
        waiting = outbox.counts(session, issue.id)[outbox.QUEUED]
    click.echo(f"{name} goes on.")
    terminal.say_queued(waiting)


@newsletters.command()
@click.argument("name", type=arguments.NAME)
@click.pass_obj
def cancel(env_file: Path | None, name: str) -> None:
    """Call a newsletter off; what has left has left."""
    with opening(env_file) as app, app.database.begin() as session:
        issue = _find(session, name)
        now = app.now()
        issue.cancel(now)
        kept = outbox.call_off_issue(session, issue, now)
    click.echo(f"{name} is called off; {terminal.count(kept, 'letter')} that still waited will not leave.")


def _check(app: App, session: Session, name: str, now: datetime) -> readiness.Readiness:
    facts_of = newsletter.agenda_facts(session, now)
    return readiness.check(session, app.writer, "newsletters", name, lambda _: facts_of, now)


def _find(session: Session, name: str) -> Issue:
    issue = newsletter.find(session, name)
    if issue is None or issue.kind != NEWSLETTER:
        raise RuleBroken("unknown", f"No newsletter {name} was approved yet: verbinden newsletters approve {name}")
    return issue


def _facts(session: Session, name: str, issue: Issue | None) -> dict[str, Any]:
    letters = outbox.counts(session, issue.id) if issue else {}
    names = ("approved_by", "approved_at", "send_at", "released_at", "finished_at")
    return {
        "name": name, "state": issue.state if issue else "written", **{one: getattr(issue, one, None) for one in names},
        "audience": sum(letters.values()), "letters": letters,
    }  # fmt: skip

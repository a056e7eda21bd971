"""`verbinden members`: who is in the network, how they came, what they got, and forgetting them."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from contacts import exchange, roster
from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.member import STATES, Member
from contacts.roster import Person
from jobs.commands import arguments, erasure, intake, terminal
from jobs.commands.opening import opening
from jobs.folder_names import folder_name
from mailer import story


@click.group()
def members() -> None:
    """The people of the network."""


@members.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only members in this state.")
@arguments.as_json
@click.pass_obj
def list_(env_file: Path | None, state: str | None, as_json: bool) -> None:
    """Everybody, by the day they came."""
    with opening(env_file) as app, app.database.read() as session:
        rows = [story.profile(member) for member in roster.everyone(session, state)]
        counts = roster.counts(session)
    if as_json:
        return terminal.show_json(rows)
    cells = [
        (row["address"], row["name"], row["organisation"], row["language"], row["state"],
         terminal.local(row["confirmed_at"] or row["created_at"], app.network.timezone))
        for row in rows
    ]  # fmt: skip
    columns = ("address", "name", "organisation", "language", "state", "since")
    terminal.show_table(columns, cells, "Nobody yet.")
    if counts:
        click.echo("In all: " + ", ".join(f"{counts[name]} {name}" for name in STATES if name in counts))
    return None


@members.command()
@click.argument("address", type=arguments.ADDRESS)
@arguments.as_json
@click.pass_obj
def show(env_file: Path | None, address: Address, as_json: bool) -> None:
    """The whole story of one member: consents, invitations with answers, letters with their outcome."""
    with opening(env_file) as app, app.database.read() as session:
        told = story.tell(session, _find(session, address), app.network.timezone)
    if as_json:
        return terminal.show_json(told)
    when = app.network.timezone
    profile = told["member"]
    terminal.show_pairs(
        (name.replace("_", " "), terminal.local(value, when) if name.endswith("_at") else value)
        for name, value in profile.items()
    )
    return _show_tables(told, when)


def _show_tables(told: dict[str, Any], when: ZoneInfo) -> None:
    click.echo("\nConsent")
    consents = [
        (terminal.local(row["at"], when), row["act"], row["channel"], row["evidence"]) for row in told["consents"]
    ]
    terminal.show_table(("when", "act", "how", "proof"), consents, "Nothing was asked or given.")
    click.echo("\nInvitations")
    invited = [
        (row["meeting"], row["answer"] or "no answer", row["guests"] or "", "no place yet" if row["waiting"] else "")
        for row in told["invitations"]
    ]
    terminal.show_table(("meeting", "answer", "guests", ""), invited, "Was not invited to anything.")
    click.echo("\nLetters")
    written = [
        (row["id"], row["kind"], terminal.local(row["created_at"], when), row["sentence"]) for row in told["letters"]
    ]
    terminal.show_table(("number", "kind", "written", "what became of it"), written, "Nothing was written to them.")


@members.command()
@click.argument("address", type=arguments.ADDRESS)
@click.option("--name")
@click.option("--organisation")
@click.option("--language", help="The language we write to them in (the first of the network).")
@click.option("--consent", metavar="PROOF", help="How they agreed elsewhere; without it they are asked.")
@click.option("--discreet", type=arguments.DISCREET, help="How little a letter shows before it is opened (subject).")
@click.pass_obj
def add(
    env_file: Path | None, address: Address, name: str | None, organisation: str | None, language: str | None,
    consent: str | None, discreet: str | None,
) -> None:  # fmt: skip
    """Add somebody: they get the question to confirm, or are in at once with the proof of their consent."""
    person = Person(address, name, organisation, language)
    with opening(env_file) as app, app.database.begin() as session:
        taken = intake.take(app, session, person, consent, discreet)
    if taken.result in (intake.SUPPRESSED, intake.KNOWN, intake.LEFT_BEFORE, intake.TOO_MANY):
        raise RuleBroken(taken.result, f"{address} {taken.message}.")
    click.echo(f"{address} {taken.message}.")
    terminal.say_queued(taken.letters)


@members.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--consent", metavar="PROOF", help="How all of them agreed; without it each of them is asked.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@arguments.as_json
@click.pass_context
def import_(ctx: click.Context, file: Path, consent: str | None, dry_run: bool, as_json: bool) -> None:
    """Add everybody in a CSV file (columns address, name, organisation, language); every line is reported.

    Who is known already or must not be brought back is passed over. Exit code 1 when a line could not be read.
    """
    with opening(ctx.obj) as app, app.database.begin() as session:
        report = intake.take_all(app, session, exchange.read(file.read_bytes()), consent)
        if dry_run:
            session.rollback()
    if as_json:
        terminal.show_json([line.as_dict() for line in report])
    else:
        _show_report(report, dry_run)
    if any(line.result == intake.PROBLEM for line in report):
        ctx.exit(1)


def _show_report(report: list[intake.Taken], dry_run: bool) -> None:
    cells = [(line.line, line.address, line.result, line.message) for line in report]
    terminal.show_table(("line", "address", "result", ""), cells, "The file has no lines below the first.")
    counts = {result: sum(line.result == result for line in report) for result in intake.RESULTS}
    summed = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    if dry_run:
        click.echo(f"This was only a look, nothing was changed: {summed}")
    elif summed:
        click.echo(f"Done: {summed}")
        terminal.say_queued(sum(line.letters for line in report))


@members.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to (the terminal).")
@click.option("--state", type=click.Choice(STATES), help="Only members in this state.")
@click.pass_obj
def export(env_file: Path | None, out: Path | None, state: str | None) -> None:
    """Everybody as CSV; no cell can be run as a formula by a spreadsheet."""
    with opening(env_file) as app, app.database.read() as session:
        found = roster.everyone(session, state)
        written = exchange.write(found)
    if out is None:
        click.echo(written.encode(), nl=False)
        return
    terminal.write_private(out, written.encode("utf-8-sig"))  # with the mark, spreadsheets read it as UTF-8
    written_of = terminal.count(len(found), "member is", "members are")
    click.echo(f"{written_of} in {out}; keep it as carefully as the mailbox, and delete it after use.")


@members.command()
@click.argument("address", type=arguments.ADDRESS)
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
@click.pass_obj
def forget(env_file: Path | None, address: Address, yes: bool) -> None:
    """Erase somebody from every table; only a keyed hash stays, so that no import brings them back."""
    if not yes:
        click.confirm(f"Erase everything about {address}? This cannot be undone", abort=True)
    with opening(env_file) as app:
        with app.database.begin() as session:
            done = erasure.forget(app, session, address)
        clean = app.database.scrub()
        places = f"{folder_name(app, 'handled')}, {folder_name(app, 'review')} and your sent mail"
    for line in done:
        click.echo(line)
    if not clean:
        click.echo("Somebody is reading the database, so its journal could not be emptied; run this again.", err=True)
    click.echo(f"Their own mails are still in the mailbox: delete them by hand in {places}.")


def _find(session: Session, address: Address) -> Member:
    found = roster.find(session, address)
    if found is None:
        raise RuleBroken("unknown", f"{address} is nobody we know.")
    return found

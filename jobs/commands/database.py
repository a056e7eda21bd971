"""`verbinden database`: its state, copies of it, and getting one back."""

from pathlib import Path

import click

from contacts import migrate
from contacts.errors import RuleBroken
from jobs.app import App, build
from jobs.commands import arguments, safekeeping, terminal
from jobs.commands.opening import opening
from jobs.config import load


@click.group()
def database() -> None:
    """The database: its state, copies of it, and getting one back."""


@database.command("migrate")
@click.pass_obj
def migrate_(env_file: Path | None) -> None:
    """Bring the database to the step this version needs (run and once do so by themselves)."""
    with opening(env_file) as app:
        click.echo(f"The database stands at step {migrate.current(app.database)}.")


@database.command()
@arguments.as_json
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Where the database stands; exit code 1 when it is damaged or behind."""
    app = build(load(ctx.obj))
    try:
        at, needed = migrate.current(app.database), migrate.head()
        problem = migrate.check(app.database) if at else None
        kind = "sqlite" if app.database.is_sqlite else "postgresql"
    finally:
        app.close()
    well = at == needed and problem is None
    if as_json:
        terminal.show_json({"kind": kind, "at": at, "needed": needed, "problem": problem, "well": well})
    else:
        stands = at or "nothing yet"
        terminal.show_pairs((("kind", kind), ("stands at", stands), ("needs", needed), ("problem", problem)))
        click.echo("In order." if well else "Not in order." if problem else "Behind; say: verbinden database migrate")
    ctx.exit(0 if well else 1)


@database.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup(env_file: Path | None, file: Path) -> None:
    """Copy the database to FILE while the daemon works on."""
    with opening(env_file) as app:
        _require_sqlite(app, f"pg_dump --format=custom --file='{file}'")
        safekeeping.backup(app.database, file)
    click.echo(f"{file} holds the whole database: keep it as carefully as the mailbox.")


@database.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
@click.pass_obj
def restore(env_file: Path | None, file: Path, yes: bool) -> None:
    """Put a copy in the place of the database; the daemon must be stopped.

    Who was erased or left since stays so, and no letter that waits in the copy leaves without you.
    """
    with opening(env_file) as app:
        _require_sqlite(app, f"pg_restore --clean --if-exists '{file}'")
        if not yes:
            click.confirm("Replace the database? What happened since the copy is lost", abort=True)
        done = safekeeping.restore(app, file)
    click.echo(f"The copy is in place. What was there before is in {done.aside}; delete it when all is well.")
    if done.erased:
        click.echo(f"Erased since the copy was made, and now again: {terminal.count(done.erased, 'person', 'people')}.")
    if done.left:
        click.echo(f"Left since the copy was made, and still out: {terminal.count(done.left, 'person', 'people')}.")
    if done.doubtful:
        waiting = terminal.count(done.doubtful, "letter", "letters")
        click.echo(f"In doubt, and not sent without you: {waiting}; look at: verbinden outbox list --state in_doubt")


def _require_sqlite(app: App, command: str) -> None:
    """Raises RuleBroken("postgresql") with the command that does it there; the password is left out."""
    if not app.database.is_sqlite:
        url = app.database.engine.url.set(drivername="postgresql", password=None)
        raise RuleBroken(
            "postgresql", f"This is PostgreSQL, which has its own tool: {command} --dbname='{url.render_as_string()}'"
        )

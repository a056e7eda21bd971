"""`verbinden doctor`: is everything in order, in words or as JSON."""

from pathlib import Path

import click

from jobs.commands import arguments, terminal
from jobs.ending import BAD_CONFIGURATION, NO

_SIGNS = {"good": ("well ", "green"), "wrong": ("WRONG", "red"), "note": ("note ", "yellow")}


@click.command()
@arguments.as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Look whether everything is in order, and say what is not; sends no mail. Exit code 1 when something is wrong."""
    from jobs import doctor as looking
    from jobs.app import build
    from jobs.config import ConfigError, load

    env_file: Path | None = ctx.obj
    try:
        app = build(load(env_file))
    except ConfigError as error:
        checks, code = looking.misconfigured(error), BAD_CONFIGURATION
    else:
        try:
            checks = looking.examine(app)
        finally:
            app.close()
        code = NO if any(check.state == looking.WRONG for check in checks) else 0
    if as_json:
        rows = [{"id": check.id, "state": check.state, "message": check.message} for check in checks]
        terminal.show_json({"well": code == 0, "checks": rows})
    else:
        for check in checks:
            word, colour = _SIGNS[check.state]
            click.echo(f"{click.style(word, fg=colour)}  {check.id + ':':<15}{terminal.clean(check.message)}")
    ctx.exit(code)

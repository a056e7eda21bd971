"""`verbinden run` and `verbinden once`: the daemon, and one round of one of its jobs."""

from pathlib import Path

import click

from jobs import logs
from jobs.commands.opening import opening

#: The jobs of `jobs.schedule.ONCE`, named here so that a wrong one is wrong usage.
JOBS = ("read_mailbox", "send_outbox", "release_due", "send_digest", "housekeeping")
_DONE = {
    "read_mailbox": "mails read: {}", "send_outbox": "letters accepted by the mail server: {}",
    "release_due": "issues released into the outbox: {}", "housekeeping": "rows deleted: {}",
    "send_digest": "digests put in the outbox: {}",
}  # fmt: skip


@click.command()
@click.pass_obj
def run(env_file: Path | None) -> None:
    """Run the daemon: read the mailbox, answer, send what is due. SIGTERM ends it in order."""
    from jobs.daemon import serve

    with opening(env_file) as app:
        logs.setup(app.config.log_format)
        serve(app)


@click.command()
@click.argument("job", type=click.Choice(JOBS))
@click.pass_obj
def once(env_file: Path | None, job: str) -> None:
    """Run one round of one job and stop."""
    from jobs.schedule import run_once

    with opening(env_file) as app:
        logs.setup(app.config.log_format)
        done = run_once(app, job)
    click.echo(_DONE[job].format(done))

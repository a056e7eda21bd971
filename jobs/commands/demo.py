"""`verbinden demo`: the whole story, with a mail server of its own on this machine."""

from pathlib import Path

import click

from contacts.errors import RuleBroken

#: What the demo's mail server is made of; the service itself needs none of it.
_EXTRA = ("aiosmtpd", "pymap", "pysasl", "proxyprotocol")


@click.command()
@click.option("--once", is_flag=True, help="End when the story is told; exit code 0 when every step came true.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where the mails are kept."
)
@click.pass_context
def demo(ctx: click.Context, once: bool, out: Path | None) -> None:
    """The whole story on this machine alone: people write, join, get a newsletter and an invitation."""
    try:
        from jobs.demo import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise RuleBroken("extra", "The demo needs its own mail server: pip install 'verbinden[demo]'") from None
    ctx.exit(run(once, out))

"""The command `verbinden`: its sub-commands, each loaded when it is asked for, and its ends as exit codes.

Exit codes: 0 done, 1 a real "no", 2 wrong usage, 78 the configuration cannot be used (EX_CONFIG of sysexits.h).
"""

import importlib
from pathlib import Path
from typing import Any

import click

from jobs.version import VERSION

#: Every sub-command: its module in jobs.commands, and the line that --help shows without loading it.
COMMANDS = {
    "init": ("setup", "Lay out a folder with templates and a .env to fill in."),
    "run": ("work", "Run the daemon: read the mailbox, answer, send what is due."),
    "once": ("work", "Run one round of one job and stop."),
    "demo": ("demo", "The whole story on this machine alone."),
    "doctor": ("health", "Look whether everything is in order, and say what is not."),
    "explain": ("mails", "Show how mails would be understood; changes nothing."),
    "lint": ("mails", "Check outgoing mails against the rules of the protocols."),
    "members": ("members", "The people of the network."),
    "newsletters": ("newsletters", "Newsletters, from the first draft to the last letter."),
    "meetings": ("meetings", "Meetings, their invitations and answers."),
    "outbox": ("outbox", "What waits, what left, and what became of it."),
    "requests": ("requests", "Mails that a person should decide on."),
    "coordinators": ("coordinators", "Who gets those mails, and may approve a sending."),
    "database": ("database", "The database: its state, copies of it, and getting one back."),
}


class Commands(click.Group):
    """The sub-commands of COMMANDS, imported one by one: `--help` loads neither the database nor the templates."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"jobs.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list that --help shows."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run under the name that people type, however the program was started."""
        return super().main(*args, **{**extra, "prog_name": extra.get("prog_name") or "verbinden"})

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and end an expected failure with a line and an exit code instead of a traceback."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # every end of a command is told in words
            from jobs.ending import told

            lines, code = told(error)
            for line in lines:
                click.echo(line, err=True)
            ctx.exit(code)


@click.group(
    "verbinden",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--env", "env_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="The file with the settings (.env of this folder).",
)  # fmt: skip
@click.version_option(VERSION, prog_name="verbinden")
@click.pass_context
def main(ctx: click.Context, env_file: Path | None) -> None:
    """The mail room of a learning network: reads its mailbox, answers people, sends newsletters and invitations."""
    ctx.obj = env_file

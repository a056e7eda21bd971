"""`verbinden explain` and `verbinden lint`: mails as files, without configuration, database or server.

Only `explain --examples` opens the database, to read what coordinators decided there.
"""

import json
from dataclasses import asdict
from pathlib import Path

import click

from jobs.commands import arguments, terminal

FILES = click.Path(exists=True, dir_okay=False, path_type=Path)
THREADS = ("none", "invitation", "newsletter", "confirmation", "welcome")


@click.command()
@click.argument("files", nargs=-1, type=FILES, metavar="[FILE.eml...]")
@click.option("--thread", type=click.Choice(THREADS), default="none", help="Which mail of ours these answer (none).")
@click.option("--examples", is_flag=True, help="Instead of files: what coordinators decided, read with today's rules.")
@arguments.as_json
@click.pass_obj
def explain(env_file: Path | None, files: tuple[Path, ...], thread: str, examples: bool, as_json: bool) -> None:
    """Show how mails would be understood; changes nothing."""
    from mailer.inbound.explain import explain as read

    if examples == bool(files):
        raise click.UsageError("Name mails as files, or say --examples.")
    if examples:
        return _compare_examples(env_file, as_json)
    for file in files:
        found = read(file.read_bytes(), str(file), thread)
        if as_json:
            click.echo(json.dumps(found, ensure_ascii=False))
        else:
            _show(dict(found))
    return None


def _compare_examples(env_file: Path | None, as_json: bool) -> None:
    """How many of the coordinators' decisions today's rules agree with, and with which they do not."""
    from jobs.commands.opening import opening
    from mailer.inbound import register
    from mailer.inbound.examples import compare

    with opening(env_file) as app, app.database.read() as session:
        compared = compare(register.examples(session))
    wrong = [one for one in compared if not one.agrees]
    if as_json:
        rows = [asdict(one) for one in wrong]
        return terminal.show_json({"examples": len(compared), "agree": len(compared) - len(wrong), "disagree": rows})
    for one in wrong:
        decided = ", ".join(one.decided) or "nothing of what was guessed"
        click.echo(f"{one.number}: a person decided {decided}; today's rules say {', '.join(one.today)}")
        click.echo("".join(f"    {terminal.clean(line)}\n" for line in one.outline.splitlines()))
    click.echo(f"Today's rules agree with {len(compared) - len(wrong)} of {terminal.count(len(compared), 'decision')}.")
    return None


def _show(found: dict[str, object]) -> None:
    def joined(name: str) -> str:
        value = found[name]
        return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)

    click.echo(click.style(terminal.clean(found["file"]), bold=True))
    people, rsvp = found["people"], found["rsvp"]
    terminal.show_pairs((
        ("asks for", joined("kinds")), ("language", found["language"]),
        ("certain", "yes" if found["certain"] else "no: a person should look"),
        ("people", "; ".join(_person(one) for one in people) if isinstance(people, list) else ""),
        ("answer", f"{rsvp['answer']}, {rsvp['guests']} guests" if isinstance(rsvp, dict) else ""),
        ("we would", joined("actions") or "do nothing by ourselves"), ("filed under", found["disposition"]),
        ("because", joined("why")),
    ))  # fmt: skip
    click.echo()


def _person(one: dict[str, str | None]) -> str:
    return ", ".join(value for value in one.values() if value) or "unnamed"


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILES, metavar="FILE.eml...")
@click.option("--kind", help="The kind of letter, like newsletter or confirmation (found out from the letter itself).")
@arguments.as_json
@click.pass_context
def lint(ctx: click.Context, files: tuple[Path, ...], kind: str | None, as_json: bool) -> None:
    """Check outgoing mails against the rules of the protocols; exit code 1 when one is broken."""
    from mailer.lint import lint as check

    wrong = 0
    for file in files:
        problems = check(file.read_bytes(), kind)
        wrong += bool(problems)
        if as_json:
            rows = [{"id": problem.id, "message": problem.message} for problem in problems]
            click.echo(json.dumps({"file": str(file), "problems": rows}, ensure_ascii=False))
            continue
        for problem in problems:
            click.echo(f"{file}: {problem.id} {terminal.clean(problem.message)}")
    if wrong:
        ctx.exit(1)
    if not as_json:
        click.echo("No rule is broken.")

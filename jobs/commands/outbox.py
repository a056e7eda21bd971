"""`verbinden outbox`: what waits, what left, and what became of each letter."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from contacts.errors import RuleBroken
from jobs.commands import arguments, terminal
from jobs.commands.opening import opening
from mailer.outbound import outbox as letters
from mailer.outbound.issue import Issue
from mailer.outbound.outbox import STATES, OutboxItem
from mailer.outbound.outcome import sentence
from mailer.outbound.retry import GIVE_UP_AFTER


@click.group()
def outbox() -> None:
    """What waits, what left, and what became of it."""


@outbox.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only letters in this state.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many, newest first.")
@arguments.as_json
@click.pass_obj
def list_(env_file: Path | None, state: str | None, limit: int, as_json: bool) -> None:
    """The newest letters, and how many there are in each state."""
    with opening(env_file) as app, app.database.read() as session:
        rows = [facts(item) for item in letters.rows(session, state, limit)]
        counts = letters.counts(session)
    if as_json:
        return terminal.show_json({"counts": counts, "letters": rows})
    when = app.network.timezone
    cells = [
        (row["id"], row["kind"], row["recipient"] or "(erased)", row["state"], row["attempt"] or "",
         terminal.local(row["finished_at"] or row["next_attempt_at"], when))
        for row in rows
    ]  # fmt: skip
    terminal.show_table(("number", "kind", "to", "state", "tries", "ended or due"), cells, "There are no such letters.")
    click.echo("In all: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return None


@outbox.command()
@click.argument("number", type=int)
@arguments.as_json
@click.pass_obj
def show(env_file: Path | None, number: int, as_json: bool) -> None:
    """One letter: did they get it, and if not, why."""
    with opening(env_file) as app, app.database.read() as session:
        item = _find(session, number)
        issue = session.get(Issue, item.issue_id) if item.issue_id else None
        when = app.network.timezone
        told = sentence(item, issue, when)
    if as_json:
        return terminal.show_json({**facts(item), "issue": issue.slug if issue else None, "sentence": told})
    terminal.show_pairs((
        ("number", item.id), ("kind", item.kind), ("to", item.recipient or "(erased)"),
        ("part of", issue.slug if issue else ""), ("state", item.state),
        ("written", terminal.local(item.created_at, when)),
        ("message-id", item.message_id),
    ))  # fmt: skip
    click.echo(terminal.clean(told))
    return None


@outbox.command()
@click.argument("number", type=int)
@click.pass_obj
def retry(env_file: Path | None, number: int) -> None:
    """Try a letter (again) now, also one that was refused or is in doubt."""
    with opening(env_file) as app, app.database.begin() as session:
        now = app.now()
        letters.retry(session, _find(session, number), now, now + GIVE_UP_AFTER)
    terminal.say_queued(1)


@outbox.command()
@click.argument("number", type=int)
@click.pass_obj
def cancel(env_file: Path | None, number: int) -> None:
    """Keep a waiting letter from leaving."""
    with opening(env_file) as app, app.database.begin() as session:
        letters.call_off(session, _find(session, number), app.now())
    click.echo(f"Letter {number} is called off; it does not leave.")


@outbox.command()
@click.pass_obj
def resume(env_file: Path | None) -> None:
    """Try everything that was postponed now: the mail server is back."""
    with opening(env_file) as app, app.database.begin() as session:
        hurried = letters.hurry(session, app.now())
    if not hurried:
        click.echo("Nothing was postponed.")
    terminal.say_queued(hurried)


def facts(item: OutboxItem) -> dict[str, Any]:
    """One row for programs."""
    names = (
        "id", "kind", "recipient", "state", "attempt", "phase", "reply_code", "reply_enhanced", "reply_text",
        "message_id", "created_at", "next_attempt_at", "give_up_at", "finished_at",
    )  # fmt: skip
    return {name: getattr(item, name) for name in names}


def _find(session: Session, number: int) -> OutboxItem:
    found = letters.find(session, number)
    if found is None:
        raise RuleBroken("unknown", f"There is no letter {number} in the outbox.")
    return found

"""`verbinden requests`: the mails that wait for a person, what the machine guessed, and what was decided."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from contacts.address import Address
from contacts.errors import RuleBroken
from jobs.app import App
from jobs.commands import arguments, terminal
from jobs.commands.opening import opening, the_coordinator
from jobs.folder_names import folder_name
from mailer.inbound import register
from mailer.inbound.register import CoordinatorRequest


@click.group()
def requests() -> None:
    """Mails that a person should decide on."""


@requests.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that were decided on, too.")
@arguments.as_json
@click.pass_obj
def list_(env_file: Path | None, everything: bool, as_json: bool) -> None:
    """What waits for a person: urgent ones first, then the oldest."""
    with opening(env_file) as app, app.database.read() as session:
        rows = [_facts(app, session, found) for found in register.requests(session, open_only=not everything)]
    if as_json:
        return terminal.show_json(rows)
    cells = [
        (row["id"], "URGENT" if row["urgent"] else "", terminal.local(row["created_at"], app.network.timezone),
         row["folder"], row["author"], ", ".join(row["kinds"]), "decided" if row["resolved_at"] else "open")
        for row in rows
    ]  # fmt: skip
    columns = ("number", "", "came in", "folder", "from", "looks like", "state")
    return terminal.show_table(columns, cells, "Nothing waits for a person.")


@requests.command()
@click.argument("number", type=int)
@arguments.as_json
@click.pass_obj
def show(env_file: Path | None, number: int, as_json: bool) -> None:
    """One request: who wrote, what it looks like, and why a machine left it to you."""
    with opening(env_file) as app, app.database.read() as session:
        row = _facts(app, session, _find(session, number))
    if as_json:
        return terminal.show_json(row)
    when = app.network.timezone
    terminal.show_pairs((
        ("number", row["id"]), ("urgent", "yes: read it now" if row["urgent"] else "no"), ("from", row["author"]),
        ("came in", terminal.local(row["created_at"], when)),
        ("mail", f"in the folder {row['folder']} of the mailbox"),
        ("message-id", row["message_id"]), ("looks like", ", ".join(row["kinds"])), ("language", row["language"]),
        ("why", "; ".join(row["why"])),
        ("people", "; ".join(_person(one) for one in row["suggestion"].get("people", []))),
        ("decided", terminal.local(row["resolved_at"], when)), ("by", row["resolved_by"]),
        ("decision", row["resolution"]),
    ))  # fmt: skip
    return None


@requests.command()
@click.argument("number", type=int)
@arguments.by
@click.option("--note", required=True, help="What was decided; a colleague must understand it next year.")
@click.pass_obj
def resolve(env_file: Path | None, number: int, by: Address, note: str) -> None:
    """Write down that a request was dealt with, by whom and how."""
    with opening(env_file) as app, app.database.begin() as session:
        found = _find(session, number)
        if found.resolved_at is not None:
            raise RuleBroken("state", f"Request {number} was dealt with already.")
        found.resolved_by, found.resolved_at = the_coordinator(session, by).address, app.now()
        found.resolution = note.strip()[:2000]
        left = len(register.requests(session))
    click.echo(f"Request {number} is dealt with; {left or 'none'} left.")


def _find(session: Session, number: int) -> CoordinatorRequest:
    found = register.request(session, number)
    if found is None:
        raise RuleBroken("unknown", f"There is no request {number}.")
    return found


def _facts(app: App, session: Session, found: CoordinatorRequest) -> dict[str, Any]:
    mail = register.mail_of(session, found)
    return {
        "id": found.id, "urgent": found.urgent, "author": found.author, "created_at": found.created_at,
        "folder": folder_name(app, mail.disposition), "message_id": mail.message_id, "kinds": found.kinds,
        "language": found.language, "why": found.why, "suggestion": found.suggestion,
        "resolved_at": found.resolved_at, "resolved_by": found.resolved_by, "resolution": found.resolution,
    }  # fmt: skip


def _person(one: dict[str, str | None]) -> str:
    return ", ".join(value for value in (one.get("name"), one.get("address"), one.get("organisation")) if value)

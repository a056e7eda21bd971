"""`verbinden requests`: the mails that wait for a person, what the machine guessed, and what was decided."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from contacts.address import Address
from contacts.errors import RuleBroken
from jobs.app import App
from jobs.commands import arguments, terminal
from jobs.commands.guess import guessed, yes_would
from jobs.commands.opening import opening, the_coordinator
from jobs.folder_names import folder_name, folder_names
from mailer import decisions, digest
from mailer.decisions import Decided
from mailer.inbound import register
from mailer.inbound.register import CoordinatorRequest
from mailer.inbound.understanding.request import HUMAN
from mailer.inbound.verdicts import DONE, NO, YES

_DONE = {
    "join": "their address was asked whether it is right",
    "join_other": "the people named were asked, each at their own address",
    "leave": "the author is off the list",
    "update": "the change is made",
    "rsvp": "the answer is noted",
    "confirm": "the author is a member and welcome",
}  # fmt: skip


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
         row["folder"], row["author"], row["guess"], "decided" if row["resolved_at"] else "open")
        for row in rows
    ]  # fmt: skip
    columns = ("number", "", "came in", "folder", "from", "who wrote it", "state")
    return terminal.show_table(columns, cells, "Nothing waits for a person.")


@requests.command()
@click.argument("number", type=int)
@arguments.as_json
@click.pass_obj
def show(env_file: Path | None, number: int, as_json: bool) -> None:
    """One request: who wrote, what the machine guesses, what a yes would do, and why it was left to you."""
    with opening(env_file) as app, app.database.read() as session:
        row = _facts(app, session, _find(session, number))
    if as_json:
        return terminal.show_json(row)
    when = app.network.timezone
    terminal.show_pairs((
        ("number", row["id"]), ("urgent", "yes: read it now" if row["urgent"] else "no"), ("from", row["author"]),
        ("came in", terminal.local(row["created_at"], when)),
        ("mail", f"in the folder {row['folder']} of the mailbox"),
        ("message-id", row["message_id"]), ("who wrote it", row["guess"]), ("looks like", ", ".join(row["kinds"])),
        ("language", row["language"]), ("why", "; ".join(row["why"])),
        ("people", "; ".join(_person(one) for one in row["suggestion"].get("people", []))),
        ("with --yes", row["yes"] if row["resolved_at"] is None else ""),
        ("decided", terminal.local(row["resolved_at"], when)), ("by", row["resolved_by"]),
        ("decision", "; ".join(word for word in (row["decision"], row["resolution"]) if word)),
    ))  # fmt: skip
    return None


@requests.command()
@click.argument("number", type=int)
@arguments.by
@click.option("--yes", "verdict", flag_value=YES, help="Do what the machine guessed: see requests show.")
@click.option("--no", "verdict", flag_value=NO, help="Do nothing, and close it.")
@click.option("--as", "kind", type=click.Choice(HUMAN), help="What the mail really is: do that instead.")
@click.option("--note", help="What was decided; a colleague must understand it next year.")
@click.pass_obj
def resolve(env_file: Path | None, number: int, by: Address, verdict: str | None, kind: str | None, note: str) -> None:
    """Decide on a request, with one word; or write down with --note how you dealt with it yourself."""
    if verdict and kind:
        raise click.UsageError("Choose one of --yes, --no and --as.")
    note = (note or "").strip()[:2000]
    chosen = verdict or kind
    if not chosen and not note:
        raise click.UsageError("Say --yes, --no or --as KIND, or with --note how you dealt with it yourself.")
    with opening(env_file) as app, app.database.begin() as session:
        found, person = _find(session, number), the_coordinator(session, by)
        said = chosen or DONE
        done = decisions.decide(session, app.writer, found, said, person, note or None, app.pepper, app.now())
        left = len(register.requests(session))
    click.echo(f"{_told(done)} {left or 'none'} left.")


def _told(done: Decided) -> str:
    words = "; ".join(_DONE[kind] for kind in done.done)
    return f"Request {done.number} is dealt with{f': {words}' if words else ''};"


@requests.command("digest")
@click.option("--to", type=arguments.ADDRESS, required=True, help="The coordinator who wants to read it now.")
@click.pass_obj
def digest_(env_file: Path | None, to: Address) -> None:
    """Send one coordinator the digest of this moment, beside the one that comes every day."""
    with opening(env_file) as app, app.database.begin() as session:
        news = digest.gather(session, digest.since(session, app.now()), folder_names(app))
        written = digest.write(session, app.writer, the_coordinator(session, to), news, app.now())
    if not written:
        raise RuleBroken("template", "The digest cannot be written; see: verbinden doctor")
    terminal.say_queued(1)


def _find(session: Session, number: int) -> CoordinatorRequest:
    found = register.request(session, number)
    if found is None:
        raise RuleBroken("unknown", f"There is no request {number}.")
    return found


def _facts(app: App, session: Session, found: CoordinatorRequest) -> dict[str, Any]:
    mail = register.mail_of(session, found)
    must = decisions.hindrance(found)
    return {
        "id": found.id, "urgent": found.urgent, "author": found.author, "created_at": found.created_at,
        "folder": folder_name(app, mail.disposition), "message_id": mail.message_id, "kinds": found.kinds,
        "guess": guessed(found, mail.disposition), "yes": must.message if must else yes_would(found),
        "language": found.language, "why": found.why, "suggestion": found.suggestion,
        "resolved_at": found.resolved_at, "resolved_by": found.resolved_by, "decision": found.decision,
        "resolution": found.resolution,
    }  # fmt: skip


def _person(one: dict[str, str | None]) -> str:
    return ", ".join(value for value in (one.get("name"), one.get("address"), one.get("organisation")) if value)

"""`verbinden coordinators`: who works through what the machine leaves, and may approve a sending."""

from pathlib import Path

import click

from contacts import coordinator
from contacts.address import Address
from jobs.commands import arguments, terminal
from jobs.commands.opening import opening


@click.group()
def coordinators() -> None:
    """Who gets those mails, and may approve a sending."""


@coordinators.command("list")
@arguments.as_json
@click.pass_obj
def list_(env_file: Path | None, as_json: bool) -> None:
    """Everybody who coordinates the network."""
    with opening(env_file) as app, app.database.read() as session:
        rows = [
            {"address": one.address, "name": one.name, "language": one.language, "since": one.created_at}
            for one in coordinator.everyone(session)
        ]
        if as_json:
            return terminal.show_json(rows)
        nothing = "There is no coordinator yet; add one with: verbinden coordinators add ADDRESS --name NAME"
        cells = [(row["address"], row["name"], row["language"]) for row in rows]
        return terminal.show_table(("address", "name", "language"), cells, nothing)


@coordinators.command()
@click.argument("address", type=arguments.ADDRESS)
@click.option("--name", required=True)
@click.option("--language", help="The language we write to them in (the first of the network).")
@click.pass_obj
def add(env_file: Path | None, address: Address, name: str, language: str | None) -> None:
    """Add a coordinator."""
    with opening(env_file) as app, app.database.begin() as session:
        spoken = app.network.language(language)
        if language not in (None, spoken):
            raise click.BadParameter(f"the network speaks {', '.join(app.network.languages)}", param_hint="--language")
        coordinator.add(session, address, name, spoken, app.now())
    click.echo(f"{address} is a coordinator now.")


@coordinators.command()
@click.argument("address", type=arguments.ADDRESS)
@click.pass_obj
def remove(env_file: Path | None, address: Address) -> None:
    """Take a coordinator off."""
    with opening(env_file) as app, app.database.begin() as session:
        coordinator.remove(session, address)
        left = len(coordinator.everyone(session))
    click.echo(f"{address} is no longer a coordinator.")
    if not left:
        click.echo("Nobody is left to read what the machine does not answer: add somebody soon.", err=True)

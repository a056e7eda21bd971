"""What people type behind a command: addresses, names of folders, local times, and the options many commands share."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from contacts import network
from contacts.address import Address
from contacts.errors import RuleBroken

Command = TypeVar("Command", bound=Callable[..., Any])
LOCAL_TIME = click.DateTime(formats=["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"])
DISCREET = click.Choice(["off", "subject", "full"])


class AddressType(click.ParamType[Address]):
    """One plain mail address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """The text as an Address; anything else is wrong usage."""
        if isinstance(value, Address):
            return value
        try:
            return Address.parse(value)
        except RuleBroken as broken:
            self.fail(broken.message, param, ctx)


class NameType(click.ParamType[str]):
    """The name of a template folder: it becomes a path and a part of file names."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself; anything that is no plain folder name is wrong usage."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,79}", value):
            self.fail("A name has small letters, digits, - and _ only, like winter-2026.", param, ctx)
        return str(value)


ADDRESS = AddressType()
NAME = NameType()


def as_json(command: Command) -> Command:
    """The option --json, for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def by(command: Command) -> Command:
    """The option --by: the coordinator who answers for it."""
    return click.option("--by", type=ADDRESS, required=True, help="The coordinator who decides this.")(command)


def instant(local: datetime, timezone: ZoneInfo) -> datetime:
    """A time as people of the network read it off the clock, as an aware instant (conformance CAL-15).

    Raises click.BadParameter for an hour that a change of the clock skips or repeats.
    """
    try:
        return network.instant(local, timezone)
    except RuleBroken as broken:
        raise click.BadParameter(broken.message) from None

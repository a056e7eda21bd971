"""The folders that coordinators write in: starting one from the shipped example, and finding those there are."""

import shutil
from pathlib import Path

from contacts.errors import RuleBroken
from jobs.app import App
from mailer.outbound.compile import SHIPPED

EXAMPLE = "example"


def start(app: App, kind: str, name: str) -> Path:
    """A copy of the example of `kind` ("newsletters", "meetings") under a new name, to write in.

    Raises RuleBroken("templates") where coordinators have no folder of their own, ("exists") for a name in use.
    """
    folder = own(app) / kind / name
    if folder.exists():
        raise RuleBroken("exists", f"{folder} is there already; choose another name.")
    mine = own(app) / kind / EXAMPLE
    shutil.copytree(mine if mine.is_dir() else SHIPPED / kind / EXAMPLE, folder, copy_function=shutil.copyfile)
    return folder


def own(app: App) -> Path:
    """The coordinators' own folder of templates; raises RuleBroken("templates") when the settings name none."""
    if app.config.templates_dir is None:
        raise RuleBroken("templates", "TEMPLATES_DIR is not set: verbinden init lays a folder out; name it there.")
    return app.config.templates_dir


def require_real(name: str) -> None:
    """Raises RuleBroken("example") for the example: it is there to be copied, and must never reach a member."""
    if name == EXAMPLE:
        raise RuleBroken("example", "The example is nobody's letter; copy it under a name of your own with: new NAME")


def names(app: App, kind: str) -> list[str]:
    """The folders of a kind that somebody wrote, by name; the example is nobody's."""
    root = app.config.templates_dir
    if root is None or not (root / kind).is_dir():
        return []
    toml = f"{kind.removesuffix('s')}.toml"
    return sorted(one.name for one in (root / kind).iterdir() if (one / toml).is_file() and one.name != EXAMPLE)

"""`verbinden init`: a folder with everything a coordinator writes in, and a .env with a fresh secret key."""

import re
import secrets
import shlex
import shutil
from pathlib import Path

import click

from contacts.errors import RuleBroken
from jobs.commands.terminal import write_private

HERE = Path(__file__).parent.parent
SHIPPED = HERE.parent / "templates"
_NOT_OURS = shutil.ignore_patterns("__pycache__", "*.py")
_README = """\
These are your own templates. What stands here comes before what Verbinden ships; what does not, is taken from there.

newsletters/NAME/   one folder for each newsletter    verbinden newsletters new NAME
meetings/NAME/      one folder for each meeting       verbinden meetings new NAME
layouts/look.toml   colours and fonts of every letter
layouts/resources.toml   the links that people get who ask for advice: your report, your e-learning
layouts/, mails/    to word an automatic mail differently, or to change a layout, copy its folder or file from
                    the shipped templates to here (verbinden init --all does that with all of them in a new folder);
                    from then on yours is used, also when a newer version ships a better one
"""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--all", "everything", is_flag=True, help="Copy the automatic mails and the layouts, too.")
def init(folder: Path, everything: bool) -> None:
    """Lay out a folder with templates and a .env to fill in; overwrites nothing."""
    templates, settings = folder / "templates", folder / ".env"
    for place in (templates, settings):
        if place.exists():
            raise RuleBroken("exists", f"{place} is there already; nothing was changed.")
    for kind in ("newsletters", "meetings", *(("mails", "layouts") if everything else ())):
        shutil.copytree(SHIPPED / kind, templates / kind, ignore=_NOT_OURS, copy_function=shutil.copyfile)
    if not everything:
        (templates / "layouts").mkdir(parents=True)
        for name in ("look.toml", "resources.toml"):
            shutil.copyfile(SHIPPED / "layouts" / name, templates / "layouts" / name)
    (templates / "README.txt").write_text(_README, encoding="utf-8")
    (folder / "data").mkdir(mode=0o700)
    write_private(settings, _settings(folder.resolve()).encode())
    click.echo(f"Now fill in {settings}, then: cd {shlex.quote(str(folder))}; verbinden doctor; verbinden run")


def _settings(folder: Path) -> str:
    """The commented .env with a fresh key; its paths are whole, so that it works from wherever it is named."""
    text = (HERE / "env.example").read_text(encoding="utf-8")
    values = {
        "SECRET_KEY": secrets.token_hex(32),
        "TEMPLATES_DIR": _quoted(folder / "templates"),
        "DATA_DIR": _quoted(folder / "data"),
    }
    return re.sub(
        r"(?m)^([A-Z_]+)=.*$", lambda line: f"{line[1]}={values[line[1]]}" if line[1] in values else line[0], text
    )


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

"""Pages as values, and how they become HTML: a template, the words of one language, and what is to be shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from web.door import Door
from web.words import Words

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Page:
    """What somebody gets to see: the file of web/templates, the words, the status, and the values of the template."""

    template: str
    words: Words
    status: int = 200
    values: Mapping[str, Any] = field(default_factory=dict)


def message(about: str, words: Words, status: int = 200, code: str = "", done: bool = False) -> Page:
    """A page that only says something: the lines of the table `about` in the words; `done` puts a tick above them."""
    said = {"more": "", **words.lines[about]}
    return Page("message.html", words, status, {"said": said, "code": code, "done": done})


def render(page: Page, door: Door) -> HTMLResponse:
    """The response that shows a page."""
    words = page.words
    html = _ROOM.get_template(page.template).render(
        w=words.lines, language=words.language, direction=words.direction, root=door.root, exit_url=door.exit_url,
        network=door.network.name, address=door.network.address, **page.values,
    )  # fmt: skip
    return HTMLResponse(html, page.status)


def _fill(line: str, **values: object) -> str:
    """A line with its {places} filled; what is put in is escaped afterwards, like everything else."""
    for name, value in values.items():
        line = line.replace(f"{{{name}}}", str(value))
    return line


_ROOM = Environment(
    loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
_ROOM.filters["fill"] = _fill

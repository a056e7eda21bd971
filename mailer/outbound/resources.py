"""The network's own material for people who ask for advice: titles and links from layouts/resources.toml."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mailer.errors import TemplateError

FILE = "resources.toml"
_SHOWN = f"layouts/{FILE}"
_TITLE = 120
_URL = 500


@dataclass(frozen=True, slots=True)
class Resource:
    """One link in one language."""

    language: str
    title: str
    url: str


def read_resources(text: str) -> tuple[Resource, ...]:
    """The links in every language, in their order; raises TemplateError with file and line for what cannot be one."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(str(error), _SHOWN) from None
    entries = table.pop("resource", [])
    if table or not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise TemplateError("write each link below a line [[resource]], and nothing else", _SHOWN)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if line.strip().startswith("[[resource]]")]
    found: list[Resource] = []
    for place, entry in enumerate(entries):
        try:
            found += _titles(entry)
        except ValueError as error:
            raise TemplateError(str(error), _SHOWN, lines[place] if place < len(lines) else None) from None
    return tuple(found)


def in_language(found: tuple[Resource, ...], language: str) -> list[dict[str, str]]:
    """The facts for a letter in a language: title and url of each link."""
    return [{"title": one.title, "url": one.url} for one in found if one.language == language]


def _titles(entry: Mapping[str, Any]) -> Iterator[Resource]:
    titles = {key: value for key, value in entry.items() if key != "url"}
    if not titles:
        raise ValueError('this link has no title; write one for each language: nl = "…"')
    by_language = entry.get("url")
    urls = by_language if isinstance(by_language, dict) else dict.fromkeys(titles, by_language)
    for language in sorted(set(urls) - set(titles)):
        raise ValueError(f'there is an address for {language}, but no title; write: {language} = "…"')
    for language, title in titles.items():
        if language not in urls:
            raise ValueError(f"there is a title in {language}, but no address for it")
        yield Resource(language, _checked_title(language, title), _checked_url(urls[language]))


def _checked_title(language: str, title: object) -> str:
    words = " ".join(title.split()) if isinstance(title, str) else ""
    if not words or len(words) > _TITLE or len(language) > 3:
        raise ValueError(f'the title must be one line of at most {_TITLE} characters, by language: nl = "…"')
    return words


def _checked_url(url: object) -> str:
    if not isinstance(url, str) or not _is_link(url):
        raise ValueError('the address must be a whole link, without a name or password in it: url = "https://…"')
    return url


def _is_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = url.isprintable() and not set(url) & set(" <>\"'\\`") and len(url) <= _URL
    return plain and parts.scheme == "https" and "." in parts.netloc.strip(".") and "@" not in parts.netloc

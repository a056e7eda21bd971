"""The words of the pages, one file for each language, and the choice of the language to show a page in."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale

from contacts.network import Network

_FOLDER = Path(__file__).parent / "words"


@dataclass(frozen=True, slots=True)
class Words:
    """Every line of the pages in one language; `direction` is "ltr" or "rtl"."""

    language: str
    direction: str
    lines: Mapping[str, Any]


@cache
def load(folder: Path = _FOLDER) -> Mapping[str, Words]:
    """The words by language: one `<language>.toml` each (ISO 639-1)."""
    return {file.stem: _read(file) for file in sorted(folder.glob("*.toml"))}


def _read(file: Path) -> Words:
    return Words(file.stem, Locale.parse(file.stem).text_direction, tomllib.loads(file.read_text("utf-8")))


def choose(network: Network, wanted: str | None, accept: str) -> Words:
    """The words for somebody: in the language we know of them, else of their browser (RFC 9110 §12.5.4), else ours."""
    known = load()
    spoken = [language for language in network.languages if language in known] or ["en"]
    liked = [wanted, *accepted(accept)]
    return known[next((language for language in liked if language in spoken), spoken[0])]


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the most wanted first, without regions; nonsense is left out."""
    weighed = []
    for item in header[:500].split(","):
        tag, _, parameter = item.partition(";")
        language, weight = tag.strip().lower().partition("-")[0], _weight(parameter.strip())
        if language.isalpha() and weight > 0:
            weighed.append((weight, language))
    return [language for _, language in sorted(weighed, key=lambda one: -one[0])]


def _weight(parameter: str) -> float:
    try:
        return float(parameter[2:]) if parameter.startswith("q=") else 1.0
    except ValueError:
        return 0.0

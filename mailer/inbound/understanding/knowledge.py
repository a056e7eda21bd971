"""Words shared by all languages, from words/shared.toml and words/people.toml, read once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from mailer.inbound.fold import fold


@cache
def _table() -> dict[str, dict[str, str]]:
    folder = files("mailer.inbound.understanding").joinpath("words")
    read = (tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8")) for name in ("shared.toml", "people.toml"))
    return {section: entries for table in read for section, entries in table.items()}


@cache
def shared(section: str, name: str) -> frozenset[str]:
    """The folded words of one entry; raises KeyError for one that the files do not hold."""
    return frozenset(fold(word) for word in _table()[section][name].split())


@cache
def spellings() -> Mapping[int, str]:
    """How each letter of another script is written in Latin ones, for str.translate."""
    pairs = (pair.partition("=") for pair in _table()["letters"]["spelled"].split())
    return {ord(letter): latin for letter, _, latin in pairs}


@cache
def numbers() -> dict[str, int]:
    """Numbers written as words, folded, in any language."""
    return {fold(word): int(value) for value, text in _table()["numbers"].items() for word in text.split()}


@cache
def wholes() -> dict[str, int]:
    """Words that say at once that so many are meant, the speaker among them: "üçümüz", "вчетвером"."""
    return {fold(word): int(value) for value, text in _table()["wholes"].items() for word in text.split()}


@cache
def language_names() -> dict[str, tuple[str, ...]]:
    """For each language the beginnings of its name in any language, folded."""
    return {language: tuple(fold(word) for word in text.split()) for language, text in _table()["languages"].items()}

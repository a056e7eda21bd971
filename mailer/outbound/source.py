"""Reads a template folder: its .toml, one text per language, its pictures."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailer.errors import TemplateError
from mailer.outbound.picture import Picture, load_pictures

LAYOUTS = {"mail": "letter", "newsletter": "newsletter", "meeting": "invitation"}
MAX_TEXT = 200_000
_LANGUAGE = re.compile(r"^[a-z]{2,3}$")
_AT_LINE = re.compile(r" ?\(at line (\d+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class Text:
    """The text of one language: `file` names it in messages ("winter/nl.md"), `markup` is "md" or "mjml"."""

    file: str
    markup: str
    content: str


@dataclass(frozen=True, slots=True)
class Source:
    """A template folder as it was read; `version` changes with every byte of it."""

    folder: Path
    kind: str
    settings: Mapping[str, Any]
    texts: Mapping[str, Text]
    pictures: Mapping[str, Picture]
    version: str
    raw_settings: str

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a text, sorted."""
        return tuple(sorted(self.texts))

    @property
    def settings_file(self) -> str:
        """The .toml as messages name it."""
        return f"{self.folder.name}/{self.kind}.toml"

    @property
    def layout(self) -> str:
        """The layout round the text: `layout` of the .toml, or the one that goes with the kind of folder."""
        return str(self.settings.get("layout") or LAYOUTS[self.kind])

    def text(self, language: str) -> Text:
        """The text in a language; raises TemplateError when nobody wrote it."""
        if language not in self.texts:
            raise TemplateError(
                f"there is no text in this language; write {language}.md", f"{self.folder.name}/{language}.md"
            )
        return self.texts[language]

    def line(self, language: str, key: str) -> str | None:
        """A line of the [language] table (subject, preheader, discreet…), None when it is not there or blank."""
        table = self.settings.get(language, {})
        value = table.get(key) if isinstance(table, Mapping) else None
        if value is not None and not isinstance(value, str):
            raise TemplateError(f'{key} of [{language}] must be words between quotes: {key} = "…"', self.settings_file)
        return value.strip() or None if value else None

    def line_number(self, language: str, key: str) -> int | None:
        """Where `key` of the [language] table stands in the .toml, for messages."""
        inside = False
        for number, line in enumerate(self.raw_settings.split("\n"), 1):
            if line.strip().startswith("["):
                inside = line.strip() == f"[{language}]"
            elif inside and re.match(rf"\s*{re.escape(key)}\s*=", line):
                return number
        return None


def load(folder: Path) -> Source:
    """Read a folder with mail.toml, newsletter.toml or meeting.toml; raises TemplateError with file and line."""
    kind = next((kind for kind in LAYOUTS if (folder / f"{kind}.toml").is_file()), None)
    if kind is None:
        raise TemplateError("here should be a mail.toml, newsletter.toml or meeting.toml", folder.name)
    raw = read_text(folder / f"{kind}.toml", f"{folder.name}/{kind}.toml")
    settings = _settings(raw, f"{folder.name}/{kind}.toml")
    texts = _texts(folder)
    pictures = load_pictures(folder)
    version = sha256(raw.encode())
    for text in texts.values():
        version.update(f"\0{text.file}\0{text.content}".encode())
    for picture in pictures.values():
        version.update(f"\0{picture.path}\0{picture.cid}".encode())
    return Source(folder, kind, settings, texts, MappingProxyType(pictures), version.hexdigest(), raw)


def _settings(raw: str, file: str) -> Mapping[str, Any]:
    try:
        return MappingProxyType(tomllib.loads(raw))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = _AT_LINE.search(message)
        line = int(at.group(1)) if at else None
        raise TemplateError(f'{_AT_LINE.sub("", message)}; write settings like: subject = "…"', file, line) from None


def _texts(folder: Path) -> Mapping[str, Text]:
    texts: dict[str, Text] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".md", ".mjml") or not _LANGUAGE.match(path.stem):
            continue
        file = f"{folder.name}/{path.name}"
        if path.stem in texts:
            raise TemplateError(f"there is also a {texts[path.stem].file}; keep one of the two", file)
        texts[path.stem] = Text(file, path.suffix[1:], read_text(path, file))
    return MappingProxyType(texts)


def read_text(path: Path, file: str) -> str:
    """The words of a file that messages call `file`; raises TemplateError for one that is too long or not UTF-8."""
    raw = path.read_bytes()
    if len(raw) > MAX_TEXT:
        raise TemplateError(f"the file is longer than {MAX_TEXT // 1000} kB", file)
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise TemplateError("the file is not saved as UTF-8; save it again as UTF-8", file, line) from None

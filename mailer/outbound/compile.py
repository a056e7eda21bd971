"""Compiles a template folder to an Edition: sandboxed Jinja, guarded MJML, inlined CSS, and an equal text part."""

import json
import tomllib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import date, time
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Literal, cast

from babel import Locale, UnknownLocaleError

from mailer.errors import TemplateError
from mailer.outbound.compile_worker import JOB_SECONDS, Worker
from mailer.outbound.edition import Edition, InlineImage, Slot, Variant
from mailer.outbound.resources import FILE, Resource, read_resources
from mailer.outbound.shelf import Shelf, stamp
from mailer.outbound.source import Source, load, read_text

SHIPPED = Path(__file__).resolve().parents[2] / "templates"
VARIANTS: tuple[Variant, ...] = ("plain", "discreet")
_KEPT = 128


class Compiler:
    """Makes editions; safe to use from several threads. `close` ends its child process."""

    def __init__(
        self, templates: Path | None = None, timezone: str | None = None, job_seconds: float = JOB_SECONDS
    ) -> None:
        """`templates` is the coordinators' own folder; what is not in it comes from the shipped one.

        `timezone` (IANA name) is used for dates and hours when the facts have no `network.timezone`.
        """
        self._folders = (templates, SHIPPED) if templates else (SHIPPED,)
        self._timezone = timezone
        self._worker = Worker(job_seconds)
        self._made: OrderedDict[str, Edition] = OrderedDict()
        self._lock = Lock()
        self._shelf = Shelf()

    def find(self, *path: str) -> Path:
        """The folder of a template (`find("mails", "welcome")`), the coordinators' own before ours."""
        for folder in self._folders:
            if folder.joinpath(*path).is_dir():
                return folder.joinpath(*path)
        raise TemplateError("there is no such template", "/".join(path))

    def edition(self, source: Path | Source, language: str, variant: str, facts: Mapping[str, Any]) -> Edition:
        """The edition of a folder in a language and variant ("plain" or "discreet"); raises TemplateError.

        `facts` are plain values (words, numbers, lists, mappings, None; dates become ISO 8601); the folder's own .toml
        is the fact `settings`. A relative folder is looked for with `find`. Equal calls give equal editions.
        """
        read = source if isinstance(source, Source) else load(self._folder(source))
        plain = json.dumps(facts, default=_plain, sort_keys=True)
        layouts = [stamp(folder / "layouts") for folder in self._folders]
        key = sha256(repr((read.version, read.folder, layouts, language, variant, plain)).encode()).hexdigest()
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        job = self._job(read, language, variant, json.loads(plain))
        edition = _edition(job, self._worker.ask(job, job["file"]), read)
        with self._lock:
            self._made[key] = edition
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return edition

    def mail(self, name: str) -> Source:
        """The folder of an automatic mail as it is now, read again only when it changed; raises TemplateError."""
        return self._shelf.read(self.find("mails", name), "source", load)

    def look(self) -> dict[str, Any]:
        """The colours and fonts in use: look.toml, the coordinators' own over ours."""
        return self._table("look.toml")

    def resources(self) -> tuple[Resource, ...]:
        """The network's own links for who asks for advice: the coordinators' list, or ours, which is empty.

        Raises TemplateError with file and line for a list that cannot be read.
        """
        files = (folder / "layouts" / FILE for folder in self._folders)
        file = next((file for file in files if file.is_file()), None)
        return read_resources(read_text(file, f"layouts/{FILE}")) if file else ()

    def close(self) -> None:
        """End the child process; the compiler can still be used, and starts another one then."""
        self._worker.close()

    def __enter__(self) -> "Compiler":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _folder(self, source: Path) -> Path:
        return source if source.is_absolute() or source.is_dir() else self.find(*source.parts)

    def _job(self, source: Source, language: str, variant: str, plain: dict[str, Any]) -> dict[str, Any]:
        text = source.text(language)
        if variant not in VARIANTS:
            raise TemplateError(f'there is no variant "{variant}", only plain and discreet', text.file)
        words = self._words(language, str(plain.get("network", {}).get("name", "")))
        settings = json.loads(json.dumps(dict(source.settings), default=_plain))
        neutral = source.settings.get("neutral") is True
        return {
            "file": text.file, "markup": text.markup, "content": text.content, "layout": source.layout,
            "subject": _subject(source, language, variant, neutral),
            "preheader": _preheader(source, language, variant, neutral, words["neutral_preheader"]),
            "layouts": self._layouts(), "facts": {"settings": settings, **plain}, "words": words, "look": self.look(),
            "language": language, "direction": _direction(language, text.file), "variant": variant,
            "timezone": plain.get("network", {}).get("timezone") or self._timezone, "neutral": neutral,
            "pictures": {path: [one.cid, one.width, one.height] for path, one in source.pictures.items()},
        }  # fmt: skip

    def _layouts(self) -> dict[str, str]:
        files = [file for folder in reversed(self._folders) for file in sorted((folder / "layouts").glob("*.mjml"))]
        return {file.name: file.read_text("utf-8") for file in files}

    def _table(self, name: str) -> dict[str, Any]:
        """A .toml of layouts/: ours, overlaid with what the coordinators' own one says."""
        table: dict[str, Any] = {}
        for folder in reversed(self._folders):
            file = folder / "layouts" / name
            if not file.is_file():
                continue
            try:
                found = tomllib.loads(file.read_text("utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise TemplateError(str(error), f"layouts/{name}") from None
            table.update({key: {**table.get(key, {}), **one} if isinstance(one, dict) else one
                          for key, one in found.items()})  # fmt: skip
        return table

    def _words(self, language: str, network: str) -> dict[str, str]:
        table = self._table("words.toml")
        if language not in table:
            raise TemplateError(
                f"the words of the layouts are not written in this language; add [{language}]", "layouts/words.toml"
            )
        return {key: str(line).replace("{network}", network) for key, line in table[language].items()}


def _plain(value: Any) -> str:
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise TypeError(f"a fact must be plain data, not {type(value).__name__}")


def _subject(source: Source, language: str, variant: str, neutral: bool) -> tuple[str, str, int | None]:
    key = "discreet" if variant == "discreet" and not neutral else "subject"
    line = source.line(language, key)
    if line is None:
        reason = "a neutral subject for discreet readers" if key == "discreet" else "the subject"
        raise TemplateError(f'[{language}] has no {key}: write {key} = "…", {reason}', source.settings_file)
    return line, source.settings_file, source.line_number(language, key)


def _preheader(
    source: Source, language: str, variant: str, neutral: bool, neutral_words: str
) -> tuple[str, str, int | None]:
    key = "discreet_preheader" if variant == "discreet" and not neutral else "preheader"
    line = source.line(language, key)
    return line or neutral_words, source.settings_file, source.line_number(language, key)


def _direction(language: str, file: str) -> Literal["ltr", "rtl"]:
    try:
        return cast(Literal["ltr", "rtl"], Locale.parse(language).text_direction)
    except (UnknownLocaleError, ValueError):
        raise TemplateError(f'"{language}" is not a language we know the rules of', file) from None


def _edition(job: Mapping[str, Any], made: Mapping[str, Any], source: Source) -> Edition:
    pictures = (source.pictures[path] for path in made["pictures"])
    return Edition(
        language=job["language"],
        variant=job["variant"],
        direction=job["direction"],
        subject=made["subject"],
        preheader=made["preheader"],
        html=made["html"],
        text=made["text"],
        slots=tuple(Slot(*slot) for slot in made["slots"]),
        images=tuple(InlineImage(one.cid, one.path.rpartition("/")[2], one.type, one.data) for one in pictures),
    )

"""Looks at a template folder as a careful colleague would: every language, every variant, with file and line."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

from mailer.errors import TemplateError
from mailer.outbound.compile import VARIANTS, Compiler
from mailer.outbound.edition import Edition
from mailer.outbound.source import Source, load

Severity = Literal["error", "warning"]
FactsOf = Callable[[str, str], Mapping[str, Any]]

MAX_HTML = 100_000
LARGE_HTML = 80_000
MAX_PREHEADER = 110
CONTRAST = 4.5
#: A personal link is about this long; sizes are measured with such links in their places.
_LONG_LINK = "https://" + "x" * 290
_NEEDED = {"newsletter": ("link.unsubscribe",), "meeting": ("link.unsubscribe", "link.rsvp_yes", "link.rsvp_no")}
_SAYS_NOTHING = {"hier", "klik hier", "ici", "cliquez ici", "here", "click here", "link", "lien", "lees meer", "more"}
_READ_TOGETHER = (
    ("ink", "card"), ("ink", "box"), ("muted", "paper"), ("on_accent", "accent"), ("accent", "card"),
    ("accent", "box"), ("accent", "paper"), ("dark_ink", "dark_card"), ("dark_ink", "dark_box"),
    ("dark_muted", "dark_paper"), ("dark_link", "dark_card"), ("dark_link", "dark_box"), ("dark_link", "dark_paper"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something a coordinator should look at: an "error" keeps a letter from being approved, a "warning" does not."""

    file: str
    line: int | None
    message: str
    severity: Severity = "error"


def check(
    source: Path | Source, compiler: Compiler, languages: Sequence[str], facts: Mapping[str, Any] | FactsOf
) -> list[Problem]:
    """Everything wrong with a folder, in the languages of the network; an empty list lets it be approved.

    `facts` are those the letter will be compiled with, or a function that gives them for a language and variant.
    """
    try:
        read = source if isinstance(source, Source) else load(source)
        looks = list(_contrast(compiler.look()))
    except TemplateError as error:
        return [_problem(error)]
    facts_of = facts if callable(facts) else lambda _language, _variant: facts
    found = [*looks, *_translations(read, languages)]
    for language in sorted(set(languages) & set(read.languages)):
        for variant in VARIANTS:
            try:
                edition = compiler.edition(read, language, variant, facts_of(language, variant))
            except TemplateError as error:
                found.append(_problem(error))
            else:
                found.extend(_edition(edition, read, facts_of(language, variant)))
    return list(dict.fromkeys(found))


def _problem(error: TemplateError) -> Problem:
    return Problem(error.file, error.line, error.message)


def _translations(source: Source, languages: Sequence[str]) -> Iterator[Problem]:
    """A language that nobody wrote gets another one's text; that is a choice, so it is only a warning."""
    written = [language for language in languages if language in source.languages]
    for language in languages:
        if language in source.languages:
            continue
        file = f"{source.folder.name}/{language}.md"
        if not written:
            yield Problem(file, None, "there is no text in this language, nor in any other of the network")
        else:
            message = f"there is no text in this language; these members will get {written[0]}"
            yield Problem(file, None, message, "warning")


def _edition(edition: Edition, source: Source, facts: Mapping[str, Any]) -> Iterator[Problem]:
    file = source.text(edition.language).file
    size = _largest(edition)
    if size >= MAX_HTML:
        yield Problem(
            file, None, f"the letter is {size // 1000} kB and is cut off at {MAX_HTML // 1000} kB: make it shorter"
        )
    elif size >= LARGE_HTML:
        yield Problem(
            file, None, f"the letter is {size // 1000} kB; from {MAX_HTML // 1000} kB on it is cut off", "warning"
        )
    slots = {slot.name for slot in edition.slots}
    for name in _NEEDED.get(source.kind, ()):
        if name not in slots:
            yield Problem(file, None, f"every letter of this kind needs {{{{ {name} }}}}; the layout has it")
    links = list(links_of(edition.html))
    for href, words in links:
        if _in_text(href) not in edition.text:
            yield Problem(file, None, f'the link "{words}" is missing from the text part')
        if words.strip(" .:!").lower() in _SAYS_NOTHING:
            yield Problem(file, None, f'the link "{words}" does not say where it leads; use words that do', "warning")
    yield from _envelope(edition, source, facts)


def _envelope(edition: Edition, source: Source, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """What is seen before the letter is opened."""
    file = source.settings_file
    if len(edition.preheader) > MAX_PREHEADER:
        line = source.line_number(edition.language, "preheader")
        yield Problem(file, line, f"the preheader is longer than {MAX_PREHEADER} characters", "warning")
    name = str(facts.get("network", {}).get("name", "")).lower()
    seen = f"{edition.subject}\n{edition.preheader}".lower()
    if edition.variant == "discreet" and name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", seen):
        line = source.line_number(edition.language, "discreet")
        yield Problem(file, line, "the discreet subject or preheader holds the name of the network; make it neutral")


def _largest(edition: Edition) -> int:
    """The bytes of the HTML for the member with the longest name and links."""
    values = {slot.name: _LONG_LINK if slot.is_link else "\u0645" * 80 for slot in edition.slots}
    return len(edition.fill(values).html.encode())


def _in_text(href: str) -> str:
    return href.removeprefix("mailto:") if "?" not in href else href


def links_of(page: str) -> Iterator[tuple[str, str]]:
    """The links of an HTML page and their words, in order."""
    reader = _Links()
    reader.feed(page)
    reader.close()
    yield from reader.found


class _Links(HTMLParser):
    """Collects (href, words) of every <a>."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._open: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self._open = (href, [])

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open:
            self.found.append((self._open[0], " ".join("".join(self._open[1]).split())))
            self._open = None


def _contrast(look: Mapping[str, Any]) -> Iterator[Problem]:
    file = "layouts/look.toml"
    for words, ground in _READ_TOGETHER:
        try:
            ratio = contrast(str(look[words]), str(look[ground]))
        except (KeyError, ValueError):
            yield Problem(file, None, f'{words} and {ground} must be colours like "#1c5a4e"')
            continue
        if ratio < CONTRAST:
            yield Problem(file, None, f"{words} on {ground} is hard to read ({ratio:.1f} : 1, at least {CONTRAST} : 1)")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours like "#1c5a4e" (WCAG 2.2 §1.4.3); raises ValueError for anything else."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValueError(colour)
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""Turns the Markdown of a letter into MJML sections (docs/blocks.md tells coordinators what can be written)."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from mailer.errors import TemplateError
from mailer.outbound.line_numbers import numbered_source

_BLOCK = re.compile(r"^:::\s*(\w*)\s*(.*?)\s*$")
_PICTURE = re.compile(r"^!\[(?P<alt>(?:\\.|[^\]])*)\]\((?P<src>[^)\s]+)\)\s*$")
_RULE = re.compile(r"^\s*(-{3,}|\*{3,}|_{3,})\s*$")
_FENCED = ("box", "article")
_HOW = {
    "button": "::: button https://… | words on the button",
    "article": "::: article images/name.png | what the picture shows",
    "box": "::: box",
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of Markdown or one block, with the line where it begins."""

    kind: str
    line: int
    lines: tuple[tuple[int, str], ...] = ()
    detail: str = ""
    src: str = ""


@dataclass(frozen=True, slots=True)
class _Room:
    """Where blocks stand: the file, its pictures, the widest one may be (px), attributes for the sides and pictures."""

    file: str
    sizes: Mapping[str, tuple[int, int]]
    widest: int
    sides: str = ""
    picture: str = ""


def to_mjml(markdown: str, file: str, sizes: Mapping[str, tuple[int, int]]) -> str:
    """The MJML sections of a Markdown text; `sizes` are the pictures of the folder. Raises TemplateError."""
    sections: list[str] = []
    column: list[str] = []
    for piece in _pieces(numbered_source(markdown), file):
        if piece.kind in _FENCED:
            _close(column, sections)
            sections.append(_fenced(piece, file, sizes))
        else:
            column.append(_block(piece, _Room(file, sizes, 520)))
    _close(column, sections)
    return "\n".join(sections)


def _close(column: list[str], sections: list[str]) -> None:
    if column:
        sections.append(f"<mj-section><mj-column>{''.join(column)}</mj-column></mj-section>")
        column.clear()


def _pieces(lines: Sequence[tuple[int, str]], file: str) -> Iterator[_Piece]:
    """Split at blocks, pictures and dividers; the Markdown between them stays whole."""
    run: list[tuple[int, str]] = []
    at = 0
    while at < len(lines):
        number, line = lines[at]
        block, picture = _BLOCK.match(line), _PICTURE.match(line)
        rule = _RULE.match(line) and (at == 0 or not lines[at - 1][1].strip())
        if block or picture or rule:
            yield from _run(run)
            run = []
        if picture:
            yield _Piece("picture", number, (), unescapeAll(picture["alt"]), unescapeAll(picture["src"]))
        elif block:
            end = _end(lines, at, file) if block[1] in _FENCED else at
            yield _Piece(block[1], number, tuple(lines[at + 1 : end]), block[2])
            at = end
        elif rule:
            yield _Piece("rule", number)
        else:
            run.append(lines[at])
        at += 1
    yield from _run(run)


def _run(lines: Sequence[tuple[int, str]]) -> Iterator[_Piece]:
    if any(text.strip() for _, text in lines):
        yield _Piece("words", lines[0][0], tuple(lines))


def _end(lines: Sequence[tuple[int, str]], start: int, file: str) -> int:
    for at in range(start + 1, len(lines)):
        found = _BLOCK.match(lines[at][1])
        if found and not found[1]:
            return at
        if found and found[1] in _FENCED:
            break
    raise TemplateError("this block has no end; write a line with only ::: where it ends", file, lines[start][0])


def _block(piece: _Piece, room: _Room) -> str:
    if piece.kind == "words":
        return f"<mj-text{room.sides}>{_words(piece, room.file)}</mj-text>"
    if piece.kind == "rule":
        return f"<mj-divider{room.sides} />"
    if piece.kind == "picture":
        return _picture(piece, piece.src, piece.detail, room)
    if piece.kind == "button":
        return _button(piece, room)
    names = ", ".join(f'"{how}"' for how in _HOW.values())
    raise TemplateError(f'"::: {piece.kind}" is not a block; the blocks are: {names}', room.file, piece.line)


def _button(piece: _Piece, room: _Room) -> str:
    url, bar, words = piece.detail.partition("|")
    if not bar or not url.strip() or not words.strip():
        raise TemplateError(f"a button is written like this: {_HOW['button']}", room.file, piece.line)
    href = html.escape(unescapeAll(url.strip()), quote=True)
    label = html.escape(unescapeAll(words.strip()))
    return _at(room.file, piece.line) + f'<mj-button href="{href}"{room.sides}>{label}</mj-button>'


def _fenced(piece: _Piece, file: str, sizes: Mapping[str, tuple[int, int]]) -> str:
    if piece.kind == "box":
        inner = _inside(piece, _Room(file, sizes, 464, ' padding-left="28px" padding-right="28px"'))
        return f'<mj-section><mj-column mj-class="box" css-class="box">{inner}</mj-column></mj-section>'
    src, bar, alt = piece.detail.partition("|")
    if not bar or not src.strip():
        raise TemplateError(f"an article with a picture begins like this: {_HOW['article']}", file, piece.line)
    beside = _Room(file, sizes, 188, ' padding-left="16px" padding-right="16px"', ' fluid-on-mobile="true"')
    picture = _picture(piece, unescapeAll(src.strip()), unescapeAll(alt.strip()), beside)
    return (
        f'<mj-section padding="0 24px" css-class="beside"><mj-column width="40%">{picture}</mj-column>'
        f'<mj-column width="60%">{_inside(piece, beside)}</mj-column></mj-section>'
    )


def _inside(piece: _Piece, room: _Room) -> str:
    parts = list(_pieces(piece.lines, room.file))
    for part in parts:
        if part.kind in _FENCED:
            raise TemplateError("a block cannot stand inside another block", room.file, part.line)
    return "".join(_block(part, room) for part in parts)


def _picture(piece: _Piece, src: str, alt: str, room: _Room) -> str:
    if src not in room.sizes:
        known = ", ".join(room.sizes) or "none yet"
        raise TemplateError(f'there is no picture "{src}" in this folder; there is: {known}', room.file, piece.line)
    width = min(room.widest, room.sizes[src][0])
    words = html.escape(" ".join(alt.split()), quote=True)
    return (
        _at(room.file, piece.line)
        + f'<mj-image src="{html.escape(src, quote=True)}" alt="{words}" width="{width}px"{room.sides}{room.picture} />'
    )


def _words(piece: _Piece, file: str) -> str:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.validateLink = _leave_to_the_guard  # type: ignore[method-assign]
    parts: list[str] = []
    line = piece.line
    for token in parser.parse("\n".join(text for _, text in piece.lines)):
        if token.map and token.nesting >= 0:
            line = piece.lines[token.map[0]][0]
            parts.append(_at(file, line))
        if token.type in ("fence", "code_block"):
            raise TemplateError(
                "a line that begins with four spaces is read as program text; take the spaces away", file, line
            )
        if any(child.type == "image" for child in token.children or ()):
            raise TemplateError("a picture must stand on a line of its own", file, line)
        if token.children:
            first = (token.map or [0])[0]
            token.children = list(_placed(token.children, file, [number for number, _ in piece.lines[first:]]))
        parts.append(parser.renderer.render([token], parser.options, {}))
    return "".join(parts)


def _placed(children: Sequence[Token], file: str, numbers: Sequence[int]) -> Iterator[Token]:
    """The parts of a paragraph, with the place written behind every line break."""
    at = 0
    for child in children:
        yield child
        if child.type in ("softbreak", "hardbreak") and at + 1 < len(numbers):
            at += 1
            yield Token("html_inline", "", 0, content=_at(file, numbers[at]))


def _leave_to_the_guard(url: str) -> bool:
    """Every link is let through here, also an unsafe one: the guard refuses it with a message and a line."""
    return bool(url)


def _at(file: str, line: int) -> str:
    return f"<!--@{file}:{line}-->"

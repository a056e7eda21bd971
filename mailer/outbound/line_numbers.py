"""Carries the line numbers of a template through its rendering, so that a fault found later still has a place."""

import re
from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_LINE_END = re.compile("\ue000(\\d+)\ue001")


class LineNumbers(Extension):
    """Writes line numbers in a template: in MJML a comment before elements, in Markdown a private sign behind lines.

    Works on the words between the {{ }} and {% %} only. `numbered_source` takes the signs out of Markdown again;
    the comments `<!--@file:line-->` are read and dropped with the MJML.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Jinja's hook: the tokens, with the words numbered."""
        number = {"mjml": _number_mjml, "markdown": _number_markdown}.get(getattr(self.environment, "place", ""))
        for token in stream:
            if token.type == "data" and number:
                yield Token(token.lineno, token.type, number(token.value, stream.name or "", token.lineno))
            else:
                yield token


def _number_mjml(words: str, name: str, first: int) -> str:
    """A line that begins with an element gets its place before it; inside an element no line begins with one."""
    return "\n".join(
        f"<!--@{name}:{number}-->{line}" if line.lstrip().startswith("<") else line
        for number, line in enumerate(words.split("\n"), first)
    )


def _number_markdown(words: str, _: str, first: int) -> str:
    return "\n".join(f"{line}\ue000{number}\ue001" for number, line in enumerate(words.split("\n"), first))


def numbered_source(rendered: str) -> list[tuple[int, str]]:
    """The lines of a rendered Markdown text, each with the line of the template it came from."""
    found: list[tuple[int, str]] = []
    number = 0
    for line in rendered.split("\n"):
        ends = _LINE_END.findall(line)
        number = int(ends[-1]) if ends else number + 1
        found.append((number, _LINE_END.sub("", line)))
    return found

"""Reads rendered MJML into a small tree whose every node knows where it came from, and writes it for the compiler."""

import html
import re
import unicodedata
from dataclasses import dataclass, field
from html.parser import HTMLParser

from mailer.errors import TemplateError

MAX_DEPTH = 40
VOID = ("br", "hr", "mj-image", "mj-divider", "mj-spacer", "meta", "mj-class", "mj-all")
_PLACE = re.compile(r"^@(.+):(\d+)$")
_ESCAPED = ("Mn", "Me", "Mc", "Cf", "Zl", "Zp", "Cc", "Co", "Cn")


@dataclass(slots=True)
class Node:
    """An element of the mail: `children` are nodes and words; `file` and `line` say where the author wrote it."""

    tag: str
    attributes: dict[str, str]
    file: str
    line: int | None
    children: "list[Node | str]" = field(default_factory=list)

    def error(self, message: str) -> TemplateError:
        """A TemplateError at this element's place."""
        return TemplateError(message, self.file, self.line)

    def words(self) -> str:
        """All words in it, with single spaces."""
        inside = (child if isinstance(child, str) else child.words() for child in self.children)
        return " ".join("".join(inside).split())


def parse(mjml: str, file: str) -> Node:
    """The tree of a whole MJML document; raises TemplateError for what does not nest, too deep, or unfinished."""
    reader = _Reader(file)
    reader.feed(mjml)
    reader.close()
    return reader.finish()


def write(node: Node) -> str:
    """The tree as well-formed MJML whose attributes mrml cannot damage."""
    attributes = "".join(f' {name}="{_attribute(value)}"' for name, value in node.attributes.items())
    if node.tag in VOID and not node.children:
        return f"<{node.tag}{attributes} />"
    raw = node.tag == "mj-style"
    inside = "".join(
        (child if raw else html.escape(child, quote=False)) if isinstance(child, str) else write(child)
        for child in node.children
    )
    return f"<{node.tag}{attributes}>{inside}</{node.tag}>"


def _attribute(value: str) -> str:
    """mrml writes attributes as Rust debug strings: whatever it would turn into `\\u{…}` goes in as a reference."""
    return "".join(_reference(char) for char in unicodedata.normalize("NFC", value))


def _reference(char: str) -> str:
    if char in "&\"<>'\\" or unicodedata.category(char) in _ESCAPED or (char.isspace() and char != " "):
        return f"&#{ord(char)};"
    return char


class _Reader(HTMLParser):
    """Builds the tree; the comments of `line_numbers` tell the place, every other comment is dropped."""

    def __init__(self, file: str) -> None:
        super().__init__(convert_charrefs=True)
        self._file, self._line = file, None
        self._root = Node("", {}, file, None)
        self._open = [self._root]

    _line: int | None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        node = Node(tag, attributes, self._file, self._line)
        self._open[-1].children.append(node)
        if tag in VOID:
            return
        self._open.append(node)
        if len(self._open) > MAX_DEPTH:
            raise node.error(f"too many elements within each other (more than {MAX_DEPTH})")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        innermost = self._open[-1]
        if innermost.tag == tag and innermost is not self._root:
            self._open.pop()
            return
        ours = [node.tag for node in self._open[1:] if node.file == self._file]
        if innermost.file == self._file and tag in ours:
            raise innermost.error(f"<{innermost.tag}> is not closed before </{tag}>")
        raise TemplateError(f"</{tag}> closes something that was not opened", self._file, self._line)

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        place = _PLACE.match(data)
        if place:
            self._file, self._line = place[1], int(place[2])

    def handle_decl(self, decl: str) -> None:
        raise TemplateError("a mail begins with <mjml>, without <!doctype>", self._file, self._line)

    def handle_pi(self, data: str) -> None:
        raise TemplateError("<? … > cannot be used in a mail", self._file, self._line)

    unknown_decl = handle_pi

    def finish(self) -> Node:
        """The <mjml> element; nothing but blanks may stand beside it."""
        if len(self._open) > 1:
            raise self._open[-1].error(f"<{self._open[-1].tag}> is not closed")
        found = [child for child in self._root.children if isinstance(child, Node) or child.strip()]
        if len(found) != 1 or not isinstance(found[0], Node) or found[0].tag != "mjml":
            raise TemplateError("a mail is one <mjml> … </mjml>, with nothing before or after it", self._file)
        return found[0]

"""Writes the plain-text part from the same tree as the HTML: a true equal, with every link in it."""

import re

from mailer.outbound.edition import MARK
from mailer.outbound.mjml_tree import Node

_BLOCKS = ("p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "div", "hr")
_SPACE = re.compile(r"[ \t\n\r\f]+")
_RULE = "-" * 40
#: An element with this css-class is left out of the text part: it says nothing that the words do not say.
HTML_ONLY = "html-only"


def to_text(tree: Node, language: str) -> str:
    """The words of a guarded tree, one paragraph per line, blocks apart by a blank line; links follow their block."""
    body = next(child for child in tree.children if isinstance(child, Node) and child.tag == "mj-body")
    blocks = _Writer("\u00a0:" if language == "fr" else ":").write(body)
    return "\n\n".join(block for block in blocks if block) + "\n"


class _Writer:
    """Goes through the tree once; numbers the links [1], [2]… in the order of reading."""

    def __init__(self, colon: str) -> None:
        self._colon = colon
        self._numbers: dict[str, int] = {}

    def write(self, node: Node) -> list[str]:
        """The blocks of text in an element of the layout."""
        if HTML_ONLY in node.attributes.get("css-class", "").split():
            return []
        if node.tag == "mj-text":
            return self._flow(node)
        if node.tag == "mj-button":
            return [f"{node.words()}{self._colon}\n{_shown(node.attributes['href'])}"]
        if node.tag == "mj-image":
            return self._image(node)
        if node.tag == "mj-divider":
            return [_RULE]
        return [block for child in node.children if isinstance(child, Node) for block in self.write(child)]

    def _image(self, node: Node) -> list[str]:
        words = f"[{node.attributes['alt']}]" if node.attributes["alt"] else ""
        href = node.attributes.get("href")
        return [f"{words}\n{_shown(href)}".strip() if href else words]

    def _flow(self, node: Node) -> list[str]:
        """The paragraphs, headings and lists in an element of running text."""
        blocks: list[str] = []
        loose: list[Node | str] = []
        for child in node.children:
            if isinstance(child, Node) and child.tag in _BLOCKS:
                blocks.append(self._paragraph(loose))
                loose = []
                blocks.extend(self._block(child))
            else:
                loose.append(child)
        blocks.append(self._paragraph(loose))
        return [block for block in blocks if block]

    def _block(self, node: Node) -> list[str]:
        if node.tag in ("ul", "ol"):
            return [self._list(node)]
        if node.tag == "blockquote":
            return ["\n".join(f"> {line}".rstrip() for line in "\n\n".join(self._flow(node)).split("\n"))]
        if node.tag == "hr":
            return [_RULE]
        blocks = self._flow(node)
        if node.tag in ("h1", "h2") and blocks:
            head, _, rest = blocks[0].partition("\n")
            blocks[0] = "\n".join(filter(None, (head, _underline(head, node.tag), rest)))
        return blocks

    def _list(self, node: Node) -> str:
        items = [child for child in node.children if isinstance(child, Node)]
        start = node.attributes.get("start", "1")
        first = int(start) if start.isdigit() else 1
        lines = []
        for number, item in enumerate(items, first):
            lead = "- " if node.tag == "ul" else f"{number}. "
            text = "\n".join(self._flow(item))
            lines.append(lead + text.replace("\n", "\n" + " " * len(lead)))
        return "\n".join(lines)

    def _paragraph(self, children: "list[Node | str]") -> str:
        links: list[str] = []
        text = "".join(self._inline(child, links) for child in children)
        lines = [_SPACE.sub(" ", line).strip() for line in text.split("\v")]
        return "\n".join([*lines, *links]).strip()

    def _inline(self, child: "Node | str", links: list[str]) -> str:
        if isinstance(child, str):
            return child
        if child.tag == "br":
            return "\v"
        inside = "".join(self._inline(one, links) for one in child.children)
        return inside + self._note(child, inside, links) if child.tag == "a" else inside

    def _note(self, link: Node, words: str, links: list[str]) -> str:
        href = link.attributes["href"]
        if words.strip() == _shown(href) and href.startswith("mailto:"):
            return ""
        if href in self._numbers:
            return f" [{self._numbers[href]}]"
        number = self._numbers[href] = len(self._numbers) + 1
        links.append(f"[{number}] {_shown(href)}")
        return f" [{number}]"


def _shown(href: str) -> str:
    """A plain mail address is shown as people write it; every other link as it is."""
    return href.removeprefix("mailto:") if "?" not in href else href


def _underline(head: str, tag: str) -> str:
    length = len(MARK.sub("x" * 10, head))
    return ("=" if tag == "h1" else "-") * min(length, 60)

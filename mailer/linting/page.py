"""An HTML part taken apart by a plain tag reader: elements, links, title and style."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(slots=True)
class Element:
    """One start tag: its name, its attributes, the byte at which it starts, and the text inside it."""

    tag: str
    attributes: dict[str, str]
    offset: int
    inner: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text inside, white space evened out."""
        return " ".join("".join(self.inner).split())


@dataclass(frozen=True)
class Page:
    """The elements of an HTML part in their order."""

    source: str
    elements: tuple[Element, ...]

    def all(self, *tags: str) -> list[Element]:
        """The elements of these names."""
        return [element for element in self.elements if element.tag in tags]

    @property
    def links(self) -> list[Element]:
        """Every `<a href>`."""
        return [element for element in self.all("a") if element.attributes.get("href")]

    @property
    def title(self) -> str:
        """The text of `<title>`, or ""."""
        return next((element.text for element in self.all("title")), "")

    @property
    def style(self) -> str:
        """All CSS: style elements and style attributes."""
        inside = [element.text for element in self.all("style")]
        return "\n".join(inside + [element.attributes.get("style", "") for element in self.elements])


class _Reader(HTMLParser):
    """Collects elements; an end tag closes the newest open element of its name."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Element] = []
        self._open: list[Element] = []
        self._starts = [0]
        for line in source.split("\n"):
            self._starts.append(self._starts[-1] + len(line.encode()) + 1)
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        element = Element(tag, {name: value or "" for name, value in attrs}, self._starts[line - 1] + column)
        self.found.append(element)
        self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index].tag == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        for element in self._open[-12:]:
            element.inner.append(data)


def read_page(source: str) -> Page:
    """Take HTML apart; total: whatever is no tag is text."""
    return Page(source, tuple(_Reader(source).found))

"""HTML of a mail as text, with what the writer quoted kept apart; one pass, no tree, linear in its length."""

import html as entities
import re
from dataclasses import dataclass

_SKIPPED = frozenset({"head", "script", "style", "template", "title", "noscript", "object", "svg", "select"})
_TAG = re.compile(r"<[A-Za-z/!?]")
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr", "o:p"})
_LINES = frozenset({"div", "tr", "table", "ul", "ol", "section", "article", "header", "footer", "body", "blockquote"})
_PARAGRAPHS = frozenset({"h1", "h2", "h3", "h4", "pre"})
# What the programs of this world put round the mail that is answered: class or id, in lower case.
_QUOTES = ("gmail_quote", "gmail_attr", "yahoo_quoted", "protonmail_quote", "moz-cite-prefix", "zmail_extra")
_QUOTE_IDS = ("isforwardcontent", "isreplycontent", "olk_src_body_section")
_REST_IDS = ("divrplyfwdmsg", "appendonsend", "editor-reference-message-container", "outlook-mobile-reference-message")


@dataclass(frozen=True, slots=True)
class HtmlText:
    """`text`: all that is shown; `own`: without what is quoted; `quoted`: that; `marked`: whether quotes were seen."""

    text: str
    own: str
    quoted: str
    marked: bool


@dataclass(slots=True)
class _Open:
    tag: str
    quotes: bool
    hides: bool


class _Walk:
    """The state of the one pass: open elements, and the text so far of the two regions."""

    def __init__(self) -> None:
        self.stack: list[_Open] = []
        self.open_tags: dict[str, int] = {}
        self.quoting = self.hiding = 0
        self.rest = self.marked = False
        self.all: list[str] = []
        self.own: list[str] = []
        self.quoted: list[str] = []

    def write(self, text: str) -> None:
        if self.hiding or not text:
            return
        self.all.append(text)
        (self.quoted if self.quoting or self.rest else self.own).append(text)

    def open(self, tag: str, attributes: str) -> None:
        self._break(tag, attributes)
        if tag in _VOID or attributes.endswith("/"):
            return
        quotes, rest = _is_quote(tag, attributes)
        if (rest or quotes) and not self.marked:
            self.marked = True
        self.rest |= rest
        hides = "display:none" in attributes.replace(" ", "").lower()
        self.stack.append(_Open(tag, quotes, hides))
        self.open_tags[tag] = self.open_tags.get(tag, 0) + 1
        self.quoting += quotes
        self.hiding += hides

    def close(self, tag: str) -> None:
        if not self.open_tags.get(tag):
            return
        while self.stack:
            last = self.stack.pop()
            self.open_tags[last.tag] -= 1
            self.quoting -= last.quotes
            self.hiding -= last.hides
            if last.tag == tag:
                break
        self._break(tag, "", closing=True)

    def _break(self, tag: str, attributes: str, closing: bool = False) -> None:
        if tag == "br":
            self.write("\n")
        elif tag == "li" and not closing:
            self.write("\x01- ")
        elif tag == "p":
            self.write("\x01" if "msonormal" in attributes.lower() or closing else "\x02")
        elif tag in _PARAGRAPHS or tag == "hr":
            self.write("\x02")
        elif tag in _LINES:
            self.write("\x01")
        elif tag in ("td", "th"):
            self.write(" ")


def _is_quote(tag: str, attributes: str) -> tuple[bool, bool]:
    """(this element quotes, everything from here on is quoted) for the opening tag of an element."""
    if tag == "blockquote":
        return True, False
    if "=" not in attributes:
        return False, False
    flat = attributes.lower()
    if any(mark in flat for mark in _REST_IDS):
        return True, True
    if any(mark in flat for mark in _QUOTES + _QUOTE_IDS):
        return True, False
    # Outlook on Windows draws only a line above the header block of the mail that is answered.
    line = flat.replace(" ", "")
    return False, tag == "div" and ("border-top:solid#e1e1e1" in line or "border-top:solid#b5c4df" in line)


def read_html(source: str) -> HtmlText:
    """Text of an HTML body of any quality; nothing is fetched, hidden elements and scripts are left out."""
    walk, lower, at, size = _Walk(), source.lower(), 0, len(source)
    while at < size:
        begin = _TAG.search(source, at)
        if begin is None:
            break
        walk.write(_plain(source[at : begin.start()]))
        at = _tag(walk, source, lower, begin.start())
    walk.write(_plain(source[at:]))
    return HtmlText(_lay_out(walk.all), _lay_out(walk.own), _lay_out(walk.quoted), walk.marked)


def _tag(walk: _Walk, source: str, lower: str, start: int) -> int:
    """Handle what begins at the "<" at `start`; returns where to go on."""
    if source.startswith("<!--", start):
        end = source.find("-->", start + 4)
        return len(source) if end < 0 else end + 3
    end = _tag_end(source, start)
    if end < 0:
        walk.write(_plain(source[start + 1 :]))
        return len(source)
    tag, _, attributes = source[start + 1 : end].replace("\n", " ").replace("\t", " ").partition(" ")
    tag = tag.lower().rstrip("/")
    if tag.startswith("/"):
        walk.close(tag[1:].strip())
    elif tag in _SKIPPED:
        close = lower.find(f"</{tag}", end)
        return len(source) if close < 0 else close
    elif tag[:1].isalpha():
        walk.open(tag, attributes.strip()[:2000])
    return end + 1


def _tag_end(source: str, start: int) -> int:
    """Where the tag ends; a ">" within one quoted attribute is jumped over, further than 4,000 characters it is not."""
    end = source.find(">", start)
    if end < 0 or source.count('"', start, end) % 2 == 0:
        return end
    quote = source.find('"', end, end + 4000)
    after = source.find(">", quote, quote + 4000) if quote >= 0 else -1
    return after if after >= 0 else end


def _plain(text: str) -> str:
    """Characters between tags: entities read, white space of the source collapsed to single blanks."""
    if not text:
        return ""
    shown = entities.unescape(text).replace("\x01", " ").replace("\x02", " ").replace("\xa0", " ")
    words = " ".join(shown.split())
    return f"{' ' if shown[:1].isspace() else ''}{words}{' ' if words and shown[-1:].isspace() else ''}" or " "


def _lay_out(pieces: list[str]) -> str:
    """Join the pieces: \\x01 begins a line if none has begun, \\x02 a paragraph, and no more than one empty line."""
    lines = [""]
    for piece in pieces:
        for mark in ("\x01", "\x02"):
            if piece.startswith(mark):
                if lines[-1].strip():
                    lines.append("")
                if mark == "\x02" and len(lines) > 1 and lines[-2].strip():
                    lines.append("")
                piece = piece[1:]
        if piece == "\n":
            lines.append("")
        elif piece.strip() or lines[-1]:
            lines[-1] = lines[-1] + piece if len(lines[-1]) < 2_000 else _next_line(lines, piece)
    shown: list[str] = []
    for line in lines:
        text = " ".join(line.split())
        if text or (shown and shown[-1]):
            shown.append(text)
    return "\n".join(shown).strip()


def _next_line(lines: list[str], piece: str) -> str:
    """Very long lines are cut, so that joining stays linear."""
    lines.append("")
    return piece

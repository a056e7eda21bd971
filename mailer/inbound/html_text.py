"""HTML of a mail as lines, each with what its structure says of it; one pass, no tree, linear in its length.

No browser is imitated: only where lines end is known, what is hidden, and what the mail programs of this world put
round the mail that is answered, round its header, and round a signature.
"""

import html as entities
import re
from dataclasses import dataclass

OWN, QUOTED, WEAK, HEADING, REST, BORDER, SIGNED, FRAME = range(8)
"""What a line is: nothing known; quoted; in a blockquote of any kind; who wrote when; from here on all is quoted;
perhaps so, under a line drawn by Outlook; a signature; in a frame that holds quotes and answers."""

# The name, then the attributes: a ">" between double quotes ends nothing. Every "<" ends a try and nothing is given
# back (*+), so that no text is looked at more than twice. "<an@a.example>" is no tag but an address.
_TAG = re.compile(
    r'<(?:(/?)([a-zA-Z][^\s<>/"@]*+)((?:[\s/][^<>=]*+(?:=\s*+(?:"[^"<]*+")?+[^<>=]*+)*+)?+)>|[!?][^<>]*+>)'
)
_BREAKS, _PARAGRAPH, _P, _BR, _LI, _CELL, _INLINE, _OTHER, _VOID, _SKIPPED = range(10)
_KINDS = (
    dict.fromkeys(("div", "tr", "table", "ul", "ol", "section", "article", "header", "footer", "body"), _BREAKS)
    | dict.fromkeys(("blockquote", "main", "center", "dl", "dt", "dd", "form", "fieldset", "aside"), _BREAKS)
    | dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "pre"), _PARAGRAPH)
    | {"p": _P, "br": _BR, "li": _LI, "td": _CELL, "th": _CELL, "hr": _VOID}
    | dict.fromkeys(("b", "i", "u", "a", "em", "strong", "font", "o:p", "small", "big", "sub", "sup", "tt"), _INLINE)
    | dict.fromkeys(("area", "base", "col", "embed", "img", "input", "link", "meta", "source", "wbr"), _VOID)
    | dict.fromkeys(("head", "script", "style", "template", "title", "noscript", "object", "svg", "select"), _SKIPPED)
)
_ENDS = {tag: re.compile(f"</{tag}[^<>]*>", re.IGNORECASE) for tag, kind in _KINDS.items() if kind == _SKIPPED}
# Pieces of a class, id or name in lower case; the first that is found counts.
_MARKS = (
    *((mark, REST) for mark in ("divrplyfwdmsg", "appendonsend", "reference-message", "zwchr", "__divider__")),
    *((mark, HEADING) for mark in ("gmail_attr", "moz-cite-prefix", "reply-intro", "__headers__")),
    *((mark, SIGNED) for mark in ("gmail_signature", "moz-signature", "mobile-signature", 'id="signature"', "_rc_sig")),
    *((mark, SIGNED) for mark in ("applemailsignature", "signature_block", "__sig_p", "k9mail-signature")),
    *((mark, SIGNED) for mark in ("yahoo-signature", "ymail_android_signature", "tutanota-signature")),
    *((mark, QUOTED) for mark in ("yahoo_quoted", "isforwardcontent", "isreplycontent", "olk_src_body_section")),
    *((mark, QUOTED) for mark in ("__quoted_text__", 'name="quote', "zmail_extra", "moz-forward-container")),
    *((mark, FRAME) for mark in ("gmail_quote", "protonmail_quote")),
)
_NAMED = ("class", "id=", "name=", "data-", "style")
_LINE_ABOVE = ("#e1e1e1", "#b5c4df", "rgb(225,225,225)", "rgb(181,196,223)")
_UNSEEN = dict.fromkeys((*range(32), 127, 0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A)))
_UNSEEN |= {0xFEFF: None}


@dataclass(frozen=True, slots=True)
class HtmlText:
    """`lines` without white space round them, no two empty ones in a row; `marks`: what each is by its structure."""

    lines: tuple[str, ...]
    marks: tuple[int, ...]

    @property
    def text(self) -> str:
        """All that is shown."""
        return "\n".join(self.lines)

    @property
    def marked(self) -> bool:
        """Whether the structure says anything at all."""
        return any(self.marks)


class _Walk:
    """The state of the one pass: open elements, what they say, and the lines so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.marks: list[int] = []
        self.line: list[str] = []
        self.mark = OWN
        self.hiding = self.keeping = False
        self.stack: list[str] = []
        self.counts: dict[str, int] = {}
        self.effects: list[tuple[int, int, bool, bool, int]] = []
        self.known: dict[tuple[str, bool], tuple[int, bool, bool]] = {}

    def write(self, text: str) -> None:
        if self.hiding or (not self.line and not self.keeping and text.isspace()):
            return
        if "&" in text:
            text = entities.unescape(text)
        if self.keeping and "\n" in text:
            first, *others = text.split("\n")
            self.line.append(first)
            for one in others:
                self.end(empty=True)
                self.line.append(one)
        else:
            self.line.append(text)

    def end(self, empty: bool = False) -> None:
        """The line ends; one without words is kept only where it was asked for."""
        if self.line:
            text = " ".join("".join(self.line).split())
            self.line.clear()
            if not text.isprintable():
                text = text.translate(_UNSEEN).strip()
            if text:
                self.lines.append(text)
                self.marks.append(self.mark)
                return
        if empty and self.lines and self.lines[-1]:
            self.lines.append("")
            self.marks.append(self.mark)

    def paragraph(self) -> None:
        """An empty line, if none stands there."""
        self.end()
        if self.lines and self.lines[-1]:
            self.lines.append("")
            self.marks.append(self.mark)

    def open(self, tag: str, attributes: str) -> None:
        if attributes[-1:] == "/":
            return
        self.stack.append(tag)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if not attributes and tag != "blockquote":
            return
        key = (attributes, tag == "blockquote")
        if key not in self.known:
            self.known[key] = _effect(tag, attributes)
        mark, hides, keeps = self.known[key]
        if mark != OWN or hides or keeps:
            self._take_effect(mark, hides, keeps)

    def _take_effect(self, mark: int, hides: bool, keeps: bool) -> None:
        self.end()
        self.effects.append((len(self.stack), self.mark, self.hiding, self.keeping, len(self.lines)))
        self.hiding |= hides
        self.keeping |= keeps
        self.mark = _within(self.mark, mark)
        if mark in (REST, BORDER) and self.mark == mark:
            # An empty element may carry the mark, so the line itself says that the rest begins here.
            self.lines.append("")
            self.marks.append(mark)

    def close(self, tag: str) -> None:
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()
            self.counts[tag] -= 1
        elif self.counts.get(tag):
            while (last := self.stack.pop()) != tag:
                self.counts[last] -= 1
            self.counts[tag] -= 1
        else:
            return
        while self.effects and self.effects[-1][0] > len(self.stack):
            self._leave(*self.effects.pop())

    def _leave(self, _depth: int, mark: int, hiding: bool, keeping: bool, start: int) -> None:
        self.end()
        if self.mark == FRAME and mark != FRAME:
            self._frame(start)
        self.mark, self.hiding, self.keeping = mark, hiding, keeping

    def _frame(self, start: int) -> None:
        """In a frame, what stands before the first quote is its heading; without a quote all of it is one."""
        marks = self.marks
        first = next((at for at in range(start, len(marks)) if marks[at] in (QUOTED, HEADING)), None)
        end, mark = (first, HEADING) if first is not None else (len(marks), QUOTED)
        for at in range(start, end):
            marks[at] = mark


def _within(outer: int, mark: int) -> int:
    """What an element in another one is: a quote stays a quote, in a frame every blockquote is one."""
    if outer in (QUOTED, REST) or mark == OWN:
        return outer
    if outer == FRAME:
        return {WEAK: QUOTED, BORDER: FRAME}.get(mark, mark)
    return outer if outer in (WEAK, BORDER, HEADING, SIGNED) and mark not in (QUOTED, REST) else mark


def _effect(tag: str, attributes: str) -> tuple[int, bool, bool]:
    """(mark, whether it hides, whether line breaks in it count) of an element."""
    flat = attributes[:2000].lower().replace("'", '"')
    if tag == "blockquote":
        return _blockquote(flat), False, False
    if not any(name in flat for name in _NAMED):
        return OWN, False, False
    mark = OWN
    for piece, meaning in _MARKS:
        if piece in flat:
            mark = meaning
            break
    style = flat.partition("style=")[2].replace(" ", "")
    if mark == OWN and tag == "div" and "border" in style and any(one in style for one in _LINE_ABOVE):
        mark = BORDER if "border-top:" in style or "solidnonenone" in style else OWN
    return mark, "display:none" in style, "white-space:pre" in style


def _blockquote(flat: str) -> int:
    """A quote by its type, its class or the line at its side; an indent of Gmail's or Outlook's is the author's own."""
    style = flat.replace(" ", "")
    if "cite" in flat or "quote" in flat or "border-left" in style:
        return QUOTED
    return OWN if "border:none" in style or "margin:000" in style or "margin-top:0" in style else WEAK


_STEMS = ("quote", "moz-", "signature", "data-marker", "zmail_", "border-")
_ID_STEMS = ("divrply", "appendon", "reference-m", "zwchr", "reply-intro", "isreply", "isforward", "olk_src", "_rc_sig")
_PLAIN_TAG = re.compile(r"<[A-Za-z/!?][^<>]*+>")


def may_mark(source: str) -> bool:
    """Whether the structure of an HTML body may say anything: a quick look, to be asked before read_html."""
    lower = source.lower()
    return any(stem in lower for stem in _STEMS) or ("id=" in lower and any(stem in lower for stem in _ID_STEMS))


def strip_tags(source: str) -> str:
    """The words of a simple HTML body, without its lines; more than is shown where it hides or scripts anything."""
    start = max(source.find("<body"), 0)
    plain = _PLAIN_TAG.sub(" ", source[start:])
    return entities.unescape(plain) if "&" in plain else plain


def read_html(source: str) -> HtmlText:
    """Lines of an HTML body of any quality; nothing is fetched, hidden elements and scripts are left out."""
    if "<!--" in source:
        source = _without_comments(source)
    walk, at, kinds = _Walk(), 0, _KINDS
    for found in _TAG.finditer(source):
        start, end = found.span()
        if start < at:
            continue  # within what is skipped
        if start > at:
            walk.write(source[at:start])
        at = end
        closes, tag, attributes = found.groups()
        if tag:
            tag = tag.lower()
            kind = kinds.get(tag, _OTHER)
            if kind == _BR:
                walk.end(empty=True)
            elif kind != _INLINE:
                at = _tag(walk, tag, kind, bool(closes), attributes, source, at)
    walk.write(source[at:])
    return _finish(walk)


def _finish(walk: _Walk) -> HtmlText:
    walk.end()
    while walk.effects:
        walk._leave(*walk.effects.pop())
    lines, marks = walk.lines, walk.marks
    while lines and not lines[-1] and marks[-1] not in (REST, BORDER):
        lines.pop()
        marks.pop()
    return HtmlText(tuple(lines), tuple(marks))


def _without_comments(source: str) -> str:
    """Comments are gone, and what only Word reads; an open comment hides all that follows."""
    kept: list[str] = []
    at = 0
    while (start := source.find("<!--", at)) >= 0:
        kept.append(source[at:start])
        end = source.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        at = end + 3
    return "".join([*kept, source[at:]])


def _tag(walk: _Walk, tag: str, kind: int, closes: bool, attributes: str, source: str, at: int) -> int:
    """Handle one tag; returns where to go on."""
    if kind == _BREAKS:
        if walk.line:
            walk.end()
    elif kind == _VOID:
        _void(walk, tag, attributes)
        return at
    elif kind == _SKIPPED:
        return at if closes else _skip(tag, source, at)
    else:
        _block(walk, tag, kind, closes, attributes)
    if closes:
        walk.close(tag)
    else:
        walk.open(tag, attributes)
    return at


def _block(walk: _Walk, tag: str, kind: int, closes: bool, attributes: str) -> None:
    if kind == _P:
        if closes or "msonormal" in attributes.lower():
            walk.end()
        else:
            walk.paragraph()
    elif kind == _PARAGRAPH:
        walk.paragraph()
        walk.keeping = not closes if tag == "pre" else walk.keeping
    elif kind == _LI:
        walk.end()
        if not closes:
            walk.write("- ")
    elif kind == _CELL:
        walk.write(" ")


def _void(walk: _Walk, tag: str, attributes: str) -> None:
    """A line drawn by Zimbra or Outlook before the mail that is answered; any other one ends a paragraph."""
    if tag != "hr":
        return
    walk.paragraph()
    if _effect(tag, attributes)[0] == REST and walk.mark == OWN:
        walk.mark = REST
        walk.lines.append("")
        walk.marks.append(REST)


def _skip(tag: str, source: str, at: int) -> int:
    """Where the element ends; a head that never ends hides nothing, any other one hides the rest."""
    end = _ENDS[tag].search(source, at)
    if end is not None:
        return end.end()
    return at if tag == "head" else len(source)

"""Judges the tree of a mail before it is compiled: only known elements, sound links, pictures with words."""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from mailer.outbound.edition import MARK, SLOT_NAMES, mark_for
from mailer.outbound.mjml_tree import Node
from mailer.outbound.slots import unknown

_HEAD = ("mj-head", "mj-title", "mj-preview", "mj-attributes", "mj-style", "mj-breakpoint", "mj-class", "mj-all")
_BODY = ("mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column")
_CONTENT = ("mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer")
_INLINE = (
    "a", "b", "strong", "i", "em", "u", "s", "br", "p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "span", "div",
    "blockquote", "code", "sup", "sub", "bdi", "small", "hr",
)  # fmt: skip
_INSIDE: Mapping[str, tuple[str, ...]] = {
    "mjml": ("mj-head", "mj-body"),
    "mj-head": (*_HEAD[1:6], "mj-raw"),
    "mj-attributes": ("mj-all", "mj-class", *_BODY[1:], *_CONTENT),
    "mj-raw": ("meta",),
    "mj-body": ("mj-wrapper", "mj-section"),
    "mj-wrapper": ("mj-section",),
    "mj-section": ("mj-column", "mj-group"),
    "mj-group": ("mj-column",),
    "mj-column": _CONTENT,
    "mj-text": _INLINE,
    "mj-button": ("strong", "b", "em", "i", "span", "bdi"),
}
_NO_WORDS = ("mjml", "mj-head", "mj-attributes", "mj-raw", *_BODY)
_ATTRIBUTES = ("href", "class", "style", "lang", "dir", "title", "align", "role", "start", "aria-label")
_NEVER = ("background-url", "srcset", "http-equiv", "usemap")
_WORDS = ("href", "src", "alt", "title", "content", "aria-label")
_METAS = ("color-scheme", "supported-color-schemes", "format-detection", "x-apple-disable-message-reformatting")
_STYLE = re.compile(
    r"url\s*\(|image(-set)?\s*\(|src\s*\(|expression|@import|javascript|behavior|position\s*:|[<\\]|-moz-binding",
    re.IGNORECASE,
)
_LINKS = {mark_for(name, None) for name in SLOT_NAMES if name.startswith("link.")}
_ADVICE = "write https://… or mailto:…"


def guard(tree: Node, pictures: Mapping[str, str], own_site: str) -> None:
    """Check the whole tree and point its pictures to their Content-IDs; raises TemplateError at the first fault.

    `pictures` maps the paths that templates write to Content-IDs; `own_site` is the network's own web address or "".
    """
    _judge(tree, pictures, own_site)
    for child in tree.children:
        if isinstance(child, Node):
            _nesting(tree, child)
            if tree.tag == "mj-attributes":
                _defaults(child)
            else:
                guard(child, pictures, own_site)
        elif child.strip() and tree.tag in _NO_WORDS:
            raise tree.error(f"words cannot stand directly in <{tree.tag}>; put them in <mj-text>")


def _nesting(parent: Node, child: Node) -> None:
    allowed = _INSIDE.get(parent.tag, _INLINE if parent.tag in _INLINE and parent.tag != "br" else ())
    if child.tag not in allowed:
        raise child.error(f"<{child.tag}> cannot stand in <{parent.tag}>; {unknown(child.tag, allowed)}")


def _attributes(node: Node) -> None:
    plain = node.tag in _INLINE
    for name, value in node.attributes.items():
        if name.startswith("on") or name in _NEVER or (plain and name not in _ATTRIBUTES):
            raise node.error(f'"{name}" cannot be used on <{node.tag}>; leave it out')
        if name not in _WORDS and (_STYLE.search(value) or MARK.search(value)):
            raise node.error(f'this is not safe in a mail: {name}="{value}"; leave it out')


def _defaults(node: Node) -> None:
    """What holds for all elements of a kind is about looks only: no link or picture comes in from there."""
    _attributes(node)
    for name in ("href", "src", "alt"):
        if name in node.attributes:
            raise node.error(f'"{name}" belongs on each element of its own; leave it out of <mj-attributes>')


def _judge(node: Node, pictures: Mapping[str, str], own_site: str) -> None:
    _attributes(node)
    if "href" in node.attributes:
        node.attributes["href"] = check_link(node, node.attributes["href"], own_site)
    if node.tag in ("a", "mj-button"):
        _needs_words(node)
    if node.tag == "mj-image":
        _image(node, pictures)
    elif "src" in node.attributes:
        raise node.error(f'"src" cannot be used on <{node.tag}>; pictures go in <mj-image>')
    if node.tag == "meta" and node.attributes.get("name") not in _METAS:
        raise node.error(f"this <meta> cannot be used; allowed are {', '.join(_METAS)}")
    if node.tag == "mj-style" and (_STYLE.search(node.words()) or MARK.search(node.words())):
        raise node.error("a style cannot fetch or place anything; leave out url(…), @import, position and slots")


def _needs_words(node: Node) -> None:
    if "href" not in node.attributes:
        raise node.error(f'<{node.tag}> goes nowhere; give it href="https://…"')
    if not node.words():
        raise node.error("this link has no words; say where it leads")


def _image(node: Node, pictures: Mapping[str, str]) -> None:
    source = node.attributes.get("src", "")
    if source not in pictures:
        advice = unknown(source, pictures) if pictures else "this folder has no images/"
        raise node.error(f"the picture must lie in images/ of this folder; {advice}")
    if "alt" not in node.attributes:
        raise node.error('the picture has no description; write alt="what it shows" (alt="" for mere decoration)')
    node.attributes["src"] = f"cid:{pictures[source]}"


def check_link(node: Node, href: str, own_site: str = "") -> str:
    """The link as it may stand in a mail: a whole link slot, https, mailto, or the network's own site."""
    url = href.strip()
    if MARK.search(url):
        if url not in _LINKS:
            raise node.error("a personal link must be one {{ link.… }}, the whole of it: nothing before or after")
        return url
    parts = _split(node, url)
    if parts.scheme == "mailto" and "@" in parts.path:
        return url
    if own_site and (url == own_site or url.startswith(own_site.rstrip("/") + "/")):
        return url
    if parts.scheme != "https" or not parts.hostname or "." not in parts.hostname:
        raise node.error(f'"{url}" is not a whole and safe link; {_ADVICE}')
    if parts.username or parts.password or _is_number(parts.hostname):
        raise node.error(f'"{url}" hides where it leads; write the name of the site')
    return url


def _split(node: Node, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise node.error(f'"{url}" is not a link; {_ADVICE}') from None
    if any(char.isspace() or not char.isprintable() or char in '\\"<>' for char in url):
        raise node.error(f'there is a space or a strange sign in the link "{url}"; {_ADVICE}')
    return parts


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Rules on the HTML part: readable by everybody, safe in every client, watching nobody."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from mailer.linting.page import Element, Page
from mailer.linting.reading import LISTED, Problem, Reading

_LARGEST = 100_000
_CLIPPED = 90_000
_REFUSED = frozenset(
    {"script", "form", "input", "button", "iframe", "frame", "frameset", "object", "embed", "applet"}
    | {"video", "audio", "svg", "link", "base"}
)
_RIGHT_TO_LEFT = ("ar", "fa", "ur", "he")
_TRACKING = re.compile(r"[?&](?:utm_\w+|mc_[ce]id|fbclid|gclid)=|[?&][^=]*=https?(?::|%3a)", re.I)
_FILE_NAME = re.compile(r".*\.(?:png|jpe?g|gif|webp)$", re.I)
_CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)", re.I)


def language(mail: Reading, page: Page) -> Iterator[Problem]:
    root = next(iter(page.all("html")), None)
    lang, direction = (root.attributes.get("lang", ""), root.attributes.get("dir", "")) if root else ("", "")
    if not lang or direction != ("rtl" if lang.split("-")[0] in _RIGHT_TO_LEFT else "ltr"):
        yield Problem("EML-01", "<html> without its lang, or with a dir that is not that of the language")
    if not any(element.tag != "html" and element.attributes.get("lang") == lang for element in page.elements):
        yield Problem("EML-01", "the lang of <html> is not repeated inside <body>")
    if mail.value("content-language").lower() != lang.lower():
        yield Problem("OUT-55", "Content-Language and <html lang> differ")


def title(mail: Reading, page: Page) -> Iterator[Problem]:
    if not page.title or page.title != " ".join(mail.subject.split()):
        yield Problem("EML-03", "<title> is empty or not the subject")


def tables(_: Reading, page: Page) -> Iterator[Problem]:
    has_heads = any("scope" in cell.attributes for cell in page.all("th"))
    bare = [table for table in page.all("table") if table.attributes.get("role") not in ("presentation", "none")]
    if bare and not has_heads:
        yield Problem("EML-04", f"{len(bare)} layout tables without role=presentation")


def images(_: Reading, page: Page) -> Iterator[Problem]:
    for image in page.all("img"):
        alt = image.attributes.get("alt")
        if alt is None or _FILE_NAME.match(alt):
            yield Problem("EML-05", "<img> without an alt text, or with a file name for one")
        if "width" not in image.attributes and "width" not in image.attributes.get("style", ""):
            yield Problem("EML-05", "<img> without a width")
    if page.all("img") and len(_visible_text(page)) < 40:
        yield Problem("EML-05", "a letter of pictures only")


def _visible_text(page: Page) -> str:
    return " ".join(element.text for element in page.all("p", "td", "div", "h1", "h2", "li"))


def size(_: Reading, page: Page) -> Iterator[Problem]:
    length = len(page.source.encode())
    if length > _LARGEST:
        yield Problem("EML-10", f"{length} bytes of HTML: Gmail clips it")


def active_content(_: Reading, page: Page) -> Iterator[Problem]:
    tags = sorted({element.tag for element in page.elements if element.tag in _REFUSED})
    if tags:
        yield Problem("EML-13", f"<{'>, <'.join(tags)}>")
    for element in page.elements:
        if any(name.startswith("on") for name in element.attributes):
            yield Problem("EML-13", f"<{element.tag}> with an event handler")
        values = (element.attributes.get(name, "").strip().lower() for name in ("href", "src", "background", "action"))
        if any(value.startswith(("javascript:", "data:", "vbscript:")) for value in values):
            yield Problem("EML-13", f"<{element.tag}> with a javascript: or data: address")
    if re.search(r"@import|(?<![-\w])position\s*:|expression\s*\(|javascript:", page.style, re.I):
        yield Problem("EML-13", "CSS that imports, positions or runs")


def tracking(mail: Reading, page: Page) -> Iterator[Problem]:
    """A remote picture is fetched when the letter is opened: it may not know by whom (CNIL 2026-042)."""
    carried = {str(entity.get("Content-ID", "")).strip("<> ") for entity in mail.root.walk()}
    for source in _sources(page):
        if source.startswith("cid:"):
            if source[4:] not in carried:
                yield Problem("GDP-16", "a picture that the letter does not carry")
        elif not _is_same_for_all(source, mail.author.rpartition("@")[2]):
            yield Problem("GDP-16", "a remote picture that is not the network's own, or that differs by recipient")
    if any(_is_pixel(image) for image in page.all("img")):
        yield Problem("GDP-16", "a picture too small to be seen")
    if any(_TRACKING.search(link.attributes["href"]) for link in page.links):
        yield Problem("GDP-16", "a link that counts clicks or leads elsewhere")


def _sources(page: Page) -> list[str]:
    named = [element.attributes.get(name, "") for element in page.elements for name in ("src", "background", "srcset")]
    return [source.strip() for source in named + _CSS_URL.findall(page.style) if source.strip()]


def _is_same_for_all(source: str, domain: str) -> bool:
    parts = urlsplit(source)
    host = parts.hostname or ""
    token = re.search(r"[A-Za-z0-9_-]{20,}", parts.path)
    own = host == domain or host.endswith("." + domain)
    return parts.scheme == "https" and own and not parts.query and not parts.fragment and not token


def _is_pixel(image: Element) -> bool:
    sizes = [image.attributes.get(name, "") for name in ("width", "height")]
    return any(re.fullmatch(r"[01](px)?", found.strip()) for found in sizes)


def way_out(mail: Reading, page: Page) -> Iterator[Problem]:
    if mail.kind not in LISTED or not mail.unsubscribe:
        return
    offsets = [link.offset for link in page.links if link.attributes["href"].strip() in mail.unsubscribe]
    if not offsets or min(offsets) > _CLIPPED:
        yield Problem("OUT-29", "html: no link to unsubscribe before the point where Gmail clips")
    if not any(uri in (mail.text or "") for uri in mail.unsubscribe):
        yield Problem("OUT-29", "text: no link to unsubscribe")


RULES = (language, title, tables, images, size, active_content, tracking, way_out)


def check_page(mail: Reading) -> list[Problem]:
    """What these rules find in the HTML part; nothing where there is none."""
    page = mail.page
    return [] if page is None else [problem for rule in RULES for problem in rule(mail, page)]

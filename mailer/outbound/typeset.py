"""Makes one edition of one text: a pure function from plain data to plain data, run in the limited child process."""

import re
from collections.abc import Mapping
from typing import Any

import css_inline
from markupsafe import Markup
from mjml import mjml2html

from mailer.errors import TemplateError
from mailer.outbound.edition import MARK, one_line
from mailer.outbound.jinja_room import Room
from mailer.outbound.markdown_blocks import to_mjml
from mailer.outbound.mjml_guard import guard
from mailer.outbound.mjml_tree import parse, write
from mailer.outbound.text_part import to_text

MAX_SUBJECT = 150
_WHOLE = re.compile(r"^(?:\s|<!--.*?-->)*<mjml\b", re.DOTALL)
#: Behind the preheader, so that mail programs do not show the first words of the letter in the list as well.
_SPACER = "\u00a0\u200c\u034f" * 60
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def typeset(job: Mapping[str, Any]) -> dict[str, Any]:
    """The finished parts of an edition: subject, preheader, html, text, slots, pictures; raises TemplateError.

    A job holds: file, markup, content; subject and preheader as [text, file, line]; layout, layouts; facts, words,
    look; language, direction, variant, timezone, neutral; pictures (path to [cid, width, height]).
    """
    names = {"language": job["language"], "variant": job["variant"], "direction": job["direction"]}
    texts = {**job["layouts"], job["file"]: job["content"], "subject": job["subject"][0]}
    texts["preheader"] = job["preheader"][0]
    room = Room(texts, {**names, **job["facts"]}, job["language"], job["timezone"])
    subject = _line(room, "subject", job["subject"])
    preheader = _line(room, "preheader", job["preheader"])
    if not subject or len(MARK.sub("", subject)) > MAX_SUBJECT:
        raise TemplateError(f"a subject has 1 to {MAX_SUBJECT} characters", job["subject"][1], job["subject"][2])
    document = _document(room, job, subject, preheader)
    tree = parse(document, job["file"])
    own_site = str(job["facts"].get("network", {}).get("web_url") or "")
    guard(tree, {path: picture[0] for path, picture in job["pictures"].items()}, own_site)
    html = _html(write(tree), job["file"])
    text = _text(to_text(tree, job["language"]), job, preheader)
    found = set(MARK.findall("\n".join((subject, html, text))))
    slots = [[slot.mark, slot.name, slot.fallback] for mark, slot in sorted(room.book.items()) if mark in found]
    used = [path for path, picture in job["pictures"].items() if f"cid:{picture[0]}" in html]
    return {"subject": subject, "preheader": preheader, "html": html, "text": text, "slots": slots, "pictures": used}


def _line(room: Room, name: str, where: tuple[str, str, int | None]) -> str:
    try:
        return one_line(room.render(name, "line"))
    except TemplateError as error:
        raise TemplateError(f"{name}: {error.message}", where[1], where[2]) from None


def _document(room: Room, job: Mapping[str, Any], subject: str, preheader: str) -> str:
    names = {
        "subject": subject,
        "preheader": preheader + _SPACER,
        "look": job["look"],
        "words": job["words"],
        "neutral": job["neutral"],
    }
    if job["markup"] == "md":
        sizes = {path: (picture[1], picture[2]) for path, picture in job["pictures"].items()}
        content = to_mjml(room.render(job["file"], "markdown"), job["file"], sizes)
    else:
        content = room.render(job["file"], "mjml", {**names, "content": ""})
        if _WHOLE.match(content):
            return content
    safe = Markup(content)  # noqa: S704 - every value in it was escaped, and the guard reads all of it again
    return room.render(f"{job['layout']}.mjml", "mjml", {**names, "content": safe})


def _html(mjml: str, file: str) -> str:
    try:
        html = mjml2html(mjml, disable_comments=True, fonts={})
    except ValueError as error:
        raise TemplateError(f"MJML cannot read this ({error}); look for an element that is not closed", file) from None
    return str(_INLINER.inline(html))


def _text(text: str, job: Mapping[str, Any], preheader: str) -> str:
    """A discreet letter opens with neutral words, so that the preview of a phone shows nothing else."""
    if job["variant"] != "discreet" or job["neutral"]:
        return text
    return f"{preheader}\n\n{job['words']['neutral_opening']}\n\n{'-' * 72}\n\n{text}"

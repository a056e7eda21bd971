"""One letter of a newsletter as somebody made up, or a coordinator, would get it; its links lead nowhere."""

import base64
import html
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from mailer.outbound.edition import Edition, Filled
from mailer.outbound.issue import NEWSLETTER
from mailer.outbound.letter import Letter
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.writer import Recipient, Writer

_NOBODY = "0" * 32
_INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem}}
section{{display:inline-block;width:min(44rem,100%);margin:0 1rem 2rem 0;vertical-align:top}}
iframe{{width:100%;height:48rem;border:1px solid #bbb}}</style></head>
<body><h1>{name}</h1><p>As somebody made up would get it. The links in the letters lead nowhere.</p>
{sections}</body></html>
"""
_SECTION = """<section><h2>{language}, {variant}</h2><p>Subject: <strong>{subject}</strong><br>
<a href="{file}.html">HTML</a> · <a href="{file}.txt">text</a></p>
<iframe sandbox src="{file}.html" title="{language}, {variant}"></iframe></section>
"""


def somebody(writer: Writer, language: str, variant: str) -> Recipient:
    """A reader who does not exist."""
    address = f"reader@{writer.network.domain}"
    return Recipient(address, language, variant, None, _NOBODY, "Sam Peeters", "Sam", "Huis van het Voorbeeld")


def sample_letter(writer: Writer, edition: Edition, to: Recipient, now: datetime) -> Letter:
    """The whole letter with every header it will have; raises KeyError for a slot that cannot be filled."""
    item = OutboxItem(
        kind=NEWSLETTER, recipient=to.address, created_at=now, invitation_id=None,
        message_id=writer.message_id("sample", to.address, now.isoformat(), edition.language, edition.variant),
    )  # fmt: skip
    return writer.issue_letter(edition, to, item, writer.member_values(to, now), now)


def write_pages(
    writer: Writer, name: str, editions: Mapping[tuple[str, str], Edition], out: Path, now: datetime
) -> list[Path]:
    """Write every edition as HTML and as text into `out`, with index.html to begin at; returns the files, it first."""
    out.mkdir(parents=True, exist_ok=True)
    files, sections = [], []
    for (language, variant), edition in editions.items():
        to = somebody(writer, language, variant)
        filled = edition.fill(writer.member_values(to, now))
        stem = f"{language}-{variant}"
        for suffix, content in (("html", _with_pictures(filled)), ("txt", filled.text)):
            files.append(out / f"{stem}.{suffix}")
            files[-1].write_text(content, encoding="utf-8")
        sections.append(_SECTION.format(
            language=language, variant=variant, subject=html.escape(filled.subject), file=stem))  # fmt: skip
    index = out / "index.html"
    index.write_text(_INDEX.format(name=html.escape(name), sections="".join(sections)), encoding="utf-8")
    return [index, *files]


def _with_pictures(filled: Filled) -> str:
    """The HTML with its pictures inside, for a browser has no message to look them up in (RFC 2392)."""
    page = filled.html
    for picture in filled.images:
        data = base64.b64encode(picture.data).decode("ascii")
        page = page.replace(f"cid:{picture.cid}", f"data:{picture.type};base64,{data}")
    return page

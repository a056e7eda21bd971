"""Facts to compile with, and small template folders with something in them."""

from pathlib import Path
from typing import Any

import pytest

from mailer.errors import TemplateError
from mailer.outbound.compile import Compiler
from mailer.outbound.edition import SLOT_NAMES, Edition

NETWORK = {
    "name": "Leernetwerk *Samen* & Co",
    "address": "net@net.example",
    "web_url": "https://net.example",
    "timezone": "Europe/Brussels",
}
MEETING = {
    "title": "Warm onthaal <nu>",
    "starts_at": "2027-01-12T12:30:00+00:00",
    "ends_at": "2027-01-12T15:30:00+00:00",
    "place": "De Kamers, Antwerpen",
    "online_link": "https://meet.example/a_b?c=1&d=2",
}
NOTICE = {
    "folder": "Review",
    "kinds": ["join", "iets_nieuws"],
    "day": "2026-11-23",
    "hour": "15",
    "minute": "02",
    "numbers": "12",
    "count": "1",
    "urgent": False,
    "several": False,
}
ITEM = {
    "number": 12, "came_at": "2026-11-23T14:02:00+00:00", "folder": "Review", "urgent": False, "unread": False,
    "kinds": ["join", "iets_nieuws"], "answer": "", "people": 1, "author": "k…@stad.example",
    "yes": "mailto:net@net.example?subject=yes%20d" + "x" * 48,
    "no": "mailto:net@net.example?subject=no%20d" + "x" * 48,
}  # fmt: skip
DIGEST = {
    "since": "2026-11-22T08:00:00+00:00", "total": 9, "done": [{"kind": "leave", "count": 2}], "review": 3,
    "ignored": 3, "quarantine": 1, "waiting": 4, "urgent": 1, "more": 1,
    "items": [{**ITEM, "urgent": True, "author": "", "yes": "", "no": ""}, ITEM, {**ITEM, "unread": True}],
}  # fmt: skip
DECIDED = {
    "items": [
        {"number": 12, "verdict": "yes", "done": ["join"], "why": "", "by": "", "at": ""},
        {"number": 13, "verdict": "yes", "done": [], "why": "help", "by": "", "at": ""},
        {"number": 14, "verdict": "no", "done": [], "why": "decided", "by": "An", "at": "2026-11-23T14:02:00+00:00"},
    ],
    "unclear": [2, 4],
    "left": 2,
}
FACTS: dict[str, Any] = {
    "network": NETWORK, "meeting": MEETING, "notice": NOTICE, "answer": "yes", "guests": 1, "waiting": False,
    "agenda": [], "digest": DIGEST, "decided": DECIDED,
    "resources": [{"title": "Rapport: *warm* <onthaal> & [meer]", "url": "https://net.example/a_b*c?d=1&e=2"}],
}  # fmt: skip
TOML = '[nl]\nsubject = "Dag"\ndiscreet = "Bericht"\n'
VALUES = {
    name: f"https://net.example/a/{name[5:]}?x=1&y=2" if name.startswith("link.") else "Amira" for name in SLOT_NAMES
}


def folder(tmp_path: Path, text: str, toml: str = TOML, name: str = "nl.md") -> Path:
    place = tmp_path / "proef"
    place.mkdir(exist_ok=True)
    (place / "mail.toml").write_text(toml, "utf-8")
    (place / name).write_text(text, "utf-8")
    return place


def compiled(compiler: Compiler, tmp_path: Path, text: str, name: str = "nl.md", toml: str = TOML) -> Edition:
    return compiler.edition(folder(tmp_path, text, toml, name), "nl", "plain", FACTS)


def refused(compiler: Compiler, tmp_path: Path, text: str, name: str = "nl.md", toml: str = TOML) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        compiled(compiler, tmp_path, text, name, toml)
    return caught.value

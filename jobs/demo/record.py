"""Every mail of the demo, in and out, kept as its raw bytes (.eml) and as a page one can open (.html)."""

import base64
import html
import re
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from pathlib import Path

from jobs.demo.mailserver import Accepted

_STYLE = (
    "body{margin:0;font:16px/1.5 system-ui,sans-serif;background:#f4f1ec;color:#222}"
    "header{padding:16px 24px;background:#fff;border-bottom:1px solid #ddd}"
    "pre{white-space:pre-wrap;background:#fff;margin:24px;padding:24px;border-radius:8px}"
    "iframe{display:block;width:100%;height:1400px;border:0;background:#fff}"
    "table{border-collapse:collapse;margin:24px}td,th{text-align:left;padding:6px 14px;border-bottom:1px solid #ddd}"
)


def parse(raw: bytes) -> EmailMessage:
    """The mail as the standard library reads it."""
    found = message_from_bytes(raw, policy=policy.default)
    return found if isinstance(found, EmailMessage) else EmailMessage()


@dataclass(slots=True)
class Record:
    """Collects mails as the server accepts them; files are numbered in the order of arrival."""

    folder: Path
    network: str
    mails: list[tuple[Accepted, EmailMessage, str]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, accepted: Accepted) -> None:
        """Take up one mail; called from the server's thread."""
        message = parse(accepted.content)
        name = f"{len(self.mails) + 1:02d}-{self._direction(accepted)}-{_word(accepted.recipient)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.eml").write_bytes(accepted.content)
        self._write_page(name, message)
        with self.arrived:
            self.mails.append((accepted, message, name))
            self.arrived.notify_all()

    def write_index(self) -> Path:
        """One page that lists them all; returns its path."""
        rows = "".join(
            f'<tr><td><a href="{name}.html">{name}</a></td><td>{html.escape(str(message["From"]))}</td>'
            f"<td>{html.escape(accepted.recipient)}</td><td>{html.escape(str(message['Subject'] or ''))}</td>"
            f'<td><a href="{name}.eml">eml</a></td></tr>'
            for accepted, message, name in self.mails
        )
        path = self.folder / "index.html"
        head = "<tr><th>mail</th><th>from</th><th>to</th><th>subject</th><th>bytes</th></tr>"
        path.write_text(_page("All mails of the demo", f"<table>{head}{rows}</table>"), encoding="utf-8")
        return path

    def _direction(self, accepted: Accepted) -> str:
        return "in" if accepted.recipient == self.network else "out"

    def _write_page(self, name: str, message: EmailMessage) -> None:
        part = message.get_body(("html",))
        if part is not None:
            (self.folder / f"{name}.body.html").write_text(_with_pictures(_text(part), message), encoding="utf-8")
            shown = f'<iframe sandbox src="{name}.body.html" title="the mail"></iframe>'
        else:
            plain = message.get_body(("plain",))
            shown = f"<pre>{html.escape(_text(plain) if plain else '')}</pre>"
        lines = "".join(
            f"<div><b>{key}</b> {html.escape(str(message[key] or ''))}</div>" for key in ("From", "To", "Subject")
        )
        (self.folder / f"{name}.html").write_text(_page(name, f"<header>{lines}</header>{shown}"), encoding="utf-8")


def _with_pictures(body: str, message: EmailMessage) -> str:
    """The page with the mail's own pictures in it, as a mail program shows them (RFC 2392)."""
    for part in message.walk():
        name, content = str(part["Content-ID"] or "").strip("<>"), part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            data = base64.b64encode(content).decode()
            body = body.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
    return body


def _text(part: MIMEPart) -> str:
    content = part.get_content()
    return content if isinstance(content, str) else ""


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en">{head}{body}</html>'


def _word(address: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", address.lower())[:40].strip("-")

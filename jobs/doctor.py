"""Looks at everything the service needs and says in words what is well and what is not; sends and changes nothing.

One exception: the four folders of the mailbox are made when they are missing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from contacts import coordinator, migrate
from contacts.errors import RuleBroken, ServiceError
from jobs import folder_names, heartbeat, lock
from jobs.app import App
from jobs.config import ConfigError
from mailer.errors import TemplateError
from mailer.outbound.compile import SHIPPED, VARIANTS

GOOD, WRONG, NOTE = "good", "wrong", "note"
#: The jobs whose rounds are short enough for a heartbeat to mean something.
_BEATING = ("read_mailbox", "send_outbox", "release_due")


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at (a lasting name), how it is ("good", "wrong", "note"), and the words for it."""

    id: str
    state: str
    message: str


def misconfigured(error: ConfigError) -> list[Check]:
    """A configuration that cannot be read: nothing else can be looked at."""
    return [Check("configuration", WRONG, problem) for problem in error.problems]


def examine(app: App) -> list[Check]:
    """Every check, in the order in which one needs the other; no exception of a server gets through."""
    looks: tuple[tuple[str, Callable[[App], Check]], ...] = (
        ("database", _database), ("coordinators", _coordinators), ("templates", _templates), ("resources", _resources),
        ("mailbox", _mailbox), ("authors", _authors), ("submission", _submission), ("signing", _signing),
        ("pages", _pages), ("daemon", _daemon),
    )  # fmt: skip
    found = [Check("configuration", GOOD, f"{app.network.name}, in {', '.join(app.network.languages)}")]
    for name, look in looks:
        try:
            found.append(look(app))
        except ServiceError as error:
            found.append(Check(name, WRONG, str(error)))
        except Exception as error:  # whatever a server or driver does: it is told, and the next look follows
            found.append(Check(name, WRONG, f"does not answer ({type(error).__name__})"))
    return found


def _database(app: App) -> Check:
    stands, needed = migrate.current(app.database), migrate.head()
    if stands is None:
        return Check("database", NOTE, "is empty; the first start makes its tables")
    if stands != needed:
        return Check("database", NOTE, f"stands at step {stands}; the next start brings it to {needed}")
    problem = migrate.check(app.database)
    if problem:
        return Check("database", WRONG, f"is damaged: {problem}; get a copy back with: verbinden database restore FILE")
    kind = "SQLite" if app.database.is_sqlite else "PostgreSQL"
    return Check("database", GOOD, f"{kind}, at step {stands}, sound")


def _coordinators(app: App) -> Check:
    if migrate.current(app.database) is None:
        return Check("coordinators", NOTE, "none yet; add one with: verbinden coordinators add ADDRESS --name NAME")
    with app.database.read() as session:
        count = len(coordinator.everyone(session))
    if not count:
        missing = "nobody gets the mails that a machine should not answer; add one with: verbinden coordinators add"
        return Check("coordinators", WRONG, missing)
    return Check("coordinators", GOOD, f"{count} of them")


def _templates(app: App) -> Check:
    """Every automatic mail in every language and variant, compiled with made-up facts."""
    roots = [root for root in (SHIPPED, app.config.templates_dir) if root]
    names = {folder.name for root in roots for folder in (root / "mails").glob("*") if folder.is_dir()}
    facts, writer = _facts(app), replace(app.writer, shipped=None)  # ours must not stand in for a broken one here
    for name in sorted(names):
        for language in app.network.languages:
            for variant in VARIANTS:
                try:
                    writer.edition(name, language, variant, facts)
                except TemplateError as error:
                    return Check("templates", WRONG, str(error))
    return Check("templates", GOOD, f"{len(names)} automatic mails in {len(app.network.languages)} languages")


def _resources(app: App) -> Check:
    """The form of the network's own links; none of them is opened."""
    try:
        found = app.writer.compiler.resources()
    except TemplateError as error:
        return Check("resources", WRONG, str(error))
    counts = {one: sum(link.language == one for link in found) for one in app.network.languages}
    if not any(counts.values()):
        return Check("resources", NOTE, "no links for people who ask for advice; write some in layouts/resources.toml")
    told = ", ".join(f"{count} in {language}" for language, count in counts.items())
    return Check("resources", GOOD, f"links for people who ask for advice: {told}")


def _facts(app: App) -> dict[str, Any]:
    """Everything an automatic mail may ask for."""
    now = app.now()
    meeting = {
        "title": "Example", "neutral_title": "Example", "place": "Example", "online_link": "", "capacity": 20,
        "starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=2)).isoformat(), "variant": "plain",
    }  # fmt: skip
    folder = folder_names.folder_name(app, "review")
    notice = {
        "folder": folder, "kinds": ["other"], "urgent": False, "several": False, "day": now.date().isoformat(),
        "numbers": "1", "count": "1", "hour": "09", "minute": "30",
    }  # fmt: skip
    return {
        "meeting": meeting, "notice": notice, "answer": "yes", "guests": 1, "waiting": False, "update": False,
        "resources": [{"title": "Example", "url": "https://www.example.org"}],
        "digest": _digest(now.isoformat(), folder), "decided": {"items": [], "unclear": [1], "left": 1},
    }  # fmt: skip


def _digest(now: str, folder: str) -> dict[str, Any]:
    item = {
        "number": 1, "came_at": now, "folder": folder, "urgent": False, "unread": False, "kinds": ["join"],
        "answer": "", "people": 1, "author": "…@post.example",
        "yes": "mailto:a@post.example", "no": "mailto:b@post.example",
    }  # fmt: skip
    return {
        "since": now, "total": 1, "done": [{"kind": "join", "count": 1}], "review": 1, "ignored": 1, "quarantine": 1,
        "waiting": 1, "urgent": 0, "more": 1, "items": [item],
    }  # fmt: skip


def _mailbox(app: App) -> Check:
    with app.open_mailbox() as box:
        waiting, names = len(box.waiting()), box.folders
    folders = ", ".join(f"{name} ({one})" for one, name in names.items())
    return Check("mailbox", GOOD, f"logged in; the folders {folders} are there; {waiting} mails wait in INBOX")


def _authors(app: App) -> Check:
    if not app.network.authserv_id:
        return Check("authors", NOTE, "nobody checks them (AUTHSERV_ID is not set): whoever writes may be anybody")
    believed = f"{app.network.authserv_id} says whether they are real; what it takes for forged waits for a person"
    return Check("authors", GOOD, believed)


def _submission(app: App) -> Check:
    asyncio.run(_connect(app))
    return Check("submission", GOOD, "connected and logged in; no mail was sent")


async def _connect(app: App) -> None:
    async with app.open_submission() as relay:
        await relay.connect()  # connects and logs in, as before a first letter


def _signing(app: App) -> Check:
    """The keys, and what the DNS has to say of them; it is not asked whether it does."""
    if not app.config.signers:
        return Check("signing", NOTE, "nothing is signed here (DKIM_KEY_FILE is not set): the relay has to do it")
    records = "; ".join(f'{signer.name} TXT "{signer.record}"' for signer in app.config.signers)
    return Check("signing", GOOD, f"letters are signed; the DNS must say: {records}")


def _pages(app: App) -> Check:
    if app.network.web_url is None:
        return Check("pages", NOTE, "none (WEB_URL is not set); everything works by mail alone")
    host, port = app.config.web_listen
    return Check("pages", GOOD, f"{app.network.web_url}, which a proxy must pass on to {host}:{port}")


def _daemon(app: App) -> Check:
    """The daemon, by its lock and by the heartbeats of its jobs."""
    beats = heartbeat.read(app.data_dir)
    late = heartbeat.late(app.data_dir, _BEATING, app.now(), app.config.poll_seconds)
    runs = _is_running(app)
    if not late:
        return Check("daemon", GOOD, f"{'runs' if runs else 'does not run'}, and every job did its work lately")
    if runs:
        return Check("daemon", WRONG, f"runs, but gets nowhere with {', '.join(late)}; look at its log")
    return Check("daemon", WRONG if beats else NOTE, "is not running; start it with: verbinden run")


def _is_running(app: App) -> bool:
    try:
        with lock.holding(app.lock_dir, "daemon"):
            return False
    except RuleBroken:
        return True

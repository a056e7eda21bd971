"""Copies of an SQLite database, made while it is in use, and getting one back without bringing back the forgotten."""

import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from sqlalchemy.orm import Session

from contacts import migrate, roster
from contacts.address import Address
from contacts.database import Database, connect
from contacts.errors import RuleBroken, ServiceError
from jobs import lock
from jobs.app import App
from jobs.commands import erasure
from jobs.schedule import ONCE


def backup(database: Database, file: Path) -> None:
    """Copy the whole database to a new file, for its owner only; raises RuleBroken("exists") rather than overwrite."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise RuleBroken("exists", f"{file} is there already; nothing was changed.") from None
    _copy(_path(database), file)


def restore(app: App, file: Path) -> tuple[Path, int]:
    """Put a copy in the place of the database, and forget again who was forgotten since it was made.

    Returns where the database of before is kept, and how many people were erased again. Raises RuleBroken("busy")
    while the daemon runs, and ("copy") for a file that is no sound database of this or an older version.
    """
    _require_sound(file)
    with ExitStack() as held:
        for name in ("daemon", *ONCE):
            held.enter_context(lock.holding(app.lock_dir, name))
        place = _path(app.database)
        aside = place.with_name(f"{place.name}.before-{app.now():%Y%m%dT%H%M%S}")
        backup(app.database, aside)
        app.database.close()
        _copy(file, place)
        try:
            migrate.upgrade(app.database)
        except ServiceError:
            _copy(aside, place)
            raise
        before = connect(f"sqlite:///{aside}")
        try:
            with before.read() as old, app.database.begin() as session:
                erased = _forget_again(app, old, session)
        finally:
            before.close()
        erasure.scrub(app.database)
    return aside, erased


def _forget_again(app: App, old: Session, session: Session) -> int:
    """Who is in the copy, and was suppressed in the database of before."""
    back = [Address.parse(member.address) for member in roster.everyone(session)]
    gone = [one for one in back if roster.is_suppressed(old, one, app.pepper)]
    gone = [one for one in gone if not roster.is_suppressed(session, one, app.pepper)]
    for address in gone:
        erasure.forget(app, session, address)
    return len(gone)


def _path(database: Database) -> Path:
    return Path(database.engine.url.database or "")


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target, timeout=15)) as other:
        one.backup(other)


def _require_sound(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
            sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        sound = False
    if not sound:
        raise RuleBroken("copy", f"{file} is no sound copy of a database of Verbinden; nothing was changed.")

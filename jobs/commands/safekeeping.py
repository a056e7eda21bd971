"""Copies of an SQLite database, made while it is in use, and getting one back without undoing what people decided."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from contacts import migrate, privacy, roster
from contacts.address import Address
from contacts.consent import address_hash
from contacts.database import Database, connect
from contacts.errors import RuleBroken
from jobs import lock
from jobs.app import App
from jobs.commands import erasure
from jobs.schedule import ONCE
from mailer.inbound import register
from mailer.outbound import outbox, restored


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: where the database of before is kept, how many people were erased again and how many had
    left since the copy was made, and how many letters wait for a person's decision."""

    aside: Path
    erased: int = 0
    left: int = 0
    doubtful: int = 0


def backup(database: Database, file: Path) -> None:
    """Copy the whole database to a new file, for its owner only; raises RuleBroken("exists") rather than overwrite."""
    _create(file)
    _copy(_path(database), file)


def restore(app: App, file: Path) -> Restored:
    """Put a copy in the place of the database; goodbyes, erasures and what was sent since it was made stay.

    All of it is prepared in a file of its own and takes its place in one transaction: whoever looks, or is killed, at
    any moment has either the database of before or the finished one. Raises RuleBroken("busy") while the daemon runs,
    ("copy") for a file that is no sound database, and ("newer") for one of a newer version; then nothing was changed.
    """
    _require_sound(file)
    with ExitStack() as held:
        for name in ("daemon", *ONCE):
            held.enter_context(lock.holding(app.lock_dir, name))
        place = _path(app.database)
        aside = place.with_name(f"{place.name}.before-{app.now():%Y%m%dT%H%M%S%f}")
        prepared = held.enter_context(_prepared(app.database, file))
        migrate.upgrade(prepared)
        backup(app.database, aside)
        try:
            done = _finish(app, prepared, aside)
            app.database.close()
            _copy(_path(prepared), place)
        except BaseException:
            _remove(aside)
            raise
        app.database.scrub()
    return done


def _finish(app: App, prepared: Database, aside: Path) -> Restored:
    """Take over what must not be undone, and close the prepared file, with no byte left of who was erased."""
    before = connect(_url(app.database, aside))
    try:
        with before.read() as old, prepared.begin() as session:
            done = _take_over(app, session, old, aside)
    finally:
        before.close()
    prepared.scrub()
    prepared.close()
    return done


def _take_over(app: App, session: Session, old: Session, aside: Path) -> Restored:
    """What happened since the copy was made and must not be undone."""
    returned = privacy.returned_since(session, old)
    gone = [*_erased_since(app, session, old), *returned]
    for address in gone:
        erasure.forget(app, session, address)
    left = privacy.take_over(session, old, returned, app.pepper)
    return Restored(aside, len(gone), left, restored.take_over(session, old, app.now()))


def _erased_since(app: App, session: Session, old: Session) -> list[Address]:
    """Everybody the copy writes of, member or not, whom the database of before remembers as erased."""
    hashes = privacy.erased_since(session, old)
    written = {member.address for member in roster.everyone(session)}
    written |= {*outbox.addresses(session), *register.authors(session), *erasure.mentions(session)}
    known = {one.key: one for one in map(_read, sorted(written)) if one is not None}
    return [one for one in known.values() if address_hash(one, app.pepper) in hashes]


def _read(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except RuleBroken:
        return None


@contextmanager
def _prepared(database: Database, file: Path) -> Iterator[Database]:
    """A copy of the file beside the database, open, and gone at the end; one that a killed restore left goes first."""
    draft = _path(database).with_name(f"{_path(database).name}.restoring")
    _remove(draft)
    try:
        _create(draft)
        _copy(file, draft)
        opened = connect(_url(database, draft))
        try:
            yield opened
        finally:
            opened.close()
    finally:
        _remove(draft)


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _create(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise RuleBroken("exists", f"{file} is there already; nothing was changed.") from None


def _path(database: Database) -> Path:
    return Path(database.engine.url.database or "")


def _url(database: Database, file: Path) -> str:
    return database.engine.url.set(database=str(file)).render_as_string(hide_password=False)


def _copy(source: Path, target: Path) -> None:
    """All pages in one transaction of the target: it is what it was, or what the source is, and nothing between."""
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

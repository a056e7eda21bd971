"""Opening the house for one command: configuration, database at the newest step, and everything closed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from contacts import coordinator, migrate
from contacts.address import Address
from contacts.coordinator import Coordinator
from contacts.errors import RuleBroken
from jobs.app import App, build
from jobs.config import load


@contextmanager
def opening(env_file: Path | None) -> Iterator[App]:
    """The App of this configuration, its database brought to the newest step; raises ConfigError."""
    app = build(load(env_file))
    _keep_private(app)
    try:
        migrate.upgrade(app.database)
        yield app
    finally:
        app.close()


def _keep_private(app: App) -> None:
    """A new SQLite file is for its owner only from its first byte on; the journal beside it gets the same mode."""
    file = app.database.engine.url.database
    if app.database.is_sqlite and file and file != ":memory:":
        Path(file).touch(mode=0o600)


def the_coordinator(session: Session, address: Address) -> Coordinator:
    """The coordinator with this address; raises RuleBroken("coordinator") when it is nobody's."""
    found = coordinator.find(session, address)
    if found is None:
        raise RuleBroken("coordinator", f"{address} is not a coordinator; add one with: verbinden coordinators add")
    return found

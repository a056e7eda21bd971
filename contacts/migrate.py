"""Bring a database to the schema of this version, step by step (Alembic), and say where it stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect

from contacts.database import Database, connect
from contacts.errors import RuleBroken

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Run every step this database has not had; raises RuleBroken("newer") when it comes from a newer version."""
    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    now = current(database)
    if now is not None and now not in known:
        raise RuleBroken("newer", "The database was made by a newer version of Verbinden; install that version.")
    if now == head():
        return
    fresh = connect(database.engine.url.render_as_string(hide_password=False))
    try:
        _run(config, fresh.engine)
    finally:
        fresh.close()


def current(database: Database) -> str | None:
    """The step the database stands at, None when it is empty."""
    with database.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def head() -> str:
    """The step this version of the software needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def check(database: Database) -> str | None:
    """What is wrong with the database as a file, in the database's own words; None when nothing is."""
    with database.read() as session:
        if not database.is_sqlite:
            return None if inspect(session.connection()).get_table_names() else "there are no tables"
        found = session.connection().exec_driver_sql("PRAGMA quick_check").scalar()
        return None if found == "ok" else str(found)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _run(config: Config, engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        # Rebuilding a parent table with foreign keys on would delete all its children.
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF").close())
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

"""The database: one engine, one declarative base, times that are always aware UTC, and transactions by name.

SQLite runs in WAL mode with `BEGIN IMMEDIATE`, foreign keys and `synchronous=FULL`; PostgreSQL runs as it comes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

_BUSY_SECONDS = 15


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database; a naive time is refused (SQLite forgets time zones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware to UTC; raises ValueError for a naive time."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What the driver gives back, as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The declarative base of every table, with names that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, dict[str, str]: JSON, list[str]: JSON}


_Row = TypeVar("_Row", bound=Base)


def copied(row: _Row, **other: object) -> _Row:
    """The same row for another database: with a number of its own, and with `other` values where they are given."""
    values = {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs if column.key != "id"}
    return type(row)(**{**values, **other})


@dataclass(frozen=True, slots=True)
class Database:
    """An open database; sessions are opened here, in `jobs`, `web` and the command line, and passed down."""

    engine: Engine

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction that may write: committed at the end of the block, rolled back by any exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One transaction that only reads; on SQLite it does not wait for writers."""
        engine = self.engine.execution_options(verbinden_readonly=True)
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Whether this process is the only one of all machines that does `name` while the block lasts.

        On PostgreSQL by an advisory lock on a connection of its own; a SQLite file is used by one machine, which has
        locks of its own. A convenience: what must not happen twice is kept from it by rows.
        """
        if self.is_sqlite:
            yield True
            return
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            key = func.hashtext(f"verbinden:{name}")
            alone = bool(connection.scalar(select(func.pg_try_advisory_lock(key))))
            try:
                yield alone
            finally:
                if alone:  # given back to the pool, the connection would keep the lock
                    _unlock(connection, key)

    @property
    def is_sqlite(self) -> bool:
        """Whether one machine alone uses it."""
        return self.engine.dialect.name == "sqlite"

    def scrub(self) -> bool:
        """Leave no byte of a deleted row in a SQLite file or its journal; False when somebody at work is in the way.

        `secure_delete` overwrites the rows; copies of them that a split page left behind go with VACUUM, and what
        stands in the write-ahead log with the checkpoint. PostgreSQL has its own vacuum.
        """
        if not self.is_sqlite:
            return True
        with closing(self.engine.raw_connection()) as live:
            cursor = live.cursor()
            try:
                cursor.execute("VACUUM")
                busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:  # another process writes all the time
                return False
            return not busy

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def connect(url: str) -> Database:
    """Open the database at `url` (sqlite:///… or postgresql://…); raises sqlalchemy.exc.ArgumentError on nonsense."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return Database(create_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=5))
    wait = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(parsed, hide_parameters=True, connect_args=wait)  # no error message holds an address
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return Database(engine)


def _unlock(connection: Connection, key: Any) -> None:
    try:
        connection.execute(select(func.pg_advisory_unlock(key)))
    except OperationalError:
        connection.invalidate()  # the connection broke, and the lock with it


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}").close()


def _begin_sqlite(connection: Any) -> None:
    # A read that becomes a write cannot wait for another writer (upgrade conflicts ignore busy_timeout): lock first.
    readonly = connection.get_execution_options().get("verbinden_readonly")
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

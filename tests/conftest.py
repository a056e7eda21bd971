"""The servers and databases the tests run against; each is started at most once, when a test first asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import dovecot as dovecot_server
from tests.servers import open_folder
from tests.servers import postfix as postfix_server
from tests.servers import postgres as postgres_server
from tests.servers.smtp_sink import SmtpSink


@pytest.fixture(scope="session")
def dovecot() -> Iterator[dovecot_server.Dovecot]:
    """A running Dovecot, where every user of every domain exists."""
    with open_folder() as folder, dovecot_server.running(folder) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(dovecot: dovecot_server.Dovecot) -> Iterator[postfix_server.Postfix]:
    """A running Postfix that delivers into the Dovecot of the same session."""
    with open_folder() as folder, postfix_server.running(folder, dovecot) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres_server.Postgres]:
    """A running PostgreSQL; `.url` is its own database, `.database()` a new one."""
    with open_folder() as folder, postgres_server.running(folder) as server:
        yield server


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A fake SMTP server that fails on demand."""
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def postgresql_url(postgresql: postgres_server.Postgres) -> Iterator[str]:
    """The URL of a fresh, empty database on PostgreSQL."""
    with postgresql.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, empty database: each test runs on SQLite, and once more on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/verbinden.db"
    return str(request.getfixturevalue("postgresql_url"))

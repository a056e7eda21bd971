"""A migrated database, and a writer that composes real letters from the shipped templates."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contacts import migrate
from contacts.database import Database, connect
from jobs import app as composition
from jobs import config
from jobs.app import App
from mailer.links import Links
from mailer.outbound.compile import Compiler
from mailer.outbound.writer import Writer
from tests.database.office import NETWORK, NOW, Office
from tests.database.rounds import SETTINGS, Clock

__all__ = ["NETWORK", "NOW"]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with today's tables."""
    found = connect(database_url)
    migrate.upgrade(found)
    yield found
    found.close()


@pytest.fixture(scope="session")
def compiler() -> Iterator[Compiler]:
    """One template worker for all tests."""
    found = Compiler()
    yield found
    found.close()


@pytest.fixture
def new_key() -> Callable[[], str]:
    """Keys that count up, so that a failing test can be read."""
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


@pytest.fixture
def writer(compiler: Compiler, new_key: Callable[[], str]) -> Writer:
    """Composes letters for a network with a web address."""
    return Writer(NETWORK, Links(b"s" * 32, NETWORK), compiler, new_key)


@pytest.fixture
def office(database: Database, writer: Writer) -> Iterator[Office]:
    """An office with two coordinators, in one transaction."""
    with database.begin() as session:
        yield Office(session, writer)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, database: Database, clock: Clock) -> Iterator[App]:
    """An App on the test's database, whose clock the test moves."""
    url = database.engine.url.render_as_string(hide_password=False)
    made = composition.build(
        config.load(tmp_path / "no.env", {**SETTINGS, "DATA_DIR": str(tmp_path), "DATABASE_URL": url})
    )
    yield replace(made, now=clock.now, jitter=lambda: 0.5, boot="this-boot", owner="first")
    made.close()

"""A migrated database, and a writer that composes real letters from the shipped templates."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from contacts import migrate
from contacts.database import Database, connect
from mailer.links import Links
from mailer.outbound.compile import Compiler
from mailer.outbound.writer import Writer
from tests.database.office import NETWORK, NOW, Office

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

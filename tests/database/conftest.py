"""A migrated database, and a writer that composes real letters from the shipped templates."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from contacts import migrate
from contacts.database import Database, connect
from contacts.network import Network
from mailer.links import Links
from mailer.outbound.compile import Compiler
from mailer.outbound.writer import Writer

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NETWORK = Network(
    "Lerend netwerk",
    "netwerk@verbinden.example",
    ("nl", "fr", "en"),
    ZoneInfo("Europe/Brussels"),
    "https://verbinden.example",
)


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

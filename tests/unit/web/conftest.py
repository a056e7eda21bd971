"""The network that the tests of the pages knock at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.outbound.compile import Compiler
from tests.unit.web.house import House, build


@pytest.fixture(scope="session")
def compiler() -> Iterator[Compiler]:
    """The real compiler; its child process serves every test."""
    found = Compiler(timezone="Europe/Brussels")
    yield found
    found.close()


@pytest.fixture
def house(tmp_path: Path, compiler: Compiler) -> Iterator[House]:
    """An empty network with its pages."""
    found = build(tmp_path, compiler)
    yield found
    found.database.close()

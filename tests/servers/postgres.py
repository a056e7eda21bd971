"""A private PostgreSQL server, and a fresh, empty database in it for each test that asks for one."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.servers import HOST, find, free_port, process, settings, wait_for_port

USER = "verbinden"
_FOLDERS = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server that trusts everybody on this machine."""

    port: int

    @property
    def url(self) -> str:
        """The database that is always there."""
        return f"postgresql://{USER}@{HOST}:{self.port}/postgres"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database, that is dropped at the end, whoever may still be connected."""
        name = f"t{uuid4().hex}"
        self._say(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql://{USER}@{HOST}:{self.port}/{name}"
        finally:
            self._say(f"DROP DATABASE {name} WITH (FORCE)")

    def _say(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.encode())


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """Start PostgreSQL with its data in `folder`, as the user `postgres` when we are root (it refuses to be root)."""
    initdb = find("initdb", _FOLDERS, "postgresql")
    server = find("postgres", _FOLDERS, "postgresql")
    data, log, port = folder / "data", folder / "postgres.log", free_port()
    data.mkdir(mode=0o700)
    identity: dict[str, object] = {}
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    command = [initdb, "--no-sync", "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "-D", data]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **identity)  # type: ignore[call-overload]
    with (data / "postgresql.conf").open("a") as config:
        config.write(settings(_config(port)))
    # SIGINT ends the connections that tests forgot; SIGTERM would wait for them.
    with process([server, "-D", data], log, signal.SIGINT, cwd=folder, **identity) as child:
        wait_for_port(port, child, log)
        made = Postgres(port)
        _wait_until_ready(made)
        yield made


def _wait_until_ready(server: Postgres) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(server.url).close()
        except psycopg.OperationalError:  # it listens before it has started up
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _config(port: int) -> dict[str, object]:
    # Nothing here has to survive a power cut: the tests are about what happens when *we* die.
    return {
        "listen_addresses": f"'{HOST}'",
        "port": port,
        "unix_socket_directories": "''",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": 200,
        "timezone": "'Pacific/Auckland'",  # far from ours: a time without a zone shows
    }

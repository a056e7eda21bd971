"""The command `verbinden` on a fresh SQLite database, with the shipped templates and no server anywhere."""

import json
import secrets
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contacts.database import Database, connect
from jobs.cli import main
from mailer.inbound import register
from mailer.inbound.register import InboundMail

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SETTINGS = {
    "NETWORK_NAME": "Lerend netwerk",
    "NETWORK_ADDRESS": "netwerk@verbinden.example",
    "NETWORK_LANGUAGES": "nl,fr,en",
    "IMAP_URL": "imaps://netwerk@mail.verbinden.example",
    "IMAP_PASSWORD": "imap-password",
    "SMTP_URL": "smtps://netwerk@mail.verbinden.example",
    "SMTP_PASSWORD": "smtp-password",
}


class Verbinden:
    """The command in a folder of its own, as a coordinator types it there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = {**SETTINGS, "SECRET_KEY": secrets.token_hex(32), "DATA_DIR": str(folder / "data")}

    def __call__(self, *words: str, code: int = 0, **settings: str) -> Result:
        """Run it; the exit code must be `code`, and nothing may end in a traceback."""
        result = CliRunner().invoke(main, list(words), env={**self.settings, **settings})
        assert result.exit_code == code, (words, result.exit_code, result.output, result.exception)
        assert "Traceback" not in result.output
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        """What it prints for programs, read."""
        return json.loads(self(*words, "--json", code=code).stdout)

    def database(self) -> Database:
        """The database it works on."""
        return connect(f"sqlite:///{self.folder}/data/verbinden.db")

    def put_request(
        self, author: str, people: list[dict[str, str]], urgent: bool = False, kind: str = "other", outline: str = ""
    ) -> None:
        """As if a mail had come that a person should decide on."""
        key = secrets.token_hex(16)
        mail = InboundMail(
            key=key, content_key=key * 2, kinds=[kind], disposition="review", why=["unclear"], read_at=NOW
        )
        database = self.database()
        with closing(database), database.begin() as session:
            session.add(mail)
            session.flush()
            waits = register.Waits(author, "nl", urgent, {"people": people}, outline=outline)
            register.add_requests(session, [(mail, waits)], NOW)


@pytest.fixture
def verbinden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verbinden:
    """The command, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Verbinden(tmp_path)


@pytest.fixture
def network(verbinden: Verbinden) -> Verbinden:
    """A network with templates of its own, one coordinator and two members, An in Dutch and Marc in French."""
    verbinden("init", "own")
    verbinden.settings["TEMPLATES_DIR"] = str(verbinden.folder / "own" / "templates")
    verbinden("coordinators", "add", "karim@partner.example", "--name", "Karim Haddad")
    for address, name, language in (("an@huis.example", "An Peeters", "nl"), ("marc@maison.example", "Marc", "fr")):
        verbinden("members", "add", address, "--name", name, "--language", language, "--consent", "signed a list")
    return verbinden


@pytest.fixture
def edit(network: Verbinden) -> Callable[[str, str, str], None]:
    """Replace words in a file of the network's own templates."""

    def replace(file: str, old: str, new: str) -> None:
        path = Path(network.settings["TEMPLATES_DIR"], file)
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace

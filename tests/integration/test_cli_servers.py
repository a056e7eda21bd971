"""The command against real servers: `doctor` tells what is well and what is not; PostgreSQL keeps its own tools."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs import heartbeat
from jobs.cli import main
from jobs.demo.mailserver import DevMail
from tests.structure.house import ROOT

ADDRESS = "netwerk@verbinden.example"


@pytest.fixture
def server() -> Iterator[DevMail]:
    """A mail server that lets `netwerk@verbinden.example` in."""
    with DevMail(password="canary-password") as found:
        yield found


@pytest.fixture
def settings(server: DevMail, tmp_path: Path) -> dict[str, str]:
    """A whole configuration for that server."""
    return {
        "NETWORK_NAME": "Lerend netwerk",
        "NETWORK_ADDRESS": ADDRESS,
        "IMAP_URL": f"imap://netwerk%40verbinden.example@127.0.0.1:{server.imap_port}",
        "IMAP_PASSWORD": server.password,
        "SMTP_URL": f"smtp://netwerk%40verbinden.example@127.0.0.1:{server.smtp_port}",
        "SMTP_PASSWORD": server.password,
        "SECRET_KEY": f"canary-key-{secrets.token_hex(32)}",
        "DATA_DIR": str(tmp_path / "data"),
    }


def call(settings: dict[str, str], *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(words), env=settings)
    assert result.exit_code == code, result.output
    return result


def found(settings: dict[str, str], code: int) -> dict[str, str]:
    """What doctor says, by check; it must never show a secret."""
    result = call(settings, "doctor", "--json", code=code)
    assert "canary" not in result.output
    told = json.loads(result.stdout)
    assert told["well"] is (code == 0)
    return {check["id"]: check["state"] for check in told["checks"]}


@pytest.mark.conf("SEC-41")
def test_doctor_finds_everything_well(settings: dict[str, str], server: DevMail):
    call(settings, "coordinators", "add", "karim@partner.example", "--name", "Karim")
    states = found(settings, 0)
    assert states == {
        "configuration": "good", "database": "good", "coordinators": "good", "templates": "good", "resources": "note",
        "mailbox": "good", "authors": "note", "submission": "good", "signing": "note", "pages": "note",
        "daemon": "note",
    }  # fmt: skip
    assert server.accepted == []


def test_doctor_finds_that_nobody_coordinates(settings: dict[str, str]):
    call(settings, "database", "migrate")
    assert found(settings, 1)["coordinators"] == "wrong"


@pytest.mark.conf("SEC-41")
def test_doctor_finds_wrong_passwords(settings: dict[str, str]):
    states = found({**settings, "IMAP_PASSWORD": "canary-wrong", "SMTP_PASSWORD": "canary-wrong"}, 1)
    assert (states["mailbox"], states["submission"]) == ("wrong", "wrong")


def test_doctor_finds_a_daemon_that_gets_nowhere(settings: dict[str, str]):
    call(settings, "coordinators", "add", "karim@partner.example", "--name", "Karim")
    for job in ("read_mailbox", "send_outbox", "release_due"):
        call(settings, "once", job)
    assert found(settings, 0)["daemon"] == "good"
    heartbeat.beat(Path(settings["DATA_DIR"]), "send_outbox", datetime(2020, 1, 1, tzinfo=UTC))
    assert found(settings, 1)["daemon"] == "wrong"


def test_doctor_finds_a_broken_template(settings: dict[str, str], tmp_path: Path):
    call(settings, "init", str(tmp_path / "own"), "--all")
    mail = tmp_path / "own" / "templates" / "mails" / "welcome" / "fr.md"
    mail.write_text("{% if member.name %}", encoding="utf-8")
    call(settings, "coordinators", "add", "karim@partner.example", "--name", "Karim")
    result = call({**settings, "TEMPLATES_DIR": str(tmp_path / "own" / "templates")}, "doctor", code=1)
    assert "welcome/fr.md" in result.output


@pytest.mark.parametrize(
    ("text", "state", "told"),
    [
        ('[[resource]]\nurl = "https://a.example/x"\nnl = "Een"\nfr = "Un"\n', "good", "1 in nl, 1 in fr, 0 in en"),
        ('[[resource]]\nurl = "http://a.example/x"\nnl = "Een"\n', "wrong", "layouts/resources.toml"),
    ],
)
def test_doctor_looks_at_the_links_for_who_asks_advice(
    settings: dict[str, str], tmp_path: Path, text: str, state: str, told: str
):
    call(settings, "init", str(tmp_path / "own"))
    own = tmp_path / "own" / "templates"
    assert "# [[resource]]" in (own / "layouts" / "resources.toml").read_text(encoding="utf-8")
    (own / "layouts" / "resources.toml").write_text(text, encoding="utf-8")
    call(settings, "coordinators", "add", "karim@partner.example", "--name", "Karim")
    result = call({**settings, "TEMPLATES_DIR": str(own)}, "doctor", "--json", code=int(state == "wrong"))
    (check,) = [one for one in json.loads(result.stdout)["checks"] if one["id"] == "resources"]
    assert check["state"] == state
    assert told in check["message"]


def test_doctor_tells_what_the_folders_are_called_and_whose_word_is_taken(settings: dict[str, str]):
    call(settings, "coordinators", "add", "karim@partner.example", "--name", "Karim")
    result = call({**settings, "AUTHSERV_ID": "mx.verbinden.example"}, "doctor", "--json")
    told = {one["id"]: one["message"] for one in json.loads(result.stdout)["checks"]}
    assert "Te bekijken (review)" in told["mailbox"]
    assert told["authors"].startswith("mx.verbinden.example says")


def test_a_round_of_a_job_sends_what_a_command_queued(settings: dict[str, str], server: DevMail):
    call(settings, "members", "add", "els@huis.example", "--name", "Els")
    assert call(settings, "once", "send_outbox").stdout == "letters accepted by the mail server: 1\n"
    assert [mail.recipient for mail in server.accepted] == ["els@huis.example"]
    shown = json.loads(call(settings, "outbox", "show", "1", "--json").stdout)
    assert shown["sentence"].startswith("The mail server took it on ")


def test_a_server_that_is_away_ends_a_round_in_words(settings: dict[str, str]):
    away = {**settings, "SMTP_URL": "smtp://127.0.0.1:1", "IMAP_URL": "imap://u@127.0.0.1:1"}
    call(away, "members", "add", "els@huis.example")
    for job in ("send_outbox", "read_mailbox"):
        result = call(away, "once", job, code=1)
        assert "els@huis.example" not in result.stderr
        assert "Traceback" not in result.stderr


def test_the_demo_says_what_it_misses():
    code = "import sys; sys.modules['pymap'] = None; from jobs.cli import main; main(['demo', '--once'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "The demo needs its own mail server: pip install 'verbinden[demo]'\n"


@pytest.mark.servers
def test_postgresql_is_left_to_its_own_tools(settings: dict[str, str], postgresql_url: str, tmp_path: Path):
    there = {**settings, "DATABASE_URL": postgresql_url}
    call(there, "members", "add", "els@huis.example", "--consent", "signed")
    assert json.loads(call(there, "database", "status", "--json").stdout)["kind"] == "postgresql"
    told = call(there, "database", "backup", str(tmp_path / "copy"), code=1).stderr
    assert f"pg_dump --format=custom --file='{tmp_path}/copy' --dbname='postgresql://" in told
    call(there, "members", "forget", "els@huis.example", "--yes")
    assert json.loads(call(there, "members", "list", "--json").stdout) == []

"""The command as a whole: help, exit codes, init, and the ends that are told in words."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.cli import COMMANDS, Commands, main
from jobs.commands.work import JOBS
from jobs.schedule import ONCE
from tests.structure.house import ROOT

CONTRACT = {
    "members": {"list", "show", "add", "import", "export", "forget"},
    "newsletters": {
        "new",
        "list",
        "check",
        "preview",
        "test",
        "approve",
        "schedule",
        "status",
        "pause",
        "resume",
        "cancel",
    },
    "meetings": {"new", "list", "check", "invite", "update", "cancel", "answers", "export"},
    "outbox": {"list", "show", "retry", "cancel", "resume"},
    "requests": {"list", "show", "resolve", "digest"},
    "coordinators": {"list", "add", "remove"},
    "database": {"migrate", "backup", "restore", "status"},
}


def test_help_shows_every_command():
    shown = CliRunner().invoke(main, ["--help"]).output
    assert "Usage: verbinden" in shown
    assert [name for name in COMMANDS if f"  {name} " not in shown] == []


def test_help_loads_no_database_and_no_templates():
    code = (
        "import sys; from jobs.cli import main; main(['--help'], standalone_mode=False); "
        "print([name for name in ('sqlalchemy', 'rich', 'jinja2', 'apscheduler') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_line_in_help_is_that_of_the_command(name: str):
    assert isinstance(main, Commands)
    command = main.get_command(None, name)
    assert command is not None
    assert (command.help or "").startswith(COMMANDS[name][1].rstrip("."))


@pytest.mark.parametrize("group", sorted(CONTRACT))
def test_the_sub_commands_are_those_of_the_contract(group: str):
    command = main.get_command(None, group)
    assert set(command.commands) >= CONTRACT[group]


def test_the_jobs_are_those_of_the_schedule():
    assert set(JOBS) == set(ONCE)


@pytest.mark.parametrize(
    "words",
    [
        ["nothing-like-it"],
        ["once", "everything"],
        ["members", "show"],
        ["members", "show", "no address"],
        ["newsletters", "new", "../winter"],
        ["newsletters", "schedule", "winter"],
        ["newsletters", "approve", "winter", "--by", "a@b.example", "--at", "tomorrow"],
        ["outbox", "list", "--state", "lost"],
        ["--env", "nowhere/.env", "members", "list"],
        ["explain"],
        ["explain", "nowhere.eml"],
    ],
)
def test_wrong_usage_ends_with_2(verbinden, words: list[str]):
    verbinden(*words, code=2)


def test_a_bad_configuration_ends_with_78_and_all_problems(verbinden):
    result = verbinden("members", "list", code=78, NETWORK_NAME="", SECRET_KEY="short")
    assert result.stdout == ""
    assert "NETWORK_NAME: " in result.stderr
    assert "SECRET_KEY: " in result.stderr


def test_doctor_tells_a_bad_configuration_as_its_finding(verbinden):
    result = verbinden("doctor", "--json", code=78, NETWORK_NAME="", POLL_SECONDS="0")
    told = json.loads(result.stdout)
    assert told["well"] is False
    assert [check["id"] for check in told["checks"]] == ["configuration", "configuration"]


def test_a_database_that_is_none_ends_with_words(verbinden):
    file = verbinden.folder / "notes.txt"
    file.write_text("this is no database" * 100)
    result = verbinden("members", "list", code=1, DATABASE_URL=f"sqlite:///{file}")
    assert "database" in result.stderr


def test_a_folder_that_cannot_be_written_ends_with_words(verbinden):
    (verbinden.folder / "data").write_text("a file, not a folder")
    result = verbinden("members", "list", code=78)
    assert "DATA_DIR" in result.stderr


def test_an_error_nobody_expected_shows_places_and_no_words(verbinden, monkeypatch: pytest.MonkeyPatch):
    from contacts import roster

    def break_down(*_: object) -> None:
        raise LookupError("an@huis.example")

    monkeypatch.setattr(roster, "everyone", break_down)
    result = verbinden("members", "list", code=1)
    assert "LookupError" in result.stderr
    assert "test_cli_main.py" in result.stderr
    assert "an@huis.example" not in result.stderr


def test_init_lays_out_what_works_at_once(verbinden):
    verbinden("init", "our network")
    settings = verbinden.folder / "our network" / ".env"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    text = settings.read_text(encoding="utf-8")
    filled = text.replace("NETWORK_NAME=\n", "NETWORK_NAME='Ons netwerk'\n")
    for name in ("NETWORK_ADDRESS", "IMAP_URL", "IMAP_PASSWORD", "SMTP_URL"):
        filled = filled.replace(f"{name}=\n", f"{name}={verbinden.settings[name]}\n")
    settings.write_text(filled, encoding="utf-8")
    verbinden.settings = {}
    verbinden("--env", str(settings), "newsletters", "new", "winter")
    assert (verbinden.folder / "our network" / "templates" / "newsletters" / "winter" / "nl.md").is_file()
    assert (verbinden.folder / "our network" / "data" / "verbinden.db").is_file()
    assert verbinden("--env", str(settings), "newsletters", "check", "winter").output.strip() == "Nothing to mend."


def test_init_makes_another_key_each_time(verbinden):
    verbinden("init", "one")
    verbinden("init", "two")
    keys = {
        line for name in ("one", "two") for line in Path(name, ".env").read_text().splitlines() if "SECRET_KEY=" in line
    }
    assert len(keys) == 2
    assert all(len(line) == len("SECRET_KEY=") + 64 for line in keys)


def test_init_overwrites_nothing(verbinden):
    verbinden("init", "own")
    before = Path("own", ".env").read_bytes()
    verbinden("init", "own", code=1)
    assert Path("own", ".env").read_bytes() == before


def test_init_all_copies_mails_and_layouts(verbinden):
    verbinden("init", "own", "--all")
    assert Path("own", "templates", "mails", "welcome", "nl.md").is_file()
    assert Path("own", "templates", "layouts", "base.mjml").is_file()
    assert list(Path("own", "templates").rglob("*.py")) == []


def test_a_new_database_is_for_its_owner_only(verbinden):
    verbinden("database", "migrate")
    assert stat.S_IMODE((verbinden.folder / "data" / "verbinden.db").stat().st_mode) == 0o600


def test_explain_needs_no_configuration(verbinden):
    verbinden.settings = {}
    for name in ("one.eml", "two.eml"):
        Path(name).write_bytes(b"From: An <an@huis.example>\r\nSubject: Lid worden\r\n\r\nIk wil graag lid worden.\r\n")
    lines = verbinden("explain", "one.eml", "two.eml", "--json").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["file"] for row in rows] == ["one.eml", "two.eml"]
    keys = {"file", "language", "kinds", "people", "rsvp", "certain", "actions", "disposition", "why"}
    assert all(set(row) == keys for row in rows)
    assert "lid" not in verbinden("explain", "one.eml", "--thread", "newsletter").stderr
    assert not Path("data").exists()


def test_lint_says_what_is_wrong_and_ends_with_1(verbinden):
    Path("bad.eml").write_bytes(b"Subject: x\n\nhello\n")
    result = verbinden("lint", "bad.eml", "--json", code=1)
    row = json.loads(result.stdout)
    assert row["file"] == "bad.eml"
    assert {"OUT-01", "OUT-11"} <= {problem["id"] for problem in row["problems"]}

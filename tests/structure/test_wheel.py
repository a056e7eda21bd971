"""The wheel stands on its own: built from the project, installed elsewhere, used outside the repository."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAIL = b"""\
From: An Peeters <an.peeters@huis.example>\r
To: netwerk@verbinden.example\r
Subject: Inschrijven\r
Date: Mon, 05 Oct 2026 10:00:00 +0200\r
Message-ID: <1@huis.example>\r
Content-Type: text/plain; charset=utf-8\r
\r
Hallo,\r
\r
Ik wil graag lid worden van het netwerk.\r
\r
An Peeters\r
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("verbinden-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def verbinden(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `verbinden` of a fresh environment that holds the wheel, and sees the test environment's packages."""
    place = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(place, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "-qq", "--no-input"]
    done = subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return place / "bin" / "verbinden"


def call(command: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in `cwd` with nothing of the repository on its path."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    whole = [str(command), *arguments]
    return subprocess.run(whole, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60)


def test_everything_but_python_is_in_the_wheel_too(wheel: Path):
    inside = set(zipfile.ZipFile(wheel).namelist())
    rooms = ("contacts", "mailer", "web", "jobs", "templates")
    files = [file for room in rooms for file in (ROOT / room).rglob("*") if file.is_file()]
    wanted = {file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in file.parts}
    assert wanted - inside == set()
    assert [name for name in inside if name.startswith(("tests/", "bench/", "docs/"))] == []


def test_help_is_shown(verbinden: Path, tmp_path: Path):
    done = call(verbinden, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage: verbinden" in done.stdout


def test_it_runs_from_the_wheel_and_not_from_the_repository(verbinden: Path, tmp_path: Path):
    python = verbinden.parent / "python"
    code = "import contacts, jobs, mailer, templates, web\nprint(contacts.__file__, templates.__file__)"
    done = subprocess.run([python, "-P", "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    assert str(ROOT) not in done.stdout


def test_init_lays_out_templates_and_a_commented_env(verbinden: Path, tmp_path: Path):
    done = call(verbinden, "init", "our network", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "our network"
    assert [file for file in (made / "templates").rglob("*") if file.suffix in (".md", ".mjml")] != []
    environment = (made / ".env").read_text(encoding="utf-8")
    assert "NETWORK_ADDRESS=" in environment
    assert "#" in environment


def test_explain_reads_a_mail(verbinden: Path, tmp_path: Path):
    (tmp_path / "a mail.eml").write_bytes(MAIL)
    done = call(verbinden, "explain", "a mail.eml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert set(told) == {"file", "language", "kinds", "people", "rsvp", "certain", "actions", "disposition", "why"}
    assert told["kinds"] == ["join"]
    assert told["people"][0]["address"] == "an.peeters@huis.example"

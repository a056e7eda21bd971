"""`./run` on machines that lack something: it says what, in words one can act on, and leaves nothing half-made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "cat", "rm", "mkdir", "mv", "id", "sleep", "chmod")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a blank in its path, and beside it a PATH with a shell's tools and no Python."""
    folder = tmp_path / "my clone"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "demo.txt").write_text("")
    (folder / "jobs").mkdir()
    (folder / "jobs" / "__main__.py").write_text("import os, sys\nprint(os.getcwd(), sys.argv[1:])\n")
    shutil.copy(ROOT / "run", folder / "run")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return folder


def python(clone: Path, script: str) -> None:
    """Put a python3 on the PATH that is this shell script."""
    found = clone.parent / "bin" / "python3"
    found.write_text(f"#!/bin/sh\n{script}\n")
    found.chmod(0o755)


def call(clone: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(clone.parent / "bin"), "HOME": str(clone.parent)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    command = [str(clone / "run"), *arguments]
    return subprocess.run(command, env=environment, cwd=cwd or clone, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [[], ["nonsense"]])
def test_a_wrong_command_shows_the_right_ones(clone: Path, arguments: list[str]):
    done = call(clone, *arguments)
    assert done.returncode == 2
    assert "./run COMMAND" in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("arguments", [["bench"], ["bench", "nonsense"], ["bench", "../jobs/__main__"]])
def test_a_measurement_without_its_name_is_told_which_there_are(clone: Path, arguments: list[str]):
    (clone / "bench").mkdir()
    (clone / "bench" / "corpora.py").write_text("")
    done = call(clone, *arguments)
    assert done.returncode == 1
    assert "./run bench NAME, one of corpora" in done.stderr
    assert not (clone / ".venv").exists()


def test_help_is_no_error(clone: Path):
    done = call(clone, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "demo" in done.stdout


def test_without_python_it_says_which_are_needed(clone: Path):
    done = call(clone, "demo")
    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed; here is no python3" in done.stderr


def test_an_old_python_is_named(clone: Path):
    python(clone, '[ "$1" = -V ] && echo Python 3.9.2 && exit 0; exit 1')
    done = call(clone, "demo")
    assert done.returncode == 1
    assert "here is Python 3.9.2" in done.stderr


def test_a_debian_without_venv_is_told_what_to_type(clone: Path):
    python(clone, "case $2 in *sys.exit*) exit 0;; *ensurepip*) exit 1;; *) echo python3.11-venv;; esac")
    done = call(clone, "demo")
    assert done.returncode == 1
    assert "sudo apt-get install python3.11-venv" in done.stderr
    assert not (clone / ".venv").exists()
    assert not (clone / ".cache" / "setup.lock").exists()


def test_it_makes_its_own_venv_once_and_keeps_folder_and_arguments(clone: Path, tmp_path: Path):
    python(clone, f'exec "{sys.executable}" "$@"')
    first = call(clone, "verbinden", "explain", "a mail.eml", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"{tmp_path} ['explain', 'a mail.eml']\n"
    again = call(clone, "demo", "--once", cwd=tmp_path)
    assert (again.stdout, again.stderr) == (f"{tmp_path} ['demo', '--once']\n", "")


def test_what_is_broken_is_made_anew(clone: Path):
    python(clone, f'exec "{sys.executable}" "$@"')
    venv, lock = clone / ".venv", clone / ".cache" / "setup.lock"
    (venv / "bin").mkdir(parents=True)
    lock.mkdir(parents=True)
    (lock / "pid").write_text("99999999\n")
    assert_made_anew(clone)  # half a .venv, and the lock of a run that died making it
    (venv / ".installing").touch()
    assert_made_anew(clone)
    (clone / "requirements" / "demo.txt").write_text("# changed\n")
    assert_made_anew(clone)
    (venv / "bin" / "python").unlink()
    assert_made_anew(clone)
    assert call(clone, "demo").stderr == ""


def assert_made_anew(clone: Path) -> None:
    (clone / ".venv" / "left over").touch()
    done = call(clone, "demo")
    assert done.returncode == 0, done.stderr
    assert "making .venv" in done.stderr
    assert not (clone / ".venv" / "left over").exists()

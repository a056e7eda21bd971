"""The house keeps its walls: who may import whom, and the one place of each thing that must have only one place."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.structure import house
from tests.structure.house import ROOT, Module, Rule

RULES = (
    house.imports_lead_left,
    house.halves_are_apart,
    house.sql_is_at_home,
    house.lines_are_at_home,
    house.environment_is_at_home,
    house.clock_is_at_home,
    house.chance_is_at_home,
    house.only_jobs_print,
    house.names_say_something,
    house.files_are_short,
    house.modules_say_what_they_are,
)

# For each rule, code that breaks it: a rule that cannot fail holds nothing.
BREACHES = (
    (house.imports_lead_left, "contacts/roster.py", "from mailer import links"),
    (house.imports_lead_left, "mailer/links.py", "def late():\n    import jobs.config"),
    (house.imports_lead_left, "web/pages.py", "from jobs.app import App"),
    (house.halves_are_apart, "mailer/inbound/report.py", "from mailer.outbound.outbox import add"),
    (house.halves_are_apart, "mailer/inbound/understanding/phrases.py", "from mailer import outbound"),
    (house.halves_are_apart, "mailer/outbound/wire.py", "from ..inbound import message"),
    (house.sql_is_at_home, "mailer/inbound/answer.py", "from sqlalchemy import select"),
    (house.sql_is_at_home, "web/pages.py", "from sqlalchemy.sql.expression import text"),
    (house.sql_is_at_home, "jobs/doctor.py", "import sqlalchemy as sa"),
    (house.sql_is_at_home, "jobs/doctor.py", "def look(app, session):\n    session.execute(what)"),
    (house.lines_are_at_home, "jobs/doctor.py", "import socket"),
    (house.lines_are_at_home, "mailer/outbound/check.py", "from urllib.request import urlopen"),
    (house.lines_are_at_home, "mailer/inbound/answer.py", "import imap_tools.mailbox"),
    (house.lines_are_at_home, "mailer/outbound/desk.py", "async def f(loop):\n    await loop.create_connection(g)"),
    (house.environment_is_at_home, "jobs/app.py", "import os\nx = os.environ['X']"),
    (house.environment_is_at_home, "mailer/links.py", "from os import getenv"),
    (house.clock_is_at_home, "mailer/links.py", "import datetime\nx = datetime.datetime.now()"),
    (house.clock_is_at_home, "contacts/member.py", "from datetime import date\nx = date.today()"),
    (house.clock_is_at_home, "mailer/outbound/retry.py", "from time import time"),
    (house.chance_is_at_home, "mailer/outbound/retry.py", "from random import random"),
    (house.chance_is_at_home, "mailer/links.py", "import secrets"),
    (house.only_jobs_print, "web/pages.py", "print('x')"),
    (house.names_say_something, "mailer/utils.py", ""),
    (house.names_say_something, "mailer/links.py", "class LinkManager: ..."),
    (house.files_are_short, "mailer/links.py", "x = 1\n" * 400),
    (house.modules_say_what_they_are, "mailer/links.py", "x = 1"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Rule):
    assert house.complaints(rule) == []


@pytest.mark.parametrize(("rule", "path", "source"), BREACHES)
def test_a_breach_is_seen(rule: Rule, path: str, source: str):
    assert list(rule(Module.parse(path, source))) != []


def test_every_rule_has_a_breach():
    assert {rule for rule, _, _ in BREACHES} == set(RULES)


def test_a_rule_does_not_cry_wolf():
    quiet = '"""Words."""\nfrom datetime import datetime\nfrom sqlalchemy.orm import Session\nx = datetime.max\n'
    module = Module.parse("mailer/inbound/report.py", quiet)
    assert [found for rule in RULES for found in rule(module)] == []


def test_no_module_needs_itself():
    assert house.cycles(house.modules()) == []


def test_a_circle_is_seen():
    circle = {"a": "from mailer.b import x", "b": "from mailer import c", "c": "import mailer.a", "d": "import mailer"}
    found = house.cycles(tuple(Module.parse(f"mailer/{name}.py", source) for name, source in circle.items()))
    assert found == ["mailer.a", "mailer.b", "mailer.c"]


def test_tests_are_short_and_say_what_they_are():
    tests = [file for folder in ("tests", "bench") for file in sorted((ROOT / folder).rglob("*.py"))]
    parsed = [Module.parse(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in tests]
    rules = (house.files_are_short, house.modules_say_what_they_are)
    assert [f"{module.path}:{found}" for module in parsed for rule in rules for found in rule(module)] == []


def _shipped_files() -> list[Path]:
    """What git holds or would hold."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


# Taken apart, so that this file does not break its own rule.
_MACHINES = re.compile(r"(?<![\w.])/(?:w" r"ork|r" r"oot|h" r"ome)/|py" r"pi\.org|python" r"hosted")


def test_no_file_names_a_machine_or_a_registry():
    found = []
    for file in _shipped_files():
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if _MACHINES.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}")
    assert found == []


@pytest.mark.conf("SEC-42")
@pytest.mark.parametrize("name", ["demo.txt", "test.txt"])
def test_requirements_are_pinned_and_hashed_and_name_no_host(name: str):
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert "http" not in text
    pins = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    assert [pin for pin in pins if not re.match(r"[a-z0-9.\[\]_-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)] == []
    assert len(pins) > 20


def _variables() -> list[str]:
    """The names in the table VARIABLES of jobs/config.py."""
    tree = ast.parse((ROOT / "jobs" / "config.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Variable"]
    return [ast.literal_eval(call.args[0]) for call in calls]


def test_the_example_configuration_is_in_step():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    written = re.findall(r"(?m)^#?[ ]?([A-Z][A-Z0-9_]+)=", example)
    assert len(_variables()) >= 10
    assert sorted(written) == sorted(_variables())

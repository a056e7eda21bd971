"""Whole mails as people write them, with the answers of a careful coordinator: what must hold for all of them.

The weights are learned from these mails as well, so that this shows what has been learned, not how well the mails of
strangers are understood: `./run learn --measure` keeps them out for that.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mailer.inbound.explain import explain

CORPUS = Path(__file__).parents[2] / "corpus"
SETS = sorted(folder.parent.name for folder in CORPUS.glob("*/gold.jsonl"))
MACHINES = {"report": "other", "auto_reply": "other", "bulk": "other", "calendar_reply": "rsvp"}


@cache
def answers(name: str) -> tuple[tuple[dict[str, Any], dict[str, Any]], ...]:
    rows = (json.loads(line) for line in (CORPUS / name / "gold.jsonl").read_text(encoding="utf-8").splitlines())
    return tuple(
        (gold, dict(explain((CORPUS / name / gold["file"]).read_bytes(), gold["file"], gold["thread"])))
        for gold in rows
    )


def share(found: list[bool]) -> float:
    return sum(found) / len(found)


@pytest.mark.conf("INB-21")
@pytest.mark.parametrize("name", SETS)
def test_nothing_is_done_that_would_do_harm(name: str) -> None:
    done = {gold["file"]: set(got["actions"]) & set(gold["must_not"]) for gold, got in answers(name)}
    assert {file: harm for file, harm in done.items() if harm} == {}


@pytest.mark.parametrize("name", SETS)
def test_kinds_are_known_and_goodbyes_and_cries_for_help_above_all(name: str) -> None:
    known = [{MACHINES.get(kind, kind) for kind in got["kinds"]} == set(gold["kinds"]) for gold, got in answers(name)]
    assert share(known) >= 0.88
    assert share(["leave" in got["kinds"] for gold, got in answers(name) if "leave" in gold["kinds"]]) >= 0.85
    assert share(["help" in got["kinds"] for gold, got in answers(name) if "help" in gold["kinds"]]) == 1.0


@pytest.mark.parametrize("name", SETS)
def test_what_a_person_must_see_reaches_one(name: str) -> None:
    assert share([got["disposition"] == "review" for gold, got in answers(name) if not gold["auto_ok"]]) >= 0.9

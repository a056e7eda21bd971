"""What a coordinator is told of a folder is what the mailbox calls it, whatever lies in the file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs import app as composition
from jobs import config
from jobs.app import App
from jobs.folder_names import folder_name, note
from mailer.inbound.folders import choose
from tests.unit.jobs.conftest import SETTINGS


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """An App on a temporary folder, for a network in Dutch and French."""
    settings = {**SETTINGS, "NETWORK_LANGUAGES": "nl,fr", "SECRET_KEY": "k" * 32, "DATA_DIR": str(tmp_path)}
    made = composition.build(config.load(tmp_path / "no.env", settings))
    yield made
    made.close()


def test_before_the_mailbox_was_opened_the_name_is_the_one_it_will_get(app: App):
    assert folder_name(app, "review") == "Te bekijken"


def test_the_name_is_what_the_mailbox_calls_it(app: App):
    note(app, {"handled": "Afgehandeld", "review": "REVIEW", "ignored": "Ignored", "quarantine": "Quarantine"})
    assert [folder_name(app, one) for one in ("handled", "review")] == ["Afgehandeld", "REVIEW"]
    note(app, {"review": "À examiner"})
    assert folder_name(app, "review") == "À examiner"


def test_a_name_from_before_another_configuration_is_forgotten(app: App):
    note(app, {"review": "Review"})
    other = replace(app, config=replace(app.config, folders=choose(["nl"], {"review": "Voor ons"})))
    assert folder_name(other, "review") == "Voor ons"


@pytest.mark.parametrize("written", ["", "{", "[]", "null", '{"review": 5}', '{"review": "Prullenbak"}', "\udcff"])
def test_a_damaged_file_harms_nothing(app: App, written: str):
    (app.data_dir / "folders.json").write_bytes(written.encode("utf-8", "surrogateescape"))
    assert folder_name(app, "review") == "Te bekijken"
    note(app, {"review": "Review"})
    assert folder_name(app, "review") == "Review"

"""The log: lines or JSON on stderr, ours whole, and of others nothing that could name somebody."""

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from jobs import logs
from mailer import maillog


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave logging as it was found."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    logging.getLogger(logs.OURS).setLevel(logging.NOTSET)


def test_a_line_for_people(capsys: pytest.CaptureFixture[str]):
    logs.setup("text")
    maillog.accepted(7, "welcome", 1)
    line = capsys.readouterr().err
    assert line.endswith(" INFO accepted: item=7 kind=welcome attempt=1\n")
    assert line.count("\n") == 1


def test_an_object_for_programs(capsys: pytest.CaptureFixture[str]):
    logs.setup("json")
    maillog.refused(7, "welcome", 550, "5.1.1")
    told = json.loads(capsys.readouterr().err)
    assert (told["level"], told["event"]) == ("warning", "refused")
    assert told["message"] == "refused: item=7 kind=welcome code=550 status=5.1.1"


def test_setting_up_twice_says_everything_once(capsys: pytest.CaptureFixture[str]):
    logs.setup("json")
    logs.setup("text")
    maillog.stopped()
    assert capsys.readouterr().err.count("stopped") == 1


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_of_another_library_only_the_place_is_told(capsys: pytest.CaptureFixture[str], log_format: str):
    logs.setup(log_format)
    other = logging.getLogger("some.library")
    other.warning("nothing of this")
    other.error("cannot reach %s", "an@huis.example")
    try:
        raise ValueError("an@huis.example")
    except ValueError:
        other.exception("an@huis.example")
    written = capsys.readouterr().err
    assert "an@huis.example" not in written
    assert "nothing of this" not in written
    assert written.count("name=some.library") == 2
    assert "error=ValueError" in written


def test_a_thread_that_dies_is_told_without_its_words(capsys: pytest.CaptureFixture[str]):
    logs.setup("text")

    def break_down() -> None:
        raise LookupError("an@huis.example")

    thread = threading.Thread(target=break_down, name="web")
    thread.start()
    thread.join()
    written = capsys.readouterr().err
    assert "thread ended: thread=web error=LookupError at=break_down" in written
    assert "an@huis.example" not in written

"""What is kept of folders that were read: until a file in them changes, and not a letter longer."""

from pathlib import Path

import pytest

from mailer.errors import TemplateError
from mailer.outbound.compile import Compiler
from mailer.outbound.shelf import Shelf, stamp
from tests.unit.outbound.template_folders import FACTS


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A network's own receipt and layouts."""
    mail, layouts = tmp_path / "mails" / "received", tmp_path / "layouts"
    mail.mkdir(parents=True)
    layouts.mkdir()
    (mail / "mail.toml").write_text('neutral = true\n[nl]\nsubject = "Dag"\n', "utf-8")
    (mail / "nl.md").write_text("Eerst.\n", "utf-8")
    return tmp_path


def text(compiler: Compiler) -> str:
    return compiler.edition(compiler.mail("received"), "nl", "plain", FACTS).text


def test_a_folder_is_read_once_until_something_in_it_changes(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    shelf, read = Shelf(), list[Path]()
    for change in ("", "", "a.md", "images/b.png", ""):
        if change:
            (tmp_path / change).write_text(change, "utf-8")
        shelf.read(tmp_path, "list", read.append)
    assert len(read) == 3
    shelf.read(tmp_path, "other", read.append)
    assert len(read) == 4


def test_a_link_to_nowhere_and_a_folder_that_is_not_there_are_nothing(tmp_path: Path) -> None:
    (tmp_path / ".#nl.md").symlink_to("somebody@editor.example")
    assert stamp(tmp_path) == stamp(tmp_path / "none") == ()


def test_what_is_written_anew_is_what_the_next_letter_says(own: Path) -> None:
    with Compiler(own, "Europe/Brussels") as compiler:
        assert "Eerst." in text(compiler)
        first = compiler.edition(compiler.mail("received"), "nl", "plain", FACTS)
        (own / "mails" / "received" / "nl.md").write_text("Daarna.\n", "utf-8")
        assert "Daarna." in text(compiler)
        (own / "layouts" / "look.toml").write_text('accent = "#123456"\n', "utf-8")
        second = compiler.edition(compiler.mail("received"), "nl", "plain", FACTS)
        assert "#123456" in second.html
        assert "#123456" not in first.html


def test_a_mail_that_breaks_is_broken_at_once_and_whole_again_when_repaired(own: Path) -> None:
    settings = own / "mails" / "received" / "mail.toml"
    good = settings.read_text("utf-8")
    with Compiler(own, "Europe/Brussels") as compiler:
        assert text(compiler)
        settings.write_text("neutral = ", "utf-8")
        for _ in range(2):
            with pytest.raises(TemplateError):
                text(compiler)
        settings.write_text(good, "utf-8")
        assert text(compiler)

"""The careful colleague: what is found before anything is approved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailer.outbound.check import Problem, check, contrast, links_of
from mailer.outbound.compile import SHIPPED, Compiler

FACTS: dict[str, Any] = {
    "network": {
        "name": "Leernetwerk Samen", "address": "net@net.example", "web_url": "https://net.example",
        "timezone": "Europe/Brussels",
    },
    "meeting": {
        "title": "Warm onthaal", "starts_at": "2027-01-12T12:30:00+00:00", "ends_at": "2027-01-12T15:30:00+00:00",
        "place": "Antwerpen", "online_link": "",
    },
}  # fmt: skip
TOML = '[nl]\nsubject = "Dag"\ndiscreet = "Bericht"\n'


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    with Compiler() as made:
        yield made


def found(compiler: Compiler, tmp_path: Path, text: str, toml: str = TOML, kind: str = "newsletter") -> list[Problem]:
    place = tmp_path / "proef"
    place.mkdir(exist_ok=True)
    (place / f"{kind}.toml").write_text(toml, "utf-8")
    (place / "nl.md").write_text(text, "utf-8")
    return check(place, compiler, ("nl",), FACTS)


@pytest.mark.parametrize("place", ["newsletters/example", "meetings/example"])
def test_the_examples_have_no_problems(compiler: Compiler, place: str) -> None:
    assert check(SHIPPED / place, compiler, ("nl", "fr", "en"), FACTS) == []
    assert check(SHIPPED / place, compiler, ("nl", "fr", "en"), lambda language, variant: FACTS) == []


def test_faults_of_all_languages_and_variants_are_told_once(compiler: Compiler, tmp_path: Path) -> None:
    problems = found(compiler, tmp_path, "een\n{{ netwerk.name }}\n")
    assert [(one.file, one.line, one.severity) for one in problems] == [("proef/nl.md", 2, "error")]


def test_a_folder_that_cannot_be_read_is_one_problem(compiler: Compiler, tmp_path: Path) -> None:
    assert [one.severity for one in check(tmp_path, compiler, ("nl",), FACTS)] == ["error"]


@pytest.mark.conf("DIS-08")
def test_a_missing_discreet_subject(compiler: Compiler, tmp_path: Path) -> None:
    problems = found(compiler, tmp_path, "Dag", '[nl]\nsubject = "Dag"\n')
    assert [one.file for one in problems] == ["proef/newsletter.toml"]
    assert "discreet" in problems[0].message


@pytest.mark.conf("DIS-02")
def test_a_discreet_subject_that_names_the_network(compiler: Compiler, tmp_path: Path) -> None:
    problems = found(compiler, tmp_path, "Dag", TOML.replace("Bericht", "Nieuws van {{ network.name }}"))
    assert [(one.line, one.severity) for one in problems] == [(3, "error")]


@pytest.mark.conf("EML-17")
def test_a_missing_translation_is_a_warning_and_no_text_at_all_an_error(compiler: Compiler, tmp_path: Path) -> None:
    found(compiler, tmp_path, "Dag")
    some = check(tmp_path / "proef", compiler, ("nl", "fr"), FACTS)
    assert [(one.file, one.severity) for one in some] == [("proef/fr.md", "warning")]
    none = check(tmp_path / "proef", compiler, ("fr",), FACTS)
    assert [(one.file, one.severity) for one in none] == [("proef/fr.md", "error")]


@pytest.mark.conf("EML-10")
@pytest.mark.parametrize(("words", "severity"), [(12_500, "warning"), (15_500, "error")])
def test_a_letter_that_would_be_cut_off(compiler: Compiler, tmp_path: Path, words: int, severity: str) -> None:
    problems = found(compiler, tmp_path, "\n\n".join(["woord " * 500] * (words // 500)))
    assert [one.severity for one in problems] == [severity]


def test_a_newsletter_without_a_way_out(compiler: Compiler, tmp_path: Path) -> None:
    problems = found(compiler, tmp_path, "Dag", 'layout = "letter"\n' + TOML)
    assert "link.unsubscribe" in problems[0].message


@pytest.mark.conf("EML-08")
@pytest.mark.conf("EML-11")
def test_empty_link_words_and_long_preheaders_are_warnings(compiler: Compiler, tmp_path: Path) -> None:
    toml = TOML + f'preheader = "{"x" * 120}"\n'
    problems = found(compiler, tmp_path, "[Klik hier](https://net.example/x)", toml)
    assert {one.severity for one in problems} == {"warning"}
    assert len(problems) == 2


@pytest.mark.conf("EML-06")
def test_colours_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "look.toml").write_text('muted = "#cccccc"\nink = "zwart"\n')
    with Compiler(tmp_path) as own:
        problems = check(SHIPPED / "newsletters" / "example", own, ("nl",), FACTS)
    assert {one.file for one in problems} == {"layouts/look.toml"}
    assert any("muted on paper" in one.message for one in problems)
    assert any("ink and card" in one.message for one in problems)


def test_contrast_is_that_of_wcag() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_links_and_their_words() -> None:
    assert list(links_of('<a href="https://x.example/?a=1&amp;b=2">een <b>twee</b></a><a>x</a>')) == [
        ("https://x.example/?a=1&b=2", "een twee")
    ]

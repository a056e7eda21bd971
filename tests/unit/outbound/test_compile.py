"""From a folder to an edition: the shipped templates, the faults of coordinators, and what attackers would try."""

import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mailer.errors import TemplateError
from mailer.outbound.compile import SHIPPED, Compiler
from mailer.outbound.edition import MARK
from mailer.outbound.source import load
from tests.unit.outbound.template_folders import (
    FACTS,
    NOTICE,
    TOML,
    VALUES,
    compiled,
    folder,
    refused,
)

HOSTILE = ["{{7*7}}", "</td><script>alert(1)</script>", "مُحَمَّد", "Zoë 🌈❤️", "A & B <mj-raw>", "]]> --> {% raw %}"]
FOLDERS = sorted(path.parent for path in SHIPPED.rglob("*.toml") if path.stem in ("mail", "newsletter", "meeting"))
LANGUAGES = ("nl", "fr", "en")


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    made = Compiler()
    yield made
    made.close()


class Page(HTMLParser):
    """The tags, links and titles of a compiled letter."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.title = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
            self._inside = ""

    def links(self) -> set[str]:
        return {attrs["href"] or "" for tag, attrs in self.tags if tag == "a"}


# -- what is shipped ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("variant", ["plain", "discreet"])
@pytest.mark.conf("OUT-51")
@pytest.mark.conf("OUT-53")
@pytest.mark.conf("EML-01")
@pytest.mark.conf("EML-03")
@pytest.mark.conf("EML-04")
@pytest.mark.conf("EML-05")
@pytest.mark.conf("EML-10")
@pytest.mark.conf("EML-12")
def test_every_shipped_template(compiler: Compiler, place: Path, language: str, variant: str) -> None:
    filled = compiler.edition(place, language, variant, FACTS).fill(VALUES)
    page = Page(filled.html)
    everything = "\n".join((filled.subject, filled.html, filled.text))
    assert not MARK.search(everything)
    assert not re.search(r"\{\{|\{%|<mj|mj-text|\ue000|<!--@", everything)
    assert filled.text.strip()
    assert 0 < len(filled.subject) <= 150
    assert page.title == filled.subject
    html_attributes = page.tags[0][1]
    assert (html_attributes["lang"], html_attributes["dir"]) == (language, "ltr")
    assert all(attrs.get("role") == "presentation" for tag, attrs in page.tags if tag == "table")
    assert all("alt" in attrs for tag, attrs in page.tags if tag == "img")
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.tags
    assert len(filled.html.encode()) < 60_000
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
    for link in page.links():
        assert link.removeprefix("mailto:") in filled.text
    assert all(len(line) <= 78 or "://" in line or "mailto:" in line for line in filled.text.split("\n"))
    assert not re.search(r"</?(p|a|td|div|strong|br)\b|&(amp|lt|quot|nbsp);", filled.text)


@pytest.mark.conf("GDP-16")
@pytest.mark.parametrize("place", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_nothing_is_fetched_and_two_members_differ_in_their_slots_only(compiler: Compiler, place: Path) -> None:
    edition = compiler.edition(place, "nl", "plain", FACTS)
    page = Page(edition.fill(VALUES).html)
    assert all((attrs.get("src") or "").startswith("cid:") for tag, attrs in page.tags if tag == "img")
    assert not {"link", "script", "iframe", "object", "form", "video"} & {tag for tag, _ in page.tags}
    assert "url(" not in edition.html
    other = {name: value.replace("Amira", "Bo").replace("/a/", "/b/") for name, value in VALUES.items()}
    assert edition.fill(other).html.replace("/b/", "/a/").replace("Bo", "Amira") == edition.fill(VALUES).html


@pytest.mark.conf("DIS-07")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["confirmation", "goodbye", "received", "guidance", "updated"])
def test_neutral_mails_name_no_network_and_the_question_names_nobody(
    compiler: Compiler, name: str, language: str
) -> None:
    edition = compiler.edition(compiler.find("mails", name), language, "plain", FACTS)
    assert "Leernetwerk" not in edition.html + edition.text + edition.subject
    assert "net@net.example" not in edition.html + edition.text
    if name == "confirmation":
        assert {slot.name for slot in edition.slots} == {"link.confirm"}
        assert {"nl": "ja", "fr": "oui", "en": "yes"}[language] in edition.text


@pytest.mark.conf("OUT-29")
@pytest.mark.parametrize("place", ["newsletters/example", "meetings/example"])
def test_issues_have_their_way_out_above_the_cut(compiler: Compiler, place: str) -> None:
    edition = compiler.edition(SHIPPED / place, "nl", "plain", FACTS)
    mark = next(slot.mark for slot in edition.slots if slot.name == "link.unsubscribe")
    assert 0 < edition.html.encode().find(mark.encode()) < 90_000
    assert mark in edition.text


@pytest.mark.conf("DIS-02")
@pytest.mark.conf("EML-11")
@pytest.mark.parametrize("place", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_discreet_letter_shows_nothing_from_outside(compiler: Compiler, place: Path, language: str) -> None:
    edition = compiler.edition(place, language, "discreet", FACTS)
    outside = [edition.subject, edition.preheader, Page(edition.html).title, edition.text[:200]]
    if load(place).settings.get("neutral") is not True:  # a neutral letter is neutral from its first word on
        assert edition.preheader in outside[3]
    assert not any(word in seen.lower() for seen in outside for word in ("leernetwerk", "samen", "onthaal"))
    assert 0 < len(edition.preheader) <= 110


def test_facts_are_written_as_they_are(compiler: Compiler) -> None:
    edition = compiler.edition(SHIPPED / "meetings" / "example", "nl", "plain", FACTS)
    assert "Warm onthaal &lt;nu&gt;" in edition.html
    assert "Warm onthaal <nu>" in edition.text
    assert "dinsdag 12 januari 2027, 13.30 uur – 16.30 uur" in edition.text
    assert 'href="https://meet.example/a_b?c=1&amp;d=2"' in edition.html
    welcome = compiler.edition(SHIPPED / "mails" / "welcome", "nl", "plain", FACTS)
    assert "Leernetwerk *Samen* & Co" in welcome.text
    assert "Leernetwerk *Samen* &amp; Co" in welcome.html


def test_the_notice_says_urgent_only_when_it_is(compiler: Compiler) -> None:
    urgent = {**FACTS, "notice": {**NOTICE, "urgent": True}}
    place = SHIPPED / "mails" / "notice"
    assert "DRINGEND" not in compiler.edition(place, "nl", "plain", FACTS).subject
    assert compiler.edition(place, "nl", "plain", urgent).subject.startswith("DRINGEND")
    text = compiler.edition(place, "nl", "plain", FACTS).text
    assert "wil erbij horen, iets_nieuws" in text
    assert "maandag 23 november 2026 om 15.02 uur" in text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"answer": "yes", "guests": 0}, "dat je komt."),
        ({"answer": "yes", "guests": 1}, "met één andere persoon"),
        ({"answer": "yes", "guests": 3}, "met 3 anderen"),
        ({"answer": "yes", "waiting": True}, "wachtlijst"),
        ({"answer": "maybe"}, "misschien komt"),
        ({"answer": "no"}, "niet bij bent"),
    ],
)
def test_the_answer_noted_is_the_answer_given(compiler: Compiler, facts: dict[str, Any], words: str) -> None:
    edition = compiler.edition(SHIPPED / "mails" / "rsvp_noted", "nl", "plain", {**FACTS, **facts})
    assert words in " ".join(edition.text.split())


# -- personal values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["newsletters/example", "meetings/example", "mails/welcome"])
@pytest.mark.conf("SEC-06")
def test_hostile_names_stay_words(compiler: Compiler, place: str, name: str) -> None:
    edition = compiler.edition(SHIPPED / place, "nl", "plain", FACTS)
    filled = edition.fill({**VALUES, "member.first_name": name})
    assert name in filled.text
    assert [tag for tag, _ in Page(filled.html).tags] == [tag for tag, _ in Page(edition.fill(VALUES).html).tags]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("een\n{% if member.first_name %}x{% endif %}", 2),
        ("een\n\n{{ 'x' if member.name else 'y' }}", 3),
        ("{% for c in member.name %}x{% endfor %}", 1),
        ("{% for c in [1] if link.rsvp %}x{% endfor %}", 1),
        ("een\n{% if member.name == 'Bo' %}x{% endif %}", 2),
        ("een\n{{ member.first_name | upper }}", 2),
        ("een\n{{ member.first_name | length }}", 2),
        ("een\n{% if member.name is defined %}x{% endif %}", 2),
        ("een\n{% set naam = member.name %}\n{% if naam %}x{% endif %}", 3),
        ("een\n{% set naam = member.name %}\n{{ naam | lower }}", 3),
        ("een\n{% set naam = member.name %}\n\n{% for c in naam %}x{% endfor %}", 4),
        ("een\n{% set naam = member %}\n{{ naam.name + 'x' }}", 3),
        ("een\n{% if false %}{% if link.rsvp %}x{% endif %}{% endif %}", 2),
    ],
)
def test_a_slot_is_never_a_condition(compiler: Compiler, tmp_path: Path, text: str, line: int) -> None:
    error = refused(compiler, tmp_path, text)
    assert (error.file, error.line) == ("proef/nl.md", line)
    assert "is personal" in error.message


def test_a_slot_survives_markdown_attributes_and_links(compiler: Compiler, tmp_path: Path) -> None:
    text = "**{{ member.name }}** *x*{{ member.name }}_\n\n[naar {{ member.organisation }}]({{ link.rsvp }})\n"
    filled = compiled(compiler, tmp_path, text).fill({**VALUES, "member.name": "B_o*"})
    assert "B_o* xB_o*_" in filled.text
    assert VALUES["link.rsvp"] in filled.text
    assert VALUES["link.rsvp"].replace("&", "&amp;") in filled.html


def test_a_fallback_needs_no_value(compiler: Compiler, tmp_path: Path) -> None:
    edition = compiled(compiler, tmp_path, 'Dag {{ member.name | or_else("jij & ik") }}')
    assert "Dag jij & ik" in edition.fill({}).text
    assert "Dag jij &amp; ik" in edition.fill({}).html
    assert "leave out" in refused(compiler, tmp_path, '{{ link.rsvp | or_else("x") }}').message


# -- the compiler itself -----------------------------------------------------------------------------------------------


def test_the_same_words_give_the_same_edition_until_they_change(compiler: Compiler, tmp_path: Path) -> None:
    first = compiled(compiler, tmp_path, "Dag")
    assert compiled(compiler, tmp_path, "Dag") is first
    assert compiled(compiler, tmp_path, "Dag!") is not first
    with Compiler() as other:
        assert other.edition(folder(tmp_path, "Dag"), "nl", "plain", FACTS) == first


def test_many_threads_share_one_compiler(compiler: Compiler, tmp_path: Path) -> None:
    made: list[str] = []
    places = []
    for number in range(8):
        (tmp_path / str(number)).mkdir()
        places.append(folder(tmp_path / str(number), f"Dag {number}"))

    def work(number: int) -> None:
        made.append(compiler.edition(places[number], "nl", "plain", FACTS).text[:5])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [f"Dag {number}" for number in range(8)]


def test_a_killed_child_is_replaced(tmp_path: Path) -> None:
    with Compiler() as own:
        assert compiled(own, tmp_path, "een").text
        child = own._worker._child
        assert child is not None
        child.kill()
        child.wait()
        assert compiled(own, tmp_path, "twee").text
    assert own._worker._child is None


def test_own_templates_come_before_the_shipped_ones(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "layouts").mkdir(parents=True)
    (own / "layouts" / "look.toml").write_text('accent = "#123456"\n')
    (own / "mails" / "welcome").mkdir(parents=True)
    (own / "mails" / "welcome" / "mail.toml").write_text(TOML)
    (own / "mails" / "welcome" / "nl.md").write_text("Eigen welkom\n")
    with Compiler(own) as compiler:
        edition = compiler.edition(compiler.find("mails", "welcome"), "nl", "plain", FACTS)
        assert "Eigen welkom" in edition.text
        assert "#123456" in edition.html
        assert compiler.find("mails", "goodbye") == SHIPPED / "mails" / "goodbye"
        with pytest.raises(TemplateError):
            compiler.find("mails", "nothing")


@pytest.mark.conf("EML-02")
def test_arabic_is_written_from_the_right(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "layouts").mkdir(parents=True)
    words = (SHIPPED / "layouts" / "words.toml").read_text("utf-8").split("[fr]")[0].replace("[nl]", "[ar]")
    (own / "layouts" / "words.toml").write_text(words, "utf-8")
    place = tmp_path / "proef"
    place.mkdir()
    (place / "mail.toml").write_text(TOML.replace("[nl]", "[ar]"))
    (place / "ar.md").write_text("# مرحبا\n\nأهلا {{ member.name }}\n", "utf-8")
    with Compiler(own) as compiler:
        edition = compiler.edition(place, "ar", "plain", FACTS)
    assert edition.direction == "rtl"
    assert 'dir="rtl"' in edition.html
    assert "text-align: right" in edition.html or "text-align:right" in edition.html
    assert "\u2068Amira\u2069" in edition.fill(VALUES).text

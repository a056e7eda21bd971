"""Filling an edition: every value lands escaped for its place, and nothing else changes."""

import json
from dataclasses import replace

import pytest

from mailer.outbound.edition import MARK, Edition, InlineImage, Slot, mark_for, one_line
from mailer.outbound.text_wrap import wrap

NAME = Slot(mark_for("member.first_name", "collega"), "member.first_name", "collega")
HOUSE = Slot(mark_for("member.organisation", None), "member.organisation", None)
STOP = Slot(mark_for("link.unsubscribe", None), "link.unsubscribe", None)
EDITION = Edition(
    language="nl",
    variant="plain",
    direction="ltr",
    subject=f"Dag {NAME.mark}",
    preheader="Nieuws",
    html=f'<p title="{NAME.mark}">Dag {NAME.mark}</p><a href="{STOP.mark}">weg</a>',
    text=f"Dag {NAME.mark},\n\nWeg: {STOP.mark}\n",
    slots=(NAME, STOP),
    images=(InlineImage("abc@images", "x.png", "image/png", b"\x89PNG\x00"),),
)
LINK = "https://net.example/a/tok?b=1&c=2"


def test_values_are_escaped_for_html_and_left_alone_in_text_and_subject() -> None:
    filled = EDITION.fill({"member.first_name": 'A & "B" <i>', "link.unsubscribe": LINK})
    assert filled.subject == 'Dag A & "B" <i>'
    assert filled.text == f'Dag A & "B" <i>,\n\nWeg: {LINK}\n'
    assert '<p title="A &amp; &quot;B&quot; &lt;i&gt;">Dag A &amp; &quot;B&quot; &lt;i&gt;</p>' in filled.html
    assert 'href="https://net.example/a/tok?b=1&amp;c=2"' in filled.html
    assert filled.images == EDITION.images


@pytest.mark.conf("SEC-06")
@pytest.mark.parametrize("name", ["{{7*7}}", "</td><script>alert(1)</script>", "A & B <mj-raw>", "\\1 \\g<0> $1"])
def test_hostile_names_render_literally(name: str) -> None:
    filled = EDITION.fill({"member.first_name": name, "link.unsubscribe": LINK})
    assert name in filled.text
    assert filled.html.count("<") == EDITION.html.count("<")


def test_a_value_that_looks_like_a_mark_is_not_filled_again() -> None:
    filled = EDITION.fill({"member.first_name": STOP.mark, "link.unsubscribe": LINK})
    assert filled.text.startswith(f"Dag {STOP.mark},")


def test_a_missing_or_blank_value_takes_its_fallback() -> None:
    assert EDITION.fill({"link.unsubscribe": LINK}).subject == "Dag collega"
    assert EDITION.fill({"link.unsubscribe": LINK, "member.first_name": " \n "}).subject == "Dag collega"


def test_a_missing_value_without_fallback_names_its_slot() -> None:
    with pytest.raises(KeyError, match=r"link\.unsubscribe"):
        EDITION.fill({})
    strict = replace(EDITION, slots=(*EDITION.slots, HOUSE))
    with pytest.raises(KeyError, match=r"member\.organisation"):
        strict.fill({"link.unsubscribe": LINK})


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "/a/b", "https://u:p@x.example/", "https://x.example/ b", "x"]
)
@pytest.mark.conf("SEC-08")
def test_a_link_that_is_not_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"link\.unsubscribe"):
        EDITION.fill({"link.unsubscribe": url})


def test_mailto_links_are_links() -> None:
    url = "mailto:net@net.example?subject=stop%20abc&body=stop"
    filled = EDITION.fill({"link.unsubscribe": url})
    assert url in filled.text
    assert url.replace("&", "&amp;") in filled.html


def test_control_and_direction_characters_never_reach_a_letter() -> None:
    assert one_line("a\r\nBcc: x\x00\u202eb\u2066c\ud800") == "a Bcc: x bc"
    filled = EDITION.fill({"member.first_name": "x\r\nBcc: y", "link.unsubscribe": LINK})
    assert filled.subject == "Dag x Bcc: y"


@pytest.mark.conf("EML-02")
def test_a_name_of_the_other_direction_is_isolated_except_in_the_subject() -> None:
    filled = EDITION.fill({"member.first_name": "مُحَمَّد", "link.unsubscribe": LINK})
    assert "\u2068مُحَمَّد\u2069" in filled.html
    assert "\u2068مُحَمَّد\u2069" in filled.text
    assert filled.subject == "Dag مُحَمَّد"
    plain = EDITION.fill({"member.first_name": "Élise 🌈", "link.unsubscribe": LINK})
    assert "Dag Élise 🌈," in plain.text


@pytest.mark.conf("SEC-08")
def test_a_name_never_becomes_a_link() -> None:
    filled = EDITION.fill({"member.first_name": "Win at http://evil.tld", "link.unsubscribe": LINK})
    assert "http://evil" not in filled.text
    assert "evil.tld" not in filled.text
    assert "http://evil" not in filled.html


def test_a_very_long_name_is_cut() -> None:
    filled = EDITION.fill({"member.first_name": "x" * 500, "link.unsubscribe": LINK})
    assert len(filled.subject) < 100


@pytest.mark.conf("OUT-52")
def test_long_lines_are_folded_after_filling_and_addresses_stay_whole() -> None:
    long = replace(EDITION, text=f"- {'woord ' * 30}\n{STOP.mark}\n> {'citaat ' * 20}\n")
    url = "https://net.example/" + "x" * 200
    lines = long.fill({"link.unsubscribe": url}).text.split("\n")
    assert url in lines
    assert all(len(line) <= 78 for line in lines if line != url)
    assert lines[1].startswith("  woord")
    assert lines[-2].startswith("> citaat")


def test_json_and_back() -> None:
    stored = json.loads(json.dumps(EDITION.to_json()))
    assert Edition.from_json(stored) == EDITION
    with pytest.raises(KeyError):
        Edition.from_json({})


def test_marks_are_letters_and_digits() -> None:
    assert MARK.fullmatch(NAME.mark)
    assert NAME.mark.isalnum()
    assert NAME.mark == NAME.mark.lower()
    assert mark_for("member.name", None) != mark_for("member.name", "")


@pytest.mark.conf("OUT-52")
@pytest.mark.parametrize(
    ("line", "folded"),
    [
        ("word " * 20 + "end", "word " * 14 + "word\n" + "word " * 5 + "end"),
        ("- " + "word " * 20, "- " + "word " * 14 + "word\n  " + "word " * 4 + "word"),
        ("[1] https://e.example/" + "x" * 80, "[1]\n    https://e.example/" + "x" * 80),
        ("   https://e.example/" + "x" * 80, "   https://e.example/" + "x" * 80),
        ("> > " + "word " * 18 + "end", "> > " + "word " * 14 + "word\n> > " + "word " * 3 + "end"),
        ("mot\u00a0: " * 15 + "fin", "mot\u00a0: " * 12 + "mot\u00a0:\n" + "mot\u00a0: " * 2 + "fin"),
        ("x" * 78, "x" * 78),
    ],
)
def test_lines_of_text_are_folded_at_blanks_and_nowhere_else(line: str, folded: str) -> None:
    assert wrap(line) == folded
    assert wrap(f"a\n{line}\n") == f"a\n{folded}\n"

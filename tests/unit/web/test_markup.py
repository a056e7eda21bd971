"""The pages as documents: readable by everybody, in every language, telling nobody who looks over a shoulder."""

import re
import tomllib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import web
from mailer.outbound.compile import Compiler
from tests.unit.web.house import NETWORK, House, build
from web.pages import message, render
from web.words import accepted, choose, load

ROOM = Path(web.__file__).parent
TITLES = {"nl": "Jouw pagina", "fr": "Votre page", "en": "Your page"}


class Document(HTMLParser):
    """The elements of a page, in order, with their attributes; and that every one of them is closed."""

    VOID = {"meta", "link", "input", "br", "circle", "path"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def pages(house: House, language: str) -> dict[str, str]:
    """Every page there is, in one language."""
    asked, member = house.ask("an@huis.example", language), house.join(language=language)
    (invitation,) = house.invite()
    paths = {
        "confirm": house.path("confirm", asked), "unsubscribe": house.path("unsubscribe", member),
        "preferences": house.path("preferences", member), "rsvp": house.path("rsvp", invitation),
    }  # fmt: skip
    forms = {"rsvp": {"answer": "yes", "guests": "2"}, "preferences": {"language": language, "discreet": "off"}}
    shown = {name: house.client.get(path, accept_language=language).text for name, path in paths.items()}
    problems = {f"{n} wrong": house.client.post(paths[n], accept_language=language).text for n in forms}
    more = {path: house.client.get(path, accept_language=language).text for path in ("/", "/a/x")}
    done = {f"{n} done": house.client.post(paths[n], forms.get(n, {}), accept_language=language).text for n in paths}
    again = {"rsvp again": house.client.get(paths["rsvp"]).text}
    return {**shown, **problems, **more, **done, **again}


@pytest.mark.conf("EML-19")
@pytest.mark.parametrize("language", TITLES)
def test_every_page_is_well_made(house: House, language: str):
    for name, page in pages(house, language).items():
        document = Document(page)
        assert document.open == [], name
        (root,) = document.all("html")
        assert root == {"lang": language, "dir": "ltr"}, name
        assert len(document.all("h1")) == len(document.all("main")) == 1, name
        ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
        assert len(set(ids)) == len(ids), name
        assert "built-in" not in page, name
        assert not re.search(r"\{\w*\}|None|Undefined", page), name


@pytest.mark.conf("EML-19")
@pytest.mark.parametrize("language", TITLES)
def test_every_field_has_its_label_and_every_reference_its_target(house: House, language: str):
    for name, page in pages(house, language).items():
        document = Document(page)
        ids = {attributes.get("id") for _, attributes in document.elements}
        labelled = {attributes.get("for") for attributes in document.all("label")}
        for field in document.all("select") + document.all("textarea"):
            assert field["id"] in labelled, name
        radios = [field for field in document.all("input") if field["type"] == "radio"]
        assert len(re.findall(r'<label class="choice"><input type="radio"', page)) == len(radios), name
        assert bool(radios) == bool(document.all("fieldset")), name
        assert page.count("<legend>") == len(document.all("fieldset")), name
        for _, attributes in document.elements:
            for target in attributes.get("aria-describedby", "").split():
                assert target in ids, name
            if attributes.get("href", "").startswith("#"):
                assert attributes["href"][1:] in ids, name


@pytest.mark.conf("DIS-12")
@pytest.mark.conf("DIS-13")
@pytest.mark.parametrize("language", TITLES)
def test_a_glance_over_the_shoulder_learns_nothing(house: House, language: str):
    words = tomllib.loads((ROOM / "words" / f"{language}.toml").read_text("utf-8"))
    for name, page in pages(house, language).items():
        assert f"<title>{TITLES[language]}</title>" in page, name
        assert "og:" not in page, name
        assert f'id="exit" href="https://www.meteo.be/" rel="noreferrer nofollow">{words["exit"]["button"]}<' in page
        assert page.index('id="exit"') < page.index("<main"), name
        assert words["exit"]["note"] in page, name


@pytest.mark.conf("SEC-24")
@pytest.mark.conf("EML-19")
def test_nothing_comes_from_elsewhere_and_nothing_is_inline(house: House):
    for name, page in pages(house, "nl").items():
        document = Document(page)
        loaded = [one.get("src", one.get("href", "")) for tag in ("script", "link", "img") for one in document.all(tag)]
        assert all(address.startswith("/static/") for address in loaded), name
        assert all(house.client.get(address).status == 200 for address in loaded), name
        for _, attributes in document.elements:
            assert not [one for one in attributes if one == "style" or one.startswith("on")], name
        assert page.count("<script") == 1
    sheet = (ROOM / "static" / "style.css").read_text("utf-8")
    assert "url(" not in sheet
    assert "@import" not in sheet


def test_what_members_and_coordinators_write_stays_text(house: House):
    evil = "<script>alert(1)</script>\"'&{network}"
    house.join(discreet="off")
    (key,) = house.invite(titles={"nl": evil}, neutral_titles={}, place=evil)
    for page in (
        house.client.get(house.path("rsvp", key)).text,
        house.client.post(house.path("rsvp", key), {"guests": "9", "note": evil, "answer": evil}).text,
        house.client.post(house.path("rsvp", key), {"answer": "yes"}).text,
    ):
        assert page.count("<script") == 1
        assert "&lt;script&gt;" in page
        assert "{network}" in page


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("fr-BE,fr;q=0.9,en;q=0.5", ["fr", "fr", "en"]),
        ("en;q=0.3, nl-BE;q=0.7", ["nl", "en"]),
        ("*", []),
        ("de;q=0, fr;q=oops, en", ["en"]),
        (";;,,q=1," * 300, []),
        ("", []),
    ],
)
def test_the_languages_of_a_browser(header: str, found: list[str]):
    assert accepted(header) == found


def test_the_language_of_a_page():
    assert choose(NETWORK, "fr", "en").language == "fr"
    assert choose(NETWORK, None, "de, en").language == "en"
    assert choose(NETWORK, "tr", "en").language == "en"
    assert choose(NETWORK, "tr", "de").language == "nl"
    assert choose(replace(NETWORK, languages=("ar", "fr")), "ar", "").language == "fr"
    assert choose(replace(NETWORK, languages=("ar",)), "ar", "nl").language == "en"


def test_a_member_whose_language_has_no_pages_yet(tmp_path: Path, compiler: Compiler):
    house = build(tmp_path, compiler, replace(NETWORK, languages=("nl", "ar")))
    page = house.client.get(house.path("preferences", house.join(language="ar"))).text
    house.database.close()
    assert 'lang="nl"' in page
    assert '<option value="ar" lang="ar" selected>العربية</option>' in page


def test_a_page_can_read_from_right_to_left(house: House):
    words = replace(load()["nl"], language="ar", direction="rtl")
    page = bytes(render(message("home", words), house.door).body).decode()
    assert '<html lang="ar" dir="rtl">' in page
    sheet = (ROOM / "static" / "style.css").read_text("utf-8")
    assert not re.search(r"(margin|padding|border)-(left|right)|[\s;{](left|right):|text-align: ?(left|right)", sheet)


def test_every_language_says_the_same_things():
    def lines(table: object, at: str = "") -> dict[str, str]:
        if isinstance(table, dict):
            return {key: line for name, one in table.items() for key, line in lines(one, f"{at}.{name}").items()}
        if isinstance(table, list):
            return {key: line for number, one in enumerate(table) for key, line in lines(one, f"{at}.{number}").items()}
        return {at: str(table)}

    found = {language: lines(dict(words.lines)) for language, words in load().items()}
    assert set(found) == set(TITLES)
    for language, said in found.items():
        assert said.keys() == found["nl"].keys(), language
        for key, line in said.items():
            assert re.findall(r"\{\w+\}", line) == re.findall(r"\{\w+\}", found["nl"][key]), (language, key)
            assert line == line.strip() != "", (language, key)


@pytest.mark.conf("EML-19")
@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_ground(dark: bool):
    sheet = (ROOM / "static" / "style.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", sheet, re.S)
    light, night = (dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in blocks)
    colours = {**light, **(night if dark else {})}
    words = [("ink", ground) for ground in ("paper", "card", "box")]
    words += [("muted", ground) for ground in ("paper", "card", "box")] + [("accent", "card"), ("accent", "paper")]
    words += [("accent-deep", "card"), ("on-accent", "accent"), ("on-accent", "accent-deep")]
    words += [("problem", "card"), ("problem", "problem-box")]
    for front, ground in words:
        assert contrast(colours[front], colours[ground]) >= 4.5, (front, ground)
    for front, ground in [("edge", "card"), ("edge", "paper"), ("accent", "card"), ("accent", "box")]:
        assert contrast(colours[front], colours[ground]) >= 3, (front, ground)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2 §1.4.3."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue



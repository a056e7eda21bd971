"""What coordinators do wrong is told with file, line and advice; what attackers would try ends in the same words."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.errors import TemplateError
from mailer.outbound.compile import Compiler
from tests.unit.outbound.template_folders import FACTS, MEETING, NETWORK, VALUES, compiled, folder, refused


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    with Compiler() as made:
        yield made


# -- the faults of coordinators ----------------------------------------------------------------------------------------


@pytest.mark.conf("EML-30")
@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("een\ntwee {{ netwerk.name }}", 2, "did you mean network"),
        ("een\n{{ network.nmae }}", 2, "did you mean name"),
        ("een\n{{ member.firstname }}", 2, "did you mean member.first_name"),
        ("een\n\n{{ network.name | uper }}", 3, "did you mean upper"),
        ("{{ network.name | safe }}", 1, "filter"),
        ("een\n{% if %}", 2, "Expected an expression"),
        ("een\n{% if network.name %}\nx", 3, "endif"),
        ("een\n{{ network.name", 2, "unexpected"),
        ("een\n{{ meeting.title | date }}", 2, "not a date"),
        ("een\n{{ agenda }}", 2, "a list"),
        ("een\n{{ settings.nothing }}", 2, "nothing"),
        ("een\n\n[weg](http://net.example.org)", 3, "https://"),
        ("{% if network.name %}\neen\n{% endif %}\n\n[weg](javascript:alert(1))", 5, "safe link"),
        ("{% for i in [1, 2, 3] %}\neen\n{% endfor %}\n[weg](www.example.org)", 4, "https://"),
        ("een\n\n[weg](https://bob@evil.example/)", 3, "hides"),
        ("een\n\n[weg](https://127.0.0.1/x)", 3, "hides"),
        ("een\n\n[](https://net.example.org)", 3, "no words"),
        ("een\n\n[x]({{ link.rsvp }}?utm=1)", 3, "personal link"),
        ("een\n\n[x](mailto:{{ member.name }}@x.example)", 3, "personal link"),
        ("een\n\n[x]({{ member.name }})", 3, "personal link"),
        ("een\n\n::: button {{ member.name }} | x", 3, "personal link"),
        ("een\n::: button https://x.example", 2, "::: button"),
        ("een\n::: knop https://x.example | x", 2, "not a block"),
        ("een\n\n::: box\nx", 3, "no end"),
        ("een\n\n::: box\n::: box\n:::\n", 3, "no end"),
        ("een\n\n![x](images/no.png)", 3, "no picture"),
        ("een\n\ntwee ![x](images/no.png)", 3, "line of its own"),
        ("een\n\n    vier spaties", 3, "four spaces"),
        ("een\n{% include 'nowhere.mjml' %}", None, "no layout"),
    ],
)
def test_faults_have_file_line_and_advice(
    compiler: Compiler, tmp_path: Path, text: str, line: int | None, says: str
) -> None:
    error = refused(compiler, tmp_path, text)
    assert error.file == "proef/nl.md"
    assert says in error.message
    assert error.line == line


@pytest.mark.conf("EML-30")
@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("<mj-section>\n<mj-column>\n<mj-txt>x</mj-txt>\n</mj-column></mj-section>", 3, "did you mean mj-text"),
        ("<mj-section>\n<mj-column>\n<mj-text>x\n</mj-column></mj-section>", 3, "not closed"),
        ("<mj-section>\n<mj-column>\n</mj-column></mj-section>\n</mj-section>", 4, "not opened"),
        ("<mj-section><mj-column>\n<mj-image src='images/a.png' alt='a' /></mj-column></mj-section>", 2, "images"),
        ("<mj-section>\nwoorden</mj-section>", 1, "directly"),
        ("<mj-section><mj-column>\n<mj-text><script>x</script></mj-text></mj-column></mj-section>", 2, "script"),
        ("<mj-section><mj-column>\n<mj-text onclick='x'>x</mj-text></mj-column></mj-section>", 2, "onclick"),
        (
            "<mj-section><mj-column>\n<mj-text><p style='position:fixed'>x</p></mj-text></mj-column></mj-section>",
            2,
            "safe",
        ),
        ("<mj-section><mj-column>\n<mj-text><img src='x'></mj-text></mj-column></mj-section>", 2, "img"),
        (
            "<mj-section background-url='https://x.example/p.png'>\n<mj-column></mj-column></mj-section>",
            1,
            "background",
        ),
        (
            "<mj-section><mj-column>\n<mj-button href='http://x.example.org'>x</mj-button></mj-column></mj-section>",
            2,
            "https",
        ),
        ("<mj-section><mj-column>\n<mj-button>x</mj-button></mj-column></mj-section>", 2, "nowhere"),
        (
            "<mjml><mj-head><mj-attributes>\n<mj-image href='javascript:x' /></mj-attributes></mj-head></mjml>",
            2,
            "leave it out",
        ),
        ("<mjml><mj-head><mj-style>a { color: {{ member.name }} }</mj-style></mj-head></mjml>", 1, "slots"),
        ("<mjml><mj-head><mj-style>a { background: image-set('x') }</mj-style></mj-head></mjml>", 1, "fetch"),
        ("<mj-section css-class='{{ member.name }}'></mj-section>", 1, "not safe"),
        ("<mj-include path='/etc/passwd' />", 1, "mj-include"),
        ("<mjml><mj-body></mj-body></mjml><p>x</p>", None, "nothing before or after"),
    ],
)
def test_faults_in_mjml(compiler: Compiler, tmp_path: Path, text: str, line: int | None, says: str) -> None:
    error = refused(compiler, tmp_path, text, "nl.mjml")
    assert error.file == "proef/nl.mjml"
    assert says in error.message
    assert error.line == line


def test_sections_whole_documents_and_inheritance(compiler: Compiler, tmp_path: Path) -> None:
    inner = "<mj-section><mj-column><mj-text>Dag {{ member.name }}<p>A &amp; B</p></mj-text></mj-column></mj-section>"
    whole = f"<mjml lang='nl'><mj-head><mj-title>T</mj-title></mj-head><mj-body>{inner}</mj-body></mjml>"
    child = "{% extends 'newsletter.mjml' %}{% block before %}" + inner + "{% endblock %}"
    for text in (inner, whole, child):
        filled = compiled(compiler, tmp_path, text, "nl.mjml").fill(VALUES)
        assert "Dag Amira" in filled.text
        assert "A & B" in filled.text


@pytest.mark.conf("DIS-08")
def test_a_discreet_subject_is_required_unless_the_letter_is_neutral(compiler: Compiler, tmp_path: Path) -> None:
    place = folder(tmp_path, "Dag", '[nl]\nsubject = "Dag"\n')
    with pytest.raises(TemplateError, match="discreet"):
        compiler.edition(place, "nl", "discreet", FACTS)
    neutral = folder(tmp_path, "Dag", 'neutral = true\n[nl]\nsubject = "Dag"\n')
    assert compiler.edition(neutral, "nl", "discreet", FACTS).subject == "Dag"


def test_a_fault_in_the_subject_has_the_line_of_the_settings(compiler: Compiler, tmp_path: Path) -> None:
    error = refused(compiler, tmp_path, "Dag", toml='[nl]\n\nsubject = "{{ netwerk.name }}"\n')
    assert (error.file, error.line) == ("proef/mail.toml", 3)
    assert "network" in error.message


def test_an_hour_without_a_time_zone_is_an_error_and_never_a_wrong_hour(compiler: Compiler, tmp_path: Path) -> None:
    facts = {"network": {"name": "x", "address": "a@b.example", "web_url": ""}, "meeting": MEETING}
    place = folder(tmp_path, "{{ meeting.starts_at | time }}")
    with pytest.raises(TemplateError, match="time zone"):
        compiler.edition(place, "nl", "plain", facts)
    summer = {**FACTS, "meeting": {**MEETING, "starts_at": "2027-07-12T12:30:00+00:00"}}
    assert "14.30 uur" in compiler.edition(place, "nl", "plain", summer).text
    assert "13.30 uur" in compiler.edition(place, "nl", "plain", FACTS).text


# -- what attackers would try ------------------------------------------------------------------------------------------

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ network['__class__'] }}",
    "{{ network.__class__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__ }}",
    "{{ joiner }}",
    "{{ namespace() }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__ }}",
    "{{ config }}",
    "{{ request }}",
    "{{ network.items() }}",
    "{{ network.keys }}",
    "{{ '{0.__class__}'.format(network) }}",
    "{{ '%s' % network }}",
    "{{ 'x'|format(1) }}",
    "{{ network|tojson }}",
    "{{ network|pprint }}",
    "{{ [1].append(2) }}",
    "{{ loop }}",
    "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% for x in [1] %}{{ loop(2) }}{% endfor %}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{{ m.__init__ }}",
    "{% set x = member %}{{ x.name.__class__ }}",
    "{% set x = member.name %}{{ x.slot }}",
    "{% set x = member.name %}{{ x['_book'] }}",
    "{% import 'base.mjml' as b %}{{ b }}",
    "{% include '../../../etc/passwd' %}",
    "{% include ['/etc/passwd'] %}",
    "{% extends network.name %}",
    "{% do 1 %}",
    "{% autoescape false %}{{ network.name }}{% endautoescape %}",
    "{{ '<script>'|safe }}",
    "{{ range(10) }}",
    "{{ dict(a=1) }}",
    "{{ member.items() }}",
    "{{ none.__class__ }}",
    "{{ network.name.upper() }}",
    "{{ (1).__class__ }}",
    "{{ undefined_thing.x }}",
]


@pytest.mark.conf("SEC-01")
@pytest.mark.conf("SEC-02")
@pytest.mark.conf("SEC-04")
@pytest.mark.parametrize("text", ESCAPES)
def test_there_is_no_way_out_of_the_room(compiler: Compiler, tmp_path: Path, text: str) -> None:
    assert refused(compiler, tmp_path, text).file == "proef/nl.md"


DOUBLING = "{% set x = 'aaaaaaaaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}"
LOOPS = "{% set l = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] %}"
BOMBS = {
    "doubling": DOUBLING,
    "loops": LOOPS + "{% for a in l %}" * 9 + "x" + "{% endfor %}" * 9,
    "silent loops": LOOPS + "{% for a in l %}" * 9 + "{% set y = a %}" + "{% endfor %}" * 9,
    "multiplied": "{{ 'a' * 10**9 }}",
    "padded": "{{ 'a'|center(1000000000) }}",
    "formatted": "{{ '%1000000000d'|format(1) }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "self": "{% extends 'proef/nl.md' %}",
    "long": LOOPS + "{% for a in l %}" * 5 + "woord " + "{% endfor %}" * 5,
    "nested quotes": ">" * 5000 + " x",
    "nested lists": "\n".join("  " * depth + "- x" for depth in range(600)),
    "brackets": "[" * 50_000,
    "stars": "*a " * 30_000,
    "deep expression": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "deep blocks": "{% if true %}" * 3000 + "{% endif %}" * 3000,
}


@pytest.mark.conf("SEC-03")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_soon_and_the_compiler_lives_on(compiler: Compiler, tmp_path: Path, name: str) -> None:
    begun = time.monotonic()
    try:
        compiled(compiler, tmp_path, BOMBS[name])
    except TemplateError as error:
        assert error.file == "proef/nl.md"
    else:
        assert name in ("brackets", "stars", "nested quotes")  # harmless: read in time, and only words
    assert time.monotonic() - begun < 5
    assert "Dag" in compiled(compiler, tmp_path, "Dag").text


@pytest.mark.conf("SEC-03")
def test_mjml_that_would_crash_the_parser_is_refused_before_it(compiler: Compiler, tmp_path: Path) -> None:
    deep = (
        "<mj-section><mj-column><mj-text>"
        + "<div>" * 30_000
        + "</div>" * 30_000
        + "</mj-text></mj-column></mj-section>"
    )
    assert "within each other" in refused(compiler, tmp_path, deep[:190_000], "nl.mjml").message


@pytest.mark.conf("SEC-02")
def test_facts_are_plain_data(compiler: Compiler, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="plain data"):
        compiler.edition(folder(tmp_path, "x"), "nl", "plain", {"network": NETWORK, "thing": object()})

"""The network's own links: laid out empty, read strictly, and every mistake named with its line."""

import re
from pathlib import Path

import pytest

from mailer.errors import TemplateError
from mailer.outbound.compile import SHIPPED, Compiler
from mailer.outbound.resources import in_language, read_resources

LINK = '[[resource]]\nurl = "https://www.example.org/rapport.pdf"\nnl = "Eindrapport"\nfr = "Rapport final"\n'
BY_LANGUAGE = """[[resource]]
url = { nl = "https://a.example/nl", fr = "https://a.example/fr" }
nl = "Les"
fr = "Cours"
"""


def test_what_is_shipped_is_empty_and_its_example_works_without_its_marks() -> None:
    text = (SHIPPED / "layouts" / "resources.toml").read_text("utf-8")
    assert read_resources(text) == ()
    example = "\n".join(re.findall(r"(?m)^# (\[\[resource]]|url = .*|[a-z]{2} = .*)$", text))
    assert {one.language for one in read_resources(example)} == {"nl", "fr", "en"}


def test_each_language_gets_its_titles_and_addresses_in_order() -> None:
    found = read_resources(LINK + BY_LANGUAGE)
    assert in_language(found, "fr") == [
        {"title": "Rapport final", "url": "https://www.example.org/rapport.pdf"},
        {"title": "Cours", "url": "https://a.example/fr"},
    ]
    assert in_language(found, "en") == []


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('[[resource]]\nurl = "http://a.example/"\nnl = "x"', 1, "https://"),
        (LINK + '\n[[resource]]\nurl = "https://a.example"\n', 6, "no title"),
        (LINK + '[[resource]]\nnl = "x"', 5, "whole link"),
        ('[[resource]]\nurl = "https://user:pass@a.example/"\nnl = "x"', 1, "password"),
        ('[[resource]]\nurl = "https://a.example/x y"\nnl = "x"', 1, "whole link"),
        ('[[resource]]\nurl = "https://a.example/>x"\nnl = "x"', 1, "whole link"),
        ('[[resource]]\nurl = "https://[a.example/"\nnl = "x"', 1, "whole link"),
        ('[[resource]]\nurl = "https://localhost/"\nnl = "x"', 1, "whole link"),
        ('[[resource]]\nurl = "javascript:alert(1)"\nnl = "x"', 1, "whole link"),
        ('[[resource]]\nurl = 5\nnl = "x"', 1, "whole link"),
        ('[[resource]]\nurl = "https://a.example"\nnl = ""', 1, "one line"),
        (f'[[resource]]\nurl = "https://a.example"\nnl = "{"x" * 121}"', 1, "120"),
        ('[[resource]]\nurl = "https://a.example"\ntitle = "x"', 1, "by language"),
        ('[[resource]]\nurl = { nl = "https://a.example" }\nfr = "x"', 1, "no title"),
        ('[[resource]]\nurl = { nl = "https://a.example" }\nnl = "x"\nfr = "x"', 1, "no address"),
        ('[resource]\nurl = "https://a.example"', None, "below a line"),
        ('url = "https://a.example"\n', None, "below a line"),
        ("resource = [1]", None, "below a line"),
        ("[[resource]]\nurl = https://a.example", None, "line 2"),
    ],
)
def test_what_is_no_link_is_told_with_its_place(text: str, line: int | None, told: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(told)) as caught:
        read_resources(text)
    assert (caught.value.file, caught.value.line) == ("layouts/resources.toml", line)


def test_a_networks_own_list_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "resources.toml").write_text(LINK, "utf-8")
    with Compiler(tmp_path) as compiler:
        assert [one.title for one in compiler.resources()] == ["Eindrapport", "Rapport final"]
    with Compiler() as compiler:
        assert compiler.resources() == ()

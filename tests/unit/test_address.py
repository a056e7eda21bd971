"""One plain mail address, checked once at the edge: what is let in goes out byte for byte."""

import pytest

from contacts.address import Address
from contacts.errors import RuleBroken


@pytest.mark.conf("SEC-13")
@pytest.mark.parametrize(
    "text",
    [
        "", "a", "@b.example", "a@", "a@b", "a b@c.example", "a@b.example,evil@c.example", "<a@b.example>",
        "a\n@b.example", "a@b.\nexample", "a\u0000@b.example", "a@@b.example", ".a@b.example", "a.@b.example",
        "a..b@c.example",
        "a@-b.example", "a@b-.example", "a@[127.0.0.1]", "a@b..example", '"a b"@c.example', "a@b.example\u202e",
        "a\u200b@b.example", f"{'a' * 65}@b.example", f"a@{'b' * 64}.example", f"a@{'b.' * 130}example",
        "@relay.example:a@b.example", "a@b.exa mple", "a＠b.example", "a@b_c.example",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        Address.parse(text)
    assert broken.value.code == "address"


@pytest.mark.conf("SEC-13")
@pytest.mark.parametrize("text", ["Amina@huis.example", "a+b@c.example", "o'neill@c.example", "a.b-c_d@e-f.example"])
def test_what_comes_in_goes_out(text: str) -> None:
    assert Address.parse(text).text == text


@pytest.mark.conf("OUT-15")
def test_a_host_in_any_script_is_written_in_a_labels() -> None:
    assert Address.parse("zoe@café.be").text == "zoe@xn--caf-dma.be"
    assert Address.parse("info@straße.example").domain == "xn--strae-oqa.example"
    assert Address.parse("A@HUIS.Example").text == "A@huis.example"


@pytest.mark.conf("INB-23")
def test_duplicates_are_found_and_homographs_are_not() -> None:
    assert Address.parse("Amina@huis.example").key == Address.parse("amina@HUIS.example").key
    assert Address.parse("a@huis.example").key != Address.parse("a@huіs.example").key
    assert not Address.parse("jürgen@huis.example").is_ascii

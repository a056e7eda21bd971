"""Reading template folders: what is wrong is said with its file and line."""

import struct
from pathlib import Path

import pytest

from mailer.errors import TemplateError
from mailer.outbound.source import load

TOML = '[nl]\nsubject = "Dag"\ndiscreet = "Bericht"\n'
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 40, 30) + b"\x08\x02\x00\x00\x00"


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def refusal(folder: Path) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        load(folder)
    return caught.value


def test_a_folder_with_two_languages_and_a_picture(tmp_path: Path) -> None:
    source = load(write(tmp_path, newsletter_toml=TOML, nl_md="Dag\r\nu", fr_mjml="<mj-section/>", images__a_png=PNG))
    assert (source.kind, source.layout, source.languages) == ("newsletter", "newsletter", ("fr", "nl"))
    assert source.text("nl").content == "Dag\nu"
    assert source.text("fr").markup == "mjml"
    assert source.line("nl", "discreet") == "Bericht"
    assert source.line("fr", "subject") is None
    assert source.line_number("nl", "discreet") == 3
    assert (source.pictures["images/a.png"].width, source.pictures["images/a.png"].height) == (40, 30)


def test_the_version_changes_with_every_file(tmp_path: Path) -> None:
    first = load(write(tmp_path, mail_toml=TOML, nl_md="Dag")).version
    second = load(write(tmp_path, nl_md="Dag!")).version
    third = load(write(tmp_path, mail_toml=TOML + "# x\n")).version
    assert len({first, second, third}) == 3
    assert load(tmp_path).version == third


def test_no_settings(tmp_path: Path) -> None:
    assert "mail.toml, newsletter.toml or meeting.toml" in refusal(write(tmp_path, nl_md="Dag")).message


def test_a_fault_in_the_settings_has_its_line(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, mail_toml='[nl]\nsubject = Dag "x"\n', nl_md="Dag"))
    assert (error.file, error.line) == (f"{tmp_path.name}/mail.toml", 2)


def test_a_text_that_is_not_utf8_has_its_line(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, mail_toml=TOML, nl_md=b"een\ntwee\ncaf\xe9\n"))
    assert (error.file, error.line) == (f"{tmp_path.name}/nl.md", 3)


def test_two_texts_for_one_language(tmp_path: Path) -> None:
    assert "keep one" in refusal(write(tmp_path, mail_toml=TOML, nl_md="a", nl_mjml="b")).message


def test_a_language_nobody_wrote(tmp_path: Path) -> None:
    source = load(write(tmp_path, mail_toml=TOML, nl_md="a"))
    with pytest.raises(TemplateError) as caught:
        source.text("fr")
    assert caught.value.file == f"{tmp_path.name}/fr.md"


def test_settings_that_are_not_words(tmp_path: Path) -> None:
    source = load(write(tmp_path, mail_toml="[nl]\nsubject = 3\n", nl_md="a"))
    with pytest.raises(TemplateError, match="between quotes"):
        source.line("nl", "subject")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [("a.svg", b"<svg/>", "only .png"), ("a.png", b"GIF89a", "not a PNG"), ("a.png", PNG + b"x" * 400_000, "smaller")],
)
def test_pictures_that_cannot_travel(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    write(tmp_path, mail_toml=TOML, nl_md="a")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / name).write_bytes(data)
    error = refusal(tmp_path)
    assert message in error.message
    assert error.file.endswith(f"images/{name}")


def test_jpeg_and_gif_sizes(tmp_path: Path) -> None:
    jpeg = b"\xff\xd8\xff\xe0\x00\x04xx\xff\xc0\x00\x11\x08\x00\x1e\x00\x28\x03" + b"\x00" * 12
    gif = b"GIF89a" + struct.pack("<HH", 40, 30)
    source = load(write(tmp_path, mail_toml=TOML, images__a_jpg=jpeg, images__b_gif=gif))
    assert {(one.width, one.height) for one in source.pictures.values()} == {(40, 30)}

"""A mail in whose hands the process died is known by it; all other mails are not."""

from pathlib import Path

import pytest

from jobs import in_hand


def _die(folder: Path, place: str) -> None:
    with in_hand.reading(folder, place):
        left = (folder / "in_hand.json").read_text()
    (folder / "in_hand.json").write_text(left)  # what a killed process leaves behind


@pytest.mark.conf("REL-18", "INB-30")
def test_deaths_in_a_row_are_counted(tmp_path: Path) -> None:
    for deaths in (0, 1, 2):
        with in_hand.reading(tmp_path, "7:1") as found:
            assert found == deaths
            with in_hand.reading(tmp_path, "7:1", found):
                left = (tmp_path / "in_hand.json").read_text()
        (tmp_path / "in_hand.json").write_text(left)
    with in_hand.reading(tmp_path, "7:1") as found:
        assert found == in_hand.MOST_DEATHS


def test_another_mail_is_not_to_blame(tmp_path: Path) -> None:
    _die(tmp_path, "7:1")
    with in_hand.reading(tmp_path, "7:2") as found:
        assert found == 0


def test_a_mail_put_down_in_order_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="odd"), in_hand.reading(tmp_path, "7:1"):
        raise ValueError("odd")
    assert list(tmp_path.iterdir()) == []


def test_half_a_file_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "in_hand.json").write_text('{"place": "7:1"')
    with in_hand.reading(tmp_path, "7:1") as found:
        assert found == 0

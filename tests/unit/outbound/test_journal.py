"""The journal: whatever moment a process dies at, what is read afterwards is true, and never more than was known."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mailer.outbound import journal
from mailer.outbound.journal import BEGUN, DOTTED, ENDED, UNTOUCHED, Journal, Left, read
from mailer.outbound.submission import Reply

OWNER, BOOT = "0123456789abcdef", "8c6b5a1e-5c1b-4c65-9b0e-0d7f1a6b2c3d"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / journal.FILE


def _left(path: Path) -> Left:
    found = read(path)
    assert found is not None
    return found


def _came(path: Path, numbers: range, boot: str = BOOT) -> list[str]:
    return [_left(path).came(number, boot) for number in numbers]


@pytest.mark.conf("SMT-21", "REL-03")
def test_it_tells_how_far_each_letter_came(path: Path) -> None:
    writing = Journal(path, OWNER, BOOT)
    for number in (2, 3, 4):
        writing.begin(number)
    for number in (3, 4):
        writing.dot(number)
    writing.end(4, Reply("replied", 250, "2.0.0", "Ok: queued  as\n4XYZ"))
    assert _came(path, range(1, 5)) == [UNTOUCHED, BEGUN, DOTTED, ENDED]
    assert _left(path).traces[4].reply == Reply("replied", 250, "2.0.0", "Ok: queued as 4XYZ")
    assert (_left(path).owner, stat.S_IMODE(path.stat().st_mode)) == (OWNER, 0o600)
    writing.close()


@pytest.mark.parametrize("reply", [
    Reply("connect"), Reply("mail", 421), Reply("in_data", text="connection lost (OSError)"), Reply("dot_sent"),
    Reply("rcpt", 550, "5.1.1", "zoë@huis.example is unknown"), Reply("replied", 250, None, "- E 1 !"),
])  # fmt: skip
def test_a_reply_is_read_as_it_was_written(path: Path, reply: Reply) -> None:
    writing = Journal(path, OWNER, BOOT)
    writing.end(1, reply)
    assert _left(path).traces[1].reply == reply


@pytest.mark.conf("SMT-21")
@pytest.mark.parametrize("boot", ["another", ""])
def test_after_another_boot_only_an_end_is_sure(path: Path, boot: str) -> None:
    writing = Journal(path, OWNER, BOOT)
    writing.begin(2)
    writing.end(3, Reply("replied", 250))
    assert _came(path, range(1, 4), boot) == [DOTTED, DOTTED, ENDED]


def test_a_machine_without_boots_is_never_sure(path: Path) -> None:
    Journal(path, OWNER, "").begin(1)
    assert _came(path, range(1, 3), "") == [DOTTED, DOTTED]


def test_what_is_kept_is_forgotten(path: Path) -> None:
    """Else an old end would be taken for that of a second attempt which never left."""
    writing = Journal(path, OWNER, BOOT)
    for number in (1, 2):
        writing.dot(number)
        writing.end(number, Reply("replied", 451))
    writing.keep([1])
    writing.begin(1)
    assert _came(path, range(1, 3)) == [BEGUN, ENDED]


@pytest.mark.conf("GDP-10")
def test_what_the_relay_said_does_not_stay(path: Path) -> None:
    writing = Journal(path, OWNER, BOOT)
    writing.end(1, Reply("rcpt", 550, "5.1.1", "who is jan@huis.example"))
    writing.keep([1])
    writing.close()
    assert b"jan@" not in path.read_bytes()
    before = path.stat().st_ino
    Journal(path, OWNER, BOOT).begin(2)  # an empty one of our own is gone on with
    assert (path.stat().st_ino, _came(path, range(1, 3))) == (before, [UNTOUCHED, BEGUN])


@pytest.mark.conf("REL-62")
def test_a_large_one_begins_anew_with_the_letters_in_flight(path: Path) -> None:
    writing = Journal(path, OWNER, BOOT)
    writing.dot(1)
    writing.begin(2)
    writing.end(3, Reply("replied", 250))
    for number in range(4, 5000):
        writing.end(number, Reply("replied", 250, "2.0.0", "x" * 60))
        if number % 200 == 0:
            writing.keep(range(max(4, number - 200), number))
    writing.keep(range(4, 5000))
    assert path.stat().st_size < 256 * 1024
    assert _came(path, range(1, 6)) == [DOTTED, BEGUN, ENDED, UNTOUCHED, UNTOUCHED]
    assert not list(path.parent.glob("*.new"))


def test_a_stranger_begins_an_empty_one(path: Path) -> None:
    Journal(path, "somebody", BOOT).begin(1)
    Journal(path, OWNER, BOOT)
    assert _left(path) == Left(OWNER, BOOT)


def test_after_a_write_that_was_cut_short_nothing_is_half_true(path: Path) -> None:
    """A full disk may take a part of a line; what is written when there is room again must not complete it."""
    writing = Journal(path, OWNER, BOOT)
    writing.dot(12)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    while True:  # a pipe that is full up to some bytes stands for a disk that is
        try:
            os.write(write_end, b"x")
        except BlockingIOError:
            break
    real, writing._descriptor = writing._descriptor, write_end
    with pytest.raises(OSError):
        writing.end(12, Reply("replied", 250))
    writing._descriptor = real
    with path.open("ab") as file:
        file.write(b"E 12 replied 2")
    writing.begin(13)
    assert _came(path, range(12, 14)) == [DOTTED, BEGUN]
    os.close(read_end)
    os.close(write_end)


_EVENTS = some.lists(
    some.tuples(
        some.sampled_from(["begin", "dot", "end", "keep"]),
        some.integers(1, 6),
        some.sampled_from([Reply("replied", 250, "2.0.0", "Ok"), Reply("rcpt", 550), Reply("dot_sent")]),
    ),
    max_size=40,
)


def _play(writing: Journal, events: list[tuple[str, int, Reply]]) -> list[bytes]:
    """Write them down; returns the lines that must be in the file, in order."""
    for kind, number, reply in events:
        if kind == "end":
            writing.end(number, reply)
        elif kind == "keep":
            writing.keep([number])
        else:
            getattr(writing, kind)(number)
    return writing._path.read_bytes().splitlines(keepends=True)


@given(events=_EVENTS, cut=some.integers(0, 2000))
def test_cut_anywhere_it_says_what_its_whole_lines_say(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int, Reply]], cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / journal.FILE
    lines = _play(Journal(path, OWNER, BOOT), events)
    whole = b"".join(lines)
    cut = max(len(lines[0]), len(whole) - cut)
    path.write_bytes(whole[:cut])
    torn = _left(path)
    path.write_bytes(whole[: whole[:cut].rfind(b"\n") + 1])
    assert _left(path) == torn


@given(some.binary(max_size=300))
def test_reading_is_total(tmp_path_factory: pytest.TempPathFactory, rubbish: bytes) -> None:
    path = tmp_path_factory.mktemp("journal") / journal.FILE
    path.write_bytes(rubbish)
    assert read(path) is None or rubbish.startswith(b"verbinden-outbox")
    Journal(path, OWNER, BOOT).dot(7)
    with path.open("ab") as file:
        file.write(rubbish.replace(b"7", b""))
    assert _left(path).came(7, BOOT) in (DOTTED, ENDED)
    assert read(path.parent / "nowhere") is None

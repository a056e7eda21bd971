"""How many connections a relay gets, on a clock of our own."""

import pytest

from mailer.outbound.pace import Pace, is_strain
from mailer.outbound.smtp_reply import Reply


def run(pace: Pace, start: float, rounds: int, answers: int, wait: float) -> float:
    """So many windows of 100 ms, in each so many answers that took `wait`; returns the time."""
    for turn in range(rounds):
        for _ in range(answers):
            pace.count(wait)
        pace.review(start + turn * 0.1)
    return start + rounds * 0.1


def test_it_grows_one_by_one_while_answers_come_as_quickly() -> None:
    pace = Pace(5)
    assert pace.wanted == 1
    run(pace, 1, 3, 5, 0.02)
    assert pace.wanted == 4
    run(pace, 2, 30, 5, 0.02)
    assert pace.wanted == 5 and pace.is_full


def test_it_stops_where_more_connections_only_wait_longer() -> None:
    pace = Pace(50)
    at = run(pace, 1, 4, 10, 0.02)
    run(pace, at, 30, 10, 0.2)
    assert pace.wanted == 5


def test_it_grows_where_answers_are_slower_but_more() -> None:
    pace = Pace(50)
    for turn in range(10):
        run(pace, 1 + turn, 1, 10 * 2**turn, 0.02 + 0.02 * turn)
    assert pace.wanted > 8


@pytest.mark.conf("SMT-17")
def test_it_halves_once_for_what_all_connections_hear_and_rests() -> None:
    pace = Pace(8)
    at = run(pace, 1, 20, 5, 0.02)
    for _ in range(8):
        pace.strain(at)
    assert pace.wanted == 4
    run(pace, at, 20, 5, 0.02)
    assert pace.wanted == 4
    run(pace, at + 11, 1, 5, 0.02)
    assert pace.wanted == 5
    for second in range(20, 30):
        pace.strain(at + second)
    assert pace.wanted == 1


def test_a_connection_that_cannot_be_made_ends_the_growing_for_a_while() -> None:
    pace = Pace(8)
    at = run(pace, 1, 4, 5, 0.02)
    pace.refuse(at, 3)
    run(pace, at, 10, 5, 0.02)
    assert pace.wanted == 3


@pytest.mark.parametrize(
    ("reply", "strain"),
    [
        (Reply("rcpt", 421), True), (Reply("replied", 451, "4.3.0"), True), (Reply("mail", 452, "4.3.1"), True),
        (Reply("rcpt", 450, "4.7.1"), False), (Reply("rcpt", 451, "4.7.500"), True),
        (Reply("rcpt", 452, "4.2.2"), False), (Reply("replied", 554), False), (Reply("replied", 250), False),
        (Reply("dot_sent"), False),
    ],
)  # fmt: skip
def test_what_says_that_it_is_too_much(reply: Reply, strain: bool) -> None:
    assert is_strain(reply) == strain

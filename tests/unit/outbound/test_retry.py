"""What each reply means, and when a letter is tried again."""

from datetime import timedelta

import pytest

from mailer.outbound.retry import GIVE_UP_AFTER, is_dead_address, next_delay, verdict
from mailer.outbound.submission import Reply

PHASES = ["connect", "helo", "auth", "mail", "rcpt", "data", "in_data", "replied"]


@pytest.mark.conf("SMT-11")
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("code", "enhanced"), [(421, None), (450, "4.2.0"), (451, "4.7.1"), (452, "4.2.2"), (None, None)]
)
def test_what_may_pass_is_tried_again(phase: str, code: int | None, enhanced: str | None) -> None:
    assert verdict(Reply(phase, code, enhanced)) == "later"


@pytest.mark.conf("SMT-11")
@pytest.mark.parametrize(
    ("phase", "expected"),
    [(phase, "our_fault") for phase in PHASES[:4]] + [(phase, "refused") for phase in PHASES[4:]],
)
@pytest.mark.parametrize("code", [550, 551, 552, 553, 554, 501])
def test_what_is_permanent_is_about_us_until_the_recipient_is_named(phase: str, expected: str, code: int) -> None:
    assert verdict(Reply(phase, code)) == expected


@pytest.mark.conf("SMT-11")
@pytest.mark.parametrize("code", [250, 251, 252])
def test_accepted_is_only_what_follows_the_dot(code: int) -> None:
    assert verdict(Reply("replied", code)) == "accepted"
    assert {verdict(Reply(phase, code)) for phase in PHASES[:-1]} == {"later"}


@pytest.mark.conf("SMT-20")
@pytest.mark.parametrize("code", [None, 250, 421, 550])
def test_after_the_dot_without_an_answer_nobody_can_know(code: int | None) -> None:
    assert verdict(Reply("dot_sent", code)) == "in_doubt"


@pytest.mark.conf("SMT-12")
@pytest.mark.parametrize(
    ("phase", "code", "enhanced", "expected", "dead"),
    [
        ("rcpt", 550, "5.1.1", "refused", True),
        ("rcpt", 550, "5.1.2", "refused", True),
        ("rcpt", 551, "5.1.6", "refused", True),
        ("rcpt", 550, "5.1.10", "refused", True),
        ("rcpt", 550, "5.2.1", "refused", True),
        ("replied", 550, "5.1.1", "refused", True),
        ("rcpt", 550, None, "refused", False),
        ("rcpt", 550, "5.1.0", "refused", False),
        ("rcpt", 501, "5.1.3", "refused", False),
        ("rcpt", 552, "5.2.2", "later", False),
        ("replied", 552, "5.2.2", "later", False),
        ("rcpt", 552, None, "refused", False),
        ("rcpt", 550, "5.7.1", "refused", False),
        ("replied", 554, "5.7.1", "refused", False),
        ("replied", 552, "5.3.4", "refused", False),
        ("mail", 552, "5.3.4", "refused", False),
        ("rcpt", 553, "5.6.7", "refused", False),
        ("mail", 553, "5.1.7", "our_fault", False),
        ("mail", 550, "5.1.1", "our_fault", False),
        ("rcpt", 550, "5.1.8", "our_fault", False),
        ("mail", 530, "5.7.0", "our_fault", False),
        ("rcpt", 530, None, "our_fault", False),
        ("rcpt", 503, "5.5.1", "our_fault", False),
        ("data", 503, None, "our_fault", False),
        ("rcpt", 500, None, "our_fault", False),
        ("replied", 535, "5.7.8", "our_fault", False),
        ("replied", 550, "5.4.5", "our_fault", False),
        ("replied", 554, "5.2.252", "our_fault", False),
        ("replied", 550, "5.7.60", "our_fault", False),
        ("replied", 550, "5.7.26", "our_fault", False),
        ("replied", 550, "5.7.515", "our_fault", False),
        ("replied", 550, "5.7.708", "our_fault", False),
        ("mail", 452, "4.3.1", "later", False),
        ("rcpt", 450, "4.1.1", "later", False),
        ("rcpt", 451, "4.7.1", "later", False),
        ("replied", 451, "4.7.500", "later", False),
        ("replied", 421, "4.7.28", "later", False),
        ("anything", 550, None, "our_fault", False),
    ],
)
def test_the_enhanced_code_refines(phase: str, code: int, enhanced: str | None, expected: str, dead: bool) -> None:
    reply = Reply(phase, code, enhanced)
    assert (verdict(reply), is_dead_address(reply)) == (expected, dead)


@pytest.mark.conf("SMT-14")
def test_the_waits_double_from_seven_and_a_half_minutes_to_sixteen_hours() -> None:
    minutes = [next_delay(attempt, 0.5) / timedelta(minutes=1) for attempt in range(1, 11)]
    assert minutes == [7.5, 15, 30, 60, 120, 240, 480, 960, 960, 960]
    assert next_delay(0, 0.5) == next_delay(1, 0.5) and next_delay(10_000, 0.5) == timedelta(hours=16)


@pytest.mark.conf("SMT-14")
def test_jitter_is_ten_percent_either_way() -> None:
    assert next_delay(1, 0.0) == timedelta(seconds=405)
    assert timedelta(seconds=494) < next_delay(1, 0.999) < timedelta(seconds=495)


@pytest.mark.conf("SMT-14")
def test_it_is_tried_at_least_ten_times_in_at_least_four_days() -> None:
    assert timedelta(days=4) <= GIVE_UP_AFTER
    assert sum((next_delay(attempt, 0.999) for attempt in range(1, 10)), timedelta()) < GIVE_UP_AFTER

"""Random faults by seed, at any command of any connection: each letter's end is told once, and truly."""

import random
from collections.abc import Callable

import pytest

from mailer.errors import SubmissionUnavailable
from mailer.outbound.retry import verdict
from mailer.outbound.submission import Timeouts
from tests.integration.scripted_smtp import DROP, HALF, TRICKLE, Answer, ScriptedSmtp
from tests.integration.submitting import Told, letters, opened, send
from tests.integration.test_submission_pool import assert_each_has_its_own

FAULTS = {
    "MAIL": [DROP, "421 4.3.2 Bye", "451 4.3.0 Later", "503 5.5.1 nested", "garbage", HALF + "250 2.1.0 Ok"],
    "RCPT": [DROP, "421 4.3.2 Bye", "450 4.7.1 Greylisted", "550 5.1.1 Unknown", "\x1b[2J", "250-a\r\n550 b"],
    "DATA": [DROP, "421 4.3.2 Bye", "451 4.3.0 Later", "554 5.7.1 No", "250 What?", "354 Go\r\n250 Taken"],
    ".": [DROP, "421 4.3.2 Bye", "451 4.3.0 Later", "554 5.7.1 Spam", "354 Again", HALF + "250 2.0", "250 a\r\n250 b"],
    "RSET": [DROP, "500 What?", "421 4.3.2 Bye"],
    "banner": ["421 4.3.2 Busy", DROP],
}
USUAL = {"MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", ".": "250 2.0.0 Taken", "RSET": "250 2.0.0 Ok"}
BRIEF = Timeouts(connect=5, banner=5, command=1, data=1, block=1, after_dot=1, quit=1)


def _answers(chance: random.Random, said: dict[str, str]) -> dict[str, Answer]:
    """A script that goes wrong once in twenty times; `said` keeps what a recipient's dot was answered."""

    def answer(verb: str, command: str) -> str:
        roll = chance.random()
        words = chance.choice(FAULTS[verb]) if roll < 0.05 else ""
        if not words and roll < 0.1 and verb in USUAL:
            words = TRICKLE + USUAL[verb]
        if verb == ".":
            said[command] = words or USUAL["."]
        return words

    def make(verb: str) -> Callable[[str], str]:
        return lambda command: answer(verb, command)

    return {verb: make(verb) for verb in FAULTS}


@pytest.mark.conf("REL-03")
@pytest.mark.conf("REL-04")
@pytest.mark.conf("SMT-20")
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_lost_or_sent_twice(seed: int, pipelining: bool) -> None:
    chance, said, told = random.Random(seed), dict[str, str](), Told()
    parcels = letters(200)
    with ScriptedSmtp(_answers(chance, said), pipelining=pipelining, lenient=bool(seed % 2)) as server:
        try:
            send(opened(server, 1 + seed % 6, BRIEF), parcels, told=told)
        except SubmissionUnavailable:
            assert "connect" in {reply.phase for reply in told.replies} or len(told.ends) < 200
        else:
            assert len(told.ends) == 200
    assert_each_has_its_own(server)
    taken = [recipients[0] for _, recipients, _ in server.mails]
    assert len(taken) == len(set(taken))
    ends = dict(told.ends)
    for recipient in taken:
        reply = ends[int(recipient.partition("@")[0][1:])]
        is_known = said[recipient].removeprefix(TRICKLE).startswith(("250 2.0.0", "250 a"))
        assert verdict(reply) in (("accepted", "in_doubt") if is_known else ("later", "refused", "in_doubt")), reply
    accepted = {f"m{key}@vzw.example" for key, reply in told.ends if verdict(reply) == "accepted"}
    assert accepted <= set(taken)
    assert {key for key, reply in told.ends if reply.phase in ("dot_sent", "replied")} <= set(told.dots)

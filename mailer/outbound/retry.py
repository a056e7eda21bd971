"""What a reply means for a letter, and when to try again: small tables, no state."""

from datetime import timedelta
from typing import Final, Literal

from mailer.outbound.smtp_reply import Reply

Verdict = Literal["accepted", "later", "refused", "in_doubt", "our_fault"]

ACCEPTED: Final = "accepted"
LATER: Final = "later"
REFUSED: Final = "refused"
IN_DOUBT: Final = "in_doubt"
OUR_FAULT: Final = "our_fault"

#: RFC 5321 §4.5.4.1: "at least 4-5 days". A letter with a term of its own (a meeting) gives up at that term.
GIVE_UP_AFTER = timedelta(days=5)

_FIRST_DELAY = timedelta(minutes=7, seconds=30)
_LONGEST_DELAY = timedelta(hours=16)
_SPREAD = 0.2

#: Whom a 5yz reply is about, by the phase in which it came (RFC 5321 §4.2.1, §4.5.4.1).
_PERMANENT: dict[str, Verdict] = {
    "connect": OUR_FAULT,
    "helo": OUR_FAULT,
    "auth": OUR_FAULT,
    "mail": OUR_FAULT,
    "rcpt": REFUSED,
    "data": REFUSED,
    "in_data": REFUSED,
    "replied": REFUSED,
}

#: Enhanced codes that say more than their phase (RFC 3463 §3; the last two rows are what big providers answer).
_BY_ENHANCED: dict[str, Verdict] = {
    "5.2.2": LATER,  # the mailbox is full: it may be emptied
    "5.3.4": REFUSED,  # this letter is too large; the next one may not be
    "5.6.7": REFUSED,  # this recipient needs SMTPUTF8
    **dict.fromkeys(("5.1.7", "5.1.8", "5.5.1", "5.7.8", "5.7.9", "5.7.11", "5.7.14"), OUR_FAULT),  # sender or login
    **dict.fromkeys(("5.4.5", "5.1.90", "5.2.252", "5.7.60", "5.7.515", "5.7.708"), OUR_FAULT),  # limits, SendAsDenied
    **dict.fromkeys(("5.7.26", "5.7.27", "5.7.29", "5.7.30", "5.7.31", "5.7.32", "5.7.40"), OUR_FAULT),  # SPF, DKIM
}

#: Plain codes that complain of how we talk or who we are, whatever the phase.
_BY_CODE: dict[int, Verdict] = dict.fromkeys((500, 502, 503, 504, 530, 534, 535, 538), OUR_FAULT)

#: RFC 3463 §3.2, §3.3: no such mailbox, no such system, mailbox moved, mailbox disabled.
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"})


def verdict(reply: Reply) -> Verdict:
    """What becomes of the letter: accepted, later, refused (this recipient only), in_doubt, our_fault (blame nobody).

    A connection lost before the final dot is `later`, after it `in_doubt` (RFC 1047); 4yz is `later` everywhere.
    """
    if reply.phase == "dot_sent":
        return IN_DOUBT
    if reply.code is None or reply.code // 100 == 4:
        return LATER
    if reply.code // 100 == 5:
        return _permanent(reply)
    return ACCEPTED if reply.phase == "replied" else LATER


def _permanent(reply: Reply) -> Verdict:
    known = _BY_ENHANCED.get(reply.enhanced or "") or _BY_CODE.get(reply.code or 0)
    return known or _PERMANENT.get(reply.phase, OUR_FAULT)


def is_dead(status: str | None) -> bool:
    """Whether a status says that the mailbox is not there; policy and full boxes blame nobody (SMT-12, INB-27)."""
    return status in _DEAD


def is_dead_address(reply: Reply) -> bool:
    """Whether a refusal says that the mailbox does not exist; only that counts against a member (SMT-12)."""
    return verdict(reply) == REFUSED and is_dead(reply.enhanced)


def next_delay(attempt: int, jitter: float) -> timedelta:
    """How long to wait after the attempt of this number (1 is the first): 7.5 minutes, doubling to 16 hours, ± 10 %.

    `jitter` in [0, 1) keeps letters that failed together from coming back together.
    """
    doublings = min(max(attempt, 1) - 1, 10)
    delay = min(_FIRST_DELAY * (1 << doublings), _LONGEST_DELAY)
    return delay * (1 + _SPREAD * (jitter - 0.5))

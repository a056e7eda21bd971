"""A link of ours that opens a mail ready to be sent: its subject carries the token."""

from datetime import datetime

from contacts.errors import RuleBroken
from contacts.meeting import ANSWER
from mailer.links import Links


def read_ready_mail(subject: str, links: Links, now: datetime) -> tuple[str, str, str] | None:
    """The purpose and key of a ready mail of ours, and its first word; None when the subject is anything else.

    Only the very subject we wrote counts: “Re: …” is somebody's answer, whose words are what matters.
    """
    words = subject.split()
    if len(words) != 2:
        return None
    try:
        purpose, key = links.read(words[1], now)
    except RuleBroken:
        return None
    return (purpose, key, words[0]) if words[0] in (purpose, *ANSWER.values()) else None

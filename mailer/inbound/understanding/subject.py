"""The subject as the author's own words: nothing where it only repeats ours."""

from mailer.inbound.fold import fold

_REPLIES = ("re", "aw", "antw", "antwoord", "sv", "rép", "rep", "res", "odp", "ynt", "cvp", "رد", "відп", "отв", "re^")
_FORWARDS = ("fw", "fwd", "tr", "wg", "doorst", "rv", "i", "ilt", "пер", "fs")


def own_subject(subject: str) -> str:
    """The subject of a new mail; "" for a reply or a forward, whose subject somebody else wrote."""
    mark = fold(subject.partition(":")[0]).strip().rstrip("0123456789[]() ") if ":" in subject else ""
    return "" if mark in {fold(one) for one in (*_REPLIES, *_FORWARDS)} else subject

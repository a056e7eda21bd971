"""Rules and examples weighed together: what a mail asks, and what of it is sure enough to be done by a machine.

The rules say what the words mean, word by word; the model says what people who wrote like this meant. Where both agree
a machine may act; where only one of them sees a wish, a person mostly looks. A cry for help needs only one of them.
"""

from collections.abc import Mapping

from mailer.inbound.understanding import rsvp
from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.features import PERSON
from mailer.inbound.understanding.found import Wishes
from mailer.inbound.understanding.model import Reading
from mailer.inbound.understanding.request import HUMAN, Rsvp

HELP_FROM = 0.3  # likelier than this is a cry for help, whatever the rules say
HELP_BELOW = 0.04  # less likely than this, words of distress are looked at by a person, but are no cry for help
_CHOSEN_FROM = {"leave": 0.35}  # a goodbye must not be missed; anything else is what is likelier than not
_ACTED_ON = ("join", "join_other", "leave", "rsvp", "confirm", "update")
_AGREED, _CAREFUL = 0.5, 0.8  # with the rules: the wish likely enough, and a person not surely needed
_ALONE, _SAFE = 0.85, 0.3  # without them: the wish very likely, and a person hardly needed
_SPAM = 0.8
_ANSWERS = ("yes", "no", "maybe")


def is_help(ruled: bool, reading: Reading) -> bool:
    """Whether this may be a cry for help."""
    likely = reading.kinds["help"]
    return likely >= HELP_FROM or (ruled and likely >= HELP_BELOW)


def is_spam(ruled: bool, reading: Reading, thread: str) -> bool:
    """Whether nobody needs to see this: advertising or fraud, and nothing of a person's in it."""
    if thread != "none" or reading.kinds["help"] >= HELP_BELOW:
        return False
    likely = reading.kinds["spam"]
    return likely >= _SPAM or (ruled and likely >= 1 - _SPAM)


def settle(found: Wishes, reading: Reading, evidence: Evidence, thread: str, others: bool) -> Wishes:
    """The wishes of a person after both were heard; `others`: addresses of other people stand in the text."""
    likely = reading.kinds
    settled = Wishes(kinds=_chosen(likely), stops=list(found.stops))
    for kind in settled.kinds & set(_ACTED_ON):
        if _may_act(kind, found, likely) and _can_act(kind, found, thread, others):
            settled.clear.add(kind)
    if "rsvp" in settled.kinds:
        _answer(settled, found, reading, evidence)
    if likely[PERSON] > _CAREFUL and not settled.stops:
        settled.stops.append("people who write like this were better answered by a person")
    return settled


def _chosen(likely: Mapping[str, float]) -> set[str]:
    chosen = {kind for kind in HUMAN if likely[kind] >= _CHOSEN_FROM.get(kind, 0.5)} - {"help", "spam"}
    return chosen or {max((kind for kind in HUMAN if kind not in ("help", "spam")), key=lambda kind: likely[kind])}


def _may_act(kind: str, found: Wishes, likely: Mapping[str, float]) -> bool:
    """Whether the wish is sure enough; where the rules saw it and doubted, their doubt stands."""
    if kind in found.clear:
        return likely[kind] >= _AGREED
    return kind not in found.kinds and likely[kind] >= _ALONE and likely[PERSON] <= _SAFE


def _can_act(kind: str, found: Wishes, thread: str, others: bool) -> bool:
    """Whether a machine has what it takes to do this at all."""
    if kind == "confirm":
        return thread == "confirmation"
    if kind == "update":
        return kind in found.clear
    return others if kind == "join_other" else kind != "rsvp" or thread == "invitation" or kind in found.clear


def _answer(settled: Wishes, found: Wishes, reading: Reading, evidence: Evidence) -> None:
    """The answer the rules read, unless the examples plainly say another one; then a person looks."""
    sure = {tag: reading.best(tag) for tag in _ANSWERS}
    best = max(sure, key=lambda tag: sure[tag])
    if found.answer is None:
        settled.answer = Rsvp(best, rsvp.guests(evidence) if best != "no" else 0, "")
    elif sure[best] > 0.6 and sure[found.answer.answer] < 0.2:
        settled.answer = Rsvp(best, found.answer.guests if best != "no" else 0, found.answer.note)
        settled.clear.discard("rsvp")
    else:
        settled.answer = found.answer

"""Rules and examples weighed together: what a mail asks, and what of it is sure enough to be done by a machine.

The rules say what the words mean, word by word; the model says what people who wrote like this meant. Where both agree
a machine may act; where only one of them sees a wish, a person mostly looks. A cry for help needs only one of them.
"""

from collections.abc import Collection, Mapping

from mailer.inbound.understanding import rsvp
from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.features import PERSON
from mailer.inbound.understanding.found import Wishes
from mailer.inbound.understanding.model import Reading
from mailer.inbound.understanding.request import HUMAN, Rsvp

HELP_FROM = 0.05  # a cry for help: the whole mail is one by so much,
HELP_TAGGED = 0.1  # or the rules say so, and some sentence of it is one by so much
_LEAVE_FROM, _LEAVE_RULED = 0.04, 0.005  # a goodbye must not be missed; anything else is what is likelier than not,
_LIKELY, _PLAIN, _BESIDE = 0.5, 0.3, 0.7  # more so what the rules see plainly, less what only the model sees beside it
_WISHES = tuple(kind for kind in HUMAN if kind not in ("help", "spam"))
_ACTED_ON = ("join", "join_other", "leave", "rsvp", "confirm", "update")
_FOR_A_PERSON = ("information", "guidance", "privacy", "contribution", "other")
# A machine may act where the rules see a wish plainly, it is so likely, and so unlikely that a person is needed; where
# the rules saw it and doubted, or did not see it, the examples have to be surer.
_ENOUGH, _CALM = 0.6, 0.4
_NAMED = 0.7  # the same for others who are to be registered
_DOUBTED, _ALONE, _SAFE = 0.85, 0.7, 0.3
_CONSENT = 0.95
# How likely something else may be meant as well: where both agree to the word, and where they do not.
_OPEN, _AJAR = 0.35, 0.25
_CAREFUL = 0.8  # a person is surely needed, whatever else was understood
_IDLE = 0.1  # a person hardly needed at all
_SPAM, _SOLD = 0.8, 0.1  # advertising; and too much like it for a machine to act on its words
# What a receipt would be cold comfort to, a new name most of all, and how likely it may be.
_TENDER = {"other": 0.1, "update": 0.04, "privacy": 0.1, "leave": 0.1}
_ANSWERS = ("yes", "no", "maybe")


def is_help(ruled: bool, reading: Reading | None) -> bool:
    """Whether this may be a cry for help."""
    if reading is None:
        return ruled
    return reading.kinds["help"] >= HELP_FROM or (ruled and reading.best("help") >= HELP_TAGGED)


def is_calm(reading: Reading) -> bool:
    """Whether a mail plainly is one of business: nothing in it sounds as if an automatic word could hurt."""
    likely = reading.kinds
    harmless = likely["help"] < HELP_FROM / 2 and reading.best("help") < HELP_TAGGED
    return harmless and all(likely[kind] < most for kind, most in _TENDER.items()) and reading.best(*_TENDER) < _OPEN


def is_spam(ruled: bool, reading: Reading | None, thread: str) -> bool:
    """Whether nobody needs to see this: advertising or fraud, and nothing of a person's in it."""
    if reading is None or thread != "none":
        return ruled
    if reading.kinds["help"] >= HELP_FROM:
        return False
    likely = reading.kinds["spam"]
    return likely >= _SPAM or (ruled and likely >= 1 - _SPAM)


def settle(found: Wishes, reading: Reading, evidence: Evidence, thread: str, others: bool, note: str) -> Wishes:
    """The wishes of a person after both were heard.

    `others`: addresses of other people stand in the text; `note`: the words that an answer to an invitation keeps.
    """
    likely = reading.kinds
    settled = Wishes(kinds=_chosen(likely, found), stops=list(found.stops))
    beside = {"join", "leave"} <= settled.kinds or _is_more_meant(likely, settled.kinds, _least(settled, found))
    for kind in settled.kinds & set(_ACTED_ON):
        seen = kind in found.kinds
        doubtful = _is_doubt_founded(kind, evidence, thread) if seen else thread == "none"  # perhaps it is not for us
        if not beside and _may_act(kind, found, likely, doubtful) and _can_act(kind, found, thread, others):
            settled.clear.add(kind)
    if "rsvp" in settled.kinds:
        _answer(settled, found, reading, evidence, note)
    if settled.kinds == {"other"} and thread != "none" and _is_only_thanks(found, reading):
        settled.clear.add("other")
    if likely[PERSON] > _CAREFUL:
        settled.cautions.append("mails like this one were better answered by a person")
    return settled


def _is_only_thanks(found: Wishes, reading: Reading) -> bool:
    """Whether an answer asks for nothing at all: "thank you, see you there"; nobody has to read it."""
    nothing = not found.stops and found.kinds <= {"other"}
    return nothing and reading.kinds[PERSON] <= _IDLE and reading.kinds["help"] < HELP_FROM / 2


def _chosen(likely: Mapping[str, float], found: Wishes) -> set[str]:
    """What is likelier than not; beside what the rules see as well, only what is likely indeed."""
    agreed = {kind for kind in found.kinds if likely[kind] >= (_PLAIN if kind in found.clear else _LIKELY)}
    least = _BESIDE if agreed else _LIKELY
    chosen = agreed | {kind for kind in _WISHES if likely[kind] >= least}
    if _may_leave(likely, found):
        chosen.add("leave")
    return chosen or {max(_WISHES, key=lambda kind: likely[kind])}


def _may_leave(likely: Mapping[str, float], found: Wishes) -> bool:
    """Whether this may be a goodbye: a person looks, unless it is a plain one."""
    ruled = "leave" in found.kinds and likely["leave"] >= _LEAVE_RULED
    return likely["leave"] >= _LEAVE_FROM or "leave" in found.clear or ruled


def _is_more_meant(likely: Mapping[str, float], chosen: Collection[str], least: float) -> bool:
    """Whether a person may be needed for something, or more was perhaps meant than was understood."""
    return max(likely[kind] for kind in _WISHES if kind in _FOR_A_PERSON or kind not in chosen) > least


def _least(settled: Wishes, found: Wishes) -> float:
    """From which likelihood on something else may be meant: more is allowed where both voices say exactly the same."""
    same = settled.kinds == found.clear == found.kinds and "join_other" not in settled.kinds
    return _OPEN if same else _AJAR


def _is_doubt_founded(kind: str, evidence: Evidence, thread: str) -> bool:
    """Whether what the rules saw and were not sure of stays for a person, however sure the examples are.

    Who asks to be let in only gets a question, but not who asks on a condition. A goodbye that is a question, speaks of
    somebody else, or answers an invitation may not be one.
    """
    if kind == "join":
        return any(cue.conditional for cue in evidence.even_denied("join"))
    asks = any(sentence.asks for sentence in evidence.sentences)
    others = bool(evidence.about("about.third", "about.kin"))
    return kind != "leave" or thread == "invitation" or asks or others


def _may_act(kind: str, found: Wishes, likely: Mapping[str, float], doubtful: bool) -> bool:
    """Whether the wish is sure enough, nothing else waits beside it, and nobody has to look."""
    if likely["spam"] > _SOLD:
        return False
    if kind in found.clear:
        enough, calm = (_NAMED, _SAFE) if kind == "join_other" else (_ENOUGH, _CALM)
        return likely[kind] >= enough and likely[PERSON] <= calm
    if doubtful or likely[PERSON] > _SAFE:
        return False
    if kind == "join_other":
        return False  # whom others name, the rules must have seen
    if kind == "confirm":  # a consent is plain, or in a word or two that the rules do not know
        return found.kinds == {"other"} and likely[kind] >= _CONSENT
    return likely[kind] >= (_DOUBTED if kind in found.kinds else _ALONE)


def _can_act(kind: str, found: Wishes, thread: str, others: bool) -> bool:
    """Whether a machine has what it takes to do this at all."""
    if kind == "confirm":
        return thread == "confirmation"
    if kind == "update":
        return kind in found.clear
    if kind == "join_other":  # under an invitation others are rather brought along than registered
        return others and thread != "invitation"
    return kind != "rsvp" or thread == "invitation" or kind in found.clear


def _answer(settled: Wishes, found: Wishes, reading: Reading, evidence: Evidence, note: str) -> None:
    """The answer the rules read, unless the examples plainly say another one; then a person looks."""
    sure = {tag: reading.best(tag) for tag in _ANSWERS}
    best = max(sure, key=lambda tag: sure[tag])
    if found.answer is None:
        settled.answer = Rsvp(best, rsvp.guests(evidence) if best != "no" else 0, note[: rsvp.NOTE_LENGTH])
    elif sure[best] > 0.6 and sure[found.answer.answer] < 0.2:
        settled.answer = Rsvp(best, found.answer.guests if best != "no" else 0, found.answer.note)
        settled.clear.discard("rsvp")
    else:
        settled.answer = found.answer

"""Whether somebody wants to leave, and whether it is plainly the writer, the list, and now."""

from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.found import UPDATES, Wishes
from mailer.inbound.understanding.lexicon import Cue


def weigh_leaving(wishes: Wishes, evidence: Evidence, thread: str) -> None:
    """Add "leave" where it is meant; clear only where nothing speaks of another person, thing, time or condition."""
    cues = _cues(evidence)
    if cues:
        if not _is_change(evidence):
            wishes.add("leave", clear=not _doubts(evidence, cues, thread) and "confirm" not in wishes.kinds)
    elif evidence.has("leave.other", "death") or _complains(evidence, thread) or _hints(evidence, thread):
        wishes.add("leave", clear=False)


def _cues(evidence: Evidence) -> list[Cue]:
    """The strong cues; a bare word of the subject counts only where the body does not tell another story."""
    strong = list(evidence.of("leave.strong"))
    rest = sum(len(sentence.words) for sentence in evidence.sentences[1:])
    alone = rest <= 12 and not evidence.about("about.meeting", "about.date", "about.else")
    return [*strong, *(cue for cue in evidence.of("leave.whole") if strong or alone or cue.sentence)]


def _is_change(evidence: Evidence) -> bool:
    """ "Not this address, the other one", "only the invitations": a member who stays."""
    if evidence.has("leave.whole"):
        return False
    spots = evidence.where("leave.strong")
    if evidence.has("stay") and (changes(evidence) or not spots - evidence.where("privacy.strong")):
        return True
    return evidence.about("preference.strong") >= spots


def _doubts(evidence: Evidence, cues: list[Cue], thread: str) -> bool:
    spots = {cue.sentence for cue in cues}
    meetings = ("about.meeting", "about.date") if thread == "invitation" else ("about.meeting",)
    elsewhere = evidence.about(*meetings) - evidence.where("about.list")
    return bool(
        evidence.has("leave.other", "death", "stay.strong")
        or changes(evidence)
        or any(cue.conditional for cue in cues)
        or spots <= elsewhere
        or spots & evidence.about("about.else")
        or any(evidence.is_of_others(cue) for cue in cues if cue.sentence not in evidence.where("leave.whole"))
        or spots & evidence.where("join.strong", "join.plain", "other.strong")
        or (thread == "invitation" and spots & evidence.about("away") and not spots & evidence.about("about.list"))
        or any(evidence.sentences[at].asks and _asks_how(evidence, at) for at in spots)
    )


def _asks_how(evidence: Evidence, at: int) -> bool:
    """ "How can I unsubscribe?" is a question for now, and "can you take me off?" is a wish."""
    return at in evidence.about("how.strong")


def _complains(evidence: Evidence, thread: str) -> bool:
    """ "Unsubscribing does not work": no wish in so many words, but a person must see it as one."""
    if evidence.has("stay") or changes(evidence):
        return False
    going = evidence.has("complaint") and evidence.even_denied("leave.weak")
    regret = thread in ("welcome", "confirmation") and bool(evidence.denied("join")) and not evidence.has("yes", "join")
    return regret or (thread == "newsletter" and bool(going))


def _hints(evidence: Evidence, thread: str) -> bool:
    if thread not in ("newsletter", "welcome") or not evidence.has("leave.weak"):
        return False
    other = ("stay", "information.strong", "contribution.strong", "guidance.strong", "other", "coming", *UPDATES)
    return not evidence.has(*other) and not evidence.where("leave.weak") <= evidence.about("about.third")


def changes(evidence: Evidence) -> bool:
    """Whether something of the membership is to change; in "only invitations, no newsletter" the no is part of it."""
    return evidence.has(*UPDATES) or bool(evidence.even_denied("preference.strong"))

"""Whether somebody wants to belong, or names others who do, and whether it is plainly this network they mean."""

from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.found import CHANGES, ELSEWHERE, Wishes
from mailer.inbound.understanding.lexicon import Cue


def weigh_joining(wishes: Wishes, evidence: Evidence, thread: str, offered: bool, others: bool) -> None:
    """Add "join" and "join_other"; `offered`: a coordinator asked first, `others`: addresses stand in the text."""
    if offered and evidence.has("yes", "coming.whole") and not evidence.has("no"):
        wishes.add("join", clear=True)
    _others(wishes, evidence, others)
    if "leave" in wishes.kinds or "confirm" in wishes.kinds or evidence.has("distinct"):
        return
    cues = _cues(evidence, thread)
    member = evidence.has("already.strong") and ("join_other" in wishes.kinds or thread != "none")
    for_others = "join_other" in wishes.kinds and (evidence.has("self_not") or cues[:1] == _plain(evidence)[:1])
    if cues and not member and not for_others:
        wishes.add("join", clear=not _doubts(evidence, cues))


def _others(wishes: Wishes, evidence: Evidence, others: bool) -> None:
    going = evidence.where("leave.strong", "leave.weak", "leave.other")
    asked = [cue for cue in evidence.of("other.strong", "other.weak") if cue.sentence not in going]
    if evidence.has("distinct") or not any(cue.topic == "other.strong" or others for cue in asked):
        return
    doubtful = any(cue.conditional for cue in asked) or evidence.has("leave.other", "death", "invites")
    wishes.add("join_other", clear=others and not doubtful and not evidence.denied("other.strong"))


def _cues(evidence: Evidence, thread: str) -> list[Cue]:
    """The cues that can mean the network: in an answer to an invitation only those that name it."""
    busy = evidence.where(
        *CHANGES, "other.strong", "contribution.strong", "guidance.strong", "stay.strong", "invites", "done"
    )
    strong = [cue for cue in evidence.of("join.strong") if _is_free(evidence, cue, busy, thread)]
    if thread in ("invitation", "confirmation"):
        return [cue for cue in strong if cue.sentence in evidence.about("about.list")]
    if strong or evidence.has(*ELSEWHERE):
        return strong
    return [cue for cue in _plain(evidence) if _is_free(evidence, cue, busy, thread)] or [*evidence.of("join.again")]


def _is_free(evidence: Evidence, cue: Cue, busy: frozenset[int], thread: str) -> bool:
    """Not part of another wish: "schrijf me in het Frans" asks for French, "schrijf me in, in het Frans" for both."""
    near = [one for one in evidence.of("language") if one.sentence == cue.sentence]
    both = thread == "none" and not any(set(cue.words) <= set(one.words) for one in near)
    return cue.sentence not in busy and (both or not near)


def _plain(evidence: Evidence) -> list[Cue]:
    """ "Schrijf me in": of the network only where no meeting, date or other thing is named."""
    named = evidence.about("about.list")
    elsewhere = evidence.about("about.date", "about.meeting", "about.else", "about.for", "complaint") - named
    return [cue for cue in evidence.of("join.plain") if cue.sentence not in elsewhere]


def _doubts(evidence: Evidence, cues: list[Cue]) -> bool:
    spots = {cue.sentence for cue in cues}
    elsewhere = evidence.about("about.meeting", "about.date") - evidence.about("about.list")
    weak = not any(cue.topic == "join.strong" for cue in cues)
    return bool(
        any(cue.conditional for cue in cues)
        or evidence.has("already.strong", "stay.strong", "leave.strong", "done.strong", "invites")
        or evidence.denied("join.strong")
        or spots & evidence.about("about.else")
        or spots <= elsewhere
        or all(evidence.is_of_others(cue) for cue in cues)
        or (weak and evidence.where("information.strong") - spots)
    )


def weigh_vague_joining(wishes: Wishes, evidence: Evidence, thread: str) -> None:
    """A wish to belong without one of the usual words: a suggestion to a coordinator, never more."""
    if thread not in ("none", "welcome") or evidence.has("distinct", "already.strong", "invites", "done"):
        return
    if evidence.denied("join.strong"):
        return
    weak = evidence.where("join.weak") - evidence.about("about.meeting", "about.date", "about.else")
    alone = not wishes.kinds - {"information"}
    if (weak and alone) or (len(weak) >= 2 and wishes.kinds <= {"information", "guidance"}):
        wishes.add("join", clear=False)
    elif not wishes.kinds:
        elsewhere = evidence.about("about.meeting", "about.date", "about.else", "complaint", "contribution")
        if evidence.where("join.faint", "join.plain") - elsewhere:
            wishes.add("join", clear=False)

"""Cues → the kinds of a mail: what is wished for, what is clear enough to act on, and what must stop a machine."""

from mailer.inbound.understanding import rsvp
from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.found import UPDATES, Wishes
from mailer.inbound.understanding.joining import weigh_joining, weigh_vague_joining
from mailer.inbound.understanding.leaving import changes, weigh_leaving
from mailer.inbound.understanding.wanted import wanted_language


def is_help(evidence: Evidence) -> bool:
    """Whether this may be a cry for help; recall matters more than anything else here."""
    strong, weak = evidence.even_denied("help.strong"), evidence.even_denied("help.weak")
    spots = {cue.sentence for cue in strong}
    wish = evidence.has("join.strong", "leave.strong", "guidance.strong", "coming.strong", "contribution.strong")
    if len(spots) >= 2 or (spots and (len(weak) >= 1 or not wish)):
        return True
    return len({cue.pattern for cue in weak}) >= 4 and not wish


def is_spam(evidence: Evidence, bulk: bool) -> bool:
    """Whether this is advertising or fraud: two signs of it, and nobody who speaks to the network."""
    strong = {cue.pattern for cue in evidence.even_denied("spam.strong")}
    weak = {cue.pattern for cue in evidence.even_denied("spam.weak")}
    return len(strong) >= 2 or (bool(strong) and (bulk or len(weak) >= 1)) or (bulk and len(weak) >= 3)


def rule(evidence: Evidence, thread: str, note: str, offered: bool, others: bool, bulk: bool) -> Wishes:
    """What the rules make of the words of a person, cries for help and advertising among it."""
    if is_help(evidence):
        return Wishes({"help"})
    if thread == "none" and is_spam(evidence, bulk):
        return Wishes({"spam"}, {"spam"})
    return weigh(evidence, thread, note, offered, others)


def weigh(evidence: Evidence, thread: str, note: str, offered: bool, others: bool) -> Wishes:
    """The wishes of a person; `offered`: a coordinator asked them first, `others`: addresses stand in the text."""
    wishes = Wishes()
    if thread == "confirmation":
        _confirmation(wishes, evidence)
    weigh_leaving(wishes, evidence, thread)
    _answering(wishes, evidence, thread, note)
    weigh_joining(wishes, evidence, thread, offered, others)
    if not wishes.kinds and thread == "none" and evidence.has("yes.named") and not evidence.has("no", *UPDATES):
        wishes.add("confirm", clear=False)  # a yes to a question we cannot see: perhaps from another address
    _changing(wishes, evidence, thread)
    _asking(wishes, evidence, thread)
    weigh_vague_joining(wishes, evidence, thread)
    _stopping(wishes, evidence)
    if not wishes.kinds:
        asks = any(sentence.asks for sentence in evidence.sentences)
        wishes.add("information" if asks else "other", clear=False)
    return wishes


def _confirmation(wishes: Wishes, evidence: Evidence) -> None:
    """A reply to "did you ask for this?": a yes confirms, a no is a farewell, both at once is for a person."""
    no = bool(evidence.even_denied("no") or evidence.denied("yes.strong", "yes.named"))
    yes = evidence.has("yes") and not evidence.has("no.whole")
    yes = yes or (evidence.has("opening.yes") and evidence.has("language"))  # "yes, in French please"
    conditional = any(cue.conditional for cue in evidence.of("yes"))
    if yes and (not no or evidence.has("yes.whole")):
        wishes.add("confirm", clear=not conditional and not evidence.has("leave.strong"))
    elif no:
        doubtful = yes or evidence.has("complaint") or evidence.about("about.third")
        wishes.add("leave", clear=not doubtful and not any(sentence.asks for sentence in evidence.sentences))


def _answering(wishes: Wishes, evidence: Evidence, thread: str, note: str) -> None:
    if "leave" in wishes.kinds and (thread != "invitation" or not evidence.has("coming", "away")):
        return
    if thread == "invitation":
        found = rsvp.answer(evidence, note, True)
        if found is None or ("leave" in wishes.clear and found.answer != "yes"):
            return
        if found.answer == "maybe" and evidence.has("later.strong") and not evidence.has("coming"):
            return
        wishes.answer = found
        wishes.add("rsvp", clear=not evidence.has("later.strong") and not rsvp.is_contradicted(evidence, found))
    elif _names_meeting(evidence):
        found = rsvp.answer(evidence, note, False)
        if found is not None:
            short = sum(len(sentence.words) for sentence in evidence.sentences) <= 80
            wishes.answer = found
            wishes.add("rsvp", clear=short)


def _names_meeting(evidence: Evidence) -> bool:
    """Outside an invitation an answer counts only in a sentence of its own that names a date."""
    spots = evidence.where("coming.dated", "away.dated")
    return bool(spots - evidence.where("contribution.strong", "guidance.strong", "privacy.strong"))


def _changing(wishes: Wishes, evidence: Evidence, thread: str) -> None:
    if not changes(evidence) or {"join", "join_other", "leave"} & wishes.kinds or evidence.has("distinct"):
        return
    if "confirm" in wishes.kinds:  # who has just confirmed is no member yet whose language could change
        if evidence.has("language"):
            wishes.add("update", clear=False)
        return
    simple = wanted_language(evidence) and not evidence.has("rename.strong", "preference.strong", "address.strong")
    meant = thread != "invitation" or evidence.has("language.strong")  # "in French, please": perhaps at the meeting
    others = evidence.about("about.kin") & evidence.where("language.strong")
    wishes.add("update", clear=bool(simple and meant and not others))


def _asking(wishes: Wishes, evidence: Evidence, thread: str) -> None:
    """Privacy, guidance, contributions, questions: always for a person, told apart so that the right one reads it."""
    if evidence.even_denied("privacy.strong"):
        wishes.add("privacy", clear=False)
    offers = evidence.where("contribution.strong") - evidence.where("other.strong", "join.strong")
    if evidence.has("distinct.apply", "distinct.press") or (evidence.has("distinct.research") and not offers):
        wishes.add("other", clear=False)
        return
    if evidence.has("guidance.strong") and not evidence.has("death"):
        wishes.add("guidance", clear=False)
    if offers and "guidance" not in wishes.kinds:
        wishes.add("contribution", clear=False)
    _questions(wishes, evidence, thread)
    _needing(wishes, evidence)
    if evidence.has("distinct.remark") and not wishes.kinds:
        wishes.add("other", clear=False)


def _needing(wishes: Wishes, evidence: Evidence) -> None:
    """What whoever prepares the meeting must know: a need, or that somebody else comes instead."""
    if wishes.answer is None:
        return
    proxy = evidence.has("need.proxy")
    if proxy and wishes.answer.answer != "no":
        wishes.clear.discard("rsvp")  # perhaps it is the other one's answer
    if proxy or evidence.even_denied("need.strong") or evidence.has("need.weak"):
        wishes.add("information", clear=False)


def _questions(wishes: Wishes, evidence: Evidence, thread: str) -> None:
    """Questions that are not themselves one of the wishes found so far."""
    taken = evidence.where(
        "guidance", "contribution", "other.strong", "leave.strong", "privacy.strong", *UPDATES,
        *(("join.strong", "join.plain") if "join" in wishes.kinds else ()),
    )  # fmt: skip
    asked = evidence.where("information.strong") - taken
    questions = {at for at, sentence in enumerate(evidence.sentences) if sentence.asks}
    open_ones = questions - taken if {"rsvp", "confirm"} & wishes.kinds else asked & questions
    if open_ones or (asked and not wishes.kinds and thread != "invitation"):
        wishes.add("information", clear=False)


def _stopping(wishes: Wishes, evidence: Evidence) -> None:
    for topic, reason in (
        ("complaint.strong", "a complaint: a person should read this too"),
        ("death.strong", "somebody died: no machine answers this"),
        ("sensitive.strong", "asks for care with what is sent or shown"),
        ("help.strong", "words that can mean distress"),
    ):
        if evidence.even_denied(topic) and (topic != "complaint.strong" or "leave" in wishes.kinds):
            wishes.stops.append(reason)

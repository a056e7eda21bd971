"""An answer to an invitation, in anybody's words: yes, no or maybe, and how many come along."""

from mailer.inbound.fold import fold
from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.knowledge import numbers, shared, wholes
from mailer.inbound.understanding.lexicon import Cue, lexicon
from mailer.inbound.understanding.request import Rsvp
from mailer.inbound.understanding.sentences import Sentence

MOST_GUESTS = 20
NOTE_LENGTH = 500
_ALL = (
    "zijn met", "er met", "down for", "us for", "debarque a", "debarquons a", "serons a", "komen met", "met z n",
    "met zijn", "met ons", "on sera", "nous serons", "serons", "sera a", "viendrons a", "venons a", "vient a", "we are",
    "be", "alle", "all", "tous les", "toutes les", "wir sind", "kommen zu", "sind zu", "seremos", "somos", "with",
)  # fmt: skip
_WE = frozenset({("zijn", "we"), ("komen", "we"), ("sind", "wir"), ("of", "us"), ("zijn", "wij")})
_OPENING = 3  # a yes or a no stands in the first sentences: a greeting, thanks, and then the answer


def answer(evidence: Evidence, note: str, invited: bool) -> Rsvp | None:
    """The answer these words give, or None; `invited`: they answer an invitation, `note` is kept."""
    coming, away = evidence.of("coming.strong"), evidence.of("away.strong")
    unsure = evidence.even_denied("unsure.strong")
    if invited:  # "schrijf me in" under an invitation is for the meeting
        named = evidence.about("about.list")
        coming = (*coming, *(cue for cue in evidence.of("join.plain") if cue.sentence not in named))
    partly = evidence.about("coming.partly")  # "I cannot stay until the end" is no refusal
    away = tuple(
        cue
        for cue in (*away, *evidence.denied("coming.strong"))
        if cue.sentence not in partly and not _reaches_over(evidence, cue)
    )
    kind = _kind(evidence, coming, away, unsure)
    if kind is None and evidence.has("coming.whole"):
        kind = "yes"
    if kind is None and evidence.has("away.whole"):
        kind = "no"
    if kind is None and invited:
        kind = _opening(evidence)
    if kind is None:
        return None
    return Rsvp(kind, guests(evidence) if kind != "no" else 0, note[:NOTE_LENGTH])


def _reaches_over(evidence: Evidence, cue: Cue) -> bool:
    """Whether the "not" of a refusal speaks of something else: "I come, but I do not eat"."""
    sentence, denials = evidence.sentences[cue.sentence], lexicon(cue.language).negations
    places = {sentence.clauses[at] for at in cue.words if sentence.words[at] in denials}
    return bool(places) and places != evidence.clauses(cue)


def is_contradicted(evidence: Evidence, found: Rsvp) -> bool:
    """Whether the words begin with a plain yes or no, and go on to say something else: "no, I am coming"."""
    opened = _opening(evidence)
    only_denied = bool(evidence.denied("coming.strong")) and not evidence.has("away.strong")
    return opened is not None and found.answer != "maybe" and (found.answer != opened or only_denied)


def _opening(evidence: Evidence) -> str | None:
    """The yes or no with which an answer begins, whatever follows: "yes, but only from three o'clock"."""
    found = [cue for cue in evidence.even_denied("opening") if cue.sentence < _OPENING]
    if not found:
        return None
    return min(found, key=lambda cue: (cue.sentence, cue.words)).topic.removeprefix("opening.")


def _kind(evidence: Evidence, coming: tuple[Cue, ...], away: tuple[Cue, ...], unsure: tuple[Cue, ...]) -> str | None:
    later = evidence.where("later.strong")
    first_yes = min((cue.sentence for cue in coming if not cue.conditional), default=None)
    first_no = min((cue.sentence for cue in away), default=None)
    opened = evidence.where("coming.whole", "away.whole")
    if evidence.has("away.whole") and 0 in {0 for _ in opened} and not evidence.has("coming.whole"):
        return "no"
    doubts = [cue for cue in unsure if cue.sentence not in later]
    if doubts and not evidence.has("coming.whole") and not (first_no is not None and first_no < doubts[0].sentence):
        return "maybe"
    if any(cue.conditional for cue in coming) and first_yes is None:
        return "maybe"
    if first_yes is None and first_no is None:
        return "maybe" if doubts else None
    if first_no is None:
        return "yes"
    if first_yes is None:
        return "no" if not evidence.has("coming.whole") else "yes"
    return "yes" if first_yes < first_no else "no"


def guests(evidence: Evidence) -> int:
    """How many come along with the writer, as far as the words say it."""
    if evidence.has("guest.none"):
        return 0
    counts = [found for sentence in evidence.sentences for found in [_count(sentence)] if found is not None]
    if counts:
        return max(0, min(MOST_GUESTS, max(counts)))
    return 1 if evidence.has("guest.one") else 0


def _count(sentence: Sentence) -> int | None:
    """Guests named by number: "met 3 collega's" is three, "we zijn met 4", "4 personen" and "alle 4" are three too."""
    words = sentence.words
    for at, word in enumerate(words):
        if (everyone := wholes().get(word)) is not None:
            return everyone - 1
        number = _number(word)
        if number is None:
            continue
        here = [one for one in range(at + 1, min(at + 3, len(words))) if sentence.clauses[one] == sentence.clauses[at]]
        if any(words[one] in shared("guests", "extras") for one in here) or "extra" in words[at + 1 : at + 5]:
            return number
        if number > 1 and (_is_total(words[at + 1 : at + 3]) or _speaks_of_all(words[max(0, at - 3) : at])):
            return number - 1
    return None


def _is_total(after: tuple[str, ...]) -> bool:
    """ "4 personen", "three of us", "drie zijn we": what follows the number says that it counts everybody."""
    return bool(after[:1]) and (after[0] in shared("guests", "totals") or after in _WE)


def _speaks_of_all(before: tuple[str, ...]) -> bool:
    """ "we zijn met (z'n)", "on sera", "there will be", "wir kommen zu" before a number."""
    joined = " ".join(before)
    return joined.endswith(_ALL) and not joined.endswith("agree with")


def _number(word: str) -> int | None:
    if word.isascii() and word.isdigit() and len(word) <= 2:
        return int(word) if 0 < int(word) <= MOST_GUESTS else None
    return numbers().get(fold(word))

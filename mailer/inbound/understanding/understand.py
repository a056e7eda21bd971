"""InboundMessage → Request: machines by their headers, then people by their newest words."""

from dataclasses import replace
from functools import cache

from mailer.calendar import Itip
from mailer.inbound.fold import fold
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.reply_text import Words, read_words
from mailer.inbound.understanding import model, people, weighing, wishes
from mailer.inbound.understanding.automatic import without_stand_in
from mailer.inbound.understanding.evidence import Evidence, say_all
from mailer.inbound.understanding.found import Wishes
from mailer.inbound.understanding.language import languages_of
from mailer.inbound.understanding.lexicon import LANGUAGES, find_cues, lexicon
from mailer.inbound.understanding.machine import Machine, is_passed_on, is_robot, machine
from mailer.inbound.understanding.model import Reading
from mailer.inbound.understanding.request import Person, Request, Rsvp, Thread
from mailer.inbound.understanding.sentences import first_words, read_sentences
from mailer.inbound.understanding.subject import own_subject
from mailer.inbound.understanding.wanted import wanted_language

_PARTSTATS = {"ACCEPTED": "yes", "DECLINED": "no", "TENTATIVE": "maybe"}
MAX_READ = 20_000
MAX_BULK = 4_000  # of what went to many, where rules look for distress and for advertising
#: Who asks for this may hear that a person reads it; whoever is upset, in grief or renamed hears from a person first.
_THANKED = frozenset({"guidance", "contribution", "information", "join", "join_other", "rsvp", "confirm"})
_GRAVE = ("complaint", "death", "sensitive", "rename", "privacy", "leave")
_HELP = "may be a cry for help: a person, at once"


def understand(
    message: InboundMessage, thread: Thread, own: frozenset[str] = frozenset(), learned: bool = True
) -> Request:
    """What this mail asks for; `own` are the network's own addresses in lower case. Never raises for a read message.

    With `learned` false only the rules are asked, and not what was learned from examples.
    """
    words = read_words(message)
    known = machine(message, own, words.own)
    if known is None or known.kind == "bulk":
        return _from_person(message, thread, words, known, learned)
    request = _from_machine(known, message, words)
    if not known.sure and _is_distress(message, words, request):
        return replace(request, kinds=("help", *request.kinds), certain=False, why=(_HELP, *request.why))
    return request


@cache
def prepare() -> None:
    """Read the words of every language now, once: a first mail should not be in hand for as long as that takes."""
    for language in LANGUAGES:
        lexicon(language)
    model.model()
    message = read(b"From: somebody@post.example\r\n\r\nDag!\r\n")
    if isinstance(message, InboundMessage):
        understand(message, Thread())


def _is_distress(message: InboundMessage, words: Words, request: Request) -> bool:
    """Whether plain words of distress stand in a mail that looks like a machine's: in the text, or beside an answer."""
    beside = request.calendar.comment if request.calendar else own_subject(message.subject)
    own = without_stand_in(words.own) if "auto_reply" in request.kinds else words.own
    evidence, languages = _read(f"{beside}\n\n{own}", words.signature)
    return wishes.is_help(_with_signature(evidence, words, languages)) and bool(evidence.even_denied("help.strong"))


def _from_machine(known: Machine, message: InboundMessage, words: Words) -> Request:
    language = languages_of(first_words(read_sentences(words.own[:2000]), 200), words.own)[0]
    answer = _calendar_answer(known.calendar)
    left = known.departure
    gone = ("nobody is at that address any more",) if left.gone else ()
    elsewhere = ("it names another address to write to",) if left.successor else ()
    request = Request((known.kind,), (), answer, language, not known.doubtful, (known.why, *gone, *elsewhere))
    return replace(request, report=known.report, calendar=known.calendar, gone=left.gone, successor=left.successor)


def _calendar_answer(reply: Itip | None) -> Rsvp | None:
    if reply is None or reply.method != "REPLY" or reply.partstat not in _PARTSTATS:
        return None
    return Rsvp(_PARTSTATS[reply.partstat], reply.guests, reply.comment)


def _from_person(
    message: InboundMessage, thread: Thread, words: Words, bulk: Machine | None, learned: bool
) -> Request:
    text = f"{own_subject(message.subject)}\n\n{spoken(words)}".strip()
    evidence, languages = _read(text[:MAX_BULK] if bulk else text, words.signature)
    language = languages[0]
    said = say_all(evidence)
    signed = _with_signature(evidence, words, languages)
    below = _under_the_closing(evidence, signed)
    distress = wishes.is_help(signed) or below
    named = people.others(message, words)
    ruled = Wishes({"help"}) if distress else _ruled(evidence, thread, words, bool(named), bulk is not None)
    learned = learned and bool(evidence.sentences) and not message.encrypted  # what is encrypted has no words
    reading = model.read(evidence, thread.kind, ruled.kinds, ruled.clear) if learned else None
    # What went to many is nobody's wish: only the rules look for distress in it. Nor did the model see what is below.
    if below or weighing.is_help(distress, reading if bulk is None else None):
        return Request(("help",), language=language, why=(_HELP, *said))
    if weighing.is_spam("spam" in ruled.kinds, reading, thread.kind):
        return Request(("spam",), language=language, certain=True, why=("advertising or fraud", *said))
    if bulk is not None:
        return Request((bulk.kind,), language=language, certain=True, why=(bulk.why,))
    if {"help", "spam"} & ruled.kinds:
        ruled = wishes.weigh(evidence, thread.kind, words.own, False, bool(named))
        ruled.stops.append("words that can mean distress" if distress else "words that can mean advertising")
    found = weighing.settle(ruled, reading, evidence, thread.kind, bool(named), words.own) if reading else ruled
    return _wished(message, words, found, named, evidence, language, said, reading)


def spoken(words: Words) -> str:
    """The newest words of the author or, where there are none, those they pass on."""
    return words.own if words.own.strip() else words.forwarded[:4000]


def _ruled(evidence: Evidence, thread: Thread, words: Words, others: bool, bulk: bool) -> Wishes:
    """What the rules make of the words, the mail that is answered looked at where it matters."""
    agrees = thread.kind == "none" and evidence.has("yes", "coming.whole")
    return wishes.rule(evidence, thread.kind, words.own, agrees and _was_offered(words), others, bulk)


def _read(text: str, signature: str) -> tuple[Evidence, tuple[str, ...]]:
    sentences = read_sentences(text[:MAX_READ])
    languages = languages_of(first_words(sentences, 400), text or signature)
    return Evidence(sentences, find_cues(sentences, languages)), languages


def _with_signature(evidence: Evidence, words: Words, languages: tuple[str, ...]) -> Evidence:
    """The same words and those under the closing formula, where a last sentence may hide."""
    signed = read_sentences(words.signature[:2000])
    if not signed:
        return evidence
    above = len(evidence.sentences)
    below = (replace(cue, sentence=cue.sentence + above) for cue in find_cues(signed, languages))
    return Evidence((*evidence.sentences, *signed), (*evidence.cues, *below))


def _under_the_closing(evidence: Evidence, signed: Evidence) -> bool:
    """Whether distress stands below the closing formula: what is said last weighs more than any wish above it."""
    above = len(evidence.sentences)
    return any(cue.sentence >= above for cue in signed.even_denied("help.strong"))


def _wished(
    message: InboundMessage,
    words: Words,
    found: Wishes,
    named: tuple[Person, ...],
    evidence: Evidence,
    language: str,
    said: tuple[str, ...],
    reading: Reading | None,
) -> Request:
    doubts = _doubts(message, words)
    stops = [*found.stops, *found.cautions, *doubts]
    kinds = found.ordered()
    wanted = wanted_language(evidence) if {"update", "join"} & set(kinds) else None
    return Request(
        kinds=kinds,
        people=_people(message, words, found, named, evidence),
        rsvp=found.answer,
        language=wanted or language,
        certain=not stops,
        why=(*stops, *said) or ("nothing that the words of the network speak of",),
        clear=frozenset() if doubts else frozenset(found.clear - _stopped(found)),
        wanted_language=wanted,
        receipt=(message.encrypted or not doubts) and _may_thank(message, kinds, found, evidence, reading),
    )


def _stopped(found: Wishes) -> set[str]:
    """With a stop only leaving stays clear, and not even that where somebody died."""
    if not found.stops:
        return set()
    grave = any(not reason.startswith("a complaint") for reason in found.stops)
    return set(found.clear) if grave else set(found.clear) - {"leave"}


def _was_offered(words: Words) -> bool:
    """Whether the mail that is answered asks: "shall I put you on our list?"."""
    sentences = read_sentences(words.quoted[:4000])
    cues = find_cues(sentences, languages_of(first_words(sentences, 200), words.quoted))
    return Evidence(sentences, cues).has("join.ask")


def _doubts(message: InboundMessage, words: Words) -> list[str]:
    """Why no machine should act on this mail, whatever it says."""
    found = []
    if message.author is None:
        found.append("From does not name exactly one author")
    if message.encrypted:
        found.append("the mail, or a part of it, is encrypted")
    if message.is_sealed:
        found.append("a part of it, in Outlook's own format (winmail.dat), cannot be read")
    if is_robot(message):
        found.append("nobody reads the address of its author")
    if is_passed_on(message):
        found.append("a rule sent it on to us, and no person")
    if words.forwarded and not words.own.strip():
        found.append("only a forwarded mail, without words of the sender")
    return found


def _people(
    message: InboundMessage, words: Words, found: Wishes, named: tuple[Person, ...], evidence: Evidence
) -> tuple[Person, ...]:
    if "join_other" in found.kinds:
        if "join" in found.kinds:
            return (people.author(message, words), *named)
        return named or people.passed_on(message, words)
    if "join" in found.kinds:
        mine = [one for one in named if one.address and _is_mine(message, one)]
        return (people.author(message, words, mine[0].address or "" if mine else ""),)
    if "update" in found.kinds:
        return people.changed(message, words, named, evidence.has("rename.strong"))
    return ()


def _is_mine(message: InboundMessage, other: Person) -> bool:
    """Whether another address in the text carries the name of the author."""
    shown = fold(f"{message.author.name} {message.author.address.partition('@')[0]}" if message.author else "")
    local = fold((other.address or "").partition("@")[0]).replace("_", ".").replace("-", ".")
    pieces = [piece for piece in local.split(".") if len(piece) > 2]
    return any(piece in shown for piece in pieces)


def _may_thank(
    message: InboundMessage, kinds: tuple[str, ...], found: Wishes, evidence: Evidence, reading: Reading | None
) -> bool:
    """A neutral receipt where somebody plainly wants something of us and nothing sounds grave, by rule or by example.

    And where we cannot read what somebody wrote: they should know that a person will have to (INB-24).
    """
    grave = found.stops or evidence.even_denied("help", *_GRAVE) or message.author is None or is_robot(message)
    if grave or (reading is not None and not weighing.is_calm(reading)):
        return False
    return message.encrypted or set(kinds) <= _THANKED

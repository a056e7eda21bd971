"""What a coordinator decides on a request, carried out once: by the command line, by a link or by a plain reply.

A coordinator's yes is authority to ask somebody, to take them off or to note their answer; never to join for them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from contacts import agenda, roster
from contacts.address import Address
from contacts.coordinator import Coordinator
from contacts.errors import RuleBroken
from contacts.member import ACTIVE
from contacts.roster import Person
from mailer import acts
from mailer.acts import Occasion
from mailer.inbound import register
from mailer.inbound.register import CoordinatorRequest
from mailer.inbound.verdicts import DONE, NO, YES
from mailer.meant import same
from mailer.outbound.writer import Answering, Writer

#: Why a yes cannot be carried out, by code: what a person has to do instead.
HOW = {
    "help": "This may be a cry for help: no machine acts on it. Read it now in the folder Review, answer from the "
    'mailbox, and say what was done: verbinden requests resolve {number} --by YOU --note "…"',
    "privacy": "Somebody asks about their data: a person must do it, within a month. `verbinden members show ADDRESS` "
    'has all there is, `verbinden members forget ADDRESS` erases it; then resolve {number} with --note "…"',
    "person": "This mail asks for something that only a person can do. Answer it from the mailbox, then resolve "
    '{number} with --note "…". What a machine can do of it: --as KIND, like --as join',
    "nobody": "The mail names no author any more, or could not be read: look at it in the mailbox, then resolve "
    '{number} with --note "…"',
    "no_people": "The mail names nobody with an address that can be read: ask its author from the mailbox, or use "
    "verbinden members add ADDRESS",
    "no_invitation": "It is not clear to which invitation this answers: ask its author from the mailbox",
    "no_question": "This yes does not come from an address that we asked: --as join asks that very address",
    "no_changes": "It is not clear what should change: ask its author from the mailbox",
    "other_address": "A new address has to prove itself: verbinden members add NEW-ADDRESS asks it",
    "no_member": "The author is not a member at this address: ask from which address they get our mail",
    "over": "The meeting is over, or was called off: tell the author from the mailbox",
    "flood": "Too many people were asked within the hour: try again later",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """What was carried out: the request's number, the verdict, and the kinds of which something was done."""

    number: int
    verdict: str
    done: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One request that is being carried out."""

    session: Session
    writer: Writer
    request: CoordinatorRequest
    author: Address
    occasion: Occasion
    pepper: bytes

    @property
    def guess(self) -> dict[str, Any]:
        return self.request.suggestion


def decide(
    session: Session,
    writer: Writer,
    request: CoordinatorRequest,
    verdict: str,
    by: Coordinator,
    note: str | None,
    pepper: bytes,
    now: datetime,
) -> Decided:
    """Carry out "yes", "no", "done" (a person did it), or a kind that corrects the guess; in the caller's transaction.

    Raises RuleBroken("decided") when somebody decided before, also at this very moment, and with a code of HOW where a
    person must act; then the caller takes back everything since the call.
    """
    if not register.settle(session, request, verdict, by.address, note, now):
        raise RuleBroken("decided", f"Request {request.id} was dealt with already, by {request.resolved_by}.")
    if request.urgent and verdict != DONE and not note:
        raise _must(request, "help")
    broken = hindrance(request, verdict)
    if broken is not None:
        raise broken
    done = tuple(kind for kind in _wanted(request, verdict) if kind in _ACTS)
    for kind in done:
        _ACTS[kind](_case(session, writer, request, pepper, now))
    _learn(session, request, verdict, now)
    return Decided(request.id, verdict, done)


def hindrance(request: CoordinatorRequest, verdict: str = YES) -> RuleBroken | None:
    """Why this verdict cannot be carried out with one word, as an error that says what a person has to do; or None."""
    kinds = _wanted(request, verdict)
    code = _grave(request) if verdict == YES else None
    if code is None and any(kind in _ACTS for kind in kinds) and not request.author:
        code = "nobody"
    code = code or next(filter(None, (_LACKS[kind](request) for kind in kinds if kind in _LACKS)), None)
    return _must(request, code) if code else None


def _wanted(request: CoordinatorRequest, verdict: str) -> tuple[str, ...]:
    """The kinds that a verdict says the mail is."""
    if verdict == YES:
        return tuple(kind for kind in request.kinds if kind != "join" or not _both(request))
    return () if verdict in (NO, DONE) else (verdict,)


def _both(request: CoordinatorRequest) -> bool:
    """Whether the mail asks for its author and for others: the people named hold them all, and each is asked once."""
    return {"join", "join_other"} <= set(request.kinds)


def _grave(request: CoordinatorRequest) -> str | None:
    for kind in ("help", "privacy"):
        if kind in request.kinds:
            return kind
    if not request.author:
        return "nobody"
    return "person" if set(request.kinds) - {*_ACTS, "spam"} else None


def _must(request: CoordinatorRequest, code: str) -> RuleBroken:
    return RuleBroken(code, HOW[code].format(number=request.id))


def _case(session: Session, writer: Writer, request: CoordinatorRequest, pepper: bytes, now: datetime) -> _Case:
    guess = request.suggestion
    answering = Answering(guess.get("message_id"), tuple(guess.get("references") or ()))
    evidence = guess.get("message_id") or f"request {request.id}"
    occasion = Occasion(now, "coordinator", str(evidence), answering, bool(guess.get("quiet")))
    return _Case(session, writer, request, Address.parse(request.author or ""), occasion, pepper)


def _learn(session: Session, request: CoordinatorRequest, verdict: str, now: datetime) -> None:
    """An example of what a person made of such a mail; none of help, and none where only “it is done” was said."""
    decided = _wanted(request, verdict) if verdict != YES else tuple(request.kinds)
    if verdict == DONE or request.urgent or "help" in decided:
        request.outline = None
    register.keep_example(session, request, decided, now.date())


def _people(request: CoordinatorRequest) -> list[Person]:
    """The people named whose address can be read."""
    found = []
    for one in request.suggestion.get("people") or ():
        try:
            found.append(Person(Address.parse(one.get("address") or ""), one.get("name"), one.get("organisation")))
        except RuleBroken:
            continue
    return found


def _lacks_people(request: CoordinatorRequest) -> str | None:
    named = request.suggestion.get("people") or ()
    return None if named and len(_people(request)) == len(named) else "no_people"


def _ask_author(case: _Case) -> None:
    """The author alone, with what the mail says of them."""
    mine = [one for one in _people(case.request) if same(one.address.text, case.author.text)]
    _ask(case, mine[0] if mine else Person(case.author))


def _ask_people(case: _Case) -> None:
    people = _people(case.request)
    for person in people:
        _ask(case, person)
    if any(not same(person.address.text, case.author.text) for person in people):
        acts.say_asked(case.session, case.writer, case.author, case.request.language, case.occasion)


def _ask(case: _Case, person: Person) -> None:
    """Put the question, which is what a person decided on: no wish for silence stands against it."""
    itself = same(person.address.text, case.author.text)
    occasion = replace(case.occasion, quiet=False, answering=case.occasion.answering if itself else None)
    if not acts.ask(case.session, case.writer, person, case.request.language, occasion, case.pepper):
        raise _must(case.request, "flood")


def _leave(case: _Case) -> None:
    acts.leave(case.session, case.writer, case.author, case.request.language, case.occasion)


def _lacks_question(request: CoordinatorRequest) -> str | None:
    return None if request.suggestion.get("question") else "no_question"


def _confirm(case: _Case) -> None:
    """The address itself answered our question; the coordinator only says that its words mean yes."""
    try:
        acts.confirm(case.session, case.writer, case.guess["question"], case.occasion)
    except RuleBroken as broken:
        raise _must(case.request, "no_question") from broken


def _lacks_invitation(request: CoordinatorRequest) -> str | None:
    guess = request.suggestion
    return None if guess.get("rsvp") and guess.get("invitation") else "no_invitation"


def _note_answer(case: _Case) -> None:
    """The answer as of when it was given: a newer one of the same person stands."""
    invitation = agenda.invitation_by_key(case.session, case.guess["invitation"])
    if invitation is None:
        raise _must(case.request, "no_invitation")
    if not invitation.meeting.is_open(case.occasion.now):
        raise _must(case.request, "over")
    said = case.guess["rsvp"]
    given = case.guess.get("given_at")
    at = datetime.fromisoformat(given) if given else case.request.created_at
    acts.answer_invitation(
        case.session, case.writer, invitation, said["answer"], said["guests"], said["note"], at, case.occasion
    )


def _changes(request: CoordinatorRequest) -> dict[str, str]:
    language = request.suggestion.get("language")
    changes = {"language": language} if language else {}
    for one in request.suggestion.get("people") or ():
        changes |= {name: one[name] for name in ("name", "organisation") if one.get(name)}
    return changes


def _lacks_changes(request: CoordinatorRequest) -> str | None:
    named = [one.get("address") for one in request.suggestion.get("people") or ()]
    if any(address and not same(address, request.author or "") for address in named):
        return "other_address"
    return None if _changes(request) else "no_changes"


def _update(case: _Case) -> None:
    member = roster.find(case.session, case.author)
    if member is None or member.state != ACTIVE:
        raise _must(case.request, "no_member")
    acts.update(case.session, case.writer, member, _changes(case.request), case.occasion)


_ACTS: Mapping[str, Callable[[_Case], None]] = {
    "join": _ask_author,
    "join_other": _ask_people,
    "leave": _leave,
    "rsvp": _note_answer,
    "confirm": _confirm,
    "update": _update,
}
_LACKS: Mapping[str, Callable[[CoordinatorRequest], str | None]] = {
    "join_other": _lacks_people,
    "rsvp": _lacks_invitation,
    "confirm": _lacks_question,
    "update": _lacks_changes,
}

"""What the machine guesses of a request, and what a yes would do, as sentences for the command line."""

from jobs.commands.terminal import count
from mailer.inbound.register import QUARANTINE, CoordinatorRequest

_GUESS = {
    "join": "probably wants to join", "join_other": "probably wants to sign up others",
    "leave": "may want to leave", "update": "probably asks for a change", "rsvp": "probably answers an invitation",
    "confirm": "probably says yes to our question", "guidance": "asks for advice or guidance",
    "information": "asks for information", "privacy": "asks about their own data", "contribution": "offers something",
    "help": "may be looking for help", "other": "writes something that is not understood",
    "spam": "may be advertising", "report": "is a mail server reporting something",
    "auto_reply": "answers automatically", "calendar_reply": "answers from a calendar",
    "bulk": "writes to many people at once",
}  # fmt: skip
_WOULD = {
    "join": "ask the author, at their own address, to confirm",
    "join_other": "ask the people named, each at their own address, to confirm",
    "leave": "take the author off the list", "update": "make the change",
    "rsvp": "note the answer", "confirm": "make the author a member, for they answered our question themselves",
    "spam": "close it",
}  # fmt: skip
_ANSWERS = {"yes": "is coming", "no": "is not coming", "maybe": "may be coming"}


def guessed(request: CoordinatorRequest, disposition: str) -> str:
    """Who wrote it, in the machine's guess: “probably wants to join and asks for information”."""
    if disposition == QUARANTINE:
        return "could not be read"
    parts = [_with_detail(request, kind) for kind in request.kinds]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _with_detail(request: CoordinatorRequest, kind: str) -> str:
    words = _GUESS.get(kind, kind)
    named = len(request.suggestion.get("people") or ())
    said = request.suggestion.get("rsvp") or {}
    if kind == "join_other" and named:
        return f"{words} ({count(named, 'person', 'people')})"
    if kind == "rsvp" and said.get("answer") in _ANSWERS:
        guests = f", with {count(said['guests'], 'guest')}" if said.get("guests") else ""
        return f"{words} ({_ANSWERS[said['answer']]}{guests})"
    return words


def yes_would(request: CoordinatorRequest) -> str:
    """What `--yes` does."""
    return "; ".join(_WOULD.get(kind, "close it") for kind in request.kinds)

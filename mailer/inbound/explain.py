"""How one mail is understood, as plain data for people and for measuring."""

from collections.abc import Mapping
from dataclasses import asdict

from mailer.inbound.message import Quarantine, read
from mailer.inbound.understanding import Thread, decide, understand


def explain(raw: bytes, file: str, thread_kind: str) -> Mapping[str, object]:
    """Read, understand and decide, without doing anything; `thread_kind` says which mail of ours is answered."""
    message = read(raw)
    if isinstance(message, Quarantine):
        return _row(file, "", (), (), None, False, (), "quarantine", (message.reason,))
    request = understand(message, Thread(thread_kind))
    plan = decide(request)
    people = tuple(asdict(person) for person in request.people)
    answer = asdict(request.rsvp) if request.rsvp else None
    return _row(
        file,
        request.language,
        request.kinds,
        people,
        answer,
        request.certain,
        plan.actions,
        plan.disposition,
        request.why,
    )


def _row(
    file: str,
    language: str,
    kinds: tuple[str, ...],
    people: tuple[dict[str, object], ...],
    answer: dict[str, object] | None,
    certain: bool,
    actions: tuple[str, ...],
    disposition: str,
    why: tuple[str, ...],
) -> Mapping[str, object]:
    return {
        "file": file,
        "language": language,
        "kinds": list(kinds),
        "people": list(people),
        "rsvp": answer,
        "certain": certain,
        "actions": list(actions),
        "disposition": disposition,
        "why": list(why),
    }

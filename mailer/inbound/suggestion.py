"""What the machine would have done with a mail that it leaves to a person: all it takes to do it with one word."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from mailer.desk import Context
from mailer.inbound.message import InboundMessage
from mailer.inbound.understanding import Person, Request
from mailer.inbound.understanding.machine import asks_for_silence
from mailer.inbound.understanding.outline import outline
from mailer.meant import answered_question, given_at, meant_invitation


def suggestion(
    session: Session, message: InboundMessage, context: Context, request: Request, now: datetime
) -> dict[str, Any]:
    """The guess as JSON data; an empty one where it may be a cry for help, for no machine acts on that."""
    if "help" in request.kinds:
        return {"people": [], "rsvp": None, "certain": request.certain}
    author, letter = context.author, context.letter
    invitation = meant_invitation(session, letter, context.member, author, now) if request.rsvp and author else None
    # A successor stands among the people, so that erasing finds this address as well.
    named = (*request.people, *((Person(request.successor, None, None),) if request.successor else ()))
    return {
        "people": [asdict(person) for person in named],
        "rsvp": asdict(request.rsvp) if request.rsvp else None,
        "certain": request.certain,
        "invitation": invitation.key if invitation else None,
        "question": answered_question(letter, author) if author else None,
        "language": request.wanted_language,
        "message_id": message.message_id,
        "references": list(reversed(message.thread_ids))[-20:],
        "given_at": given_at(message.date, now).isoformat(),
        "quiet": asks_for_silence(message),
        **({"gone": True} if request.gone else {}),
    }


def example_outline(message: InboundMessage, request: Request) -> str | None:
    """The outline to keep until a person decided; none of a cry for help, nor of what a machine wrote."""
    machines = {"help", "report", "auto_reply", "calendar_reply", "bulk"}
    return None if machines & set(request.kinds) else outline(message)

"""What people mean: a mail becomes a Request, a Request a Plan; what is known of words stands in words/*.toml."""

from mailer.inbound.understanding.decide import decide
from mailer.inbound.understanding.request import Person, Plan, Request, Rsvp, Thread
from mailer.inbound.understanding.understand import prepare, understand

__all__ = ["Person", "Plan", "Request", "Rsvp", "Thread", "decide", "prepare", "understand"]

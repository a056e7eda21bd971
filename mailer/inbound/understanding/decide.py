"""Request → Plan: what the service may do alone. Whatever is not plainly safe goes to a person."""

from mailer.inbound.understanding.request import MACHINE, Plan, Request

_ACTIONS = {
    "join": "register",
    "join_other": "register",
    "leave": "unsubscribe",
    "rsvp": "record_rsvp",
    "confirm": "confirm",
    "update": "update",
}
_FOR_PEOPLE = frozenset({"privacy", "guidance", "contribution", "information", "other", "help"})


def decide(request: Request) -> Plan:
    """Actions of register, unsubscribe, record_rsvp, confirm, update, auto_reply; and where the mail is filed."""
    kinds = set(request.kinds)
    if "help" in kinds:
        return Plan((), "review")
    if kinds & set(MACHINE):
        return _for_machine(request)
    if "spam" in kinds:
        return Plan((), "ignored")
    actions = tuple(_ACTIONS[kind] for kind in request.kinds if kind in request.clear and kind in _ACTIONS)
    actions = tuple(dict.fromkeys(actions))
    if request.certain and not kinds & (_FOR_PEOPLE - {"other"}) and kinds <= request.clear:
        return Plan(actions, "handled")
    done = _beside(request, actions)
    return Plan(done or (("auto_reply",) if request.receipt else ()), "review")


def _beside(request: Request, actions: tuple[str, ...]) -> tuple[str, ...]:
    """What may be done at once although a person reads the mail as well: only what is clear and easily undone."""
    if not request.certain or "privacy" in request.kinds or "other" in request.kinds:
        return tuple(action for action in actions if action == "unsubscribe" and "leave" in request.clear)
    return actions


def _for_machine(request: Request) -> Plan:
    if "calendar_reply" in request.kinds and request.calendar is not None:
        reply = request.calendar
        plain = reply.method == "REPLY" and reply.partstat in ("ACCEPTED", "DECLINED", "TENTATIVE")
        return Plan(("record_rsvp",), "handled") if plain else Plan((), "review")
    if "report" in request.kinds and request.report is not None:
        gone = any(one.action == "failed" and one.status.startswith("5.") for one in request.report.recipients)
        return Plan((), "review" if gone or request.successor or not request.certain else "ignored")
    told = request.gone or request.successor is not None or not request.certain
    return Plan((), "review" if told and "auto_reply" in request.kinds else "ignored")

"""What became of a letter, in one true sentence: did they get it, and if not, why."""

from datetime import datetime
from zoneinfo import ZoneInfo

from mailer.outbound import outbox
from mailer.outbound.issue import APPROVED, CANCELLED, PAUSED, Issue
from mailer.outbound.outbox import OutboxItem

_WITHDRAWN = {
    "called_off": "It never left: somebody called it off.",
    "withdrawn": "It never left: by then they were no longer a member, or what it was about was over.",
}
_REFUSED = {
    "given_up": "They did not get it: the mail server kept saying “later” until the time for it ran out",
    "unwritable": "They did not get it: it could not be written",
    "bounced": "The mail server took it, and then reported that the mailbox of the recipient does not exist",
}


def sentence(item: OutboxItem, issue: Issue | None, timezone: ZoneInfo) -> str:
    """The sentence about one row of the outbox; `issue` is the one it belongs to, if any. Times are local."""
    ended = _local(item.finished_at, timezone)
    if item.state == outbox.ACCEPTED:
        return f"The mail server took it on {ended}; no bounce has come back since."
    if item.state == outbox.WITHDRAWN:
        return _WITHDRAWN.get(item.phase or "", "It never left: it was withdrawn.")
    if item.state == outbox.IN_DOUBT and item.phase == outbox.RESTORED:
        return (
            f"Nobody can know: it still waited in the copy that the database was restored from on {ended}. It is not "
            f"sent by itself, for they might get it twice; to send it anyway: verbinden outbox retry {item.id}"
        )
    if item.state == outbox.IN_DOUBT:
        return (
            f"Nobody can know: the line broke on {ended}, just after the last byte. It is not sent again by itself, "
            f"for they might get it twice; to send it anyway: verbinden outbox retry {item.id}"
        )
    if item.state == outbox.REFUSED:
        told = _REFUSED.get(item.phase or "", "They did not get it: the mail server refused it for good")
        return f"{told}{_reply(item)} ({ended})."
    if item.state == outbox.SUBMITTING:
        return "It is being handed to the mail server at this moment."
    return _waiting(item, issue, timezone)


def _waiting(item: OutboxItem, issue: Issue | None, timezone: ZoneInfo) -> str:
    if issue is not None and issue.state in (APPROVED, PAUSED, CANCELLED):
        return f"It waits, for {issue.slug} is {issue.state}."
    due, until = _local(item.next_attempt_at, timezone), _local(item.give_up_at, timezone)
    if not item.attempt:
        return f"It waits in the outbox since {_local(item.created_at, timezone)}, and has not been tried yet."
    tries = "once" if item.attempt == 1 else f"{item.attempt} times"
    return f"Not yet: it was tried {tries}{_reply(item)}; it is tried again on {due}, until {until}."


def _local(at: datetime | None, timezone: ZoneInfo) -> str:
    return at.astimezone(timezone).strftime("%Y-%m-%d %H:%M") if at else ""


def _reply(item: OutboxItem) -> str:
    said = " ".join(str(part) for part in (item.reply_code, item.reply_enhanced, item.reply_text) if part)
    return f", and the answer was “{said}”" if said else ""

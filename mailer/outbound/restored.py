"""After a restore: letters and issues of the copy end as they ended in the database of before, or wait for a decision.

A copy does not know what left after it was made, so nothing that waits in it may leave by itself (conformance REL-65).
"""

from datetime import datetime

from sqlalchemy.orm import Session

from contacts import agenda, roster
from contacts.database import copied
from mailer.outbound import newsletter, outbox
from mailer.outbound.issue import APPROVED, Issue
from mailer.outbound.outbox import OutboxItem

_ENDED = (outbox.ACCEPTED, outbox.REFUSED, outbox.WITHDRAWN, outbox.IN_DOUBT)
_OUTCOME = ("state", "phase", "attempt", "reply_code", "reply_enhanced", "reply_text", "finished_at")
_COURSE = ("state", "send_at", "released_at", "finished_at")


def take_over(session: Session, old: Session, now: datetime) -> int:
    """Carry what was sent since from `old` into the copy made of it earlier; returns how many letters are in doubt now.

    A letter that ended in `old` ends so here, by its Message-ID. One that did not, or that `old` does not know, is in
    doubt. Letters of an issue that was released since come along, so that nobody can be sent it again.
    """
    issues = _take_over_issues(session, old)
    before = {item.message_id: item for item in outbox.everything(old)}
    unsure = [item for item in outbox.everything(session) if not _end_alike(item, before.pop(item.message_id, None))]
    missing = [item for item in before.values() if item.issue_id in issues]
    for item in _bring(session, old, missing, issues):
        if item.state not in _ENDED:
            unsure.append(item)
    for item in unsure:
        item.state, item.phase, item.finished_at = outbox.IN_DOUBT, outbox.RESTORED, now
        item.owner = item.lease_until = None
    session.flush()
    return len(unsure)


def _end_alike(item: OutboxItem, before: OutboxItem | None) -> bool:
    """Whether a letter of the copy has an end: the one it had in the database of before, or one of its own."""
    if before is not None and before.state in _ENDED:
        for name in _OUTCOME:
            setattr(item, name, getattr(before, name))
        item.owner = item.lease_until = None
    return item.state in _ENDED


def _take_over_issues(session: Session, old: Session) -> dict[int, Issue]:
    """Issues of the copy that `old` knows, by their number there, with the course they took since."""
    before = {issue.key: issue for issue in newsletter.everything(old)}
    found: dict[int, Issue] = {}
    for issue in newsletter.everything(session):
        was = before.get(issue.key)
        if was is None:
            issue.send_at = None if issue.state == APPROVED else issue.send_at  # it may have gone out: not by itself
            continue
        found[was.id] = issue
        for name in _COURSE:
            setattr(issue, name, getattr(was, name))
    return found


def _bring(session: Session, old: Session, rows: list[OutboxItem], issues: dict[int, Issue]) -> list[OutboxItem]:
    """Letters that the copy lacks; whoever it does not know has become a number in the sum."""
    here = {member.key: member.id for member in roster.everyone(session)}
    members = {member.id: here.get(member.key) for member in roster.everyone(old)}
    brought = []
    for row in rows:
        invitation = agenda.invitation_by_key(session, row.about) if row.about else None
        item = copied(
            row, issue_id=issues[row.issue_id or 0].id, member_id=members.get(row.member_id or 0),
            invitation_id=invitation.id if invitation else None,
        )  # fmt: skip
        session.add(item)
        brought.append(item)
    return brought

"""The outbox: one row for every letter to one recipient, and all SQL that moves it from queued to its end.

    queued → submitting → accepted | refused | withdrawn | in_doubt
               └→ queued again (the relay said "later", or the process died before the final dot)

A row is claimed with an owner and a lease (`claiming`), and how its attempt ended is written for many at once
(`recording`); in between, the journal of the process knows how far each letter came (`journal`, `recovery`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    func,
    literal,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, defer, mapped_column
from sqlalchemy.sql.expression import ColumnElement, Update, bindparam

from contacts import privacy
from contacts.address import Address
from contacts.database import Base
from contacts.errors import RuleBroken
from contacts.member import Member
from mailer.outbound.issue import CANCELLED, DONE, SENDING, Issue

QUEUED, SUBMITTING = "queued", "submitting"
ACCEPTED, REFUSED, WITHDRAWN, IN_DOUBT = "accepted", "refused", "withdrawn", "in_doubt"
#: The phase of a letter that waited in a copy of the database, and may have left after the copy was made (REL-65).
RESTORED = "restored"
STATES = (QUEUED, SUBMITTING, ACCEPTED, REFUSED, WITHDRAWN, IN_DOUBT)
#: Kinds that go to many by a coordinator's decision; every other kind is one letter to one person.
BULK_KINDS = ("newsletter", "invitation", "update", "cancellation")
#: What happens when nobody can know whether the relay took it: never twice, against never not at all (SMT-22).
NEVER_TWICE = ("newsletter",)
#: What is gone from a letter that is kept for the counts only (a JSON column takes None for the JSON value null).
_MOST_IDS = 10_000  # SQLite takes 32,766 values in one statement
_EMPTIED = {"content": None, "slots": null(), "reply_text": None}


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class OutboxItem(Base):
    """One letter; `content` holds the bytes of a single letter, `edition_id` and `slots` make those of an issue."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("issue_id", "member_id"),
        Index("ix_outbox_kind_created_at", "kind", "created_at"),
        # Partial, so that what has ended does not weigh on them; a statement must say the state itself (see is_in).
        _partial("ix_outbox_due", "issue_id", "next_attempt_at", "id", where="state = 'queued'"),
        _partial("ix_outbox_owner", "owner", where="owner IS NOT NULL"),
        _partial("ix_outbox_doubt", "id", where="state = 'in_doubt'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("edition.id", ondelete="SET NULL"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitation.id", ondelete="SET NULL"))
    about: Mapped[str | None] = mapped_column(String(32))
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    return_path: Mapped[str] = mapped_column(String(254))
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    slots: Mapped[dict[str, Any] | None]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    phase: Mapped[str | None] = mapped_column(String(16))
    reply_code: Mapped[int | None]
    reply_enhanced: Mapped[str | None] = mapped_column(String(16))
    reply_text: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]
    dated_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


def is_in(state: str) -> ColumnElement[bool]:
    """Whether a row is in this state, said in the statement itself: a planner finds a partial index by nothing else."""
    return OutboxItem.state == literal(state, literal_execute=True)


def is_taken() -> ColumnElement[bool]:
    """Whether some process has the row in hand."""
    return OutboxItem.owner.is_not(None) & (OutboxItem.state == SUBMITTING)


#: Asked before every answer, and therefore built once.
_WRITTEN = select(func.count()).where(
    OutboxItem.kind.in_(bindparam("kinds", expanding=True)), OutboxItem.created_at > bindparam("since")
)
_TIMES_SENT = _WRITTEN.where(func.lower(OutboxItem.recipient) == bindparam("recipient"))
Index("ix_outbox_written_to", func.lower(OutboxItem.recipient), OutboxItem.kind, OutboxItem.created_at)


class Claimed(NamedTuple):
    """A row that was claimed, as plain values: the letter's own, and what was true of its reader at the claim.

    `attempt` counts this one; `dated_at` is the Date of a letter of an issue, the same at every attempt.
    """

    id: int
    kind: str
    attempt: int
    give_up_at: datetime
    created_at: datetime
    dated_at: datetime | None
    edition_id: int | None
    member_id: int | None
    invitation_id: int | None
    recipient: str
    return_path: str
    message_id: str
    content: bytes | None
    slots: dict[str, Any] | None
    member_key: str | None = None
    member_name: str | None = None
    organisation: str | None = None
    language: str = ""
    discreet: str = ""


def finish_issues(session: Session, now: datetime) -> list[Issue]:
    """Issues that are going out and have nothing left become done; what waits of a cancelled one never leaves."""
    cancelled = select(Issue.id).where(Issue.state == CANCELLED)
    stranded = update(OutboxItem).where(OutboxItem.issue_id.in_(cancelled), is_in(QUEUED))
    session.execute(stranded.values(state=WITHDRAWN, phase="called_off", finished_at=now))
    of_issue = select(OutboxItem.id).where(OutboxItem.issue_id == Issue.id)
    waiting, taken = of_issue.where(is_in(QUEUED)).exists(), of_issue.where(is_taken()).exists()
    ready = session.scalars(select(Issue).where(Issue.state == SENDING, ~waiting, ~taken)).all()
    for issue in ready:
        issue.state, issue.finished_at = DONE, now
    return list(ready)


def by_message_id(session: Session, message_ids: Sequence[str]) -> OutboxItem | None:
    """The newest of our letters that a mail answers to, by In-Reply-To and References."""
    found = by_message_ids(session, message_ids[:50])
    return max(found.values(), key=lambda item: item.id, default=None)


def by_message_ids(session: Session, message_ids: Sequence[str]) -> dict[str, OutboxItem]:
    """Our letters among these Message-IDs, the newest where one was given twice."""
    found: dict[str, OutboxItem] = {}
    for start in range(0, len(message_ids), _MOST_IDS):
        wanted = select(OutboxItem).where(OutboxItem.message_id.in_(message_ids[start : start + _MOST_IDS]))
        found |= {item.message_id: item for item in session.scalars(wanted.order_by(OutboxItem.id))}
    return found


def sent_lately(session: Session, recipient: str, kinds: Sequence[str], since: datetime) -> bool:
    """Whether this recipient was written such a letter after `since` (RFC 3834 §2: at most one answer in a while)."""
    return times_sent(session, recipient, kinds, since) > 0


def times_sent(session: Session, recipient: str, kinds: Sequence[str], since: datetime) -> int:
    """How often; two spellings of an address that differ in case only are one."""
    values = {"recipient": recipient.lower(), "kinds": kinds, "since": since}
    return int(session.scalar(_TIMES_SENT, values) or 0)


def written_since(session: Session, kinds: Sequence[str], since: datetime) -> int:
    """How many letters of these kinds were queued after `since`."""
    return int(session.scalar(_WRITTEN, {"kinds": kinds, "since": since}) or 0)


def counts(session: Session, issue_id: int | None = None) -> dict[str, int]:
    """Rows by state, of one issue or of all; every state is there, zero or not."""
    wanted = select(OutboxItem.state, func.count()).group_by(OutboxItem.state)
    if issue_id is not None:
        wanted = wanted.where(OutboxItem.issue_id == issue_id)
    found = {row[0]: int(row[1]) for row in session.execute(wanted)}
    return {state: found.get(state, 0) for state in STATES}


def rows(session: Session, state: str | None = None, limit: int = 200) -> Sequence[OutboxItem]:
    """The newest rows, of one state or of all."""
    wanted = select(OutboxItem).order_by(OutboxItem.id.desc()).limit(limit)
    return session.scalars(wanted.where(is_in(state)) if state else wanted).all()


def everything(session: Session) -> Sequence[OutboxItem]:
    """Every row, the oldest first; the bytes of a letter are read only when somebody asks for them."""
    return session.scalars(select(OutboxItem).options(defer(OutboxItem.content)).order_by(OutboxItem.id)).all()


def unsent(session: Session, recipient: str, kind: str) -> OutboxItem | None:
    """The newest letter of a kind to this recipient that nobody ever took in hand, locked: its words may change yet."""
    mine = select(OutboxItem).where(OutboxItem.recipient == recipient, OutboxItem.kind == kind)
    waiting = mine.where(OutboxItem.state == QUEUED, OutboxItem.attempt == 0, OutboxItem.phase.is_(None))
    newest = waiting.order_by(OutboxItem.id.desc()).limit(1)
    return session.scalar(newest.with_for_update(skip_locked=True).execution_options(populate_existing=True))


def withdraw(session: Session, member_id: int, kinds: Sequence[str], now: datetime) -> int:
    """Take back what still waits for a member; returns how many rows."""
    mine = update(OutboxItem).where(
        OutboxItem.member_id == member_id, OutboxItem.state == QUEUED, OutboxItem.kind.in_(kinds)
    )
    return _changed(session, mine.values(state=WITHDRAWN, phase="withdrawn", finished_at=now))


def addresses(session: Session, domain: str | None = None) -> Sequence[str]:
    """Everybody we wrote to, of one domain or of all, in each spelling that we used."""
    wanted = select(OutboxItem.recipient).distinct().where(OutboxItem.recipient != "")
    return session.scalars(wanted.where(OutboxItem.recipient.iendswith(f"@{domain}")) if domain else wanted).all()


def forget(session: Session, address: Address, member_id: int | None = None) -> None:
    """Empty every row of an erased person, however their address is spelled there; the counts stay true."""
    spelled = OutboxItem.recipient.in_(privacy.spellings(address, addresses(session, address.domain)))
    whose = spelled if member_id is None else or_(spelled, OutboxItem.member_id == member_id)
    session.execute(update(OutboxItem).where(whose, OutboxItem.state == QUEUED).values(state=WITHDRAWN))
    session.execute(update(OutboxItem).where(whose).values(**_EMPTIED, recipient="", about=None))


def drop_content(session: Session, before: datetime, addresses_before: datetime) -> int:
    """Empty letters that ended before an instant: bytes, values, what the relay said; returns how many it emptied.

    To whom and about what they were goes at the same time for who is no member, for members by `addresses_before`.
    """
    content = OutboxItem.content.is_not(None) | OutboxItem.slots.is_not(None) | OutboxItem.reply_text.is_not(None)
    emptied = _changed(session, update(OutboxItem).where(OutboxItem.finished_at < before, content).values(**_EMPTIED))
    strangers = (OutboxItem.finished_at < before) & OutboxItem.member_id.is_(None)
    aged = (OutboxItem.finished_at < addresses_before) | strangers
    named = (OutboxItem.recipient != "") | OutboxItem.about.is_not(None)
    return emptied + _changed(session, update(OutboxItem).where(aged, named).values(recipient="", about=None))


def find(session: Session, item_id: int) -> OutboxItem | None:
    """One row by its number."""
    return session.get(OutboxItem, item_id)


def of_member(session: Session, member: Member) -> Sequence[OutboxItem]:
    """Every letter to a member, the newest first, also those written before the address was a member's."""
    mine = or_(OutboxItem.member_id == member.id, OutboxItem.recipient == member.address)
    return session.scalars(select(OutboxItem).where(mine).order_by(OutboxItem.id.desc())).all()


def retry(session: Session, item: OutboxItem, now: datetime, give_up_at: datetime) -> None:
    """A person decides that a letter goes (again), at once; raises RuleBroken("state") where that cannot be.

    The relay may get a letter in doubt twice: that is what the person decided.
    """
    if item.state not in (QUEUED, REFUSED, IN_DOUBT):
        raise RuleBroken(
            "state", f"Letter {item.id} is {item.state}; only queued, refused or in_doubt ones can be tried again."
        )
    issue = session.get(Issue, item.issue_id) if item.issue_id else None
    if not item.recipient or (item.content is None and item.edition_id is None):
        raise RuleBroken("gone", f"What letter {item.id} said is no longer kept; it cannot be sent again.")
    if issue is not None and issue.state not in (SENDING, DONE):
        raise RuleBroken("state", f"{issue.slug} is {issue.state}; none of its letters leaves.")
    if issue is not None:
        issue.state, issue.finished_at = SENDING, None
    if item.state != QUEUED:
        item.attempt, item.give_up_at = 0, give_up_at
    item.state, item.next_attempt_at, item.finished_at, item.owner = QUEUED, now, None, None


def call_off(session: Session, item: OutboxItem, now: datetime) -> None:
    """A person decides that a waiting letter does not leave; raises RuleBroken("state") when it does not wait."""
    if not _call_off(session, OutboxItem.id == item.id, now):
        raise RuleBroken("state", f"Letter {item.id} does not wait any more; it is {item.state}.")


def call_off_issue(session: Session, issue: Issue, now: datetime) -> int:
    """Take back what still waits of an issue that was called off; returns how many letters."""
    return _call_off(session, OutboxItem.issue_id == issue.id, now)


def _call_off(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    waiting = update(OutboxItem).where(which, OutboxItem.state == QUEUED)
    return _changed(session, waiting.values(state=WITHDRAWN, phase="called_off", finished_at=now))


def hurry(session: Session, now: datetime) -> int:
    """Everything that was postponed is due now (the relay is back); returns how many letters."""
    postponed = is_in(QUEUED) & (OutboxItem.next_attempt_at > now)
    return _changed(session, update(OutboxItem).where(postponed).values(next_attempt_at=now))


def _changed(session: Session, statement: Update) -> int:
    return int(getattr(session.execute(statement), "rowcount", 0))

"""What we know of the mails in hand before they are answered: asked of the database once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy.orm import Session

from contacts import coordinator, roster
from contacts.address import Address
from contacts.errors import RuleBroken
from contacts.member import Member
from mailer.inbound.message import InboundMessage
from mailer.inbound.understanding import Thread
from mailer.outbound import outbox
from mailer.outbound.outbox import OutboxItem

#: Which of our letters start which kind of thread.
_THREADS = {
    "confirmation": "confirmation",
    "welcome": "welcome",
    "newsletter": "newsletter",
    "invitation": "invitation",
    "update": "invitation",
    "rsvp_noted": "invitation",
}
_MOST_THREAD_IDS = 50


@dataclass(frozen=True, slots=True)
class Context:
    """What we know of a mail before it is answered: the letter it answers, its author as address and member."""

    letter: OutboxItem | None
    author: Address | None
    member: Member | None
    is_coordinator: bool

    @property
    def writes_as_coordinator(self) -> bool:
        """Whether a coordinator writes, other than in answer to a letter they got as a member."""
        as_member = self.letter is not None and self.member is not None and self.letter.member_id == self.member.id
        return self.is_coordinator and not as_member

    @property
    def thread(self) -> Thread:
        """The kind of our letter that is answered, for the understanding."""
        return Thread(_THREADS.get(self.letter.kind, "none") if self.letter else "none")


@dataclass(slots=True)
class Desk:
    """The letters and people that some mails are about, of one session; strangers are looked for again when asked."""

    session: Session
    letters: dict[str, OutboxItem] = field(default_factory=dict)
    members: dict[str, Member | None] = field(default_factory=dict)
    coordinators: frozenset[str] = frozenset()

    @classmethod
    def prepare(cls, session: Session, messages: Sequence[InboundMessage]) -> Self:
        """Look up what these mails answer and who wrote them, with three questions for all of them."""
        ids = {one for message in messages for one in message.thread_ids[:_MOST_THREAD_IDS]}
        authors = {author.key for message in messages if (author := author_of(message))}
        known = roster.find_all(session, authors)
        letters = outbox.by_message_ids(session, sorted(ids))
        return cls(session, letters, {key: known.get(key) for key in authors}, coordinator.keys(session))

    def look_up(self, message: InboundMessage) -> Context:
        """The letter this mail answers and the person who wrote it."""
        answered = (self.letters[one] for one in message.thread_ids[:_MOST_THREAD_IDS] if one in self.letters)
        author = author_of(message)
        member = self._member(author) if author else None
        is_coordinator = author is not None and author.key in self.coordinators
        return Context(max(answered, key=lambda item: item.id, default=None), author, member, is_coordinator)

    def _member(self, author: Address) -> Member | None:
        if author.key not in self.members:
            self.members[author.key] = roster.find(self.session, author)
        return self.members[author.key]

    def forget_strangers(self, named: Sequence[str] | None = None) -> None:
        """A mail may just have made members of people nobody knew: of these addresses, or of anybody for None."""
        keys = None if named is None else {one.key for text in named if (one := _address(text))}
        self.members = {
            key: member
            for key, member in self.members.items()
            if member is not None or (keys is not None and key not in keys)
        }


def author_of(message: InboundMessage) -> Address | None:
    """The address of the one author, where there is one that can be written to."""
    return _address(message.author.address) if message.author else None


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except RuleBroken:
        return None

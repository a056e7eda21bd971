"""Somebody at the door with a link of ours: what it is for, and, as far as our rows tell, who holds it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from contacts.member import Member
from mailer.acts import Occasion
from web.door import Door
from web.words import Words, choose


@dataclass(frozen=True, slots=True)
class Visit:
    """One request with a valid token; `key` is what the token names, `accept` the browser's Accept-Language.

    `wanted` is the answer that the link in the mail would like to see chosen; it comes from the query and binds nobody.
    """

    door: Door
    session: Session
    token: str
    key: str
    now: datetime
    accept: str
    wanted: str = ""

    def words(self, member: Member | None) -> Words:
        """The words to say it in: the member's language where there is one."""
        return choose(self.door.network, member.language if member else None, self.accept)

    def words_as_shown(self, language: str) -> Words:
        """The words in the language the form was in."""
        return choose(self.door.network, language, self.accept)

    @property
    def action(self) -> str:
        """Where a form of this page goes: to the same link, without a query."""
        return f"{self.door.root}/a/{self.token}"

    def occasion(self, evidence: str) -> Occasion:
        """This visit as the acts of a member know it."""
        return Occasion(self.now, "link", evidence)

"""A little network on a fresh database: members, a meeting, links, and the pages in front of it; nothing is mocked."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from contacts import agenda, coordinator, roster
from contacts.address import Address
from contacts.database import Base, Database, connect
from contacts.meeting import Invitation, Meeting
from contacts.member import Member
from contacts.network import Network
from contacts.roster import Person
from mailer.inbound import register
from mailer.links import Links
from mailer.outbound import outbox
from mailer.outbound.compile import Compiler
from mailer.outbound.writer import Writer
from tests.unit.web.client import Client
from web.site import Door, make_site

MAPPED = (coordinator.Coordinator, register, outbox)  # their tables are known once they are imported
NOW = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
STARTS = datetime(2027, 1, 21, 13, 0, tzinfo=UTC)
WEB = "https://mijn.netwerk.example"
SECRET = b"a secret of at least thirty-two octets"
NETWORK = Network("Leernetwerk", "hallo@netwerk.example", ("nl", "fr", "en"), ZoneInfo("Europe/Brussels"), WEB)


@dataclass
class House:
    """The network of one test; `now` and `late` may be set, the rest is as it would be in the daemon."""

    database: Database
    writer: Writer
    now: datetime = NOW
    late: list[str] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return Client(make_site(self.door))

    @property
    def door(self) -> Door:
        return Door(self.writer.network, self.database, self.writer, lambda: self.now, lambda: list(self.late))

    def path(self, purpose: str, key: str, issued: datetime | None = None) -> str:
        return f"/a/{self.writer.links.token(purpose, key, issued or NOW)}"

    def ask(self, address: str = "noor@huis.example", language: str = "nl") -> str:
        """Somebody who is asked to confirm; the key of the question."""
        with self.database.begin() as session:
            member = _add(self, session, address, language)
            asked = roster.ask(session, member, "Klopt dit?", "<1@huis.example>", NOW, self.writer.new_key)
            assert asked is not None
            return asked.key

    def join(self, address: str = "noor@huis.example", language: str = "nl", **fields: Any) -> str:
        """A member; their key."""
        with self.database.begin() as session:
            member = _add(self, session, address, language)
            roster.record_consent(session, member, "papier", NOW, self.writer.new_key)
            for name, value in fields.items():
                setattr(member, name, value)
            return member.key

    def invite(self, capacity: int | None = None, **fields: Any) -> list[str]:
        """A meeting to which every member is invited; the keys of the invitations."""
        with self.database.begin() as session:
            session.add(_meeting(self, capacity, fields))
            session.flush()
            meeting = agenda.find(session, "winter")
            assert meeting is not None
            agenda.invite(session, meeting, "netwerk.example", self.writer.new_key)
            return [invitation.key for invitation in agenda.invitations(session, meeting)]

    def member(self, key: str) -> Member:
        with self.database.read() as session:
            found = roster.find_by_key(session, key)
            assert found is not None
            return found

    def invitation(self, key: str) -> Invitation:
        with self.database.read() as session:
            found = agenda.invitation_by_key(session, key)
            assert found is not None
            return found

    def letters(self) -> list[str]:
        """The kinds of the letters in the outbox, oldest first."""
        return [row["kind"] for row in self.dump()["outbox"]]

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table."""
        tables = {table.name: select(table).order_by(*table.primary_key) for table in Base.metadata.sorted_tables}
        with self.database.read() as session:
            return {
                name: [dict(row) for row in session.execute(rows).mappings()] for name, rows in tables.items()
            }


def _add(house: House, session: Session, address: str, language: str) -> Member:
    return roster.add(session, Person(Address.parse(address), "Noor Peeters"), language, NOW, house.writer.new_key)


def _meeting(house: House, capacity: int | None, fields: dict[str, Any]) -> Meeting:
    usual: dict[str, Any] = {
        "titles": {"nl": "Winterontmoeting", "fr": "Rencontre d’hiver", "en": "Winter gathering"},
        "neutral_titles": {"nl": "Bijeenkomst", "fr": "Rencontre", "en": "Meeting"},
        "starts_at": STARTS, "ends_at": STARTS + timedelta(hours=3), "place": "Zaal 2, Antwerpen", "online_link": None,
        "status": "CONFIRMED", "sequence": 0, "revised_at": NOW,
    }  # fmt: skip
    return Meeting(key=house.writer.new_key(), slug="winter", capacity=capacity, **{**usual, **fields})


def build(folder: Path, compiler: Compiler, network: Network = NETWORK) -> House:
    """An empty network in `folder`; keys are counted, so that a test is the same each time."""
    database = connect(f"sqlite:///{folder}/pages.db")
    Base.metadata.create_all(database.engine)
    numbers: Iterator[int] = itertools.count(1)
    writer = Writer(network, Links(SECRET, network), compiler, lambda: f"{next(numbers):032x}")
    return House(database, writer)

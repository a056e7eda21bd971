"""The office of the tests: a mailbox that is read as the daemon reads it, and two coordinators."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contacts import coordinator, roster
from contacts.address import Address
from contacts.coordinator import Coordinator
from contacts.member import Member
from contacts.network import Network
from contacts.roster import Person
from mailer import decisions, digest
from mailer.desk import Desk
from mailer.inbound import answer as answering
from mailer.inbound import register
from mailer.inbound.answer import Result
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.register import CoordinatorRequest, Entry, Place, Waits
from mailer.inbound.suggestion import example_outline, suggestion
from mailer.inbound.understanding import decide, understand
from mailer.outbound import outbox
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.writer import Writer

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NETWORK = Network(
    "Lerend netwerk",
    "netwerk@verbinden.example",
    ("nl", "fr", "en"),
    ZoneInfo("Europe/Brussels"),
    "https://verbinden.example",
)
PEPPER = b"pepper"
UNSURE_JOIN = "Dag,\n\nIk zou graag lid worden van jullie netwerk, tenzij dat geld kost.\n\nKim Claes\n"


def mail(author: str, text: str, subject: str = "Vraag", at: datetime = NOW, **headers: str) -> bytes:
    fields = {"From": author, "To": NETWORK.address, "Subject": subject, "Date": format_datetime(at)}
    fields["Message-ID"] = f"<{abs(hash((author, text, subject, at)))}@x.example>"
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return (head + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n").encode()


class Office:
    """One mailbox, read as the daemon reads it."""

    def __init__(self, session: Session, writer: Writer) -> None:
        self.session, self.writer, self.uid = session, writer, 0
        add = coordinator.add
        self.an = add(session, Address.parse("an@stad.example"), "An Vermeulen", "nl", NOW)
        self.karim = add(session, Address.parse("karim@partner.example"), "Karim Haddad", "fr", NOW)

    def take(self, raw: bytes, now: datetime = NOW) -> tuple[Result, CoordinatorRequest | None]:
        """What becomes of a mail, and the request it leaves, if any."""
        session, message = self.session, read(raw)
        assert isinstance(message, InboundMessage)
        context = Desk.prepare(session, [message]).look_up(message)
        request = understand(message, context.thread, frozenset({NETWORK.address}))
        plan = decide(request)
        result = answering.answer(session, self.writer, message, context, request, plan, PEPPER, now)
        self.uid += 1
        entry = Entry(
            Place(1, self.uid), self.writer.new_key(), f"{self.uid:064x}", message.message_id,
            result.kinds or request.kinds, result.disposition, result.why, result.member_id,
        )  # fmt: skip
        (noted,) = register.record(session, [entry], now)
        if result.disposition != register.REVIEW:
            return result, None
        guess = suggestion(session, message, context, request, now)
        author = context.author.text if context.author else None
        urgent = "help" in request.kinds
        outline = example_outline(message, request)
        waits = Waits(author, request.language, urgent, guess, context.thread.kind, outline)
        return result, register.add_requests(session, [(noted, waits)], now)[0]

    def leaves(self, raw: bytes) -> CoordinatorRequest:
        """The request that a mail must leave."""
        result, found = self.take(raw)
        assert found is not None, result
        return found

    def puts(self, kinds: list[str], author: str | None = "kim@huis.example", **guess: object) -> CoordinatorRequest:
        """A request of these kinds, as if the understanding had been unsure."""
        self.uid += 1
        place, key = Place(1, self.uid), self.writer.new_key()
        (noted,) = register.record(
            self.session, [Entry(place, key, f"{self.uid:064x}", None, kinds, "review", [])], NOW
        )
        people = [{"address": author, "name": "Kim Claes", "organisation": None}] if author else []
        data: dict[str, object] = {"people": people, "rsvp": None, "message_id": "<kim@huis.example>"}
        waits = Waits(author, "nl", "help" in kinds, {**data, **guess}, "none", "graag · lid worden")
        return register.add_requests(self.session, [(noted, waits)], NOW)[0]

    def decides(self, found: CoordinatorRequest, verdict: str, by: Coordinator | None = None, note: str | None = None):
        return decisions.decide(self.session, self.writer, found, verdict, by or self.an, note, PEPPER, NOW)

    def sent(self, address: str) -> list[str]:
        return [row.kind for row in reversed(outbox.rows(self.session)) if row.recipient == address]

    def letter(self, address: str, kind: str) -> OutboxItem:
        return next(row for row in outbox.rows(self.session) if (row.recipient, row.kind) == (address, kind))

    def text(self, address: str, kind: str) -> str:
        found = read(self.letter(address, kind).content or b"")
        assert isinstance(found, InboundMessage)
        return " ".join(found.text.split())

    def digest(self, to: Coordinator, now: datetime = NOW) -> OutboxItem:
        news = digest.gather(self.session, now - timedelta(days=1))
        assert digest.write(self.session, self.writer, to, news, now)
        return self.letter(to.address, "digest")

    def member(self, address: str) -> Member:
        member = roster.add(self.session, Person(Address.parse(address), "Kim Claes"), "nl", NOW, self.writer.new_key)
        roster.record_consent(self.session, member, "paper", NOW, self.writer.new_key)
        return member

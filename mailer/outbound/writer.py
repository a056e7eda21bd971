"""The one place where letters to people are composed: which edition, in whose name, with which headers.

Single letters (an answer, a question, a notice) are composed and queued in the transaction that decides on them, as the
bytes that will leave; the letters of an issue are composed from its frozen edition when they are claimed.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from contacts.meeting import PARTSTAT
from contacts.member import Member
from contacts.network import Network
from mailer import maillog
from mailer.errors import TemplateError
from mailer.links import CONFIRM, PREFERENCES, RSVP, UNSUBSCRIBE, Links
from mailer.outbound import outbox, wire
from mailer.outbound.compile import Compiler
from mailer.outbound.edition import Edition, with_marks
from mailer.outbound.imprint import Imprints
from mailer.outbound.letter import CalendarPart, Letter
from mailer.outbound.outbox import Claimed, OutboxItem
from mailer.outbound.resources import in_language
from mailer.outbound.retry import GIVE_UP_AFTER
from mailer.outbound.signing import Signer
from mailer.outbound.source import Source

#: Letters that may reach somebody who never wrote to us: nothing on the outside says who we are (DIS-07).
_UNNAMED = ("confirmation",)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a letter is for: `key` is the member's opaque name, None for a coordinator or somebody unknown to us."""

    address: str
    language: str
    variant: str = "plain"
    member_id: int | None = None
    key: str | None = None
    name: str | None = None
    first_name: str | None = None
    organisation: str | None = None


def recipient(member: Member) -> Recipient:
    """A member as somebody to write to."""
    house = member.organisation.name if member.organisation else None
    return Recipient(
        member.address, member.language, member.variant, member.id, member.key, member.name, member.first_name, house
    )


@dataclass(frozen=True, slots=True)
class Answering:
    """The mail that a letter answers: its Message-ID and the ids it referred to, oldest first."""

    message_id: str | None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Writer:
    """Composes letters for one network; the compiler knows where its templates are."""

    network: Network
    links: Links
    compiler: Compiler
    new_key: Callable[[], str]
    #: Where the same mails are as we ship them, for when a network's own are broken; None when it has none of its own.
    shipped: Compiler | None = None
    #: The keys that letters are signed with when they leave; none where the relay signs.
    signers: tuple[Signer, ...] = ()
    imprints: Imprints = field(init=False, default_factory=Imprints, compare=False, repr=False)

    def queue(
        self,
        session: Session,
        name: str,
        to: Recipient,
        now: datetime,
        facts: Mapping[str, Any] | None = None,
        answering: Answering | None = None,
        about: str | None = None,
        values: Mapping[str, str] | None = None,
        kind: str | None = None,
    ) -> OutboxItem:
        """Compose the mail `name` of templates/mails for somebody and put it in the outbox; the row is returned.

        With `answering` it is an automatic answer: in the thread, and with the null return path (RFC 3834 §3.3).
        `kind` is what the outbox calls it where that is not its name. A fact that is `mark_for(n, None)` stands for the
        value of `n`: what is another word in each letter is written into the compiled edition, like a slot.
        """
        message_id = self.message_id(name, self.new_key())  # its row keeps it, so that a retry has the same
        item = OutboxItem(
            kind=kind or name,
            member_id=to.member_id,
            about=about,
            recipient=to.address,
            attempt=0,
            return_path="" if answering else self.network.address,
            message_id=message_id,
            content=self._composed(name, to, now, message_id, facts or {}, answering, values or {}),
            state=outbox.QUEUED,
            next_attempt_at=now,
            give_up_at=now + GIVE_UP_AFTER,
            created_at=now,
        )
        session.add(item)
        session.flush()
        return item

    def rewrite(
        self,
        item: OutboxItem,
        name: str,
        to: Recipient,
        now: datetime,
        facts: Mapping[str, Any],
        values: Mapping[str, str],
    ) -> None:
        """Let a letter that nobody took in hand yet say something else; it stays the same letter."""
        item.content = self._composed(name, to, now, item.message_id, facts, None, values)

    def _composed(
        self,
        name: str,
        to: Recipient,
        now: datetime,
        message_id: str,
        facts: Mapping[str, Any],
        answering: Answering | None,
        values: Mapping[str, str],
    ) -> bytes:
        """The bytes of the mail `name` for somebody."""
        edition = with_marks(self.edition(name, to.language, to.variant, facts), values)
        filled = edition.fill({**self.member_values(to, now), **values})
        letter = Letter(
            sender_name="" if name in _UNNAMED else self._sender_name(to),
            sender=self.network.address,
            recipient=to.address,
            subject=filled.subject,
            date=now,
            message_id=message_id,
            language=edition.language,
            text=filled.text,
            html=filled.html,
            images=filled.images,
            auto_submitted="auto-replied" if answering else "auto-generated",
            in_reply_to=answering.message_id if answering else None,
            references=_thread(answering),
            x_loop=self.network.address,
        )
        return wire.render(letter)

    def edition(self, name: str, language: str, variant: str, facts: Mapping[str, Any]) -> Edition:
        """The compiled mail `name` in the best language we have for this person; raises TemplateError.

        Where the network's own template or layout is broken, ours takes its place: an answer must not wait for repair.
        """
        try:
            return self._edition(self.compiler, name, language, variant, facts)
        except TemplateError as error:
            if self.shipped is None:
                raise
            maillog.template_broken(name, error.file, error.line)
            return self._edition(self.shipped, name, language, variant, facts)

    def _edition(
        self, compiler: Compiler, name: str, language: str, variant: str, facts: Mapping[str, Any]
    ) -> Edition:
        source = compiler.mail(name)
        return compiler.edition(source, self._written(source, language), variant, {**self.facts(), **facts})

    def _written(self, source: Source, language: str) -> str:
        """The language of a mail for somebody who prefers `language`."""
        spoken = (self.network.language(language), *self.network.languages, "en")
        return next((one for one in spoken if one in source.languages), spoken[0])

    def resources(self, name: str, language: str) -> list[dict[str, str]]:
        """The network's own links in the language that the mail `name` will be in; none if they are broken."""
        try:
            written = self._written(self.compiler.mail(name), language)
            return in_language(self.compiler.resources(), written)
        except TemplateError as error:
            maillog.template_broken(name, error.file, error.line)
            return []

    def facts(self) -> dict[str, Any]:
        """What every template may know of the network."""
        network = self.network
        named = {"name": network.name, "address": network.address, "web_url": network.web_url or ""}
        return {"network": {**named, "timezone": network.timezone.key}}

    def issue_letter(
        self,
        edition: Edition,
        to: Recipient,
        item: OutboxItem | Claimed,
        values: Mapping[str, str],
        date: datetime,
        calendar: CalendarPart | None = None,
    ) -> Letter:
        """One letter of an issue, with everything that mail to many must carry (RFC 2369, 2919, 8058)."""
        filled = edition.fill(values)
        return replace(
            self.issue_frame(edition, to.variant, item.invitation_id is not None, calendar),
            recipient=item.recipient,
            subject=filled.subject,
            date=date,
            message_id=item.message_id,
            text=filled.text,
            html=filled.html,
            unsubscribe=self.links.unsubscribe(to.key or "", item.created_at),
        )

    def issue_frame(
        self, edition: Edition, variant: str, about_meeting: bool, calendar: CalendarPart | None = None
    ) -> Letter:
        """What the letters of an edition have in common; what is one reader's is still empty, or a slot."""
        stream = "meetings" if about_meeting else "newsletter"
        discreet = variant == "discreet"
        return Letter(
            sender_name="" if discreet else self.network.name,
            sender=self.network.address,
            recipient="",
            subject=edition.subject,
            date=datetime.min.replace(tzinfo=UTC),
            message_id="",
            language=edition.language,
            text=edition.text,
            html=edition.html,
            images=edition.images,
            list_id=f"{stream}.{self.network.domain}",
            list_phrase="" if discreet else self.network.name,
            bulk=calendar is None,
            one_click=bool(self.network.web_url),
            feedback_id=None if about_meeting else f"{stream}:verbinden",
            calendar=calendar,
        )

    def message_id(self, *parts: str) -> str:
        """An id that is the same for the same letter and says nothing about it (RFC 5322 §3.6.4)."""
        mac = hmac.new(self.links.secret, "\0".join(("message-id", *parts)).encode(), hashlib.sha256)
        return f"<{mac.hexdigest()[:40]}@{self.network.domain}>"

    def _sender_name(self, to: Recipient) -> str:
        return "" if to.variant == "discreet" else self.network.name

    def member_values(self, to: Recipient, issued: datetime) -> dict[str, str]:
        """The personal values of a letter to a member; links are issued at `issued`, so that a retry has the same."""
        found = {"member.name": to.name, "member.first_name": to.first_name, "member.organisation": to.organisation}
        values = {name: value for name, value in found.items() if value}
        if to.key:
            values["link.unsubscribe"] = self.links.url(UNSUBSCRIBE, to.key, issued)
            values["link.preferences"] = self.links.url(PREFERENCES, to.key, issued)
        return values

    def rsvp_values(self, invitation_key: str, issued: datetime) -> dict[str, str]:
        """The links that answer one invitation."""
        answers = {f"link.rsvp_{answer}": self.links.url(RSVP, invitation_key, issued, answer) for answer in PARTSTAT}
        return {"link.rsvp": self.links.url(RSVP, invitation_key, issued), **answers}

    def confirm_link(self, ask_key: str, now: datetime) -> dict[str, str]:
        """The one value that only the question to confirm has."""
        return {"link.confirm": self.links.url(CONFIRM, ask_key, now)}


def _thread(answering: Answering | None) -> tuple[str, ...]:
    """References of an answer (RFC 5322 §3.6.4): those of the mail it answers, then that mail; at most twenty."""
    if answering is None or answering.message_id is None:
        return ()
    return (*[found for found in answering.references if found != answering.message_id][-19:], answering.message_id)

"""The letters of an issue: what `bytes_of` makes of a row means what `wire` makes of the letter, whatever its kind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from contacts import roster
from contacts.address import Address
from contacts.database import Database
from contacts.member import Member
from contacts.roster import Person
from mailer.lint import lint
from mailer.outbound import claiming, invitation, newsletter, wire
from mailer.outbound.edition import Edition
from mailer.outbound.issue import FrozenEdition, Issue
from mailer.outbound.issue_letters import bytes_at_once, bytes_of, freeze
from mailer.outbound.letter import CalendarPart
from mailer.outbound.newsletter import Approval
from mailer.outbound.outbox import Claimed, OutboxItem
from mailer.outbound.signing_key import load as load_key
from mailer.outbound.source import load
from mailer.outbound.writer import Recipient, Writer, recipient
from tests.database.conftest import NOW
from tests.unit.outbound.test_imprint import assert_legal, assert_same

NewKey = Callable[[], str]
APPROVAL = Approval("an@stad.example", NOW, NOW)
KINDS = ("newsletter", "invitation", "update", "cancellation")
PEOPLE = (("nl", "off"), ("fr", "subject"), ("en", "full"), ("nl", "full"), ("tr", "off"))
NAMES = ("Noor Ünal", "نور الهدى", "Jo", "", "A & B/c")


def _people(session: Session, new_key: NewKey) -> None:
    for number, (language, discreet) in enumerate(PEOPLE):
        person = Person(Address.parse(f"p{number}@huis.example"), NAMES[number])
        member = roster.add(session, person, language, NOW, new_key)
        member.discreet = discreet
        roster.record_consent(session, member, "paper", NOW, new_key)


def _rows(session: Session, writer: Writer, new_key: NewKey, kind: str) -> list[OutboxItem]:
    """The rows of an issue of this kind that goes out to five people."""
    _people(session, new_key)
    issue = _newsletter(session, writer, new_key) if kind == "newsletter" else _invited(session, writer)
    if kind in ("update", "cancellation"):
        newsletter.release(session, writer, issue, NOW)
        for row in session.scalars(select(OutboxItem)):
            row.state = "accepted"
        issue = _moved(session, writer) if kind == "update" else invitation.cancel(session, writer, "example", APPROVAL)
    newsletter.release(session, writer, issue, NOW)
    rows = session.scalars(select(OutboxItem).where(OutboxItem.issue_id == issue.id).order_by(OutboxItem.id)).all()
    assert len(rows) == len(PEOPLE) and {row.kind for row in rows} == {kind}
    return list(rows)


def _newsletter(session: Session, writer: Writer, new_key: NewKey) -> Issue:
    source = load(writer.compiler.find("newsletters", "example"))
    editions = newsletter.compile_all(writer, source, lambda language, variant: {"agenda": []})
    return newsletter.approve(session, "newsletter", "winter", editions, APPROVAL, new_key)


def _invited(session: Session, writer: Writer) -> Issue:
    return invitation.invite(session, writer, "example", APPROVAL)


def _moved(session: Session, writer: Writer) -> Issue:
    draft = invitation.prepare(session, writer, "example", "update")
    elsewhere = replace(draft, fields={**draft.fields, "place": "Het Huis, Korte Straat 3, Antwerpen"})
    issue = invitation.revise(session, writer, "example", APPROVAL, elsewhere)
    assert issue is not None
    return issue


def _claim(database: Database, writer: Writer, kind: str) -> list[Claimed]:
    """Every letter of this kind that is due, claimed."""
    batch = claiming.turn(database, "a", NOW, [], 100, timedelta(minutes=7), lambda s, one: freeze(s, writer, one))
    return [letter for letter in batch.letters if letter.kind == kind]


def _released(database: Database, writer: Writer, new_key: NewKey, kind: str) -> list[Claimed]:
    with database.begin() as session:
        _rows(session, writer, new_key, kind)
    letters = _claim(database, writer, kind)
    assert len(letters) == len(PEOPLE)
    return letters


def _rendered(session: Session, writer: Writer, letter: Claimed) -> bytes:
    """The same letter by the long way."""
    frozen, member = session.get_one(FrozenEdition, letter.edition_id), session.get_one(Member, letter.member_id)
    slots = letter.slots or freeze(session, writer, letter)
    part = CalendarPart(slots["method"], slots["calendar"].encode(), "invite.ics") if slots.get("calendar") else None
    edition, to = Edition.from_json(frozen.content), replace(recipient(member), variant=frozen.variant)
    date = datetime.fromisoformat(slots["date"])
    return wire.render(writer.issue_letter(edition, to, letter, slots["values"], date, part))


@pytest.mark.conf("OUT-13", "OUT-38", "CAL-01")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_means_what_wire_makes_of_it(
    database: Database, writer: Writer, new_key: NewKey, kind: str
) -> None:
    letters = _released(database, writer, new_key, kind)
    with database.read() as session:
        for letter in letters:
            filled = bytes_of(session, writer, letter)
            assert_same(_rendered(session, writer, letter), filled)
            assert_legal(filled)
            assert lint(filled, kind) == []
            open_to_calendars = session.get_one(Member, letter.member_id).discreet != "full"  # DIS-05
            assert (b"text/calendar" in filled) == (kind != "newsletter" and open_to_calendars)
            assert bytes_at_once(writer, letter) == filled  # the second time without the database


def test_an_edition_is_read_once_for_all_its_letters(database: Database, writer: Writer, new_key: NewKey) -> None:
    letters = _released(database, writer, new_key, "newsletter")
    assert bytes_at_once(writer, letters[0]) is None
    read: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *found: read.append(found[2]))
    for letter in (*letters, *letters):
        if bytes_at_once(writer, letter) is None:
            with database.read() as session:
                bytes_of(session, writer, letter)
    editions = {letter.edition_id for letter in letters}
    assert sum("edition.content" in statement for statement in read) == len(editions) > 1


@pytest.mark.conf("OUT-38", "OUT-17", "OUT-44")
def test_what_leaves_is_signed_and_signed_the_same_again(
    database: Database, writer: Writer, new_key: NewKey, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    file.touch(mode=0o600)
    file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signer = load_key(writer.network.domain, "e2026", file)
    signing, again = (replace(writer, signers=(signer,)) for _ in range(2))
    with database.begin() as session:
        _rows(session, signing, new_key, "invitation")
        signing.queue(session, "received", Recipient("p@huis.example", "nl"), NOW)
    batch = claiming.turn(database, "a", NOW, [], 100, timedelta(minutes=7), lambda s, one: freeze(s, signing, one))
    assert {letter.kind for letter in batch.letters} == {"invitation", "received"}
    with database.read() as session:
        for letter in batch.letters:
            raw = bytes_of(session, signing, letter)
            assert bytes_of(session, again, letter) == raw
            assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: signer.record.encode())
            assert lint(raw, letter.kind) == []

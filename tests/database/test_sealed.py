"""Mails in wrappings: an encrypted one gets one receipt, Outlook's own format counts, and waits where it is broken."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from contacts.database import Database
from contacts.meeting import Invitation
from mailer.inbound.message import read
from mailer.outbound import outbox
from mailer.outbound.writer import Writer
from tests.database.conftest import NETWORK
from tests.database.test_answer import _invited, _member, _sent, _take
from tests.unit.inbound import winmail

SEALED = Path(__file__).parents[1] / "unit" / "inbound" / "sealed"


def _outlook(author: str, file: bytes, text: str = "") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = author, NETWORK.address, "Aanvaard: vergadering"
    message.set_content(text)
    message.add_attachment(file, "application", "ms-tnef", filename="winmail.dat")
    return message.as_bytes()


@pytest.mark.conf("INB-24", "INB-10")
@pytest.mark.parametrize("name", ["smime_enveloped", "smime_authenticated", "pgp_encrypted", "pgp_inline_encrypted"])
def test_an_encrypted_mail_waits_and_gets_one_receipt(database: Database, writer: Writer, name: str) -> None:
    raw = (SEALED / f"{name}.eml").read_bytes()
    with database.begin() as session:
        _member(session, writer, "amina@huis.example")
        for number in range(3):
            other = raw.replace(b"Message-ID: <", b"Message-ID: <%d" % number)
            assert _take(session, writer, other).disposition == "review"
        assert _sent(session, "amina@huis.example") == ["received"]


@pytest.mark.conf("INB-25", "INB-06")
@pytest.mark.parametrize(("last", "kept"), [("Pos", "yes"), ("Neg", "no"), ("Tent", "maybe")])
def test_an_answer_in_outlooks_own_format_counts_and_is_not_answered(
    database: Database, writer: Writer, last: str, kept: str
) -> None:
    with database.begin() as session:
        _member(session, writer, "luc@ferme.example")
        letter = _invited(session, writer)
        found = session.get_one(Invitation, letter.invitation_id)
        file = winmail.answer(f"IPM.Schedule.Meeting.Resp.{last}", found.uid, 0, "Met een collega")
        before = len(outbox.rows(session))
        assert _take(session, writer, _outlook("luc@ferme.example", file)).disposition == "handled"
        assert (found.answer, found.channel, found.note) == (kept, "calendar", "Met een collega")
        assert len(outbox.rows(session)) == before


@pytest.mark.conf("INB-25")
def test_one_that_cannot_be_read_waits_with_the_reason(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "luc@ferme.example")
        raw = _outlook("luc@ferme.example", b"\x78\x9f\x3e\x22broken", "Schrijf mij uit.\n")
        result = _take(session, writer, raw)
        assert (result.disposition, member.state) == ("review", "active")
        assert "winmail.dat" in " ".join(result.why)
    assert read(raw)

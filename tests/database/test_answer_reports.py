"""What mail servers and mail programs tell of our letters, and what becomes of it."""

import pytest

from contacts.database import Database
from mailer.outbound.writer import Writer
from tests.database.test_answer import DSN, _invited, _member, _sent, _take

MDN = """From: amina@huis.example\r
To: netwerk@verbinden.example\r
Subject: Gelezen: Uitnodiging\r
Message-ID: <mdn@huis.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
Uw bericht is gelezen.\r
--b\r
Content-Type: message/disposition-notification\r
\r
Final-Recipient: rfc822; amina@huis.example\r
Original-Message-ID: {message_id}\r
Disposition: manual-action/MDN-sent-manually; displayed\r
\r
--b--\r
"""


@pytest.mark.conf("INB-27")
def test_a_bounce_that_tells_the_new_address_is_for_a_person(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        letter = _invited(session, writer)
        told = DSN.replace("It did not work.", "She has moved to amina@nieuw.example, please try that address.")
        result = _take(session, writer, told.format(status="5.1.1", message_id=letter.message_id).encode())
        assert (member.state, result.disposition) == ("bounced", "review")
        assert _sent(session, "amina@nieuw.example") == []


@pytest.mark.conf("INB-29")
def test_a_receipt_leaves_no_trace_of_when_it_was_read(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        letter = _invited(session, writer)
        before = letter.state, letter.phase, member.state
        result = _take(session, writer, MDN.format(message_id=letter.message_id).encode())
        assert (letter.state, letter.phase, member.state) == before
        assert result.disposition == "ignored"

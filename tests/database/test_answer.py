"""From a mail's bytes to what changed and what was queued: the rules that protect people."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from contacts import agenda, coordinator, roster
from contacts.address import Address
from contacts.consent import WITHDRAWN
from contacts.database import Database
from contacts.member import Member
from contacts.roster import Person
from mailer import links
from mailer.desk import Desk
from mailer.inbound import answer as answering
from mailer.inbound.answer import Result
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.understanding import decide, understand
from mailer.outbound import invitation, newsletter, outbox
from mailer.outbound.compile import Compiler
from mailer.outbound.newsletter import Approval
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.writer import Writer
from tests.database.conftest import NETWORK, NOW


def _mail(author: str, text: str, subject: str = "Vraag", **headers: str) -> bytes:
    fields = {
        "From": author,
        "To": NETWORK.address,
        "Subject": subject,
        "Message-ID": f"<{abs(hash((author, text)))}@x.example>",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return (head + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n").encode()


def _take(session: Session, writer: Writer, raw: bytes, now: datetime = NOW) -> Result:
    message = read(raw)
    assert isinstance(message, InboundMessage)
    context = Desk.prepare(session, [message]).look_up(message)
    request = understand(message, context.thread, frozenset({NETWORK.address}))
    return answering.answer(session, writer, message, context, request, decide(request), b"pepper", now)


def _sent(session: Session, address: str) -> list[str]:
    return [row.kind for row in reversed(outbox.rows(session)) if row.recipient == address]


def _member(session: Session, writer: Writer, address: str) -> Member:
    member = roster.add(session, Person(Address.parse(address), "Amina El Idrissi"), "nl", NOW, writer.new_key)
    roster.record_consent(session, member, "paper", NOW, writer.new_key)
    return member


def _question(session: Session, address: str) -> OutboxItem:
    return next(row for row in outbox.rows(session) if row.recipient == address and row.kind == "confirmation")


JOINS = "Dag,\n\nIk zou graag lid worden van jullie netwerk.\n\nGroeten,\nAmina\n"


@pytest.mark.conf("INB-21", "GDP-01")
def test_joining_asks_and_only_the_reply_to_the_question_confirms(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        assert _take(session, writer, _mail("Amina <amina@huis.example>", JOINS)).disposition == "handled"
        assert _sent(session, "amina@huis.example") == ["confirmation"]
        question = _question(session, "amina@huis.example")
        stranger = _take(
            session, writer, _mail("x@evil.example", "Ja, graag", "Re: ja", In_Reply_To=question.message_id)
        )
        assert stranger.disposition == "review"
        assert roster.counts(session) == {"pending": 1}
        own = _mail("amina@huis.example", "Ja, graag!", "Re: ja", In_Reply_To=question.message_id)
        assert _take(session, writer, own).disposition == "handled"
        assert roster.counts(session) == {"active": 1}
        assert _sent(session, "amina@huis.example") == ["confirmation", "welcome"]


@pytest.mark.conf("OUT-36", "OUT-34")
def test_an_answer_is_in_the_thread_and_bounces_to_nobody(database: Database, writer: Writer) -> None:
    raw = _mail("Amina <amina@huis.example>", JOINS)
    with database.begin() as session:
        _take(session, writer, raw)
        question = _question(session, "amina@huis.example")
    assert question.return_path == ""
    head = (question.content or b"").partition(b"\r\n\r\n")[0]
    asked = read(raw)
    assert asked.message_id is not None
    assert b"Auto-Submitted: auto-replied" in head
    assert b"In-Reply-To: " + asked.message_id.encode() in head


@pytest.mark.conf("INB-39", "INB-08")
def test_two_hundred_mails_get_one_question(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        for number in range(200):
            _take(session, writer, _mail("Amina <amina@huis.example>", JOINS, Message_ID=f"<{number}@x.example>"))
        assert _sent(session, "amina@huis.example") == ["confirmation"]


def test_leaving_takes_effect_at_once_and_says_how_to_come_back(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        result = _take(session, writer, _mail("amina@huis.example", "Schrijf mij alstublieft uit.\n"))
        assert (result.disposition, member.state) == ("handled", "left")
        assert roster.last_act(session, member, WITHDRAWN) is not None
        assert _sent(session, "amina@huis.example") == ["goodbye"]


@pytest.mark.conf("INB-12")
def test_a_stranger_who_leaves_gets_the_same_goodbye(database: Database, writer: Writer) -> None:
    texts = []
    with database.begin() as session:
        _member(session, writer, "amina@huis.example")
        for address in ("amina@huis.example", "nobody@elders.example"):
            _take(session, writer, _mail(address, "Schrijf mij alstublieft uit.\n"))
            row = next(row for row in outbox.rows(session) if row.recipient == address)
            message = read(row.content or b"")
            assert isinstance(message, InboundMessage)
            texts.append((message.subject, message.text))
    assert texts[0] == texts[1]


def test_a_cry_for_help_changes_nothing_and_answers_nothing(database: Database, writer: Writer) -> None:
    text = "help mij aub, ik ben bang om naar huis te gaan en weet niet waar ik vannacht kan slapen\n"
    with database.begin() as session:
        _member(session, writer, "noor@post.example")
        result = _take(session, writer, _mail("noor@post.example", text, "hulp"))
        assert result.disposition == "review"
        assert outbox.rows(session) == []


@pytest.mark.conf("INB-01", "INB-07")
@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied (vacation); x=1"},
        {"Precedence": "BULK"},
        {"Return_Path": "<>"},
        {"Subject": "Automatisch antwoord: nieuwsbrief"},
        {"List_Id": "<lijst.elders.example>"},
    ],
)
def test_automatic_mail_is_never_answered(database: Database, writer: Writer, headers: dict[str, str]) -> None:
    with database.begin() as session:
        result = _take(session, writer, _mail("a@huis.example", JOINS, **headers))
        assert result.disposition in ("ignored", "review")
        assert outbox.rows(session) == []


def _invited(session: Session, writer: Writer) -> OutboxItem:
    """The invitation of one member, released."""
    issue = invitation.invite(session, writer, "example", Approval("an@stad.example", NOW, NOW))
    newsletter.release(session, writer, issue, NOW)
    return outbox.rows(session)[0]


def _reply(uid: str, attendee: str, partstat: str, method: str = "REPLY") -> str:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:x",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "SEQUENCE:0",
    ]
    lines += [
        "DTSTAMP:20261123T100000Z",
        f"ATTENDEE;PARTSTAT={partstat}:mailto:{attendee}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines)


def _calendar_mail(author: str, body: str) -> bytes:
    kind = "Content-Type: text/calendar; method=REPLY; charset=utf-8"
    return f"From: {author}\r\nSubject: Accepted\r\nMessage-ID: <{abs(hash(body))}@x>\r\n{kind}\r\n\r\n{body}".encode()


@pytest.mark.conf("CAL-10", "CAL-11", "INB-06")
def test_the_calendar_button_counts_by_its_uid_and_is_not_answered(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "luc@ferme.example")
        _invited(session, writer)
        (found,) = agenda.open_invitations(session, member, NOW)
        forged = _reply("0" * 32 + "@verbinden.example", "luc@ferme.example", "ACCEPTED")
        _take(session, writer, _calendar_mail("luc@ferme.example", forged))
        assert found.answer is None
        other = _reply(found.uid, "evil@elders.example", "ACCEPTED")
        assert _take(session, writer, _calendar_mail("evil@elders.example", other)).disposition == "review"
        assert found.answer is None
        real = _calendar_mail("alias@elders.example", _reply(found.uid, "luc@ferme.example", "ACCEPTED"))
        assert _take(session, writer, real).disposition == "handled"
        assert (found.answer, found.channel) == ("yes", "calendar")
        assert _sent(session, "luc@ferme.example") == ["invitation"]


def test_prose_answers_the_invitation_and_is_confirmed(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "grace@house.example")
        letter = _invited(session, writer)
        text = "Ja, ik kom graag en breng een collega mee!\n"
        _take(session, writer, _mail("grace@house.example", text, "Re: uitnodiging", In_Reply_To=letter.message_id))
        (found,) = agenda.open_invitations(session, member, NOW)
        assert (found.answer, found.guests, found.channel) == ("yes", 1, "mail")
        assert _sent(session, "grace@house.example") == ["invitation", "rsvp_noted"]


def test_a_forwarded_invitation_is_not_the_members_answer(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "grace@house.example")
        letter = _invited(session, writer)
        raw = _mail("lode@elders.example", "Ja, ik kom!\n", "Re: uitnodiging", In_Reply_To=letter.message_id)
        assert _take(session, writer, raw).disposition == "review"
        (found,) = agenda.open_invitations(session, member, NOW)
        assert found.answer is None


@pytest.mark.conf("OUT-27")
@pytest.mark.parametrize("author", ["amina@huis.example", "alias@elders.example"])
def test_the_mailto_link_unsubscribes_by_its_token_alone(database: Database, writer: Writer, author: str) -> None:
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        token = writer.links.token(links.UNSUBSCRIBE, member.key, NOW - timedelta(days=2000))
        _take(session, writer, _mail(author, "", f"unsubscribe {token}"))
        assert member.state == "left"
        assert _sent(session, "amina@huis.example") == ["goodbye"]
        assert _sent(session, "alias@elders.example") == []


DSN = """From: MAILER-DAEMON@relay.example\r
To: netwerk@verbinden.example\r
Return-Path: <>\r
Subject: Undelivered Mail Returned to Sender\r
Message-ID: <dsn{status}@relay.example>\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
It did not work.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; relay.example\r
\r
Final-Recipient: rfc822; amina@huis.example\r
Action: failed\r
Status: {status}\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: {message_id}\r
\r
--b--\r
"""


@pytest.mark.conf("INB-26", "INB-27")
@pytest.mark.parametrize(
    ("status", "ours", "state"),
    [("5.1.1", True, "bounced"), ("5.1.1", False, "active"), ("5.7.26", True, "active"), ("4.2.2", True, "active")],
)
def test_a_bounce_counts_when_it_names_our_letter(
    database: Database, writer: Writer, status: str, ours: bool, state: str
) -> None:
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        letter = _invited(session, writer)
        message_id = letter.message_id if ours else "<forged@verbinden.example>"
        _take(session, writer, DSN.format(status=status, message_id=message_id).encode())
        assert member.state == state
        assert _sent(session, "MAILER-DAEMON@relay.example") == []


@pytest.mark.conf("GDP-05")
def test_a_colleague_cannot_bring_back_who_complained(database: Database, writer: Writer) -> None:
    text = "Dag, kunnen jullie mijn collega Bart Peeters (bart@huis.example) inschrijven op jullie nieuwsbrief?\n\nAn\n"
    with database.begin() as session:
        roster.suppress(session, Address.parse("bart@huis.example"), "complaint", b"pepper", NOW)
        _take(session, writer, _mail("An Smet <an@huis.example>", text))
        assert _sent(session, "bart@huis.example") == []
        _take(session, writer, _mail("Bart <bart@huis.example>", JOINS))
        assert _sent(session, "bart@huis.example") == ["confirmation"]


def test_a_broken_goodbye_does_not_keep_anybody_in(database: Database, writer: Writer, tmp_path: Path) -> None:
    folder = tmp_path / "mails" / "goodbye"
    folder.mkdir(parents=True)
    (folder / "mail.toml").write_text('neutral = true\n[nl]\nsubject = "Dag"\n')
    (folder / "nl.md").write_text("{{ nobody.knows.this }}\n")
    with Compiler(tmp_path) as broken, database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        clumsy = replace(writer, compiler=broken)
        result = _take(session, clumsy, _mail("amina@huis.example", "Schrijf mij alstublieft uit.\n"))
        assert (result.disposition, member.state) == ("handled", "left")


def test_a_coordinators_mail_is_left_to_coordinators(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        coordinator.add(session, Address.parse("an@stad.example"), "An", "nl", NOW)
        result = _take(session, writer, _mail("an@stad.example", JOINS))
        assert result.disposition == "review"
        assert outbox.rows(session) == []


@pytest.mark.parametrize("subject", ["unsubscribe {token}", "Re: unsubscribe {token}"])
def test_a_cry_for_help_wins_over_a_link(database: Database, writer: Writer, subject: str) -> None:
    text = "ik wil niet meer leven, kan iemand mij helpen aub\n"
    with database.begin() as session:
        member = _member(session, writer, "noor@post.example")
        token = writer.links.token(links.UNSUBSCRIBE, member.key, NOW)
        result = _take(session, writer, _mail("noor@post.example", text, subject.format(token=token)))
        assert (result.disposition, member.state) == ("review", "active")
        assert outbox.rows(session) == []


def test_words_in_answer_to_a_link_count_for_themselves(database: Database, writer: Writer) -> None:
    text = "dat was per ongeluk, ik wil graag lid blijven\n"
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        token = writer.links.token(links.UNSUBSCRIBE, member.key, NOW)
        _take(session, writer, _mail("amina@huis.example", text, f"Re: unsubscribe {token}"))
        assert member.state == "active"


@pytest.mark.conf("INB-04")
def test_who_asks_for_silence_is_obeyed_in_silence(database: Database, writer: Writer) -> None:
    quiet = {"X_Auto_Response_Suppress": "DR, AutoReply"}
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        _take(session, writer, _mail("amina@huis.example", "Schrijf mij alstublieft uit.\n", **quiet))
        assert member.state == "left"
        assert _take(session, writer, _mail("Bart <bart@huis.example>", JOINS, **quiet)).disposition == "review"
        assert outbox.rows(session) == []


def test_distress_in_a_calendar_answer_reaches_a_person(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "luc@ferme.example")
        _invited(session, writer)
        (found,) = agenda.open_invitations(session, member, NOW)
        body = _reply(found.uid, "luc@ferme.example", "DECLINED")
        cry = body.replace("END:VEVENT", "COMMENT:ik wil niet meer leven\\, help mij aub\r\nEND:VEVENT")
        assert _take(session, writer, _calendar_mail("luc@ferme.example", cry)).disposition == "review"
        assert found.answer == "no"


def test_who_left_by_mistake_is_asked_again_the_same_day(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        _take(session, writer, _mail("Amina <amina@huis.example>", JOINS))
        _take(session, writer, _mail("amina@huis.example", "Schrijf mij alstublieft uit.\n"))
        _take(session, writer, _mail("Amina <amina@huis.example>", JOINS, Message_ID="<again@x.example>"))
        assert _sent(session, "amina@huis.example") == ["confirmation", "goodbye", "confirmation"]


def test_a_stranger_changes_nothing_about_a_member(database: Database, writer: Writer) -> None:
    text = "Dag, kunnen jullie mijn collega Rare Naam (amina@huis.example) inschrijven op jullie nieuwsbrief?\n\nAn\n"
    with database.begin() as session:
        member = _member(session, writer, "amina@huis.example")
        member.name = None
        _take(session, writer, _mail("An Smet <an@elders.example>", text))
        assert member.name is None
        assert _sent(session, "amina@huis.example") == []


def test_a_coordinator_who_is_invited_answers_like_everybody(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        member = _member(session, writer, "an@stad.example")
        coordinator.add(session, Address.parse("an@stad.example"), "An", "nl", NOW)
        letter = _invited(session, writer)
        _take(session, writer, _mail("an@stad.example", "Ja, ik kom!\n", "Re: x", In_Reply_To=letter.message_id))
        (found,) = agenda.open_invitations(session, member, NOW)
        assert found.answer == "yes"

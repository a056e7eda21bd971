"""What a coordinator decides is done once, by whichever door, and never more than a coordinator may decide."""

import threading
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from sqlalchemy.orm import Session

from contacts import agenda, coordinator, roster
from contacts.address import Address
from contacts.coordinator import Coordinator
from contacts.database import Database
from contacts.errors import RuleBroken
from contacts.member import Member
from contacts.roster import Person
from mailer import decisions, digest
from mailer.inbound import answer as answering
from mailer.inbound import register
from mailer.inbound.answer import Result
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.register import CoordinatorRequest, Place
from mailer.inbound.suggestion import example_outline, suggestion
from mailer.inbound.understanding import decide, understand
from mailer.links import DECIDE
from mailer.outbound import invitation, newsletter, outbox
from mailer.outbound.newsletter import Approval
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.writer import Writer
from tests.database.conftest import NETWORK, NOW

PEPPER = b"pepper"
UNSURE_JOIN = "Dag,\n\nIk zou graag lid worden als het gratis is.\n\nKim Claes\n"


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
        context = answering.look_up(session, message)
        request = understand(message, context.thread, frozenset({NETWORK.address}))
        plan = decide(request)
        result = answering.answer(session, self.writer, message, context, request, plan, PEPPER, now)
        self.uid += 1
        noted = register.record(
            session, Place(1, self.uid), self.writer.new_key(), message.content_hash, message.message_id,
            result.kinds or request.kinds, result.disposition, result.why, result.member_id, now,
        )  # fmt: skip
        if result.disposition != register.REVIEW:
            return result, None
        guess = suggestion(session, message, context, request, now)
        author = context.author.text if context.author else None
        urgent = "help" in request.kinds
        outline = example_outline(message, request)
        return result, register.add_request(
            session, noted, author, request.language, urgent, guess, now, context.thread.kind, outline
        )

    def leaves(self, raw: bytes) -> CoordinatorRequest:
        """The request that a mail must leave."""
        result, found = self.take(raw)
        assert found is not None, result
        return found

    def puts(self, kinds: list[str], author: str | None = "kim@huis.example", **guess: object) -> CoordinatorRequest:
        """A request of these kinds, as if the understanding had been unsure."""
        self.uid += 1
        noted = register.record(
            self.session, Place(1, self.uid), self.writer.new_key(), f"{self.uid:064x}", None, kinds, "review", [],
            None, NOW,
        )  # fmt: skip
        people = [{"address": author, "name": "Kim Claes", "organisation": None}] if author else []
        data: dict[str, object] = {"people": people, "rsvp": None, "message_id": "<kim@huis.example>"}
        return register.add_request(
            self.session, noted, author, "nl", "help" in kinds, {**data, **guess}, NOW, "none", "graag · lid worden"
        )

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


@pytest.fixture
def office(database: Database, writer: Writer):
    """An office with two coordinators, in one transaction."""
    with database.begin() as session:
        yield Office(session, writer)


def test_an_unsure_join_waits_and_one_word_asks_the_address(office: Office) -> None:
    found = office.leaves(mail("Kim Claes <kim@huis.example>", UNSURE_JOIN))
    assert found.kinds == ["join"]
    assert office.sent("kim@huis.example") == []
    office.decides(found, "yes")
    assert office.sent("kim@huis.example") == ["confirmation"]
    assert roster.counts(office.session) == {"pending": 1}  # a coordinator's yes asks; only the address itself joins
    head = (office.letter("kim@huis.example", "confirmation").content or b"").partition(b"\r\n\r\n")[0]
    assert b"In-Reply-To: " + str(found.suggestion["message_id"]).encode() in head
    assert (found.decision, found.resolved_by, found.resolved_at) == ("yes", "an@stad.example", NOW)


@pytest.mark.conf("INB-21")
def test_the_people_named_are_asked_themselves(office: Office) -> None:
    names = ("fatma@huis.example", "bart@huis.example")
    people = [{"address": one, "name": None, "organisation": None} for one in names]
    office.decides(office.puts(["join_other"], people=people), "yes")
    assert [office.sent(one) for one in names] == [["confirmation"], ["confirmation"]]
    assert office.sent("kim@huis.example") == ["colleague_asked"]
    assert roster.counts(office.session) == {"pending": 2}


def test_no_does_nothing_and_closes(office: Office) -> None:
    found = office.puts(["leave"])
    member = office.member("kim@huis.example")
    office.decides(found, "no", note="she meant the meeting")
    assert (member.state, found.decision, found.resolution) == ("active", "no", "she meant the meeting")
    assert office.sent("kim@huis.example") == []


def test_a_correction_does_what_the_person_says(office: Office) -> None:
    member = office.member("kim@huis.example")
    office.decides(office.puts(["join"]), "leave")
    assert (member.state, office.sent("kim@huis.example")) == ("left", ["goodbye"])
    office.decides(office.puts(["join"], "x@reclame.example"), "spam")
    assert office.sent("x@reclame.example") == []


def test_the_answer_is_noted_as_of_when_it_was_given(office: Office) -> None:
    member = office.member("kim@huis.example")
    issue = invitation.invite(office.session, office.writer, "example", Approval("an@stad.example", NOW, NOW))
    newsletter.release(office.session, office.writer, issue, NOW)
    (mine,) = agenda.open_invitations(office.session, member, NOW)
    said = {"answer": "yes", "guests": 2, "note": "met twee"}
    given = (NOW - timedelta(hours=1)).isoformat()
    office.decides(office.puts(["rsvp"], rsvp=said, invitation=mine.key, given_at=given), "yes")
    assert (mine.answer, mine.guests, mine.answered_at) == ("yes", 2, NOW - timedelta(hours=1))
    agenda.answer(office.session, mine, "no", 0, "", NOW, "mail")
    office.decides(office.puts(["rsvp"], rsvp=said, invitation=mine.key, given_at=given), "yes")
    assert mine.answer == "no"  # what the person themselves said later stands


def test_a_yes_to_our_question_makes_a_member_only_from_the_address_that_was_asked(office: Office) -> None:
    office.take(mail("kim@huis.example", "Dag,\n\nIk zou graag lid worden van jullie netwerk.\n\nKim\n"))
    question = office.letter("kim@huis.example", "confirmation")
    with pytest.raises(RuleBroken) as broken, office.session.begin_nested():
        office.decides(office.puts(["confirm"]), "yes")
    assert broken.value.code == "no_question"
    office.decides(office.puts(["confirm"], question=question.about), "yes")
    assert roster.counts(office.session) == {"active": 1}
    forged = office.leaves(mail("evil@elders.example", "Ja, graag!", "Re: x", In_Reply_To=question.message_id))
    assert forged.suggestion["question"] is None


def test_an_update_is_taken_over_and_another_address_is_not(office: Office) -> None:
    member = office.member("kim@huis.example")
    people = [{"address": None, "name": "Kim De Smet", "organisation": None}]
    office.decides(office.puts(["update"], people=people, language="fr"), "yes")
    assert (member.name, member.language) == ("Kim De Smet", "fr")
    other = [{"address": "kim@nieuw.example", "name": None, "organisation": None}]
    with pytest.raises(RuleBroken) as broken:
        office.decides(office.puts(["update"], people=other), "yes")
    assert broken.value.code == "other_address"


@pytest.mark.parametrize(
    ("kinds", "author", "code"),
    [
        (["help"], "kim@huis.example", "help"), (["privacy"], "kim@huis.example", "privacy"),
        (["join", "information"], "kim@huis.example", "person"), (["leave"], None, "nobody"),
        (["auto_reply"], "kim@huis.example", "person"), (["rsvp"], "kim@huis.example", "no_invitation"),
    ],
)  # fmt: skip
def test_what_a_person_must_do_is_said_in_words_and_stays_open(
    office: Office, kinds: list[str], author: str | None, code: str
) -> None:
    found = office.puts(kinds, author)
    with pytest.raises(RuleBroken) as broken, office.session.begin_nested():
        office.decides(found, "yes")
    assert broken.value.code == code
    assert len(broken.value.message) > 40
    assert register.requests(office.session) == [found]
    assert outbox.rows(office.session) == []


@pytest.mark.parametrize("verdict", ["no", "leave", "spam"])
def test_a_cry_for_help_is_closed_only_with_what_was_done(office: Office, verdict: str) -> None:
    found = office.puts(["help"])
    with pytest.raises(RuleBroken) as broken, office.session.begin_nested():
        office.decides(found, verdict)
    assert broken.value.code == "help"
    office.decides(found, "done", note="belde haar")
    assert register.requests(office.session) == []
    assert register.examples(office.session) == []


def test_one_decision_only(office: Office) -> None:
    found = office.puts(["leave"])
    office.decides(found, "no", office.karim)
    with pytest.raises(RuleBroken) as broken:
        office.decides(found, "yes")
    assert broken.value.code == "decided"
    assert "karim@partner.example" in broken.value.message
    assert outbox.rows(office.session) == []


def test_two_coordinators_at_the_same_moment_do_it_once(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        number = Office(session, writer).puts(["join"]).id
    ends: list[str] = []
    together = threading.Barrier(2)

    def one(address: str) -> None:
        together.wait()
        try:
            with database.begin() as session:
                by = coordinator.find(session, Address.parse(address))
                found = register.request(session, number)
                assert by is not None
                assert found is not None
                decisions.decide(session, writer, found, "yes", by, None, PEPPER, NOW)
            ends.append("done")
        except RuleBroken as broken:
            ends.append(broken.code)

    threads = [threading.Thread(target=one, args=(who,)) for who in ("an@stad.example", "karim@partner.example")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ends) == ["decided", "done"]
    with database.read() as session:
        assert [row.kind for row in outbox.rows(session)] == ["confirmation"]


# By mail


def test_a_plain_reply_to_the_digest_decides(office: Office) -> None:
    join, leave, odd = office.puts(["join"]), office.puts(["leave"], "jef@thuis.example"), office.puts(["other"])
    letter = office.digest(office.an)
    text = f"Dag,\n\n{join.id} ja\n{leave.id}: nee\n{odd.id} hm, weet niet\n\nGroeten,\nAn\n"
    result, left = office.take(mail("an@stad.example", text, "Re: mails", In_Reply_To=letter.message_id))
    assert (result.disposition, result.kinds, left) == ("handled", ("decision",), None)
    assert (join.decision, leave.decision, odd.decision) == ("yes", "no", None)
    assert office.sent("kim@huis.example") == ["confirmation"]
    told = office.text("an@stad.example", "decided")
    assert f"Nummer {join.id}: gedaan" in told
    assert "lijn 4 van je antwoord" in told
    assert "weet niet" not in told  # an automatic answer repeats no word of a mail (INB-10)


def test_an_answer_under_the_quoted_item_decides_on_that_one(office: Office) -> None:
    join, leave = office.puts(["join"]), office.puts(["leave"], "jef@thuis.example")
    letter = office.digest(office.an)
    quoted = read(letter.content or b"")
    assert isinstance(quoted, InboundMessage)
    answers, lines = iter(("ja", "nee")), []
    for line in quoted.text.splitlines():
        lines.append(f"> {line}")
        if line.startswith("Nee"):
            lines.append(next(answers))
    text = "Op ma 23 nov 2026 om 08:00 schreef Lerend netwerk <netwerk@verbinden.example>:\n" + "\n".join(lines)
    office.take(mail("an@stad.example", text, "Re: mails", In_Reply_To=letter.message_id))
    assert (join.decision, leave.decision) == ("yes", "no")


@pytest.mark.conf("INB-21")
def test_a_forged_reply_decides_nothing(office: Office) -> None:
    found = office.puts(["leave"])
    mine, karims = office.digest(office.an), office.digest(office.karim)
    for author, message_id in (
        ("evil@elders.example", mine.message_id), ("an@stad.example", karims.message_id),
        ("an@stad.example", "<made-up@verbinden.example>"),
    ):  # fmt: skip
        office.take(mail(author, f"{found.id} ja\n", "Re: mails", In_Reply_To=message_id))
        assert found.resolved_at is None
    assert "decided" not in {row.kind for row in outbox.rows(office.session)}


def _link(office: Office, to: Coordinator, found: CoordinatorRequest, now: datetime = NOW) -> str:
    key = register.decision_key(office.session, found.id, to.id, office.writer.new_key())
    return office.writer.links.token(DECIDE, key, now)


def test_the_link_of_the_digest_decides_once_and_a_second_time_says_who_did(office: Office) -> None:
    found = office.puts(["join"])
    assert _link(office, office.an, found).encode() in (office.digest(office.an).content or b"").replace(b"=\r\n", b"")
    office.take(mail("karim@partner.example", "", f"yes {_link(office, office.karim, found)}"))
    assert (found.decision, found.resolved_by) == ("yes", "karim@partner.example")
    office.take(mail("an@stad.example", "", f"no {_link(office, office.an, found)}"))
    assert found.decision == "yes"
    assert "was al beslist door Karim Haddad op maandag 23 november 2026" in office.text("an@stad.example", "decided")
    assert office.sent("kim@huis.example") == ["confirmation"]


@pytest.mark.conf("SEC-20", "SEC-22")
def test_a_link_serves_nobody_but_its_coordinator_and_not_for_ever(office: Office) -> None:
    found = office.puts(["leave"])
    mine = _link(office, office.an, found)
    forged = mine[:20] + ("A" if mine[20] != "A" else "B") + mine[21:]
    for author, token, now in (
        ("karim@partner.example", mine, NOW), ("evil@elders.example", mine, NOW), ("an@stad.example", forged, NOW),
        ("an@stad.example", mine, NOW + timedelta(days=14, seconds=1)),
    ):  # fmt: skip
        office.take(mail(author, "", f"yes {token}"), now)
        assert found.resolved_at is None
    coordinator.remove(office.session, Address.parse("an@stad.example"))
    office.session.flush()
    office.session.expire_all()
    office.take(mail("an@stad.example", "", f"yes {mine}", NOW + timedelta(hours=1)))
    assert found.resolved_at is None


def test_what_stands_beside_a_link_is_the_note(office: Office) -> None:
    found = office.puts(["leave"])
    office.take(mail("an@stad.example", "Ze belde me zelf.\n", f"yes {_link(office, office.an, found)}"))
    assert (found.decision, found.resolution) == ("yes", "Ze belde me zelf.")


def test_by_mail_a_cry_for_help_can_only_be_said_to_be_done(office: Office) -> None:
    found = office.puts(["help"])
    letter = office.digest(office.an)
    for word in ("ja", "nee", "uitschrijven"):
        office.take(mail("an@stad.example", f"{found.id} {word}\n", "Re: mails", In_Reply_To=letter.message_id))
        assert found.resolved_at is None
    assert "een hulpvraag" in office.text("an@stad.example", "decided")
    office.take(mail("an@stad.example", f"{found.id} gedaan\n", "Re: mails", In_Reply_To=letter.message_id))
    assert found.decision == "done"
    assert office.sent("kim@huis.example") == []


def test_a_colleagues_words_stay_with_colleagues(office: Office) -> None:
    letter = office.digest(office.an)
    text = "Karim, kun jij vandaag naar de mailbox kijken? Ik zit de hele dag in vergadering.\n"
    result, left = office.take(mail("an@stad.example", text, "Re: mails", In_Reply_To=letter.message_id))
    assert result.disposition == "review"
    assert left is not None
    assert office.sent("an@stad.example") == ["digest"]


def test_an_absence_of_a_coordinator_decides_nothing(office: Office) -> None:
    found, letter = office.puts(["leave"]), office.digest(office.an)
    office.take(mail("an@stad.example", f"{found.id} ja\n", "Automatisch antwoord: mails",
                     In_Reply_To=letter.message_id, Auto_Submitted="auto-replied"))  # fmt: skip
    assert found.resolved_at is None
    assert office.sent("an@stad.example") == ["digest"]


# Examples


def test_what_was_decided_is_kept_without_anybody_in_it(office: Office) -> None:
    found = office.leaves(mail("Kim Claes <kim@huis.example>", UNSURE_JOIN))
    outline, kinds = found.outline, list(found.kinds)
    assert outline
    assert "kim" not in outline.lower()
    office.decides(found, "leave")
    (example,) = register.examples(office.session)
    assert (example.outline, example.guessed, example.decided) == (outline, kinds, ["leave"])
    assert found.outline is None


def test_the_outline_goes_with_its_author(office: Office) -> None:
    found = office.puts(["join"])
    register.forget_author(office.session, Address.parse("KIM@huis.example"))
    office.session.refresh(found)
    assert (found.outline, found.suggestion, found.author) == (None, {}, None)
    with pytest.raises(RuleBroken):
        office.decides(found, "yes")


def test_nothing_is_kept_of_a_cry_for_help(office: Office) -> None:
    text = "help mij aub, ik ben bang om naar huis te gaan en weet niet waar ik vannacht kan slapen\n"
    found = office.leaves(mail("noor@post.example", text, "hulp"))
    assert (found.urgent, found.outline, found.suggestion["people"]) == (True, None, [])


@pytest.mark.parametrize("most", [2, 5])
def test_only_the_newest_examples_stay(office: Office, most: int) -> None:
    for number in range(4):
        found = office.puts(["join"])
        found.outline = f"voorbeeld {number}"
        office.decides(found, "no")
    assert register.trim_examples(office.session, most) == max(0, 4 - most)
    assert [one.outline for one in register.examples(office.session)] == [
        f"voorbeeld {number}" for number in range(max(0, 4 - most), 4)
    ]

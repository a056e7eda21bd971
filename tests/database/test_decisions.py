"""What a coordinator decides is done once, by whichever door, and never more than a coordinator may decide."""


import threading
from datetime import timedelta

import pytest

from contacts import agenda, coordinator, roster
from contacts.address import Address
from contacts.database import Database
from contacts.errors import RuleBroken
from mailer import decisions
from mailer.inbound import register
from mailer.outbound import invitation, newsletter, outbox
from mailer.outbound.newsletter import Approval
from mailer.outbound.writer import Writer
from tests.database.conftest import NOW
from tests.database.office import PEPPER, UNSURE_JOIN, Office, mail


def test_an_unsure_join_waits_and_one_word_asks_the_address(office: Office) -> None:
    found = office.leaves(mail("Kim Claes <kim@huis.example>", UNSURE_JOIN))
    assert found.kinds == ["join"]
    assert office.sent("kim@huis.example") == ["received"]
    office.decides(found, "yes")
    assert office.sent("kim@huis.example") == ["received", "confirmation"]
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


def test_what_an_alias_wrote_about_a_member_goes_with_the_member(office: Office) -> None:
    member = office.member("kim@huis.example")
    found = office.puts(["rsvp"], "alias@elders.example", rsvp={"answer": "yes", "guests": 0, "note": "canary"})
    register.mail_of(office.session, found).member_id = member.id
    office.session.flush()
    register.forget_author(office.session, Address.parse("kim@huis.example"), member.id)
    office.session.refresh(found)
    assert (found.outline, found.suggestion) == (None, {})


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

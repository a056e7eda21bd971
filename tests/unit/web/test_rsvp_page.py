"""The page that asks whether somebody comes: what it shows, what it notes, and that it never overbooks."""

from datetime import timedelta

import pytest

from tests.unit.web.client import posting
from tests.unit.web.house import NOW, STARTS, House

NOTE = "Geen noten, graag.\r\nEn een plek vooraan."


def test_the_meeting_is_shown_in_the_language_and_time_of_the_member(house: House):
    house.join("an@huis.example", "fr", discreet="off")
    (key,) = house.invite()
    page = house.client.get(house.path("rsvp", key), accept_language="en").text
    assert 'lang="fr"' in page
    assert "Rencontre d’hiver" in page
    assert "jeudi 21 janvier 2027" in page
    assert "14\u00a0h\u00a000\u00a0– 17\u00a0h\u00a000" in page
    assert "Zaal 2, Antwerpen" in page


def test_who_is_discreet_sees_the_neutral_title(house: House):
    house.join()
    (key,) = house.invite()
    page = house.client.get(house.path("rsvp", key)).text
    assert "Bijeenkomst" in page
    assert "Winterontmoeting" not in page


def test_a_meeting_over_two_days_and_online(house: House):
    house.join(discreet="off")
    (key,) = house.invite(ends_at=STARTS + timedelta(days=1), place="", online_link="https://meet.example/x")
    page = house.client.get(house.path("rsvp", key)).text
    assert "14.00 uur\u00a0– vrijdag 22 januari 2027 om 14.00 uur" in page
    assert "<dd>Online" in page
    assert "meet.example" not in page


@pytest.mark.parametrize("answer", ["yes", "no", "maybe"])
def test_the_button_of_the_mail_is_chosen_but_not_pressed(house: House, answer: str):
    house.join()
    (key,) = house.invite()
    page = house.client.get(house.path("rsvp", key) + f"?answer={answer}").text
    assert f'value="{answer}" checked' in page
    assert page.count(" checked") == 1
    assert house.invitation(key).answer is None


def test_nothing_is_chosen_for_who_comes_without(house: House):
    house.join()
    (key,) = house.invite()
    assert " checked" not in house.client.get(house.path("rsvp", key) + "?answer=of%20course").text


@pytest.mark.conf("CAL-22")
def test_an_answer_is_noted_and_may_change_until_the_start(house: House):
    house.join()
    (key,) = house.invite()
    path = house.path("rsvp", key)
    for minutes, answer, guests in ((0, "yes", 2), (1, "maybe", 1), (2, "no", 0), (3, "yes", 5)):
        house.now = STARTS - timedelta(minutes=9) + timedelta(minutes=minutes)
        reply = house.client.post(path, {"answer": answer, "guests": str(guests), "note": NOTE})
        assert reply.status == 200
        noted = house.invitation(key)
        assert (noted.answer, noted.guests, noted.channel, noted.answered_at) == (answer, guests, "link", house.now)
        assert noted.note == NOTE
    assert house.letters() == ["rsvp_noted"] * 4


@pytest.mark.conf("CAL-22")
@pytest.mark.conf("SEC-22")
def test_from_the_start_on_it_is_too_late(house: House):
    house.join()
    (key,) = house.invite()
    house.now = STARTS
    before = house.dump()
    replies = [house.client.get(house.path("rsvp", key)), house.client.post(house.path("rsvp", key), {"answer": "yes"})]
    assert [reply.status for reply in replies] == [410, 410]
    assert "Antwoorden kan niet meer" in replies[1].text
    assert house.dump() == before


def test_a_cancelled_meeting_takes_no_answers(house: House):
    house.join()
    (key,) = house.invite(status="CANCELLED")
    reply = house.client.post(house.path("rsvp", key), {"answer": "yes"})
    assert reply.status == 410
    assert "gaat niet door" in reply.text
    assert house.invitation(key).answer is None


@pytest.mark.conf("CAL-22")
def test_the_second_of_two_for_one_place_waits_and_hears_so(house: House):
    house.join("an@huis.example")
    house.join("bo@huis.example", "en")
    first, second = house.invite(capacity=1)
    assert "Fijn, tot dan!" in house.client.post(house.path("rsvp", first), {"answer": "yes"}).text
    assert "You are on the waiting list" in house.client.post(house.path("rsvp", second), {"answer": "yes"}).text
    assert (house.invitation(first).waiting, house.invitation(second).waiting) == (False, True)


@pytest.mark.conf("CAL-22")
def test_fifty_at_the_same_moment_never_overbook(house: House):
    for number in range(50):
        house.join(f"m{number}@huis.example")
    keys = house.invite(capacity=20)
    calls = [posting(house.path("rsvp", key), {"answer": "yes", "guests": str(i % 3)}) for i, key in enumerate(keys)]
    assert {answer.status for answer in house.client.together(calls)} == {200}
    invitations = [house.invitation(key) for key in keys]
    assert all(invitation.answer == "yes" for invitation in invitations)
    assert 18 <= sum(invitation.places for invitation in invitations) <= 20


@pytest.mark.conf("EML-19")
@pytest.mark.parametrize(
    ("fields", "line", "place"),
    [
        ({}, "Kies eerst of je komt.", "answer"),
        ({"answer": "ja", "note": "<b>x</b>"}, "Kies eerst of je komt.", "answer"),
        ({"answer": "yes", "guests": "6"}, "Kies uit de lijst", "guests"),
        ({"answer": "yes", "guests": "-1"}, "Kies uit de lijst", "guests"),
        ({"answer": "yes", "guests": "٣"}, "Kies uit de lijst", "guests"),
    ],
)
def test_what_is_missing_is_said_where_it_is_missing(house: House, fields: dict[str, str], line: str, place: str):
    house.join()
    (key,) = house.invite()
    before = house.dump()
    reply = house.client.post(house.path("rsvp", key), fields)
    assert reply.status == 422
    assert f'<li><a href="#{place}">{line}' in reply.text
    assert f'id="{place}"' in reply.text
    assert f'id="{place}-problem">{line}' in reply.text
    assert "<b>x</b>" not in reply.text
    assert house.dump() == before


def test_a_note_is_never_shown_and_is_kept_unless_another_comes(house: House):
    house.join()
    (key,) = house.invite()
    path = house.path("rsvp", key)
    house.client.post(path, {"answer": "yes", "note": f"{NOTE}\x00\x1b"})
    assert "Geen noten" not in house.client.get(path).text
    house.now = NOW + timedelta(hours=1)
    house.client.post(path, {"answer": "maybe", "note": "  "})
    assert house.invitation(key).note == NOTE
    house.client.post(path, {"answer": "maybe", "note": "x" * 5000})
    assert house.invitation(key).note == "x" * 2000


def test_who_brings_eight_by_mail_keeps_them_on_the_page(house: House):
    house.join()
    (key,) = house.invite()
    with house.database.begin() as session:
        session.merge(house.invitation(key)).record("yes", 8, "", NOW, "mail")
    path = house.path("rsvp", key)
    assert '<option value="8" selected>8</option>' in house.client.get(path).text
    house.client.post(path, {"answer": "yes", "guests": "8"})
    assert house.invitation(key).guests == 8

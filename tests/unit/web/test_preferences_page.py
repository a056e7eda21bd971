"""The page of preferences: language and visibility, and no power beyond that for whoever was forwarded the mail."""

import pytest

from contacts.member import ACTIVE
from tests.unit.web.house import House


def test_both_choices_are_taken_over_and_answered_in_the_new_language(house: House):
    key = house.join()
    answer = house.client.post(house.path("preferences", key), {"language": "fr", "discreet": "off"})
    assert answer.status == 200
    assert 'lang="fr"' in answer.text
    assert (house.member(key).language, house.member(key).discreet) == ("fr", "off")
    assert house.letters() == []


def test_the_form_shows_things_as_they_are(house: House):
    page = house.client.get(house.path("preferences", house.join(language="en", discreet="off"))).text
    assert '<option value="en" lang="en" selected>English</option>' in page
    assert '<option value="fr" lang="fr">Français</option>' in page
    assert 'name="discreet" value="off" checked' in page


@pytest.mark.parametrize("fields", [{}, {"language": "xx", "discreet": "off"}, {"language": "fr", "discreet": "full"}])
def test_a_choice_that_is_not_offered_is_refused_in_words(house: House, fields: dict[str, str]):
    path = house.path("preferences", house.join())
    before = house.dump()
    answer = house.client.post(path, fields)
    assert answer.status == 422
    assert "Kies uit de lijst." in answer.text
    assert house.dump() == before


def test_who_chose_more_than_neutral_subjects_keeps_it(house: House):
    key = house.join(discreet="full")
    house.client.post(house.path("preferences", key), {"language": "en", "discreet": "subject"})
    assert house.member(key).discreet == "full"
    house.client.post(house.path("preferences", key), {"language": "en", "discreet": "off"})
    assert house.member(key).discreet == "off"


@pytest.mark.conf("GDP-27")
def test_the_link_gives_no_more_than_that(house: House):
    key = house.join("canary@huis.example")
    path = house.path("preferences", key)
    page = house.client.get(path).text
    assert "canary" not in page
    assert "Peeters" not in page
    more = {"address": "x@evil.example", "name": "X", "state": "left", "key": "1"}
    before = house.dump()
    house.client.post(path, {"language": "fr", "discreet": "off", **more})
    (was,), (now,) = before["member"], house.dump()["member"]
    assert {name for name in was if was[name] != now[name]} == {"language", "discreet"}


@pytest.mark.conf("GDP-27")
@pytest.mark.parametrize("place", ["export", "erase", "preferences", "console"])
def test_a_newsletter_link_opens_no_other_door(house: House, place: str):
    token = house.path("unsubscribe", house.join())
    assert house.client.get(f"{token}/{place}").status == 404
    assert house.client.post(f"/{place}{token}").status == 404
    assert house.dump()["member"][0]["state"] == ACTIVE


def test_it_leads_to_a_page_that_unsubscribes(house: House):
    key = house.join()
    page = house.client.get(house.path("preferences", key)).text
    leaving = house.path("unsubscribe", key, house.now)
    assert f'<a href="{leaving}">Uitschrijven</a>' in page
    assert house.client.get(leaving).status == 200
    assert house.member(key).state == ACTIVE

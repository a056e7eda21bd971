"""The page behind the button "yes": what it says, what it does, and what a second press does."""

import pytest

from contacts.consent import GIVEN
from contacts.member import ACTIVE, LEFT
from tests.unit.web.house import House


def only_member(house: House) -> dict[str, object]:
    (row,) = house.dump()["member"]
    return row


@pytest.mark.parametrize(
    ("fields", "discreet"),
    [
        ({"discreet": "off"}, "off"),
        ({"discreet": "subject"}, "subject"),
        ({"discreet": "nonsense"}, "subject"),
        ({}, "subject"),
    ],
)
def test_a_yes_makes_a_member_with_proof_and_a_welcome(house: House, fields: dict[str, str], discreet: str):
    answer = house.client.post(house.path("confirm", house.ask(language="fr")), fields)
    assert answer.status == 200
    assert 'lang="fr"' in answer.text
    assert (only_member(house)["state"], only_member(house)["discreet"]) == (ACTIVE, discreet)
    given = house.dump()["consent"][-1]
    assert (given["act"], given["channel"], given["wording"]) == (GIVEN, "link", "Klopt dit?")
    assert house.letters() == ["welcome"]


@pytest.mark.conf("SEC-22")
def test_a_second_yes_is_friendly_and_changes_nothing(house: House):
    path = house.path("confirm", house.ask())
    first = house.client.post(path, {"discreet": "off"})
    before = house.dump()
    assert house.client.post(path, {"discreet": "subject"}) == first
    assert house.dump() == before


def test_an_old_yes_does_not_undo_a_goodbye(house: House):
    path = house.path("confirm", house.ask())
    house.client.post(path)
    member = str(only_member(house)["key"])
    house.client.post(house.path("unsubscribe", member))
    assert house.member(member).state == LEFT
    assert house.client.post(path).status == 410
    assert house.member(member).state == LEFT


def test_the_neutral_choice_is_made_beforehand(house: House):
    page = house.client.get(house.path("confirm", house.ask())).text
    assert '<input type="radio" name="discreet" value="subject" checked>' in page
    assert page.count(" checked") == 1


def test_the_page_says_whose_network_it_is_and_nothing_of_the_person(house: House):
    page = house.client.get(house.path("confirm", house.ask("canary@huis.example"))).text
    assert "Leernetwerk" in page
    assert "canary" not in page

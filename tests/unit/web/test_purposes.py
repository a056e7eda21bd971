"""A link does what it was made for, while it lasts, and nothing else; a link that is not ours does nothing."""

import base64
from datetime import timedelta

import pytest

from contacts.member import ACTIVE, LEFT, PENDING
from mailer.links import Links
from tests.unit.web.house import NETWORK, NOW, House

FORMS = {
    "confirm": {"discreet": "off"},
    "unsubscribe": {"List-Unsubscribe": "One-Click"},
    "rsvp": {"answer": "yes", "guests": "2", "note": "x"},
    "preferences": {"language": "fr", "discreet": "off"},
}


def state(house: House, member: str, asked: str, invitation: str) -> dict[str, object]:
    """What each purpose may change, and only that."""
    found = house.member(member)
    with house.database.read():
        rows = {row["key"]: row for row in house.dump()["member"]}
    pending = [row["state"] for key, row in rows.items() if key != member]
    return {
        "confirm": pending, "unsubscribe": found.state, "rsvp": house.invitation(invitation).answer,
        "preferences": (found.language, found.discreet),
    }  # fmt: skip


@pytest.mark.conf("SEC-21")
@pytest.mark.conf("GDP-27")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("purpose", FORMS)
def test_a_form_on_the_link_of_another_purpose(house: House, purpose: str, form: str):
    member = house.join()
    (invitation,) = house.invite()
    asked = house.ask("an@huis.example")
    keys = {"confirm": asked, "unsubscribe": member, "rsvp": invitation, "preferences": member}
    before = state(house, member, asked, invitation)
    house.client.post(house.path(purpose, keys[purpose]), FORMS[form])
    after = state(house, member, asked, invitation)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {purpose}
    if purpose == form:
        assert changed == {purpose}


@pytest.mark.conf("SEC-21")
def test_a_key_signed_for_one_purpose_is_not_read_for_another(house: House):
    member, asked = house.join(), house.ask("an@huis.example")
    (invitation,) = house.invite()
    before = house.dump()
    for made_for in FORMS:
        for key in (member, asked, invitation):
            token = house.path(made_for, key)
            for letter in "curpd":
                forged = f"/a/{letter}{token[4:]}"
                if forged != token:
                    assert house.client.post(forged, FORMS["rsvp"]).status == 404
    assert house.dump() == before


@pytest.mark.conf("SEC-20")
def test_one_bit_of_a_token_matters(house: House):
    key = house.join()
    token = house.writer.links.token("unsubscribe", key, NOW)
    raw = base64.urlsafe_b64decode(token[1:])
    for position in range(0, len(raw) * 8, 5):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        path = f"/a/u{base64.urlsafe_b64encode(flipped).decode()}"
        assert house.client.post(path, FORMS["unsubscribe"]).status == 404
    assert house.member(key).state == ACTIVE


@pytest.mark.conf("SEC-20")
@pytest.mark.parametrize("token", ["x", "u", "u" * 49, "%00", "é" * 10, "c" + "-" * 48, "u" + "A" * 500])
def test_nonsense_is_not_found(house: House, token: str):
    answer = house.client.get(f"/a/{token}")
    assert answer.status == 404
    assert token not in answer.text or len(token) == 1


def test_a_token_of_another_network_is_not_ours(house: House):
    key = house.join()
    other = Links(b"another secret of thirty-two octets!", NETWORK).token("unsubscribe", key, NOW)
    assert house.client.post(f"/a/{other}", FORMS["unsubscribe"]).status == 404


@pytest.mark.conf("SEC-22")
@pytest.mark.parametrize(("purpose", "days"), [("confirm", 7), ("preferences", 30)])
def test_a_link_lives_as_long_as_it_should(house: House, purpose: str, days: int):
    keys = {"confirm": house.ask("an@huis.example"), "preferences": house.join()}
    path = house.path(purpose, keys[purpose])
    house.now = NOW + timedelta(days=days)
    assert house.client.get(path).status == 200
    house.now += timedelta(seconds=1)
    before = house.dump()
    assert [house.client.get(path).status, house.client.post(path, FORMS[purpose]).status] == [410, 410]
    assert "mailto:hallo@netwerk.example" in house.client.get(path).text
    assert house.dump() == before


@pytest.mark.conf("OUT-24")
@pytest.mark.parametrize("purpose", ["confirm", "rsvp", "preferences"])
def test_a_link_to_nobody_says_what_an_unknown_link_says(house: House, purpose: str):
    house.join()
    path = house.path(purpose, "ab" * 16)
    answer = house.client.post(path, FORMS[purpose])
    assert answer.status == 404
    assert answer == house.client.post("/a/unknown", FORMS[purpose])


def test_confirming_and_leaving_cross_nobody_else(house: House):
    stays, goes = house.join("an@huis.example"), house.join("bo@huis.example")
    asked = house.ask("cas@huis.example")
    house.client.post(house.path("unsubscribe", goes), FORMS["unsubscribe"])
    assert (house.member(stays).state, house.member(goes).state) == (ACTIVE, LEFT)
    assert [row["state"] for row in house.dump()["member"]] == [ACTIVE, LEFT, PENDING]
    assert house.client.post(house.path("confirm", asked), FORMS["confirm"]).status == 200


def test_a_coordinators_link_has_no_page(house: House):
    path = house.path("decide", house.join())
    before = house.dump()
    assert house.client.get(path).status == 404
    assert house.client.post(path, {"answer": "yes"}).status == 404
    assert house.dump() == before

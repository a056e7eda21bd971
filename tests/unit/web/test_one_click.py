"""Unsubscribing: by the one click of a mail program (RFC 8058), by the button, again and again, and years later."""

from datetime import timedelta

import pytest

from contacts import privacy
from contacts.consent import WITHDRAWN
from contacts.member import ACTIVE, LEFT
from tests.unit.web.client import Answer, posting
from tests.unit.web.house import NOW, SECRET, House

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
BODIES = {
    "urlencoded": (ONE_CLICK, "application/x-www-form-urlencoded"),
    "with a charset": (ONE_CLICK, "Application/X-WWW-Form-Urlencoded; charset=UTF-8"),
    "multipart": (MULTIPART, "multipart/form-data; boundary=b"),
    "multipart, quoted": (MULTIPART, 'multipart/form-data; boundary="b"'),
}


def click(house: House, path: str, body: bytes = ONE_CLICK, kind: str = BODIES["urlencoded"][1], **more: str) -> Answer:
    return house.client.post(path, body, content_type=kind, **more)


@pytest.mark.conf("OUT-22")
@pytest.mark.parametrize("shape", BODIES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_one_click_unsubscribes(house: House, shape: str, slash: str):
    key = house.join()
    answer = click(house, house.path("unsubscribe", key) + slash, *BODIES[shape])
    assert answer.status == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert house.member(key).state == LEFT
    assert [(row["act"], row["evidence"]) for row in house.dump()["consent"]][-1] == (WITHDRAWN, "one-click")


@pytest.mark.conf("OUT-22")
@pytest.mark.conf("SEC-28")
@pytest.mark.parametrize("origin", ["https://mail.provider.example", "null", "https://mijn.netwerk.example.evil.example"])
def test_one_click_asks_for_no_origin(house: House, origin: str):
    key = house.join()
    answer = click(house, house.path("unsubscribe", key), origin=origin, sec_fetch_site="cross-site")
    assert answer.status == 200
    assert house.member(key).state == LEFT


@pytest.mark.conf("OUT-22")
def test_the_body_may_come_in_pieces_and_unannounced(house: House):
    key = house.join()
    call = posting(house.path("unsubscribe", key), ONE_CLICK)
    pieces = tuple(bytes([octet]) for octet in ONE_CLICK)
    unannounced = {name: value for name, value in call.headers.items() if name != "content_length"}
    answer = house.client.send(type(call)("POST", call.target, unannounced, pieces))
    assert (answer.status, house.member(key).state) == (200, LEFT)


@pytest.mark.conf("OUT-24")
def test_first_second_erased_and_unknown_get_the_same_answer(house: House):
    key = house.join(language="fr")
    path = house.path("unsubscribe", key)
    first, second = click(house, path), click(house, path)
    with house.database.begin() as session:
        privacy.forget(session, session.merge(house.member(key)), SECRET, NOW)
    assert first == second == click(house, path) == click(house, house.path("unsubscribe", "ab" * 16))


@pytest.mark.conf("OUT-24")
def test_the_button_gives_the_same_answer_too(house: House):
    path = house.path("unsubscribe", house.join(language="fr"))
    assert 'name="shown_in" value="fr"' in house.client.get(path).text
    first = house.client.post(path, {"shown_in": "fr"})
    assert first == house.client.post(path, {"shown_in": "fr"})
    assert first == house.client.post(house.path("unsubscribe", "ab" * 16), {"shown_in": "fr"})
    assert 'lang="fr"' in first.text


@pytest.mark.conf("OUT-24")
def test_leaving_twice_is_noted_and_answered_once(house: House):
    path = house.path("unsubscribe", house.join())
    click(house, path)
    after_one = house.dump()
    click(house, path)
    assert house.dump() == after_one
    assert house.letters() == ["goodbye"]


@pytest.mark.conf("OUT-28")
def test_the_link_still_works_after_five_years(house: House):
    key = house.join()
    house.now = NOW + timedelta(days=5 * 366)
    assert "<button" in house.client.get(house.path("unsubscribe", key)).text
    assert click(house, house.path("unsubscribe", key)).status == 200
    assert house.member(key).state == LEFT


@pytest.mark.conf("OUT-25")
def test_the_page_names_nobody(house: House):
    house.join()
    key = house.join("canary.person@huis.example")
    path = house.path("unsubscribe", key)
    for page in (house.client.get(path).text, click(house, path).text):
        assert "canary" not in page.lower()
        assert "Peeters" not in page


@pytest.mark.conf("SEC-31")
def test_a_click_is_short(house: House):
    """A long body is no one-click, so it has to come from our own page."""
    key = house.join()
    long = ONE_CLICK + b"&x=" + b"y" * 1024
    assert click(house, house.path("unsubscribe", key), long, sec_fetch_site="cross-site").status == 403
    assert house.member(key).state == ACTIVE


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\n\r\nx\r\n--b--", b"\xff" * 100])
def test_a_broken_multipart_is_refused(house: House, body: bytes):
    key = house.join()
    answer = click(house, house.path("unsubscribe", key), body, "multipart/form-data")
    assert answer.status == 400
    assert house.member(key).state == ACTIVE

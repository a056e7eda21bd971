"""What protects every response: headers, origins, limits, and pages for failures that tell nothing."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from contacts.member import ACTIVE
from tests.unit.web.client import Answer, Call, posting
from tests.unit.web.house import WEB, House
from web.site import Door, make_site

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
EXPECTED = {
    "content-security-policy": CSP, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
    "cache-control": "no-store", "x-robots-tag": "noindex, nofollow", "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}  # fmt: skip
BIG = 64 * 1024
STATIC = ("style.css", "exit.js", "icon.svg", "none", "../site.py", "")
LINKS = ("confirm", "unsubscribe", "rsvp", "preferences")
#: Looking at the question asks the database nothing, so it cannot fail there.
CAN_FAIL = [("POST", purpose) for purpose in LINKS] + [("GET", purpose) for purpose in LINKS[1:]]


def every_kind_of_answer(house: House) -> Iterator[Answer]:
    client, member = house.client, house.join()
    (invitation,) = house.invite()
    leaving = house.path("unsubscribe", member)
    yield from (client.get(path) for path in ("/", "/healthz", "/a/x", "/x", "/a", "/a/", "//", "/favicon.ico"))
    yield from (client.get(f"/static/{file}") for file in STATIC)
    yield from (client.send(Call(method, "/", {})) for method in ("HEAD", "POST", "OPTIONS", "TRACE", "BREW"))
    yield from (client.get(house.path(purpose, member)) for purpose in ("unsubscribe", "preferences"))
    yield client.post(house.path("rsvp", invitation))
    yield client.post(house.path("rsvp", invitation), {"answer": "yes"}, origin="https://evil.example")
    yield client.post(leaving, b"x" * (BIG + 1))
    yield client.post(leaving, b"--", content_type="multipart/form-data")
    house.late = ["send_outbox"]
    yield client.get("/healthz")
    with house.database.begin() as session:
        session.execute(text("DROP TABLE member"))
    yield client.post(leaving)


@pytest.mark.conf("SEC-24")
@pytest.mark.conf("SEC-29")
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_every_answer_carries_the_headers(house: House):
    seen = set()
    for answer in every_kind_of_answer(house):
        seen.add(answer.status)
        assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED
        assert "geolocation=()" in answer.headers["permissions-policy"]
        assert len(set(answer.names)) == len(answer.names)
        assert not {"server", "set-cookie", "location", "x-powered-by"} & set(answer.names)
        assert answer.headers["content-type"] == "image/svg+xml" or "charset=utf-8" in answer.headers["content-type"]
    assert seen == {200, 400, 403, 404, 405, 413, 422, 500, 503}


def test_plain_http_promises_no_https(house: House):
    network = replace(house.writer.network, web_url="http://127.0.0.1:8025/pages")
    writer = replace(house.writer, network=network)
    door = Door(network, house.database, writer, lambda: house.now, list)
    assert door.origin == "http://127.0.0.1:8025"
    page = type(house.client)(make_site(door)).get("/")
    assert "strict-transport-security" not in page.headers
    assert 'href="/pages/static/style.css"' in page.text


@pytest.mark.conf("SEC-28")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": WEB}, 200),
        ({"origin": WEB.upper()}, 200),
        ({"origin": "null", "sec_fetch_site": "same-origin"}, 200),  # what browsers send under no-referrer
        ({"origin": "null"}, 200),  # the same, by a browser too old for Fetch Metadata
        ({"origin": "null", "sec_fetch_site": "cross-site"}, 403),
        ({"origin": WEB, "sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "none"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": f"{WEB}.evil.example"}, 403),
        ({"origin": WEB.replace("https", "http")}, 403),
    ],
)
@pytest.mark.parametrize("purpose", LINKS)
def test_a_form_comes_from_our_own_page(house: House, purpose: str, headers: dict[str, str], status: int):
    member = house.join()
    (invitation,) = house.invite()
    keys = {"confirm": house.ask("an@huis.example"), "unsubscribe": member, "rsvp": invitation, "preferences": member}
    before = house.dump()
    fields = {"answer": "yes", "language": "fr", "discreet": "off"}
    if purpose != "unsubscribe":
        fields["List-Unsubscribe"] = "One-Click"  # the exemption is for that one purpose
    answer = house.client.post(house.path(purpose, keys[purpose]), fields, **headers)
    assert answer.status == status
    assert (house.dump() == before) == (status == 403)


@pytest.mark.conf("SEC-31")
def test_a_body_has_a_limit_announced_or_not(house: House):
    key = house.join()
    path, client = house.path("unsubscribe", key), house.client
    piece = b"x" * 4096
    tries = [
        Call("POST", path, {"content_length": str(BIG + 1)}),
        Call("POST", path, {"content_length": "-1"}),
        Call("POST", path, {"content_length": "many"}),
        Call("POST", path, {}, (piece,) * 17),
        Call("POST", path, {"content_length": "5"}, (piece,) * 1000),
    ]
    assert [client.send(call).status for call in tries] == [413] * 5
    assert house.member(key).state == ACTIVE


@pytest.mark.conf("SEC-31")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"&".join(b"a%d=1" % number for number in range(100)), "application/x-www-form-urlencoded"),
        (b"".join(b'--b\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % n for n in range(100)) + b"--b--",
         "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"; filename="a.txt"\r\n\r\n1\r\n--b--\r\n',
         "multipart/form-data; boundary=b"),
    ],
)  # fmt: skip
def test_a_form_has_few_fields_and_no_files(house: House, body: bytes, kind: str):
    key = house.join()
    assert house.client.post(house.path("unsubscribe", key), body, content_type=kind).status == 400
    assert house.member(key).state == ACTIVE


def test_bytes_that_are_no_text_do_no_harm(house: House):
    house.join()
    (key,) = house.invite()
    body = b"answer=yes&note=%00%ff%fe%ed%a0%80\xff\x00caf%C3%A9&answer=no"
    assert house.client.post(house.path("rsvp", key), body).status == 200
    noted = house.invitation(key)
    assert noted.answer == "yes"
    assert noted.note is not None
    assert noted.note.endswith("café")
    assert "\x00" not in noted.note
    noted.note.encode()


@pytest.mark.conf("SEC-33")
@pytest.mark.parametrize(("method", "purpose"), CAN_FAIL)
def test_a_mistake_of_ours_shows_a_number_and_no_more(
    house: House, caplog: pytest.LogCaptureFixture, method: str, purpose: str
):
    member = house.join("canary@huis.example")
    path = house.path(purpose, member)
    with house.database.begin() as session:
        for table in ("outbox", "invitation", "consent", "member"):
            session.execute(text(f"DROP TABLE {table}"))
    with caplog.at_level(logging.DEBUG):
        call = Call("GET", path, {}) if method == "GET" else posting(path, {"answer": "yes"})
        answer = house.client.send(call)
    assert answer.status == 500
    assert "<h1>Er liep iets mis bij ons</h1>" in answer.text
    found = re.search(r'<code dir="ltr">([0-9a-f]{8})</code>', answer.text)
    assert found is not None
    (line,) = [record.getMessage() for record in caplog.records if record.name == "verbinden.web"]
    assert line.startswith(f"page failed: id={found[1]} error=OperationalError at=")
    whole = answer.text + caplog.text
    for secret in ("canary", path.removeprefix("/a/"), member, "SELECT", "no such table", "Traceback"):
        assert secret not in whole


@pytest.mark.conf("SEC-33")
def test_health_says_which_job_is_late_and_nothing_else(house: House):
    assert (house.client.get("/healthz").status, house.client.get("/healthz").text) == (200, "ok\n")
    house.late = ["read_mailbox", "send_outbox"]
    answer = house.client.get("/healthz")
    assert (answer.status, answer.text) == (503, "late: read_mailbox, send_outbox\n")


def test_a_failing_health_check_is_a_failure(house: House):
    def broken() -> list[str]:
        raise OSError("canary")

    door = Door(house.writer.network, house.database, house.writer, lambda: house.now, broken)
    answer = type(house.client)(make_site(door)).get("/healthz")
    assert answer.status == 500
    assert "canary" not in answer.text

"""Looking changes nothing: no GET, HEAD or anything but POST, whatever its query, whoever asks."""

import itertools

import pytest

from tests.unit.web.client import Call
from tests.unit.web.house import House

METHODS = ("GET", "HEAD", "OPTIONS", "PROPFIND", "PUT", "DELETE", "PATCH")
QUERIES = (
    "", "?answer=yes", "?answer=no&guests=5&note=x", "?List-Unsubscribe=One-Click", "?confirm=1&discreet=off",
    "?language=fr&discreet=off", "?_method=POST", "?answer=%00%ff&answer=yes", "?shown_in=fr",
)  # fmt: skip
SCANNERS: tuple[dict[str, str], ...] = (
    {}, {"purpose": "prefetch"}, {"sec_purpose": "prefetch;prerender"},
    {"user_agent": "Mozilla/5.0 (compatible; BingPreview/1.0b; SafeLinks)"}, {"x_http_method_override": "POST"},
)  # fmt: skip


def links(house: House) -> list[str]:
    question, member = house.ask("an@huis.example"), house.join()
    (invitation,) = house.invite()
    keys = {"confirm": question, "unsubscribe": member, "preferences": member, "rsvp": invitation}
    return [house.path(purpose, key) for purpose, key in keys.items()]


@pytest.mark.conf("OUT-23")
@pytest.mark.conf("SEC-23")
def test_nothing_but_a_post_changes_anything(house: House):
    paths = [*links(house), "/", "/healthz", "/a/unknown"]
    before = house.dump()
    calls = [
        Call(method, path + slash + query, {**scanner, "content_type": "application/x-www-form-urlencoded"}, (body,))
        for method, path, slash, query in itertools.product(METHODS, paths, ("", "/"), QUERIES)
        for scanner, body in zip(SCANNERS, (b"", b"answer=no", b"List-Unsubscribe=One-Click", b"", b"x=y"), strict=True)
    ]
    answers = house.client.together(calls)
    assert house.dump() == before
    assert {answer.status for answer in answers} <= {200, 404, 405}
    assert before["member"]
    assert before["invitation"]


@pytest.mark.conf("OUT-23")
@pytest.mark.parametrize("position", range(4))
def test_a_page_has_one_form_that_posts_to_itself_and_one_button(house: House, position: int):
    path = links(house)[position]
    page = house.client.get(path).text
    assert page.count("<form") == page.count("</form>") == 1
    assert f'<form method="post" action="{path}"' in page
    assert page.count("<button") == page.count('<button type="submit"') == 1


def test_head_has_the_headers_of_get(house: House):
    for path in links(house):
        seen, asked = house.client.get(path), house.client.send(Call("HEAD", path, {}))
        assert (asked.status, asked.headers) == (seen.status, seen.headers)


def test_a_trailing_slash_is_the_same_page(house: House):
    for path in links(house):
        assert house.client.get(path + "/") == house.client.get(path)

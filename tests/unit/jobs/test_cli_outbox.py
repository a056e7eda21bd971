"""`verbinden outbox`, `requests` and `coordinators`: what a coordinator follows and decides."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mailer.outbound import outbox
from mailer.outbound.issue import Issue
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.outcome import sentence

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.fixture
def asked(network):
    """One letter in the outbox: the question to els@huis.example."""
    network("members", "add", "els@huis.example")
    return network


def change(network, **values: object) -> None:
    """Put the one letter in another state."""
    database = network.database()
    with closing(database), database.begin() as session:
        (row,) = outbox.rows(session)
        for name, value in values.items():
            setattr(row, name, value)


def item(**values: object) -> OutboxItem:
    facts = {
        "id": 7, "state": "queued", "attempt": 0, "created_at": NOW, "next_attempt_at": NOW + timedelta(minutes=5),
        "give_up_at": NOW + timedelta(days=4), "finished_at": NOW,
    }  # fmt: skip
    return OutboxItem(**{**facts, **values})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "It waits in the outbox since 2026-11-23 10:30, and has not been tried yet."),
        (
            {"attempt": 2, "reply_code": 451, "reply_text": "later"},
            "Not yet: it was tried 2 times, and the answer was “451 later”; it is tried again on 2026-11-23 10:35",
        ),
        ({"state": "submitting"}, "It is being handed to the mail server at this moment."),
        ({"state": "accepted"}, "The mail server took it on 2026-11-23 10:30; no bounce has come back since."),
        (
            {"state": "refused", "phase": "replied", "reply_code": 550, "reply_enhanced": "5.1.1"},
            "They did not get it: the mail server refused it for good, and the answer was “550 5.1.1”",
        ),
        ({"state": "refused", "phase": "bounced"}, "The mail server took it, and then reported that the mailbox"),
        ({"state": "refused", "phase": "given_up"}, "They did not get it: the mail server kept saying “later”"),
        ({"state": "withdrawn", "phase": "called_off"}, "It never left: somebody called it off."),
        ({"state": "withdrawn", "phase": "withdrawn"}, "It never left: by then they were no longer a member"),
        ({"state": "in_doubt"}, "Nobody can know: the line broke on 2026-11-23 10:30"),
    ],
)
def test_one_true_sentence(values: dict[str, object], told: str):
    assert sentence(item(**values), None, BRUSSELS).startswith(told)


def test_a_letter_waits_when_its_issue_does():
    assert sentence(item(), Issue(slug="winter", state="paused"), BRUSSELS) == "It waits, for winter is paused."


def test_every_state_has_a_sentence():
    assert all(sentence(item(state=state), None, BRUSSELS) for state in outbox.STATES)


def test_the_list_counts_every_state(asked):
    told = asked.json("outbox", "list")
    assert set(told["counts"]) == set(outbox.STATES)
    assert (told["counts"]["queued"], len(told["letters"])) == (1, 1)
    assert asked.json("outbox", "list", "--state", "refused")["letters"] == []
    assert "1 queued" in asked("outbox", "list").output


def test_a_refused_letter_can_be_tried_again(asked):
    change(asked, state="refused", phase="replied", reply_code=550, attempt=4, finished_at=NOW)
    asked("outbox", "retry", "1")
    told = asked.json("outbox", "show", "1")
    assert (told["state"], told["attempt"], told["finished_at"]) == ("queued", 0, None)


@pytest.mark.parametrize("state", ["accepted", "withdrawn", "submitting"])
def test_a_letter_that_went_its_way_cannot_be_tried_again(asked, state: str):
    change(asked, state=state)
    asked("outbox", "retry", "1", code=1)
    asked("outbox", "cancel", "1", code=1)


def test_a_letter_whose_words_are_gone_cannot_be_tried_again(asked):
    change(asked, state="refused", content=None)
    assert "no longer kept" in asked("outbox", "retry", "1", code=1).stderr


def test_a_waiting_letter_can_be_called_off(asked):
    asked("outbox", "cancel", "1")
    assert asked.json("outbox", "show", "1")["sentence"] == "It never left: somebody called it off."


def test_everything_postponed_can_be_hurried(asked):
    assert asked("outbox", "resume").output == "Nothing was postponed.\n"
    change(asked, next_attempt_at=datetime(2099, 1, 1, tzinfo=UTC))
    assert "1 letter waits" in asked("outbox", "resume").output
    assert asked.json("outbox", "list")["letters"][0]["next_attempt_at"] < "2099"


def test_a_number_of_no_letter_is_a_no(asked):
    for command in ("show", "retry", "cancel"):
        asked("outbox", command, "99", code=1)


def test_requests_are_shown_and_resolved(network):
    assert network.json("requests", "list") == []
    network.put_request("els@huis.example", [])
    network.put_request("els@huis.example", [], urgent=True)
    assert [(row["id"], row["urgent"], row["folder"]) for row in network.json("requests", "list")] == [
        (2, True, "Te bekijken"), (1, False, "Te bekijken"),
    ]  # fmt: skip
    assert "URGENT" in network("requests", "list").output
    assert network.json("requests", "show", "2")["why"] == ["unclear"]
    resolve = ("requests", "resolve", "2", "--note", "called her")
    network(*resolve, "--by", "an@huis.example", code=1)
    assert "1 left" in network(*resolve, "--by", "karim@partner.example").output
    network(*resolve, "--by", "karim@partner.example", code=1)
    assert [row["id"] for row in network.json("requests", "list")] == [1]
    everything = {row["id"]: row["resolution"] for row in network.json("requests", "list", "--all")}
    assert everything == {1: None, 2: "called her"}
    network("requests", "show", "99", code=1)


def test_coordinators_come_and_go(verbinden):
    verbinden("coordinators", "add", "karim@partner.example", "--name", "Karim", "--language", "fr")
    verbinden("coordinators", "add", "Karim@partner.example", "--name", "Karim", code=1)
    verbinden("coordinators", "add", "els@partner.example", "--name", "Els", "--language", "xx", code=2)
    (row,) = verbinden.json("coordinators", "list")
    assert (row["address"], row["name"], row["language"]) == ("karim@partner.example", "Karim", "fr")
    assert "add somebody soon" in verbinden("coordinators", "remove", "karim@partner.example").stderr
    verbinden("coordinators", "remove", "karim@partner.example", code=1)

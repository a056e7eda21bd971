"""`verbinden requests` and `explain --examples`: a guess in words, carried out with one word, kept as an example."""

import re

import pytest

FATMA = {"address": "fatma@huis.example", "name": "Fatma", "organisation": ""}
ELS = {"address": "els@huis.example", "name": "Els", "organisation": ""}
BY = ("--by", "karim@partner.example")


def kinds_sent(network) -> list[tuple[str, str]]:
    return [(row["kind"], row["recipient"]) for row in network.json("outbox", "list")["letters"]]


def test_the_guess_is_a_sentence(network):
    network.put_request("els@huis.example", [FATMA], kind="join_other")
    network.put_request("x@huis.example", [], kind="privacy")
    first, second = network.json("requests", "list")
    assert first["guess"] == "probably wants to sign up others (1 person)"
    assert first["yes"] == "ask the people named, each at their own address, to confirm"
    assert second["guess"] == "asks about their own data"
    assert "a person must do it" in second["yes"]
    assert "probably wants to sign up others" in network("requests", "list").output
    shown = network("requests", "show", "1").output
    assert re.search(r"with --yes:\s+ask the people named", shown)


def test_yes_does_what_was_guessed_once(network):
    network.put_request("els@huis.example", [FATMA], kind="join_other")
    done = network("requests", "resolve", "1", *BY, "--yes")
    assert done.output == (
        "Request 1 is dealt with: the people named were asked, each at their own address; none left.\n"
    )
    assert sorted(kinds_sent(network)) == [
        ("colleague_asked", "els@huis.example"), ("confirmation", "fatma@huis.example"),
    ]  # fmt: skip
    again = network("requests", "resolve", "1", *BY, "--no", code=1)
    assert "dealt with already, by karim@partner.example" in again.output
    assert network.json("requests", "show", "1")["decision"] == "yes"


def test_a_correction_and_a_no(network):
    network.put_request("marc@maison.example", [], kind="join")
    network.put_request("an@huis.example", [], kind="leave")
    network("requests", "resolve", "1", *BY, "--as", "leave", "--note", "he said so on the phone")
    assert network.json("members", "show", "marc@maison.example")["member"]["state"] == "left"
    network("requests", "resolve", "2", *BY, "--no")
    assert network.json("members", "show", "an@huis.example")["member"]["state"] == "active"
    assert kinds_sent(network) == [("goodbye", "marc@maison.example")]


@pytest.mark.parametrize("kind", ["help", "privacy", "information", "other"])
def test_what_only_a_person_can_do_is_said_and_stays_open(network, kind: str):
    network.put_request("els@huis.example", [ELS], kind == "help", kind)
    refused = network("requests", "resolve", "1", *BY, "--yes", code=1)
    assert "--note" in refused.output
    assert len(network.json("requests", "list")) == 1
    network("requests", "resolve", "1", *BY, "--note", "answered from the mailbox")
    assert network.json("requests", "list") == []
    assert kinds_sent(network) == []


def test_something_must_be_said(network):
    network.put_request("els@huis.example", [ELS], kind="join")
    network("requests", "resolve", "1", *BY, code=2)
    network("requests", "resolve", "1", *BY, "--note", "  ", code=2)
    network("requests", "resolve", "1", *BY, "--yes", "--as", "leave", code=2)
    network("requests", "resolve", "1", *BY, "--as", "report", code=2)
    assert len(network.json("requests", "list")) == 1


def test_a_coordinator_can_ask_for_the_digest(network):
    network.put_request("els@huis.example", [ELS], kind="join")
    network("requests", "digest", "--to", "an@huis.example", code=1)
    assert "1 letter waits" in network("requests", "digest", "--to", "karim@partner.example").output
    assert kinds_sent(network) == [("digest", "karim@partner.example")]


def test_the_digest_of_the_day_goes_out_once(network):
    network.put_request("els@huis.example", [ELS], kind="join")
    off = {"DIGEST_AT": ""}
    assert network("once", "send_digest", **off).output.endswith("digests put in the outbox: 0\n")
    assert network("once", "send_digest", DIGEST_AT="00:00").output.endswith("digests put in the outbox: 1\n")
    assert network("once", "send_digest", DIGEST_AT="00:00").output.endswith("digests put in the outbox: 0\n")
    assert kinds_sent(network) == [("digest", "karim@partner.example")]


def test_examples_measure_the_rules_of_today(network):
    nothing = "Today's rules agree with 0 of 0 decisions.\n"
    assert network("explain", "--examples").output == nothing
    network.put_request("els@huis.example", [ELS], kind="join", outline="ik zou graag lid worden van jullie netwerk.")
    network.put_request("jef@huis.example", [], kind="join", outline="schrijf mij uit aub. · ·")
    network.put_request("ann@huis.example", [], kind="leave", outline="ik zou graag lid worden van jullie netwerk.")
    network("requests", "resolve", "1", *BY, "--yes")
    network("requests", "resolve", "2", *BY, "--as", "spam")
    network("requests", "resolve", "3", *BY, "--no")
    shown = network("explain", "--examples").output
    assert shown.endswith("Today's rules agree with 2 of 3 decisions.\n")
    assert "a person decided spam; today's rules say leave" in shown
    found = network.json("explain", "--examples")
    assert (found["examples"], found["agree"]) == (3, 2)
    (wrong,) = found["disagree"]
    assert (wrong["decided"], wrong["today"]) == (["spam"], ["leave"])
    network("explain", code=2)
    network("explain", "--examples", "x.eml", code=2)

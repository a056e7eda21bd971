"""`verbinden newsletters`: from the first draft to the last letter, and everything that keeps one from leaving."""

from contextlib import closing
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from mailer.lint import lint
from mailer.outbound import outbox
from mailer.outbound.issue import FrozenEdition


@pytest.fixture
def winter(network):
    """A newsletter `winter`, written."""
    network("newsletters", "new", "winter")
    return network


@pytest.fixture
def approved(winter):
    """The same, approved."""
    winter("newsletters", "approve", "winter", "--by", "karim@partner.example")
    return winter


def test_a_new_one_can_be_sent_as_it_is(winter):
    assert winter("newsletters", "check", "winter").output == "Nothing to mend.\n"
    assert [(row["name"], row["state"]) for row in winter.json("newsletters", "list")] == [("winter", "written")]


def test_a_name_is_taken_once(winter):
    winter("newsletters", "new", "winter", code=1)


def test_without_templates_of_ones_own_there_is_nowhere_to_write(verbinden):
    assert "TEMPLATES_DIR" in verbinden("newsletters", "new", "winter", code=1).stderr


def test_a_fault_is_told_with_file_and_line_and_keeps_it_from_being_approved(winter, edit):
    edit("newsletters/winter/fr.md", "\n---\n", "\n{% if member.name %}\n")
    report = winter.json("newsletters", "check", "winter", code=1)
    assert report["problems"] != []
    assert report["problems"][0]["file"] == "winter/fr.md"
    assert report["problems"][0]["line"]
    refused = winter("newsletters", "approve", "winter", "--by", "karim@partner.example", code=1)
    assert "winter/fr.md:" in refused.output
    assert winter.json("newsletters", "status", "winter")["state"] == "written"


def test_a_settings_file_that_cannot_be_read_is_a_problem_too(winter, edit):
    edit("newsletters/winter/newsletter.toml", "[nl]", "[nl")
    (problem,) = winter.json("newsletters", "check", "winter", code=1)["problems"]
    assert problem["file"] == "winter/newsletter.toml"


def test_a_gap_for_one_member_keeps_it_from_being_approved(winter, edit):
    edit("newsletters/winter/nl.md", "\n---\n", "\nDag {{ member.organisation }}\n\n---\n")
    (problem,) = winter.json("newsletters", "check", "winter", code=1)["problems"]
    assert "an@huis.example" in problem["message"]
    assert "marc@maison.example" not in problem["message"]
    winter("newsletters", "approve", "winter", "--by", "karim@partner.example", code=1)


def test_a_letter_that_would_break_a_rule_on_its_way_is_a_problem(winter, edit):
    edit("newsletters/winter/en.md", "\n---\n", "\n{% raw %}Dear {{ first_name }},{% endraw %}\n\n---\n")
    problems = winter.json("newsletters", "check", "winter", code=1)["problems"]
    assert any("OUT-51" in problem["message"] and problem["file"] == "winter/en" for problem in problems)


def test_a_language_that_is_missing_is_a_remark(winter):
    Path(winter.settings["TEMPLATES_DIR"], "newsletters/winter/en.md").unlink()
    report = winter.json("newsletters", "check", "winter")
    assert report["problems"] == []
    assert [remark["file"] for remark in report["remarks"]] == ["winter/en.md"]


def test_a_preview_has_every_language_and_variant(winter):
    winter("newsletters", "preview", "winter", "--out", "pages")
    made = {file.name for file in Path("pages").iterdir()}
    stems = {f"{language}-{variant}" for language in ("nl", "fr", "en") for variant in ("plain", "discreet")}
    assert made == {"index.html"} | {f"{stem}.{suffix}" for stem in stems for suffix in ("html", "txt")}
    page = Path("pages", "nl-plain.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "cid:" not in page


def test_a_test_goes_to_a_coordinator_and_to_nobody_else(winter):
    winter("newsletters", "test", "winter", "--to", "an@huis.example", code=1)
    assert "1 letter waits" in winter("newsletters", "test", "winter", "--to", "karim@partner.example").output
    database = winter.database()
    with closing(database), database.read() as session:
        (row,) = outbox.rows(session)
    assert (row.kind, row.recipient, row.member_id) == ("test", "karim@partner.example", None)
    assert lint(row.content, "newsletter") == []
    assert message_from_bytes(row.content, policy=policy.default)["List-Unsubscribe"]


def test_only_a_coordinator_approves(winter):
    assert "not a coordinator" in winter("newsletters", "approve", "winter", "--by", "an@huis.example", code=1).stderr


def test_the_example_is_nobodys_letter(winter):
    winter("newsletters", "approve", "example", "--by", "karim@partner.example", code=1)
    winter("newsletters", "approve", "nowhere", "--by", "karim@partner.example", code=1)


def test_what_was_approved_is_frozen(approved, edit):
    edit("newsletters/winter/nl.md", "\n---\n", "\nAfterwards\n")
    approved("newsletters", "schedule", "winter", "--now")
    approved("once", "release_due")
    assert approved("newsletters", "approve", "winter", "--by", "karim@partner.example", code=1).stderr != ""
    status = approved.json("newsletters", "status", "winter")
    assert (status["state"], status["audience"], status["letters"]["queued"]) == ("sending", 2, 2)
    assert status["approved_by"] == "karim@partner.example"


def test_hours_are_those_of_the_networks_clock(approved):
    result = approved("newsletters", "schedule", "winter", "--at", "2099-07-01 09:00")
    assert "2099-07-01 09:00" in result.output
    assert approved.json("newsletters", "status", "winter")["send_at"] == "2099-07-01T07:00:00+00:00"


@pytest.mark.parametrize("words", [["--at", "2099-03-29 02:30"], ["--at", "2099-10-25 02:30"], ["--at", "soon"]])
def test_an_hour_that_is_not_one_moment_is_wrong_usage(approved, words: list[str]):
    approved("newsletters", "schedule", "winter", *words, code=2)


def test_an_hour_that_is_over_is_a_no(approved):
    assert "is over already" in approved("newsletters", "schedule", "winter", "--at", "2020-01-01 09:00", code=1).stderr


def test_pause_resume_and_cancel(approved):
    approved("newsletters", "pause", "winter", code=1)
    approved("newsletters", "schedule", "winter", "--now")
    approved("once", "release_due")
    approved("newsletters", "pause", "winter")
    (letter, _) = approved.json("outbox", "list")["letters"]
    assert approved.json("outbox", "show", str(letter["id"]))["sentence"] == "It waits, for winter is paused."
    assert "2 letters wait" in approved("newsletters", "resume", "winter").output
    assert "2 letters" in approved("newsletters", "cancel", "winter").output
    status = approved.json("newsletters", "status", "winter")
    assert (status["state"], status["letters"]["withdrawn"], status["letters"]["queued"]) == ("cancelled", 2, 0)
    approved("newsletters", "resume", "winter", code=1)


def test_no_letter_of_a_cancelled_one_is_tried_again(approved):
    approved("newsletters", "schedule", "winter", "--now")
    approved("once", "release_due")
    database = approved.database()
    with closing(database), database.begin() as session:
        outbox.rows(session)[0].state = outbox.REFUSED
    approved("outbox", "retry", "2")
    with closing(database), database.begin() as session:
        outbox.rows(session)[0].state = outbox.REFUSED
    approved("newsletters", "cancel", "winter")
    assert "winter is cancelled" in approved("outbox", "retry", "2", code=1).stderr


def test_an_unknown_newsletter_is_a_no(network):
    for command in ("status", "pause", "resume", "cancel"):
        network("newsletters", command, "nowhere", code=1)
    assert "There is no newsletter yet" in network("newsletters", "list").output


@pytest.mark.conf("REL-10")
def test_one_bad_issue_keeps_no_other_back(approved, caplog):
    approved("newsletters", "new", "spring")
    approved("newsletters", "approve", "spring", "--by", "karim@partner.example")
    database = approved.database()
    with closing(database), database.begin() as session:
        for number in range(1, 7):
            session.delete(session.get_one(FrozenEdition, number))  # all of winter, which was approved first
    for name in ("winter", "spring"):
        approved("newsletters", "schedule", name, "--now")
    assert approved("once", "release_due").output.endswith("1\n")
    assert "release failed: issue=1 error=LookupError" in caplog.text
    states = {row["name"]: (row["state"], row["audience"]) for row in approved.json("newsletters", "list")}
    assert states == {"winter": ("approved", 0), "spring": ("sending", 2)}


def test_a_language_that_came_after_approval_stops_nothing(approved):
    approved.settings["NETWORK_LANGUAGES"] = "nl,fr,en,tr"
    approved("members", "add", "aylin@huis.example", "--name", "Aylin", "--language", "tr", "--consent", "signed")
    approved("newsletters", "schedule", "winter", "--now")
    approved("once", "release_due")
    assert approved.json("newsletters", "status", "winter")["audience"] == 3


def test_the_author_does_not_approve_where_another_can(winter, edit):
    edit("newsletters/winter/newsletter.toml", "[nl]", 'author = "Karim@Partner.example"\n[nl]')
    winter("coordinators", "add", "an@stad.example", "--name", "An")
    refused = winter("newsletters", "approve", "winter", "--by", "karim@partner.example", code=1)
    assert "ask another coordinator" in refused.stderr
    winter("newsletters", "approve", "winter", "--by", "an@stad.example")


def test_an_author_is_an_address(winter, edit):
    edit("newsletters/winter/newsletter.toml", "[nl]", 'author = "Karim"\n[nl]')
    (problem,) = winter.json("newsletters", "check", "winter", code=1)["problems"]
    assert (problem["file"], "author" in problem["message"]) == ("winter/newsletter.toml", True)
    edit("newsletters/winter/newsletter.toml", '"Karim"', '"els@elders.example"')
    (remark,) = winter.json("newsletters", "check", "winter")["remarks"]
    assert "not a coordinator" in remark["message"]


def test_a_link_of_another_kind_of_letter_is_a_problem(winter, edit):
    edit("newsletters/winter/en.md", "\n---\n", "\n[Yes, I will come]({{ link.rsvp_yes }})\n\n---\n")
    (problem,) = winter.json("newsletters", "check", "winter", code=1)["problems"]
    assert (problem["file"], problem["message"]) == ("winter/en", "there is no link.rsvp_yes in newsletters")

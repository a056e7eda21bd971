"""What programs write in people's names, and people who only sound like it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mailer.inbound.understanding import Thread, decide, understand
from mailer.inbound.understanding.automatic import absence, departure
from tests.unit.inbound.mails import message, plain

MAILS = tomllib.loads(Path(__file__).with_name("automatic.toml").read_text("utf-8"))["mail"]
SENDER = "Lotte Maes <lotte.maes@post.example>"
WISH = "Schrijf mij uit van de lijst. Ik kom op 3 mei. Ja, ik bevestig."


@pytest.mark.conf("INB-07")
@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail["text"][:40])
@pytest.mark.parametrize("thread", ["none", "invitation", "newsletter"])
def test_words_tell_programs_from_people(mail: dict[str, Any], thread: str) -> None:
    request = understand(plain(mail["text"], mail.get("subject", "Re: Nieuwsbrief december")), Thread(thread))
    if mail["kind"] == "person":
        assert "auto_reply" not in request.kinds
        return
    plan = decide(request)
    assert (request.kinds, plan.actions, plan.disposition) == ((mail["kind"],), (), mail["then"])
    assert (request.gone, request.successor) == (mail.get("gone", False), mail.get("successor"))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param('Auto-Submitted: auto-replied; owner-email="x@post.example"', marks=pytest.mark.conf("INB-01")),
        pytest.param("Auto-Submitted: (comment) auto-generated", marks=pytest.mark.conf("INB-01")),
        pytest.param("X-Autoreply-From: lotte.maes@post.example", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-Autorespond: Nieuws", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-Mail-Autoreply: 1", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-POST-MessageClass: 9; Autoresponder", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-Apple-Action: VACATION", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-MS-Exchange-Inbox-Rules-Loop: lotte.maes@post.example", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", marks=pytest.mark.conf("INB-04")),
    ],
)
def test_headers_of_answering_programs(header: str) -> None:
    request = understand(plain(WISH, "Re: x", SENDER, header), Thread("newsletter"))
    plan = decide(request)
    assert (request.kinds, plan.actions, plan.disposition) == (("auto_reply",), (), "ignored")


@pytest.mark.parametrize(
    "header",
    [
        "X-Auto-Response-Suppress: All",
        "X-Autoreply: no",
        "X-MS-Exchange-Inbox-Rules-Loop: somebody.else@post.example",
        "X-Mailer: Microsoft Outlook 16.0",
    ],
)
def test_headers_that_people_have_too(header: str) -> None:
    request = understand(plain("Graag uitschrijven.", "Re: x", SENDER, header), Thread("newsletter"))
    assert decide(request).actions == ("unsubscribe",)


@pytest.mark.conf("INB-01")
def test_what_a_rule_passed_on_is_for_a_person() -> None:
    mail = plain("Graag uitschrijven.", "Re: x", SENDER, "Auto-Submitted: auto-forwarded")
    plan = decide(understand(mail, Thread("newsletter")))
    assert (plan.actions, plan.disposition) == ((), "review")


def test_a_header_and_somebody_gone_is_a_suggestion() -> None:
    text = "Dag, ik ben sinds 1 juni met pensioen. Mijn opvolgster is Aya: aya@huis.example"
    mail = plain(text, "Automatisch antwoord: Nieuws", SENDER, "Auto-Submitted: auto-replied")
    request = understand(mail, Thread("newsletter"))
    assert (request.kinds, request.gone, request.successor) == (("auto_reply",), True, "aya@huis.example")
    assert (decide(request).actions, decide(request).disposition) == ((), "review")


def test_a_bounce_that_tells_the_new_address_is_a_suggestion() -> None:
    text = "<bo@huis.example>: host mx said: 551 5.1.6 User has moved to bo@nieuw.example, please try it"
    request = understand(plain(text, "Undelivered Mail Returned to Sender", "MAILER-DAEMON@mx.example"), Thread())
    assert (request.kinds, request.successor) == (("report",), "bo@nieuw.example")
    assert decide(request).disposition == "review"


@pytest.mark.conf("INB-02")
def test_a_return_path_that_is_no_address_is_no_null_path() -> None:
    mail = message("Graag uitschrijven.", f"From: {SENDER}", "Return-Path: lotte", "Subject: Re: x")
    assert understand(mail, Thread("newsletter")).kinds == ("leave",)


@pytest.mark.conf("INB-09")
@pytest.mark.parametrize(("count", "kinds"), [(3, ("rsvp",)), (4, ("auto_reply",))])
def test_an_answer_to_many_answers_of_ours_is_a_loop(count: int, kinds: tuple[str, ...]) -> None:
    ours = " ".join(f"<{number:040x}@verbinden.example>" for number in range(count))
    mail = plain("Ja, ik kom.", "Re: x", SENDER, f"References: {ours} <a@post.example>")
    request = understand(mail, Thread("invitation"), frozenset({"netwerk@verbinden.example"}))
    assert request.kinds == kinds
    if count == 4:
        assert (decide(request).actions, decide(request).disposition) == ((), "review")


@pytest.mark.conf("INB-09")
@pytest.mark.parametrize(
    "headers", [["X-Loop: netwerk@verbinden.example"], [f"Received: from a by b; {n}" for n in range(31)]]
)
def test_loops_end(headers: list[str]) -> None:
    request = understand(plain(WISH, "Re: x", SENDER, *headers), Thread(), frozenset({"netwerk@verbinden.example"}))
    assert (request.kinds, decide(request).disposition) == (("auto_reply",), "ignored")


def test_thirty_servers_are_no_loop() -> None:
    headers = [f"Received: from a by b; {number}" for number in range(30)]
    assert understand(plain("Graag uitschrijven.", "Re: x", SENDER, *headers), Thread("newsletter")).kinds == ("leave",)


@pytest.mark.conf("INB-33")
@pytest.mark.parametrize(
    ("subject", "kind", "name"),
    [
        ("Report domain: verbinden.example Submitter: mail.example Report-ID: <1>", "application/gzip", "r.xml.gz"),
        ("Report Domain: verbinden.example Submitter: post.example Report-ID: <2>", "application/zip", "r.zip"),
        ("[Preview] verbinden.example", "application/zip", "mail.example!verbinden.example!1700000000!1700086400.zip"),
    ],
)
def test_providers_statistics_are_nobodys_mail(subject: str, kind: str, name: str) -> None:
    body = (
        "--b\r\n\r\nThis is an aggregate report.\r\n"
        f'--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\nH4sIAAAA\r\n--b--\r\n"
    )
    shown = ("From: noreply-dmarc@mail.example", f"Subject: {subject}")
    mail = message(body, *shown, content_type="multipart/mixed; boundary=b")
    request = understand(mail, Thread())
    assert (request.kinds, request.report) == (("report",), None)
    assert (decide(request).actions, decide(request).disposition) == ((), "ignored")


@pytest.mark.conf("INB-33")
def test_tls_reports_are_nobodys_mail() -> None:
    body = "--b\r\n\r\nTLS report\r\n--b\r\nContent-Type: application/tlsrpt+gzip\r\n\r\nx\r\n--b--\r\n"
    shown = ("From: tls@mail.example", "Subject: Report Domain: v.example Submitter: m.example Report-ID: <1>")
    mail = message(body, *shown, content_type="multipart/report; report-type=tlsrpt; boundary=b")
    request = understand(mail, Thread())
    assert (request.kinds, decide(request).disposition) == (("report",), "ignored")


def test_a_cry_for_help_is_never_taken_for_a_note() -> None:
    note = "Ik ben afwezig tot 12 mei. Voor dringende zaken: bo@huis.example. "
    text = note + "Ik ben in gevaar, mijn broer wil mij vermoorden. Help mij alstublieft."
    assert "help" in understand(plain(text, "Re: x"), Thread("newsletter")).kinds


def test_a_long_letter_is_no_note() -> None:
    note = "Ik ben afwezig tot 12 mei. Voor dringende zaken: bo@huis.example. "
    assert absence(note) > 0
    assert absence(note + "We spraken vorige keer over het onthaal. " * 40) == 0


def test_addresses_we_know_are_no_successor() -> None:
    text = "Ik werk niet meer bij het huis. Dit was lotte@huis.example."
    assert departure(text, frozenset({"lotte@huis.example"})).successor is None

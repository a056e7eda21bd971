"""Mails that machines write are known by their headers and never acted on."""

import pytest

from mailer.inbound.understanding import Thread, decide, understand
from tests.unit.inbound.mails import message, plain

SENDER = "Lotte Maes <lotte.maes@post.example>"
WISH = "Schrijf mij uit van de lijst. Ik kom op 3 mei. Ja, ik bevestig."


@pytest.mark.parametrize("thread", ["none", "invitation", "newsletter", "confirmation"])
@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Auto-Submitted: auto-replied (vacation); x=1", marks=pytest.mark.conf("INB-01")),
        pytest.param("AUTO-SUBMITTED: Auto-Generated", marks=pytest.mark.conf("INB-01")),
        pytest.param("Precedence: bulk", marks=pytest.mark.conf("INB-03")),
        pytest.param("PRECEDENCE: Junk", marks=pytest.mark.conf("INB-03")),
        pytest.param("precedence: auto_reply", marks=pytest.mark.conf("INB-03")),
        pytest.param("List-Id: <x.post.example>", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-Autoreply: yes", marks=pytest.mark.conf("INB-04")),
        pytest.param("X-Spam-Flag: YES", marks=pytest.mark.conf("INB-04")),
    ],
)
def test_machines_cause_nothing(header: str, thread: str) -> None:
    request = understand(plain(WISH, "Re: x", SENDER, header), Thread(thread))
    plan = decide(request)
    assert set(request.kinds) <= {"auto_reply", "bulk", "spam"}
    assert (plan.actions, plan.disposition) == ((), "ignored")


def test_auto_submitted_no_is_a_person() -> None:
    request = understand(plain("Graag uitschrijven.", "Re: x", SENDER, "Auto-Submitted: no"), Thread("newsletter"))
    assert decide(request).actions == ("unsubscribe",)


def test_outlook_asking_for_silence_is_a_person() -> None:
    mail = plain("Graag uitschrijven.", "Re: x", SENDER, "X-Auto-Response-Suppress: All")
    assert decide(understand(mail, Thread("newsletter"))).actions == ("unsubscribe",)


@pytest.mark.conf("INB-02")
def test_an_empty_return_path_and_our_own_address_are_no_persons() -> None:
    bounced = message(WISH, f"From: {SENDER}", "Return-Path: <>")
    assert understand(bounced, Thread()).kinds == ("auto_reply",)
    own = understand(plain(WISH, "x"), Thread(), frozenset({"lotte.maes@post.example"}))
    assert own.kinds == ("auto_reply",)


@pytest.mark.conf("INB-02")
@pytest.mark.parametrize("local", ["noreply", "no-reply", "owner-lijst", "lijst-request", "bounces"])
def test_where_nobody_reads_nothing_is_done(local: str) -> None:
    plan = decide(understand(plain("Schrijf mij in op de lijst.", "x", f"{local}@post.example"), Thread()))
    assert plan.actions == ()


@pytest.mark.conf("INB-07")
@pytest.mark.parametrize(
    "subject",
    [
        "Automatisch antwoord: Nieuws",
        "Afwezig: Nieuws",
        "Réponse automatique : Nouvelles",
        "Absence : Nouvelles",
        "Automatic reply: News",
        "Out of office: News",
        "Automatische Antwort: Neues",
        "Abwesenheitsnotiz: Neues",
        "Respuesta automática: Noticias",
        "Otomatik yanıt: Haber",
        "رد تلقائي: أخبار",
        "Автоматична відповідь: Новини",
        "Автоматический ответ: Новости",
    ],
)
def test_absence_notes_are_known_by_their_subject(subject: str) -> None:
    request = understand(plain(WISH, subject), Thread("invitation"))
    assert (request.kinds, decide(request).actions) == (("auto_reply",), ())


def test_an_answer_about_an_absence_is_a_person() -> None:
    assert understand(plain("Ik kom.", "Re: out of office"), Thread("invitation")).kinds == ("rsvp",)


def reply(partstat: str, method: str = "REPLY") -> str:
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:1@v.example\r\n"
        f"DTSTAMP:20261101T100000Z\r\nATTENDEE;PARTSTAT={partstat}:mailto:lotte.maes@post.example\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


@pytest.mark.conf("INB-06")
@pytest.mark.parametrize(("partstat", "answer"), [("ACCEPTED", "yes"), ("DECLINED", "no"), ("TENTATIVE", "maybe")])
def test_calendars_answer_for_people(partstat: str, answer: str) -> None:
    mail = message(reply(partstat), f"From: {SENDER}", content_type="text/calendar; method=REPLY; charset=utf-8")
    request = understand(mail, Thread("invitation"))
    assert request.kinds == ("calendar_reply",)
    assert request.rsvp is not None and request.rsvp.answer == answer
    assert request.calendar is not None and request.calendar.uid == "1@v.example"
    assert decide(request).actions == ("record_rsvp",)


@pytest.mark.conf("INB-06")
def test_a_proposal_for_another_time_is_for_a_person() -> None:
    mail = message(reply("TENTATIVE", "COUNTER"), f"From: {SENDER}", content_type="text/calendar; method=COUNTER")
    plan = decide(understand(mail, Thread("invitation")))
    assert (plan.actions, plan.disposition) == ((), "review")


def test_an_invitation_of_a_stranger_changes_nothing() -> None:
    mail = message(reply("NEEDS-ACTION", "REQUEST"), f"From: {SENDER}", content_type="text/calendar; method=REQUEST")
    plan = decide(understand(mail, Thread()))
    assert (plan.actions, plan.disposition) == ((), "review")


@pytest.mark.conf("INB-24")
def test_an_encrypted_mail_goes_to_a_person() -> None:
    mail = plain("-----BEGIN PGP MESSAGE-----\n\nabc", "schrijf me in")
    plan = decide(understand(mail, Thread()))
    assert (plan.actions, plan.disposition) == (("auto_reply",), "review")


def test_what_others_wrote_is_no_wish_of_the_sender() -> None:
    quoted = "Interessant!\n\nOp 3 nov 2026 om 10:00 schreef Bo <bo@post.example>:\n> Haal mij van de lijst.\n"
    forwarded = "---------- Forwarded message ---------\nVan: Bo <bo@post.example>\n\nSchrijf mij in op de lijst."
    for text in (quoted, forwarded):
        assert decide(understand(plain(text, "Fwd: x"), Thread())).actions == ()


def test_a_cry_for_help_below_the_closing_formula_is_heard() -> None:
    text = "Dag,\n\nZet mij op de mailinglijst.\n\nGroeten,\nLotte\n\nMijn broer slaat mij en ik durf niet naar huis"
    request = understand(plain(text, "Nieuwsbrief"), Thread())
    assert request.kinds == ("help",), request.why
    assert decide(request).actions == ()

"""A coordinator decides by mail: by the link made for them, or by replying to the digest sent to them."""


from datetime import datetime, timedelta

import pytest

from contacts import coordinator
from contacts.address import Address
from contacts.coordinator import Coordinator
from mailer.inbound import register
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.register import CoordinatorRequest
from mailer.links import DECIDE
from mailer.outbound import outbox
from tests.database.conftest import NOW
from tests.database.office import Office, mail


def test_a_plain_reply_to_the_digest_decides(office: Office) -> None:
    join, leave, odd = office.puts(["join"]), office.puts(["leave"], "jef@thuis.example"), office.puts(["other"])
    letter = office.digest(office.an)
    text = f"Dag,\n\n{join.id} ja\n{leave.id}: nee\n{odd.id} hm, weet niet\n\nGroeten,\nAn\n"
    result, left = office.take(mail("an@stad.example", text, "Re: mails", In_Reply_To=letter.message_id))
    assert (result.disposition, result.kinds, left) == ("handled", ("decision",), None)
    assert (join.decision, leave.decision, odd.decision) == ("yes", "no", None)
    assert office.sent("kim@huis.example") == ["confirmation"]
    told = office.text("an@stad.example", "decided")
    assert f"Nummer {join.id}: gedaan" in told
    assert "lijn 4 van je antwoord" in told
    assert "weet niet" not in told  # an automatic answer repeats no word of a mail (INB-10)


def test_an_answer_under_the_quoted_item_decides_on_that_one(office: Office) -> None:
    join, leave = office.puts(["join"]), office.puts(["leave"], "jef@thuis.example")
    letter = office.digest(office.an)
    quoted = read(letter.content or b"")
    assert isinstance(quoted, InboundMessage)
    answers, lines = iter(("ja", "nee")), []
    for line in quoted.text.splitlines():
        lines.append(f"> {line}")
        if line.startswith("Nee"):
            lines.append(next(answers))
    text = "Op ma 23 nov 2026 om 08:00 schreef Lerend netwerk <netwerk@verbinden.example>:\n" + "\n".join(lines)
    office.take(mail("an@stad.example", text, "Re: mails", In_Reply_To=letter.message_id))
    assert (join.decision, leave.decision) == ("yes", "no")


@pytest.mark.conf("INB-21")
def test_a_forged_reply_decides_nothing(office: Office) -> None:
    found = office.puts(["leave"])
    mine, karims = office.digest(office.an), office.digest(office.karim)
    for author, message_id in (
        ("evil@elders.example", mine.message_id), ("an@stad.example", karims.message_id),
        ("an@stad.example", "<made-up@verbinden.example>"),
    ):  # fmt: skip
        office.take(mail(author, f"{found.id} ja\n", "Re: mails", In_Reply_To=message_id))
        assert found.resolved_at is None
    assert "decided" not in {row.kind for row in outbox.rows(office.session)}


def _link(office: Office, to: Coordinator, found: CoordinatorRequest, now: datetime = NOW) -> str:
    key = register.decision_key(office.session, found.id, to.id, office.writer.new_key())
    return office.writer.links.token(DECIDE, key, now)


def test_the_link_of_the_digest_decides_once_and_a_second_time_says_who_did(office: Office) -> None:
    found = office.puts(["join"])
    assert _link(office, office.an, found).encode() in (office.digest(office.an).content or b"").replace(b"=\r\n", b"")
    office.take(mail("karim@partner.example", "", f"yes {_link(office, office.karim, found)}"))
    assert (found.decision, found.resolved_by) == ("yes", "karim@partner.example")
    office.take(mail("an@stad.example", "", f"no {_link(office, office.an, found)}"))
    assert found.decision == "yes"
    assert "was al beslist door Karim Haddad op maandag 23 november 2026" in office.text("an@stad.example", "decided")
    assert office.sent("kim@huis.example") == ["confirmation"]


@pytest.mark.conf("SEC-20", "SEC-22")
def test_a_link_serves_nobody_but_its_coordinator_and_not_for_ever(office: Office) -> None:
    found = office.puts(["leave"])
    mine = _link(office, office.an, found)
    forged = mine[:20] + ("A" if mine[20] != "A" else "B") + mine[21:]
    for author, token, now in (
        ("karim@partner.example", mine, NOW), ("evil@elders.example", mine, NOW), ("an@stad.example", forged, NOW),
        ("an@stad.example", mine, NOW + timedelta(days=14, seconds=1)),
    ):  # fmt: skip
        office.take(mail(author, "", f"yes {token}"), now)
        assert found.resolved_at is None
    coordinator.remove(office.session, Address.parse("an@stad.example"))
    office.session.flush()
    office.session.expire_all()
    office.take(mail("an@stad.example", "", f"yes {mine}", NOW + timedelta(hours=1)))
    assert found.resolved_at is None


def test_what_stands_beside_a_link_is_the_note(office: Office) -> None:
    found = office.puts(["leave"])
    office.take(mail("an@stad.example", "Ze belde me zelf.\n", f"yes {_link(office, office.an, found)}"))
    assert (found.decision, found.resolution) == ("yes", "Ze belde me zelf.")


def test_by_mail_a_cry_for_help_can_only_be_said_to_be_done(office: Office) -> None:
    found = office.puts(["help"])
    letter = office.digest(office.an)
    for word in ("ja", "nee", "uitschrijven"):
        office.take(mail("an@stad.example", f"{found.id} {word}\n", "Re: mails", In_Reply_To=letter.message_id))
        assert found.resolved_at is None
    assert "een hulpvraag" in office.text("an@stad.example", "decided")
    office.take(mail("an@stad.example", f"{found.id} gedaan\n", "Re: mails", In_Reply_To=letter.message_id))
    assert found.decision == "done"
    assert office.sent("kim@huis.example") == []


def test_a_colleagues_words_stay_with_colleagues(office: Office) -> None:
    letter = office.digest(office.an)
    text = "Karim, kun jij vandaag naar de mailbox kijken? Ik zit de hele dag in vergadering.\n"
    result, left = office.take(mail("an@stad.example", text, "Re: mails", In_Reply_To=letter.message_id))
    assert result.disposition == "review"
    assert left is not None
    assert office.sent("an@stad.example") == ["digest"]


def test_an_absence_of_a_coordinator_decides_nothing(office: Office) -> None:
    found, letter = office.puts(["leave"]), office.digest(office.an)
    office.take(mail("an@stad.example", f"{found.id} ja\n", "Automatisch antwoord: mails",
                     In_Reply_To=letter.message_id, Auto_Submitted="auto-replied"))  # fmt: skip
    assert found.resolved_at is None
    assert office.sent("an@stad.example") == ["digest"]


@pytest.mark.conf("INB-09")
def test_a_program_that_answers_every_answer_is_left_talking(office: Office) -> None:
    letter = office.digest(office.an)
    for number in range(40):
        text = f"{number} hebben we goed ontvangen\n"
        office.take(mail("an@stad.example", text, "Re: mails", In_Reply_To=letter.message_id))
    assert office.sent("an@stad.example").count("decided") == 30

"""Word to the coordinators that mails wait: none is left out, a first cry for help never waits, a flood is gathered."""

import re
from datetime import datetime, timedelta

import pytest

from contacts.database import Database
from mailer import notices
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.register import CoordinatorRequest
from mailer.notices import NOTICES_PER_HOUR, URGENT_AT_ONCE, URGENT_GATHERS_FOR, Waiting
from mailer.outbound import outbox
from mailer.outbound.outbox import OutboxItem
from tests.database.office import NOW, Office

AN = "an@stad.example"


def tell(office: Office, *found: CoordinatorRequest, at: datetime = NOW) -> None:
    told = [Waiting(one.id, tuple(one.kinds), "Te bekijken", one.urgent) for one in found]
    notices.tell(office.session, office.writer, told, at)


def cry(office: Office) -> CoordinatorRequest:
    return office.puts(["help"])


def letters(office: Office, kind: str, address: str = AN) -> list[OutboxItem]:
    rows = [row for row in outbox.rows(office.session) if (row.kind, row.recipient) == (kind, address)]
    return sorted(rows, key=lambda row: row.id)


def text(item: OutboxItem) -> str:
    found = read(item.content or b"")
    assert isinstance(found, InboundMessage)
    return f"{found.subject}\n{' '.join(found.text.split())}"


def numbers(item: OutboxItem) -> set[int]:
    found = re.search(r"Nummers?: ([0-9, ]+)", text(item))
    assert found
    return {int(number) for number in found[1].split(",")}


@pytest.mark.conf("INB-24")
def test_mails_that_come_together_are_told_in_one_letter_to_each(office: Office) -> None:
    waiting = [office.puts([kind]) for kind in ("join", "guidance", "other")]
    tell(office, *waiting)
    for address in (AN, "karim@partner.example"):
        (letter,) = letters(office, "notice", address)
        assert letter.next_attempt_at == NOW
    (letter,) = letters(office, "notice")
    assert numbers(letter) == {one.id for one in waiting}
    assert text(letter).startswith("3 mails wachten op jou in Te bekijken")


def test_one_mail_is_told_as_one_with_its_number_its_kinds_and_its_hour(office: Office) -> None:
    found = office.puts(["join", "guidance"])
    tell(office, found)
    (letter,) = letters(office, "notice")
    said = text(letter)
    assert said.startswith("een mail wacht op jou in Te bekijken")
    assert f"verbinden requests show {found.id}" in said
    assert "wil erbij horen, vraagt raad" in said
    assert "maandag 23 november 2026 om 10.30 uur" in said


def test_calm_and_urgent_mails_of_one_moment_are_told_apart(office: Office) -> None:
    calm, urgent = office.puts(["join"]), cry(office)
    tell(office, calm, urgent)
    (first,), (second,) = letters(office, "urgent"), letters(office, "notice")
    assert (numbers(first), numbers(second)) == ({urgent.id}, {calm.id})
    assert text(first).startswith("DRINGEND: een mail wacht")
    assert "DRINGEND" not in text(second)


def test_no_more_calm_letters_than_the_cap_and_an_urgent_one_all_the_same(office: Office) -> None:
    for _ in range(NOTICES_PER_HOUR + 5):
        tell(office, office.puts(["join"]))
    tell(office, cry(office))
    assert len(letters(office, "notice")) == NOTICES_PER_HOUR
    assert len(letters(office, "urgent")) == 1


def test_cries_for_help_that_nobody_took_out_yet_share_a_letter_that_waits_no_longer(office: Office) -> None:
    cries = []
    for _ in range(3):
        cries.append(cry(office))
        tell(office, cries[-1])
    (letter,) = letters(office, "urgent")
    assert letter.next_attempt_at == NOW
    assert numbers(letter) == {one.id for one in cries}
    assert text(letter).startswith("DRINGEND: 3 mails wachten")


def _leave(item: OutboxItem) -> None:
    """The letter went out."""
    item.state, item.phase, item.attempt = outbox.ACCEPTED, "answered", 1


@pytest.mark.conf("INB-24")
def test_of_a_flood_the_first_letters_leave_at_once_and_the_next_one_gathers(office: Office) -> None:
    told, at = set[int](), NOW
    for _ in range(300):
        found = cry(office)
        tell(office, found, at=at)
        told.add(found.id)
        for item in letters(office, "urgent"):
            if item.state == outbox.QUEUED and item.next_attempt_at <= at:
                _leave(item)
        at += timedelta(seconds=12)
    sent = letters(office, "urgent")
    assert [item.next_attempt_at - item.created_at for item in sent[:URGENT_AT_ONCE]] == [timedelta(0)] * URGENT_AT_ONCE
    assert max(item.next_attempt_at - item.created_at for item in sent) == URGENT_GATHERS_FOR
    assert len(sent) <= URGENT_AT_ONCE + timedelta(hours=1) / URGENT_GATHERS_FOR
    counted = [re.match(r"DRINGEND: (\d+|een) mail", text(item)) for item in sent]
    assert sum(1 if one[1] == "een" else int(one[1]) for one in counted if one) == len(told)


def test_a_letter_in_somebody_s_hands_says_what_it_said(database: Database, office: Office) -> None:
    tell(office, cry(office))
    (letter,) = letters(office, "urgent")
    before = letter.content
    letter.state, letter.phase = outbox.SUBMITTING, "claimed"
    later = cry(office)
    tell(office, later)
    first, second = letters(office, "urgent")
    assert first.content == before
    assert numbers(second) == {later.id}


def test_what_a_colleague_has_done_meanwhile_is_not_told_again(office: Office) -> None:
    first, second, third = (cry(office) for _ in range(3))
    tell(office, first, second)
    second.resolved_at = NOW
    tell(office, third)
    (letter,) = letters(office, "urgent")
    assert numbers(letter) == {first.id, third.id}


def test_a_long_row_of_numbers_is_cut_and_the_count_is_not(office: Office) -> None:
    tell(office, *[cry(office) for _ in range(40)])
    (letter,) = letters(office, "urgent")
    assert text(letter).startswith("DRINGEND: 40 mails wachten")
    assert len(numbers_shown(letter)) == 10


def numbers_shown(item: OutboxItem) -> list[str]:
    found = re.search(r"Nummers: ([0-9, ]+) …", text(item))
    assert found
    return found[1].split(", ")

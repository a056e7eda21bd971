"""The digest: once a day whoever sends it, true in its counts, and silent about whom it must not name."""

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from contacts import coordinator
from contacts.address import Address
from contacts.database import Database
from mailer import digest
from mailer.inbound import register
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.register import Entry
from mailer.lint import lint
from mailer.outbound import outbox
from mailer.outbound.writer import Writer
from tests.database.conftest import NOW
from tests.database.office import Office

MONDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 28)
EIGHT = time(8)
BRUSSELS = ZoneInfo("Europe/Brussels")


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BRUSSELS)


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (local(23, 7, 59), date(2026, 11, 22), None),
        (local(23, 8), date(2026, 11, 22), MONDAY),
        (local(23, 23, 59), date(2026, 11, 20), MONDAY),
        (local(23, 8), MONDAY, None),
        (local(23, 7), date(2026, 11, 20), None),  # yesterday's is so late that today's is nearer
        (local(23, 7), None, None),
        (local(23, 8, 1), None, MONDAY),
    ],
)
def test_a_digest_is_due_once_its_hour_has_come(now: datetime, last: date | None, due: date | None) -> None:
    assert digest.due(now, EIGHT, last) == due


def test_one_missed_at_midnight_is_caught_up_with() -> None:
    assert digest.due(local(24, 0, 5), time(23, 59), date(2026, 11, 22)) == MONDAY


@pytest.mark.parametrize(("month", "day"), [(3, 29), (10, 25)])
def test_a_change_of_the_clock_neither_loses_nor_doubles_one(month: int, day: int) -> None:
    at, last, sent = time(2, 30), date(2026, month, day) - timedelta(days=1), []
    start = datetime(2026, month, day, tzinfo=BRUSSELS).astimezone(UTC)
    for minutes in range(0, 6 * 60, 10):
        now = (start + timedelta(minutes=minutes)).astimezone(BRUSSELS)
        if (found := digest.due(now, at, last)) is not None:
            last = found
            sent.append(now.time())
    assert sent == [time(3, 0) if month == 3 else time(2, 30)]


def _let_one_wait(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        Office(session, writer).puts(["join"])


def _texts(database: Database) -> dict[str, str]:
    with database.read() as session:
        found = {row.recipient: read(row.content or b"") for row in outbox.rows(session) if row.kind == "digest"}
    return {to: " ".join(one.text.split()) for to, one in found.items() if isinstance(one, InboundMessage)}


def test_two_daemons_and_a_second_round_send_one(database: Database, writer: Writer) -> None:
    _let_one_wait(database, writer)
    together = threading.Barrier(2)
    sent: list[int] = []

    def one() -> None:
        together.wait()
        with database.begin() as session:
            sent.append(digest.send(session, writer, MONDAY, NOW))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(sent) == [0, 2]
    with database.begin() as session:
        assert digest.send(session, writer, MONDAY, NOW + timedelta(hours=3)) == 0
        assert [row.kind for row in outbox.rows(session)] == ["digest", "digest"]


def test_everybody_reads_it_in_their_own_language_and_nobodys_address_whole(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        office = Office(session, writer)
        office.puts(["join"], "kim.claes@huis.example")
        office.puts(["information"], "x@post.example")
        office.puts(["help"], "noor@geheim.example")
        digest.send(session, writer, MONDAY, NOW)
    texts = _texts(database)
    dutch, french = texts["an@stad.example"], texts["karim@partner.example"]
    assert "k…@huis.example wil waarschijnlijk erbij horen." in dutch
    assert "k…@huis.example veut sans doute nous rejoindre." in french
    assert "…@post.example vraagt informatie." in dutch
    for text in (dutch, french):
        assert not any(word in text for word in ("kim.claes", "x@post", "noor", "geheim", "Kim"))
    assert dutch.index("DRINGEND") < dutch.index("Nummer 1")
    assert "Misschien een hulpvraag." in dutch


def test_only_what_can_be_decided_has_links(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        office = Office(session, writer)
        office.puts(["join"])
        office.puts(["information"])
        office.puts(["help"])
        content = office.digest(office.an).content or b""
    message = read(content)
    assert isinstance(message, InboundMessage)
    assert message.text.count("subject=yes") == message.text.count("subject=no") == 1
    assert lint(content, "digest") == []


def test_what_was_done_is_counted_and_decisions_are_not(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        office = Office(session, writer)
        for number, (kinds, where) in enumerate(
            [(["leave"], "handled"), (["rsvp"], "handled"), (["rsvp"], "handled"), (["auto_reply"], "ignored"),
             (["decision"], "handled"), (["leave"], "handled")]
        ):  # fmt: skip
            at = NOW - timedelta(days=2) if number == 5 else NOW
            key = f"{number:064x}"
            place = register.Place(2, number + 1)
            register.record(session, [Entry(place, writer.new_key(), key, None, kinds, where, [])], at)
        news = digest.gather(session, NOW - timedelta(days=1))
        assert (news.total, news.of("handled"), news.of("ignored")) == (4, 3, 1)
        digest.write(session, writer, office.an, news, NOW)
    text = _texts(database)["an@stad.example"]
    assert "4 mails." in text
    assert "- 2 × iemand antwoordde op een uitnodiging: genoteerd - 1 × iemand schreef zich uit" in text
    assert "Er wacht niets op jou" in text


@pytest.mark.parametrize(
    ("day", "came", "waits", "letters"),
    [
        (MONDAY, False, False, 0), (MONDAY, True, False, 2), (MONDAY, True, True, 2), (SATURDAY, True, False, 0),
        (SATURDAY, True, True, 2),
    ],
)  # fmt: skip
def test_nothing_is_sent_when_there_is_nothing_to_tell(
    database: Database, writer: Writer, day: date, came: bool, waits: bool, letters: int
) -> None:
    with database.begin() as session:
        office = Office(session, writer)
        if came:
            found = office.puts(["join"])
            if not waits:
                office.decides(found, "no")
        assert digest.send(session, writer, day, NOW + timedelta(minutes=1)) == letters


def test_what_was_not_told_at_the_weekend_is_told_on_monday(database: Database, writer: Writer) -> None:
    friday = NOW
    with database.begin() as session:
        office = Office(session, writer)
        office.decides(office.puts(["join"]), "no")
        assert digest.send(session, writer, date(2026, 11, 27), friday) == 2
        saturday, sunday = friday + timedelta(days=1), friday + timedelta(days=2)
        place = register.Place(2, 1)
        entry = Entry(place, writer.new_key(), "a" * 64, None, ["leave"], "handled", [])
        register.record(session, [entry], saturday)
        assert digest.send(session, writer, SATURDAY, saturday + timedelta(hours=1)) == 0
        assert digest.send(session, writer, SATURDAY + timedelta(days=1), sunday) == 0
        assert digest.since(session, sunday) == friday
        assert digest.send(session, writer, SATURDAY + timedelta(days=2), friday + timedelta(days=3)) == 2


def test_a_network_without_coordinators_keeps_its_day(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        assert digest.send(session, writer, MONDAY, NOW) == 0
        assert coordinator.last_digest(session) is None


def test_a_full_tray_stays_readable(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        office = Office(session, writer)
        for number in range(digest.MOST_ITEMS + 7):
            office.puts(["join", "update"], f"lid{number}@huis.example", language="fr")
        content = office.digest(office.an).content or b""
    message = read(content)
    assert isinstance(message, InboundMessage)
    assert "Er wachten nog 7 andere mails" in " ".join(message.text.split())
    assert len((message.html or "").encode()) < 102_000  # what Gmail shows before it cuts a letter off


@pytest.mark.parametrize(
    ("address", "seen"),
    [("kim@stad.example", "k…@stad.example"), ("k@stad.example", "…@stad.example"), (None, ""), ("", "")],
)
def test_an_address_is_masked(address: str | None, seen: str) -> None:
    assert digest.masked(address) == seen


def test_a_coordinator_who_leaves_takes_their_links_along(database: Database, writer: Writer) -> None:
    with database.begin() as session:
        office = Office(session, writer)
        found = office.puts(["join"])
        key = register.decision_key(session, found.id, office.an.id, writer.new_key())
        assert register.decision_key(session, found.id, office.an.id, writer.new_key()) == key
        assert register.decision_key(session, found.id, office.karim.id, writer.new_key()) != key
        coordinator.remove(session, Address.parse("an@stad.example"))
        session.flush()
        session.expire_all()
        assert register.by_decision_key(session, key) is None

"""Mails on their way in, many at a time: what one of them does to the others."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from contacts import coordinator
from contacts.address import Address
from contacts.migrate import upgrade
from jobs import app as jobs_app
from jobs import config, in_hand, taking_in
from jobs.app import App
from mailer.inbound.register import CoordinatorRequest, InboundMail, LedgerEntry, Place
from mailer.outbound.outbox import OutboxItem
from tests.database.office import mail

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[App]:
    settings = {
        "NETWORK_NAME": "Lerend netwerk", "NETWORK_ADDRESS": "netwerk@verbinden.example",
        "IMAP_URL": "imaps://n@mail.verbinden.example", "IMAP_PASSWORD": "nobody",
        "SMTP_URL": "smtps://n@mail.verbinden.example", "SECRET_KEY": "s" * 32, "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
    }  # fmt: skip
    found = jobs_app.build(config.load(tmp_path / "none", settings))
    upgrade(found.database)
    with found.database.begin() as session:
        coordinator.add(session, Address.parse("an@stad.example"), "An", "nl", NOW)
    yield found
    found.close()


def places(*raws: bytes) -> list[tuple[Place, bytes]]:
    return [(Place(7, number), raw) for number, raw in enumerate(raws, 1)]


JOIN = mail("Kim Claes <kim@huis.example>", "Schrijf mij in voor de nieuwsbrief.\n\nKim Claes")
LEAVE = mail("Jef Maes <jef@huis.example>", "Schrijf mij uit, ik wil geen mails meer.\n\nJef Maes")
HELP = mail("Noor <noor@huis.example>", "Mijn broer slaat mij. Ik durf niet naar huis. Help mij alstublieft.")
BROKEN = b"From: x@huis.example\r\nMessage-ID: <9@huis.example>\r\n\r\n" + b"x" * 1_000_001


@pytest.mark.conf("INB-30")
def test_mails_taken_together_end_as_each_would_alone(app: App) -> None:
    done = taking_in.take_together(app, places(JOIN, BROKEN, HELP, LEAVE))
    assert done == {1: "handled", 2: "quarantine", 3: "review", 4: "handled"}
    with app.database.read() as session:
        waiting = {tuple(one.kinds): one.urgent for one in session.scalars(select(CoordinatorRequest))}
        assert waiting == {("other",): False, ("help",): True}
        kinds = sorted(item.kind for item in session.scalars(select(OutboxItem)))
        assert kinds == ["confirmation", "goodbye", "notice", "urgent"]
        assert {entry.uid: entry.disposition for entry in session.scalars(select(LedgerEntry))} == done
    assert not in_hand.is_left_behind(app.data_dir)


def test_a_copy_in_the_same_batch_is_filed_and_not_answered_again(app: App) -> None:
    assert taking_in.take_together(app, places(JOIN, LEAVE, JOIN)) == {1: "handled", 2: "handled", 3: "handled"}
    with app.database.read() as session:
        assert len(session.scalars(select(InboundMail)).all()) == 2
        assert len(session.scalars(select(LedgerEntry)).all()) == 3
        assert len(session.scalars(select(OutboxItem)).all()) == 2


def test_the_same_mail_alone_and_later_in_a_batch_is_done_once(app: App) -> None:
    assert taking_in.take_alone(app, Place(7, 50), JOIN) == "handled"
    assert taking_in.take_together(app, places(JOIN, LEAVE)) == {1: "handled", 2: "handled"}
    with app.database.read() as session:
        assert sorted(item.kind for item in session.scalars(select(OutboxItem))) == ["confirmation", "goodbye"]


def test_who_asks_to_join_and_leaves_in_one_batch_has_left(app: App) -> None:
    goodbye = mail("Kim Claes <kim@huis.example>", "Schrijf mij toch maar uit.\n\nKim Claes", "Toch niet")
    taking_in.take_together(app, places(JOIN, goodbye))
    with app.database.read() as session:
        states = {item.kind: item.state for item in session.scalars(select(OutboxItem))}
    assert states["confirmation"] == "withdrawn"
    assert "goodbye" in states

"""What a coordinator is told of a mail that a machine left to them."""

from typing import Any

from sqlalchemy.orm import Session

from contacts.database import Database
from mailer.desk import Desk
from mailer.inbound.suggestion import suggestion
from mailer.inbound.understanding import Request
from tests.database.office import NOW
from tests.unit.inbound.mails import plain


def told(session: Session, request: Request) -> dict[str, Any]:
    message = plain("Ik ben er niet meer.")
    context = Desk.prepare(session, [message]).look_up(message)
    return suggestion(session, message, context, request, NOW)


def test_a_successor_stands_where_erasing_looks(database: Database) -> None:
    with database.read() as session:
        found = told(session, Request(("auto_reply",), certain=True, gone=True, successor="aya@huis.example"))
    assert found["people"] == [{"address": "aya@huis.example", "name": None, "organisation": None}]
    assert found["gone"] is True


def test_who_is_still_there_is_not_called_gone(database: Database) -> None:
    with database.read() as session:
        assert "gone" not in told(session, Request(("information",)))

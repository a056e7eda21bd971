"""What a coordinator is told of a mail that a machine left to them."""

from jobs.read_mailbox import _suggestion
from mailer.inbound.understanding import Request


def test_a_successor_stands_where_erasing_looks() -> None:
    told = _suggestion(Request(("auto_reply",), certain=True, gone=True, successor="aya@huis.example"))
    assert told["people"] == [{"address": "aya@huis.example", "name": None, "organisation": None}]
    assert told["gone"] is True


def test_who_is_still_there_is_not_called_gone() -> None:
    assert "gone" not in _suggestion(Request(("information",)))

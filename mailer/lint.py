"""Conformance of emitted bytes: an independent reading of a finished message, before and without any server."""

from mailer.linting import headers, html, structure
from mailer.linting.calendar import check_calendars
from mailer.linting.reading import Problem, check, read_message

__all__ = ["Problem", "lint"]


def lint(raw: bytes, kind: str | None = None) -> list[Problem]:
    """The rules of the conformance list that this message breaks, each with its id; an empty list is a good message.

    `kind` is the kind of letter ("newsletter", "invitation", "confirmation", "welcome" …) and decides which list
    headers must and may not be there; None infers it from List-Id and the calendar part. Bytes that are no message are
    a list of problems, not an exception. No problem quotes an address, a name or a token.
    """
    mail = read_message(raw, kind)
    found = check(mail, (*headers.RULES, *structure.RULES))
    return list(dict.fromkeys([*found, *html.check_page(mail), *check_calendars(mail)]))

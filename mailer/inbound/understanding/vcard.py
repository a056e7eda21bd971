"""vCards in a mail (RFC 6350, and the older 2.1 and 3.0): who they describe."""

from mailer.inbound.headers import addresses, clean
from mailer.inbound.understanding.request import Person

_LINES = 200


def read_card(card: str) -> Person:
    """The address, the name (FN, §6.2.1) and the organisation (ORG, §6.6.4) of a card; None for what it lacks."""
    found: dict[str, str] = {}
    for line in card.replace("\n ", "").split("\n")[:_LINES]:
        name, _, value = line.partition(":")
        key = name.upper().split(";")[0].rpartition(".")[2]
        found.setdefault(key, value.replace("\\,", ",").replace("\\;", ",").strip())
    address = next(iter(addresses(found.get("EMAIL", ""), 1)), None)
    organisation = clean(found.get("ORG", "").split(";")[0], 100)
    return Person(address, clean(found.get("FN", ""), 100) or None, organisation or None)

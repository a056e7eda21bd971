"""Who a mail is about: addresses, names in their natural order, and the organisation if the mail names it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailer.inbound.fold import fold
from mailer.inbound.headers import addresses
from mailer.inbound.message import InboundMessage
from mailer.inbound.reply_text import Words
from mailer.inbound.understanding.authors import author_name
from mailer.inbound.understanding.beside import name_beside, name_of_local, words_of
from mailer.inbound.understanding.changes import is_old, says_here
from mailer.inbound.understanding.mentions import MOST_TEXT, Mentions, mentions
from mailer.inbound.understanding.names import house_in, is_shared, is_team, matches, natural, stems
from mailer.inbound.understanding.organisation import house_beside, organisation_of, shared_house
from mailer.inbound.understanding.renaming import married_name, new_name
from mailer.inbound.understanding.request import Person
from mailer.inbound.understanding.runs import is_house_word
from mailer.inbound.understanding.vcard import read_card

MOST_PEOPLE = 20


def own_address(message: InboundMessage) -> str:
    """The author's address, or "" without one author."""
    return message.author.address if message.author else ""


def author(message: InboundMessage, words: Words, address: str = "") -> Person:
    """The author as a person to register, at `address` if they ask for another one than their own."""
    at = address or own_address(message)
    return _described(message, words, at, author_name(message, words, at), moved=False)


def _described(message: InboundMessage, words: Words, at: str, name: str | None, moved: bool) -> Person:
    """The author under this name; `moved`: they tell of a change, so that of two organisations the new one is meant."""
    named = stems(f"{name or ''} {_personal_name(message)}")
    organisation = organisation_of(_mentions(message, words), at, named, moved)
    if not organisation and message.vcards:
        own = next((card for card in map(read_card, message.vcards) if _is_of(card, at, named)), None)
        organisation = own.organisation if own else None
    return Person(at or None, name, organisation)


def _is_of(card: Person, address: str, named: frozenset[str]) -> bool:
    return (card.address or "").casefold() == address.casefold() or not stems(card.name or "").isdisjoint(named)


def _mentions(message: InboundMessage, words: Words) -> Mentions:
    shown = message.author.name if message.author else ""
    return mentions(message.subject, words, shown if _is_house(shown) else house_in(shown))


def _is_house(shown: str) -> bool:
    """Whether a display name is that of a team or a house, and of nobody."""
    return is_team(shown) or any(map(is_house_word, shown.removesuffix(house_in(shown)).split()))


def _personal_name(message: InboundMessage) -> str:
    shown = message.author.name if message.author else ""
    return "" if _is_house(shown) else shown


def others(message: InboundMessage, words: Words) -> tuple[Person, ...]:
    """The people whose addresses stand in the text, beside the author, with the names written next to them."""
    if "@" not in words.own and "@" not in message.subject:
        return ()
    return _named_in(message, words, words.own)


def passed_on(message: InboundMessage, words: Words) -> tuple[Person, ...]:
    """The people a mail names without their address in its text: on a vCard, or as authors of what it passes on."""
    own = own_address(message).casefold()
    cards = [card for card in map(read_card, message.vcards) if card.address and card.address.casefold() != own]
    if cards or "@" not in words.forwarded:
        return tuple(cards)
    head = words.forwarded[:3000]
    return _named_in(message, replace(words, own=head, signature=""), head)[:1]


def _named_in(message: InboundMessage, words: Words, text: str) -> tuple[Person, ...]:
    own = own_address(message).casefold()
    known = {one.casefold() for one in message.recipients}
    spoken = words_of(f"{message.subject}\n{text[:MOST_TEXT]}")
    writer = stems(message.author.name) if message.author else frozenset()
    found: dict[str, str | None] = {}
    for one in addresses(f"{message.subject}\n{text}", MOST_PEOPLE):
        if one.casefold() == own:
            continue
        at = place_of(spoken, one)
        beside = name_beside(spoken, at, one, writer) if at is not None else ""
        if beside or one.casefold() not in known:
            found[one] = beside or _name_alone(spoken, one, message.author.name if message.author else "")
    return _with_houses(message, words, found, spoken) if found else ()


def _name_alone(spoken: Sequence[str], address: str, writer: str) -> str | None:
    """The name the address alone gives; as the author writes it, where it is theirs."""
    found = name_of_local(spoken, address)
    return (natural(writer, address) if found and stems(found) == stems(writer) else found) or None


def place_of(spoken: Sequence[str], address: str) -> int | None:
    """Where an address stands among the words of a text."""
    return next((at for at, word in enumerate(spoken) if address in word), None)


def _with_houses(
    message: InboundMessage, words: Words, found: Mapping[str, str | None], spoken: Sequence[str]
) -> tuple[Person, ...]:
    """The same people with the organisation the mail names for each, or for all of them."""
    where, own = _mentions(message, words), own_address(message)
    writer = author_name(message, words, own) or ""
    named = stems(" ".join([*(name or "" for name in found.values()), _personal_name(message), writer]))
    domain = own.rpartition("@")[2].casefold()
    people = []
    for address, name in found.items():
        colleague = address.rpartition("@")[2].casefold() == domain
        beside = house_beside(spoken, place_of(spoken, address), named)
        people.append(Person(address, name, beside or shared_house(where, address, named, colleague)))
    return tuple(people)


def changed(message: InboundMessage, words: Words, named: tuple[Person, ...], renamed: bool) -> tuple[Person, ...]:
    """The new values of a member, or of several; of two addresses of one person the newer one is meant.

    `named`: the people whose addresses stand in the text; `renamed`: the mail asks for another name.
    """
    coming = _coming(message, words, named) if named else ()
    if len(coming) > 1:
        return coming
    own, text = own_address(message), f"{message.subject}\n{words.own[:MOST_TEXT]}"
    known = author_name(message, words, own) or ""
    called = new_name(text, words.signature, known, renamed)
    itself = _described(message, words, own, called or known or None, moved=True)
    if not coming:
        return (itself,)
    only = coming[0]
    called = married_name(f"{text}\n{words.signature}", known, only.address or "")
    if not called and _is_someone_else(only, itself):
        return coming
    organisation = only.organisation or itself.organisation
    return (Person(only.address, called or itself.name, organisation),)


def _coming(message: InboundMessage, words: Words, named: tuple[Person, ...]) -> tuple[Person, ...]:
    """Of the people whose addresses stand in the text those for whom it is the new one."""
    spoken = words_of(f"{message.subject}\n{words.own[:MOST_TEXT]}")
    mine = place_of(spoken, own_address(message))
    here = mine is not None or says_here(words.own[:MOST_TEXT])
    told = {one: _is_old(spoken, one, here) for one in named}
    live = [one for one in named if not told[one]]
    certain = [one for one in live if told[one] is False]
    kept = mine is not None and is_old(spoken, mine, here=False) is not True
    if not certain and (kept or (mine is None and here)):
        return ()
    newest: dict[str, Person] = {}
    for one in sorted(live, key=lambda one: one in certain):
        newest[fold(one.name or one.address or "")] = one
    found = tuple(one for one in live if one in newest.values())
    return found if all(one.name for one in found) else found[-1:]


def _is_old(spoken: Sequence[str], one: Person, here: bool) -> bool | None:
    at = place_of(spoken, one.address or "")
    return None if at is None else is_old(spoken, at, here)


def _is_someone_else(one: Person, itself: Person) -> bool:
    """Whether a new address is that of somebody other than the author: nothing in it is of the author's name."""
    if not one.name:
        return False
    own = stems(f"{itself.name or ''} {(itself.address or '').partition('@')[0]}")
    theirs = stems(f"{one.name} {(one.address or '').partition('@')[0]}")
    return is_shared(itself.address or "") or not any(matches(word, own) for word in theirs)

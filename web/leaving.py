"""The page that unsubscribes: one button for people, one POST for mail programs (RFC 8058)."""

from contacts import roster
from contacts.address import Address
from mailer import acts
from web.forms import Form
from web.pages import Page, message
from web.visit import Visit


def show(visit: Visit) -> Page:
    """One button; the page is there for every valid link, whether or not anybody is behind it still."""
    words = visit.words(roster.find_by_key(visit.session, visit.key))
    return Page("unsubscribe.html", words, values={"action": visit.action})


def act(visit: Visit, form: Form) -> Page:
    """Out, at once; for who is out already, or erased, the same page byte for byte (conformance OUT-24).

    So the language must not come from the member: it is that of the form, else the browser's.
    """
    member = roster.find_by_key(visit.session, visit.key)
    if member is not None:
        evidence = "one-click" if form.is_one_click else "page"
        address = Address.parse(member.address)
        acts.leave(visit.session, visit.door.writer, address, member.language, visit.occasion(evidence))
    return message("unsubscribed", visit.words_as_shown(form.get("shown_in")), done=True)

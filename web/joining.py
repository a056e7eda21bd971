"""The page that asks whether somebody really wants to join, and takes their yes."""

from contacts import roster
from mailer import acts
from web.forms import Form
from web.pages import Page, message
from web.visit import Visit

#: Neutral subjects are the default; the page offers these two of contacts.member.DISCREET.
DISCREET = ("subject", "off")


def show(visit: Visit) -> Page:
    """What joining means, and the button."""
    member = roster.asked_by(visit.session, visit.key)
    return Page("confirm.html", visit.words(member), values={"action": visit.action})


def act(visit: Visit, form: Form) -> Page:
    """Yes; a second yes gives the same page. Raises RuleBroken as `roster.confirm` does."""
    chosen = form.get("discreet")
    discreet = chosen if chosen in DISCREET else None
    member = acts.confirm(visit.session, visit.door.writer, visit.key, visit.occasion("page"), discreet)
    return message("confirmed", visit.words(member), done=True)

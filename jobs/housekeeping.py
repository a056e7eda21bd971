"""What is deleted on schedule, so that nothing is kept longer than it is needed (GDPR art. 5(1)(e))."""

import threading
from datetime import timedelta

from contacts import privacy
from jobs.app import App
from mailer import maillog
from mailer.inbound import register
from mailer.outbound import outbox

#: Bytes and personal values of letters that ended.
_LETTERS = timedelta(days=30)
#: To which member a letter went: then only the counts stay.
_NAMES = timedelta(days=365)
#: What was noted of mails that wait for nobody.
_MAILS = timedelta(days=365)
#: Examples of what coordinators decided; they hold nobody's data and need no end, only a measure.
_EXAMPLES = 5000


def housekeeping(app: App, stop: threading.Event) -> int:
    """Delete what has served its time; returns how many rows. Running it twice deletes nothing twice."""
    now = app.now()
    with app.database.begin() as session:
        members = privacy.forget_unanswered(session, now)
        letters = outbox.drop_content(session, now - _LETTERS, now - _NAMES)
        mails = register.forget_before(session, now - _MAILS)
        register.forget_places(session, now - _MAILS)
        register.trim_examples(session, _EXAMPLES)
    if members or letters or mails:
        maillog.forgotten(members, letters, mails)
    return members + letters + mails

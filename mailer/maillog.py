"""What an operator can read of the mail room: one function for every event, and never who or about what.

Members and mails appear as row numbers only; no address, name, subject or token is ever an argument here.
"""

import logging

_log = logging.getLogger("verbinden")


def mail_read(uid: int, disposition: str, size: int) -> None:
    """One mail was understood, answered and committed."""
    _log.info("mail read: uid=%d disposition=%s bytes=%d", uid, disposition, size)


def mail_seen_before(mail_id: int) -> None:
    """A mail we handled already was still there; it is only filed."""
    _log.info("mail seen before: mail=%d", mail_id)


def mail_quarantined(uid: int, reason: str) -> None:
    """One mail could not be read, or made our code fail; the round goes on."""
    _log.warning("mail quarantined: uid=%d reason=%s", uid, reason)


def batch_broken(size: int, error: str) -> None:
    """Some mails could not be taken in together; each is taken by itself now, to find the one to blame."""
    _log.warning("mails taken one by one: count=%d error=%s", size, error)


def mail_not_filed(uid: int) -> None:
    """A mail is done but could not be moved; the ledger keeps it from being done twice."""
    _log.warning("mail not filed: uid=%d", uid)


def accepted(item_id: int, kind: str, attempt: int) -> None:
    """The relay took responsibility for a letter."""
    _log.info("accepted: item=%d kind=%s attempt=%d", item_id, kind, attempt)


def postponed(item_id: int, kind: str, attempt: int, code: int | None, phase: str) -> None:
    """A letter will be tried again."""
    _log.info("postponed: item=%d kind=%s attempt=%d code=%s phase=%s", item_id, kind, attempt, code, phase)


def refused(item_id: int, kind: str, code: int | None, enhanced: str | None) -> None:
    """A letter was refused for good."""
    _log.warning("refused: item=%d kind=%s code=%s status=%s", item_id, kind, code, enhanced)


def in_doubt(item_id: int, kind: str) -> None:
    """Nobody can know whether the relay took a letter."""
    _log.warning("in doubt: item=%d kind=%s", item_id, kind)


def claim_lost(item_id: int, kind: str) -> None:
    """A letter in hand was withdrawn, erased or taken over before its final dot; it did not go out from here."""
    _log.warning("claim lost: item=%d kind=%s", item_id, kind)


def unwritable(item_id: int, kind: str, error: str) -> None:
    """A letter could not be composed; the others go."""
    _log.error("cannot be written: item=%d kind=%s error=%s", item_id, kind, error)


def template_broken(name: str, file: str, line: int | None) -> None:
    """A letter could not be composed because its template is broken; what it tells of has happened all the same."""
    _log.error("template broken: mail=%s file=%s line=%s", name, file, line)


def key_too_weak(selector: str, reason: str) -> None:
    """A DKIM key that is not used: letters leave without its signature until there is a longer one."""
    _log.warning("dkim key refused: selector=%s reason=%s", selector, reason)


def recovered(queued: int, doubtful: int, known: int) -> None:
    """Rows of a process that died were taken up again; of `known` ones the journal said how they had ended."""
    _log.warning("recovered: queued=%d in_doubt=%d known=%d", queued, doubtful, known)


def released(issue_id: int, letters: int) -> None:
    """An issue went into the outbox."""
    _log.info("released: issue=%d letters=%d", issue_id, letters)


def release_failed(issue_id: int, error: str) -> None:
    """An issue could not go into the outbox; the others go, and it is tried again in the next round."""
    _log.error("release failed: issue=%d error=%s", issue_id, error)


def digest_written(letters: int) -> None:
    """The digest of the day is in the outbox."""
    _log.info("digest written: letters=%d", letters)


def finished(issue_id: int) -> None:
    """Nothing of an issue is left to send."""
    _log.info("finished: issue=%d", issue_id)


def outage(server: str, reason: str) -> None:
    """A server went away; said once for each outage."""
    _log.error("outage: server=%s reason=%s", server, reason)


def outage_over(server: str) -> None:
    """A server is back."""
    _log.info("outage over: server=%s", server)


def login_refused(server: str) -> None:
    """A server does not take our password: the job pauses until somebody acts."""
    _log.critical("login refused: server=%s", server)


def job_failed(job: str, error: str) -> None:
    """A round of a job ended in an exception; the next round comes as planned."""
    _log.error("job failed: job=%s error=%s", job, error)


def started(version: str) -> None:
    """The daemon is up."""
    _log.info("started: version=%s", version)


def stopped() -> None:
    """The daemon has stopped in order."""
    _log.info("stopped")


def forgotten(members: int, letters: int, mails: int) -> None:
    """Housekeeping deleted what is kept no longer."""
    _log.info("forgotten: members=%d letters=%d mails=%d", members, letters, mails)

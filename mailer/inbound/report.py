"""Delivery reports (RFC 3464, 6533), complaints (RFC 5965) and receipts (RFC 8098) as values, without judgement."""

from dataclasses import dataclass

from mailer.inbound import bounce_text
from mailer.inbound.delivery_status import Recipient, read_blocks, read_fields
from mailer.inbound.headers import addresses, clean, ids
from mailer.inbound.message import InboundMessage

__all__ = ["Recipient", "Report", "read_report"]

_DELIVERY = frozenset({"message/delivery-status", "message/global-delivery-status"})
_COMPLAINT = "message/feedback-report"
_RECEIPT = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global-headers"})
_DAEMONS = ("mailer-daemon", "mail-daemon")
# Feedback about a mail that nobody complains of (RFC 5965 §7.3, RFC 6591 §3.1).
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "dmarc", "authfailure"})
# Microsoft's complaints hold the mail itself, marked with whom it was for, and no report part.
_MARK_OF_COMPLAINT = "x-hmxmroriginalrecipient"


@dataclass(frozen=True, slots=True)
class Report:
    """What a machine says of a mail of ours; no proof by itself: the caller joins it to a mail sent (INB-27).

    `doubtful`: it reads like a bounce, but its sender is no mail system, so that a person may have written it.
    """

    recipients: tuple[Recipient, ...]
    original_message_id: str | None
    original_envelope_id: str | None
    complaint: bool
    receipt: bool = False
    doubtful: bool = False


def read_report(message: InboundMessage) -> Report | None:
    """The report this mail is, or None for any other mail."""
    delivery = [part.text for part in message.reports if part.type in _DELIVERY]
    complaint = next((part.text for part in message.reports if part.type == _COMPLAINT), None)
    receipt = next((part.text for part in message.reports if part.type in _RECEIPT), None)
    if any(_MARK_OF_COMPLAINT in read_fields(text) for text in message.forwarded[:1]):
        complaint = ""
    if not delivery and complaint is None and receipt is None:
        return _in_words(message)
    read = [read_blocks(text) for text in delivery]
    recipients = tuple(one for _, found in read for one in found)
    if delivery and not any(one.address for one in recipients):
        recipients = _named(message) or recipients
    if receipt is not None:
        recipients = (*recipients, *_rejected(message, receipt))
    per_message = next((fields for fields, _ in read), {}) or read_fields(complaint or receipt or "")
    return Report(
        recipients=recipients,
        original_message_id=_original_id(message),
        original_envelope_id=clean(per_message.get("original-envelope-id", ""), 200) or None,
        complaint=complaint is not None and _feedback(complaint) not in _NO_COMPLAINT,
        receipt=receipt is not None,
    )


def _feedback(text: str) -> str:
    return read_fields(text).get("feedback-type", "").strip().lower()


def _named(message: InboundMessage) -> tuple[Recipient, ...]:
    """The recipients a bounce names in words, in its own text or in that of a report somebody wrapped up."""
    announced = bounce_text.announces(message.subject)
    wrapped = (text for text in message.forwarded[:3] if "multipart/report" in text[:3000].lower())
    for text in (message.text, *wrapped):
        found = bounce_text.named_recipients(message, text, announced)
        if found:
            return found
    return ()


def _rejected(message: InboundMessage, receipt: str) -> tuple[Recipient, ...]:
    """A receipt can refuse: a filter deletes the mail and says so (RFC 5429 §2.1.2)."""
    fields = read_fields(receipt)
    if "deleted" not in fields.get("disposition", "").lower() or not bounce_text.says(message.text[:2000], "failed"):
        return ()
    _, found = read_blocks(receipt)
    reason = bounce_text.cause(message.text[:2000])
    return tuple(Recipient("failed", reason, clean(message.text, 500), one.address) for one in found[:1])


def _in_words(message: InboundMessage) -> Report | None:
    """A bounce without a part for machines: what it names is kept, but it proves nothing by itself."""
    failed = addresses(message.header("x-failed-recipients"), limit=100)
    announced = bounce_text.announces(message.subject)
    system = bounce_text.is_from_mail_system(message) or bool(announced and bounce_text.has_null_path(message))
    surely = bool(failed) or message.report_type is not None or _is_daemon(message)
    if not (surely or system or announced):
        return None
    recipients = _named(message)
    if not surely and not (recipients and announced) and not (system and (recipients or announced)):
        return None
    return Report(
        recipients=_failed(message, failed, recipients) or _unnamed(message, announced),
        original_message_id=_original_id(message) or next(iter(message.thread_ids), None),
        original_envelope_id=None,
        complaint=False,
        doubtful=not (surely or system),
    )


def _is_daemon(message: InboundMessage) -> bool:
    return message.author is not None and message.author.address.lower().startswith(_DAEMONS)


def _failed(message: InboundMessage, failed: list[str], named: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Exim and Google list those who failed in a header; the words below say why."""
    told = {one.final_recipient.lower(): one for one in named}
    waiting = bounce_text.is_warning(message.subject, message.text)
    reason = bounce_text.cause(message.text[: bounce_text.LONGEST])
    action = "delayed" if waiting else "failed"
    listed = tuple(told.get(one.lower()) or Recipient(action, reason, "", one) for one in failed)
    return listed or named


def _unnamed(message: InboundMessage, announced: str) -> tuple[Recipient, ...]:
    """A bounce that names nobody: whom it is about, only the mail it gives back can tell."""
    return (Recipient(announced, bounce_text.cause(message.text[:5000]), "", ""),) if announced else ()


def _original_id(message: InboundMessage) -> str | None:
    """The Message-ID of the mail that is reported on: from its returned header, a receipt, or its header in words."""
    returned = [part.text.replace("\r", "") for part in message.reports if part.type in _RETURNED]
    receipts = [part.text.replace("\r", "") for part in message.reports if part.type in _RECEIPT]
    fields = [read_fields(text).get("message-id", "") for text in (*returned, *message.forwarded[:3])]
    fields += [read_fields(text).get("original-message-id", "") for text in receipts]
    found = next((found for value in fields for found in ids(value)), None)
    return found or _quoted_id(message.text)


def _quoted_id(text: str) -> str | None:
    """The same, where a bounce in words gives the header back as text."""
    for line in text[:200_000].split("\n"):
        name, colon, value = line.lstrip(" \t>|*").partition(":")
        if colon and len(name) < 20 and name.strip().lower() in ("message-id", "message id"):
            found = ids(value)
            if found:
                return found[0]
    return None

"""Delivery reports (RFC 3464, 6533), complaints (RFC 5965) and receipts (RFC 8098) as values, without judgement."""

import re
from dataclasses import dataclass

from mailer.inbound.headers import addresses, clean, ids
from mailer.inbound.message import InboundMessage, ReportPart

_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_DELIVERY = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RECEIPT = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global-headers"})
_BOUNCE_WORDS = (
    "mail delivery failed",
    "undelivered mail",
    "undeliverable",
    "delivery status notification",
    "returned mail",
    "failure notice",
    "delivery failure",
    "onbestelbaar",
    "niet bezorgd",
    "non remis",
    "unzustellbar",
    "no se puede entregar",
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a report: `action` as in RFC 3464 §2.3.3, `status` "5.1.1" or "", what the server said."""

    action: str
    status: str
    diagnostic: str
    final_recipient: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a machine says of a mail of ours; no proof by itself: the caller joins it to a mail sent (INB-27)."""

    recipients: tuple[Recipient, ...]
    original_message_id: str | None
    original_envelope_id: str | None
    complaint: bool
    receipt: bool = False


def read_report(message: InboundMessage) -> Report | None:
    """The report this mail is, or None for any other mail; a bounce in plain words names one recipient at most."""
    delivery = [part for part in message.reports if part.type in _DELIVERY]
    complaint = any(part.type == "message/feedback-report" for part in message.reports)
    receipt = any(part.type in _RECEIPT for part in message.reports)
    if not (delivery or complaint or receipt):
        return _in_words(message) if message.report_type or _looks_returned(message) else None
    fields = [_fields(block) for part in delivery for block in part.text.split("\n\n")]
    per_message = next(iter(fields), {})
    return Report(
        recipients=tuple(_recipient(block) for block in fields if "action" in block or "final-recipient" in block),
        original_message_id=_original_id(message.reports),
        original_envelope_id=_envelope_id(per_message),
        complaint=complaint,
        receipt=receipt,
    )


def _fields(block: str) -> dict[str, str]:
    """The fields of one block, first value wins, folding undone."""
    found: dict[str, str] = {}
    name = ""
    for line in block.split("\n")[:200]:
        if line[:1].isspace() and name:
            found[name] += f" {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            found.setdefault(name, value.strip())
    return found


def _recipient(block: dict[str, str]) -> Recipient:
    action = next(iter(block.get("action", "").lower().split()), "").strip(";,.")
    status = _STATUS.search(block.get("status", "")) or _STATUS.search(block.get("diagnostic-code", ""))
    return Recipient(
        action=action if action in _ACTIONS else "",
        status=status[1] if status else "",
        diagnostic=clean(block.get("diagnostic-code", "").partition(";")[2] or block.get("diagnostic-code", ""), 500),
        final_recipient=_typed_address(block.get("final-recipient", "") or block.get("original-recipient", "")),
    )


def _typed_address(value: str) -> str:
    """The address of "rfc822; a@b" or "utf-8; \\x{e9}a@b" (RFC 6533 §3), "" for another type or nothing."""
    kind, _, text = value.partition(";")
    if kind.strip().lower() == "utf-8":
        text = re.sub(r"\\x\{([0-9A-Fa-f]{1,6})\}", _character, text)
    return next(iter(addresses((text or kind)[:500])), "")


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _envelope_id(fields: dict[str, str]) -> str | None:
    return clean(fields.get("original-envelope-id", ""), 200) or None


def _original_id(parts: tuple[ReportPart, ...]) -> str | None:
    """The Message-ID of the mail that came back, from its returned header."""
    for part in parts:
        if part.type in _RETURNED:
            found = ids(_fields(part.text.replace("\r", "")).get("message-id", ""))
            if found:
                return found[0]
    for part in parts:
        if part.type in _RECEIPT:
            found = ids(_fields(part.text.replace("\r", "")).get("original-message-id", ""))
            if found:
                return found[0]
    return None


def _looks_returned(message: InboundMessage) -> bool:
    """A bounce written for people: from the mail system itself, or with no return path and a subject that says so."""
    sender = message.author.address.partition("@")[0].lower() if message.author else ""
    subject = message.subject.lower()
    returned = any(word in subject for word in _BOUNCE_WORDS)
    return sender in ("mailer-daemon", "mail-daemon", "postmaster") or (returned and message.return_path == "")


def _in_words(message: InboundMessage) -> Report:
    """A plain-text bounce: what it names is kept, but it proves nothing by itself."""
    status = _STATUS.search(message.text[:20_000])
    named = [found for found in addresses(message.text[:20_000], limit=20) if found not in message.recipients]
    failed = status is not None and status[1].startswith("5")
    recipients = tuple(Recipient("failed" if failed else "", status[1] if status else "", "", one) for one in named[:1])
    returned = next((text for text in message.forwarded), "") or message.text
    found = ids(_fields(returned).get("message-id", ""))
    return Report(recipients, found[0] if found else None, None, complaint=False)

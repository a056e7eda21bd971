"""The machine-readable part of a delivery report: blocks of fields, one for each recipient (RFC 3464 §2, RFC 6533)."""

import re
from dataclasses import dataclass

from mailer.inbound.headers import addresses, clean

_ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
# What some systems write for an action, and what they mean by it.
_MEANT = {"failure": "failed", "fail": "failed", "error": "failed", "bounced": "failed", "delay": "delayed"}
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODED = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
MOST_RECIPIENTS = 1000


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a report: `action` as in RFC 3464 §2.3.3, `status` "5.1.1" or "", what the server said.

    `final_recipient` is where it failed; `original_recipient` what the sender had written, where that is told, or "".
    """

    action: str
    status: str
    diagnostic: str
    final_recipient: str
    original_recipient: str = ""

    @property
    def address(self) -> str:
        """The recipient as the sender knows it."""
        return self.original_recipient or self.final_recipient


def find_status(text: str) -> str:
    """The first enhanced status code (RFC 3463) in any text, or ""."""
    found = _STATUS.search(text)
    return found[1] if found else ""


def read_fields(block: str) -> dict[str, str]:
    """The fields of one block, names in lower case, first value wins, folding undone."""
    found: dict[str, list[str]] = {}
    pieces: list[str] = []
    for line in block.split("\n")[:200]:
        if line[:1].isspace() and found:
            pieces.append(line.strip())
        elif ":" in line:
            name, _, value = line.partition(":")
            pieces = [value.strip()]
            found.setdefault(name.strip().lower(), pieces)
    return {name: " ".join(values).strip() for name, values in found.items()}


def read_blocks(text: str) -> tuple[dict[str, str], tuple[Recipient, ...]]:
    """(the fields about the whole message, the recipients) of one message/delivery-status."""
    fields = [read_fields(block) for block in text.split("\n\n") if block.strip()][: MOST_RECIPIENTS + 1]
    named = [block for block in fields if "action" in block or "final-recipient" in block]
    return next(iter(fields), {}), tuple(_recipient(block) for block in named)


def _recipient(block: dict[str, str]) -> Recipient:
    word = next(iter(block.get("action", "").lower().split()), "").strip(";,.")
    word = _MEANT.get(word, word)
    said = block.get("diagnostic-code", "")
    return Recipient(
        action=word if word in _ACTIONS else "",
        status=find_status(block.get("status", "")) or find_status(said),
        diagnostic=clean(said.partition(";")[2] or said, 500),
        final_recipient=_typed_address(block.get("final-recipient", "") or block.get("original-recipient", "")),
        original_recipient=_typed_address(block.get("original-recipient", "")),
    )


def _typed_address(value: str) -> str:
    """The address of "rfc822; a@b" or "utf-8; \\x{e9}a@b" (RFC 6533 §3), "" for another type or nothing."""
    kind, _, text = value.partition(";")
    if kind.strip().lower() == "utf-8":
        text = _CODED.sub(_character, text)
    return next(iter(addresses((text or kind)[:500])), "")


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""

"""What is handed to the server for one letter: MAIL and RCPT as its last EHLO allows, the content as it goes out."""

from dataclasses import dataclass
from typing import Self

from contacts.address import Address
from contacts.errors import RuleBroken
from mailer.outbound.smtp_reply import Answer, Reply

_LONGEST_ID = 100  # RFC 3461 §4.4, in its encoded form


@dataclass(frozen=True, slots=True)
class Parcel:
    """One letter to one recipient: `content` in CRLF lines, not dot-stuffed; `return_path` may be "" (RFC 5321 §4.5.5).

    `key` is how its end is told. `envelope_id` (RFC 3461 §4.4) comes back in a report, where the server can do that.
    `is_clean`: whoever made the content knows that every line ends in CRLF and that none begins with a dot; it is not
    looked through again (50 µs for 37 KB). Never set it for bytes that somebody else made: a bare LF smuggles mail.
    """

    key: int
    return_path: str
    recipient: str
    content: bytes
    envelope_id: str = ""
    is_clean: bool = False


@dataclass(frozen=True, slots=True)
class Offers:
    """What the server's last EHLO offered (RFC 5321 §4.1.1.1): keywords in lower case, parameters in upper case."""

    keywords: frozenset[str] = frozenset()
    auth: tuple[str, ...] = ()
    largest: int = 0

    @classmethod
    def read(cls, answer: Answer) -> Self:
        """From the reply to EHLO; what cannot be read is not offered."""
        offers = [line.partition(" ") for line in answer.lines[1:]]
        found = {keyword.lower(): parameters.upper() for keyword, _, parameters in offers}
        size = found.get("size", "").strip()
        largest = int(size) if size.isascii() and size.isdigit() and len(size) < 20 else 0
        return cls(frozenset(found), tuple(found.get("auth", "").split()), largest)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords


class Letter:
    """A parcel on its way: its checked addresses, and how far it has come on the connection that has it."""

    __slots__ = (
        "again", "is_first", "is_taken", "parcel", "phase", "recipient", "refusal", "sender", "sent_at", "tries"
    )  # fmt: skip

    def __init__(self, parcel: Parcel, sender: Address | None, recipient: Address) -> None:
        self.parcel = parcel
        self.sender = sender
        self.recipient = recipient
        self.tries = 0
        self.sent_at = 0.0
        self.begin(is_first=True)

    def begin(self, is_first: bool) -> None:
        """Nothing of it is known on this connection, whose first one it may be."""
        self.phase = "mail"
        self.is_first = is_first
        self.refusal: Reply | None = None
        self.is_taken = False
        self.again = False


def address(parcel: Parcel) -> Letter | Reply:
    """The letter to send, or the refusal that needs no server: an address that is not exactly one, bytes that would
    change on the way."""
    try:
        recipient = Address.parse(parcel.recipient)
    except RuleBroken:
        return Reply("rcpt", 553, "5.1.3", "not one plain mail address")
    try:
        sender = Address.parse(parcel.return_path) if parcel.return_path else None
    except RuleBroken:
        return Reply("mail", 553, "5.1.7", "the return path is not one plain mail address")
    if not (parcel.is_clean or _is_in_lines(parcel.content)):
        return Reply("data", 554, "5.6.0", "not in CRLF lines")
    return Letter(parcel, sender, recipient)


def _is_in_lines(content: bytes) -> bool:
    """Whether each CR and LF is half of a CRLF, and the last line ends: SMTP smuggling begins with a bare LF."""
    lines = content.splitlines()  # of bytes: at CRLF, CR and LF only
    return content.endswith(b"\r\n") and len(content) - sum(map(len, lines)) == 2 * len(lines)


def not_offered(letter: Letter, offers: Offers) -> Reply | None:
    """What the server does not offer, it cannot take (RFC 6531 §3.1, RFC 1870 §6.1)."""
    if "smtputf8" not in offers:
        if not letter.recipient.is_ascii:
            return Reply("rcpt", 553, "5.6.7", "server lacks SMTPUTF8")
        if letter.sender and not letter.sender.is_ascii:
            return Reply("mail", 553, "5.1.7", "the return path needs SMTPUTF8, and the server lacks it")
    size = len(letter.parcel.content)
    if 0 < offers.largest < size:
        return Reply("mail", 552, "5.3.4", f"{size} bytes is more than the {offers.largest} this server takes")
    return None


def commands(letter: Letter, offers: Offers) -> tuple[bytes, bytes]:
    """MAIL and RCPT with the parameters that this server's last EHLO offered (SMT-09), as lines."""
    mail = f"MAIL FROM:<{letter.sender.text if letter.sender else ''}>{_mail_parameters(letter, offers)}\r\n"
    # RFC 3461 §4.1: an automatic answer asks for no report on itself.
    notify = " NOTIFY=NEVER" if letter.sender is None and "dsn" in offers else ""
    return mail.encode(), f"RCPT TO:<{letter.recipient.text}>{notify}\r\n".encode()


def _mail_parameters(letter: Letter, offers: Offers) -> str:
    found, parcel = "", letter.parcel
    if "size" in offers:
        found = f" SIZE={len(parcel.content)}"
    if "8bitmime" in offers and not parcel.content.isascii():
        found += " BODY=8BITMIME"
    if "smtputf8" in offers and not (letter.recipient.is_ascii and (letter.sender is None or letter.sender.is_ascii)):
        found += " SMTPUTF8"
    if "dsn" in offers and parcel.envelope_id and len(name := xtext(parcel.envelope_id)) <= _LONGEST_ID:
        found += f" RET=HDRS ENVID={name}"
    return found


def xtext(text: str) -> str:
    """Printable ASCII as it is, but + and = and everything else as +HH (RFC 3461 §4)."""
    return "".join(chr(byte) if 33 <= byte <= 126 and byte not in b"+=" else f"+{byte:02X}" for byte in text.encode())


def stuffed(parcel: Parcel) -> bytes:
    """The content with its leading dots doubled (RFC 5321 §4.5.2); the very object where there are none."""
    content = parcel.content
    if parcel.is_clean:
        return content
    if b"\r\n." in content:
        content = content.replace(b"\r\n.", b"\r\n..")
    return b"." + content if content.startswith(b".") else content

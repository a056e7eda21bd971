"""What an IMAP server answered, read without a socket: codes, UIDs, sizes, contents (RFC 9051 §7)."""

import re
from collections.abc import Sequence
from typing import Any

from mailer.errors import MailboxUnavailable

# With these a login fails for a while, though name and password are good (RFC 5530 §3).
PASSING = ("UNAVAILABLE", "INUSE", "LIMIT", "THROTTLED", "SERVERBUG", "CONTACTADMIN", "PRIVACYREQUIRED")
_LASTING = (
    "AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|EXPUNGEISSUED|NOPERM|CORRUPTION|CANNOT|CLIENTBUG|"
    "NONEXISTENT|ALREADYEXISTS|TRYCREATE|OVERQUOTA"
)
# Only codes known by name: anything else in brackets could be somebody's subject.
_CODE = re.compile(rf"\[({'|'.join(PASSING)}|{_LASTING})[\] ]")
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_LITERAL = re.compile(rb"\{(\d+)\}$")
_QUOTED = re.compile(rb'BODY\[(?:HEADER)?\] "((?:[^"\\]|\\.)*)"')
_PERSONAL = re.compile(rb'^\(\("((?:[^"\\]|\\.)*)"')


def code(said: object) -> str:
    """The response code in an answer or in the exception made of it; "" without one."""
    found = _CODE.search(str(said))
    return found[1] if found else ""


def items(answer: tuple[str, Sequence[Any]]) -> list[Any]:
    """What came with an OK, as imaplib gives it: bytes, or pairs of bytes and literal; raises MailboxUnavailable."""
    status, data = answer
    if status != "OK":
        raise MailboxUnavailable(f"the server answered {status} {code(data)}".rstrip())
    return [item for item in data if item is not None]


def uid(item: Any) -> int | None:
    """The UID in one item of a FETCH answer."""
    found = _UID.search(item[0] if isinstance(item, tuple) else item)
    return int(found[1]) if found else None


def size(item: Any) -> int | None:
    """The RFC822.SIZE in one item of a FETCH answer."""
    found = _SIZE.search(item[0] if isinstance(item, tuple) else item)
    return int(found[1]) if found else None


def content(item: Any) -> bytes | None:
    """The content in one item of a FETCH answer, whole; raises MailboxUnavailable when it was cut short."""
    if isinstance(item, bytes):
        quoted = _QUOTED.search(item)
        return _unescaped(quoted[1]) if quoted else None
    # RFC822.SIZE is an estimate on some servers; the literal's own length is the promise (RFC 9051 §4.3).
    length = _LITERAL.search(item[0])
    if not length or int(length[1]) != len(item[1]):
        raise MailboxUnavailable("fetch: the message was cut short")
    return bytes(item[1])


def personal_prefix(data: Sequence[bytes | None]) -> bytes:
    """What comes before the names of somebody's own folders, in a NAMESPACE answer (RFC 2342), still encoded."""
    found = _PERSONAL.match(data[0] or b"") if data else None
    return _unescaped(found[1]) if found else b""


def _unescaped(quoted: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", quoted)

"""Rules on the header section: who, to whom, which list, and what machines are told."""

import re
import unicodedata
from collections.abc import Iterator

from mailer.linting.reading import LISTED, Problem, Reading, decoded, head

_ONCE = ("from", "to", "subject", "date", "message-id", "mime-version", "reply-to")
_AT_MOST_ONCE = (
    *("sender", "in-reply-to", "references", "content-type", "content-transfer-encoding", "content-language"),
    *("list-id", "list-unsubscribe", "list-unsubscribe-post", "list-help", "list-owner", "list-post"),
    *("auto-submitted", "precedence", "feedback-id"),
)
_ENCODED_WORD = re.compile(r"=\?([^?\s]+)\?([^?\s]+)\?([^?\s]*)\?=")
_ADDRESS = re.compile(r"[^@\s<>(),;:\"\[\]]+@[A-Za-z0-9.-]+")
_MAILBOX = re.compile(r"(?:(?P<name>.*?)\s*<(?P<angle>[^<>]*)>|(?P<bare>[^<>\s]+))")
_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")
_LIST_ID = re.compile(r"(?:(?:[^<>\"]+|\"(?:[^\"\\]|\\.)*\") )?<([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)>")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._+=-]+@([A-Za-z0-9.-]+)>")
_ANY_ID = re.compile(r"<[!-;=?-~]+>")
_UNSUBSCRIBE = re.compile(r"<[^<>\s]+>(?:, <[^<>\s]+>)*")
_INSIDE = re.compile(
    r"localhost|\.local\b|\b(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+|/(?:home|usr|tmp|var)/"
)
_TURNED = re.compile("[\u202a-\u202e\u2066-\u2069]")


def lines(mail: Reading) -> Iterator[Problem]:
    bare = mail.raw.replace(b"\r\n", b"")
    if any(byte in bare for byte in (b"\r", b"\n", b"\0")):
        yield Problem("OUT-01", "a bare CR, a bare LF or a NUL")
    if max(map(len, mail.raw.split(b"\r\n"))) > 998:
        yield Problem("OUT-02", "a line longer than 998 octets")
    for field in mail.fields:
        if any(len(line) > 78 and _can_fold(line, first=not index) for index, line in enumerate(field.lines)):
            yield Problem("OUT-02", f"{field.name}: a line longer than 78 that could be folded")


def _can_fold(line: bytes, first: bool) -> bool:
    content = line.partition(b":")[2] if first else line
    return b" " in content.strip()


def ascii_only(mail: Reading) -> Iterator[Problem]:
    for field in mail.fields:
        eai = field.name == "to" and not mail.recipient.rpartition("@")[0].isascii()  # RFC 6532 §3.2
        if not all(line.isascii() for line in field.lines) and not eai:
            yield Problem("OUT-03", f"{field.name}: not ASCII")
    rest = re.sub(rb"(?m)^[!-9;-~]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", b"", head(mail.raw))
    if rest:
        yield Problem("OUT-10", "a line in the header section that is no header field")


def encoded_words(mail: Reading) -> Iterator[Problem]:
    for field in mail.fields:
        if any(b"=?" in line and len(line) > 76 for line in field.lines):
            yield Problem("OUT-04", f"{field.name}: a line with an encoded-word is longer than 76")
        if any(not _good_word(match) for match in _ENCODED_WORD.finditer(field.value)):
            yield Problem("OUT-04", f"{field.name}: an encoded-word that is too long or cannot be read alone")
        if "=?" in field.value and not _may_encode(field.name, field.value):
            yield Problem("OUT-05", f"{field.name}: an encoded-word where none may stand")
    for entity in mail.root.walk():
        if any("=?" in str(value) for name, value in entity.items() if name.lower().startswith("content-")):
            yield Problem("OUT-05", "an encoded-word in a MIME header")


def _good_word(match: re.Match[str]) -> bool:
    if len(match[0]) > 75 or match[1].lower() != "utf-8" or match[2].lower() not in ("q", "b"):
        return False
    return "\ufffd" not in decoded(match[0])


def _may_encode(name: str, value: str) -> bool:
    if name == "subject":
        return True
    quoted_or_angled = re.findall(r'"[^"]*"|<[^>]*>', value)
    return name in ("from", "to", "reply-to") and not any("=?" in piece for piece in quoted_or_angled)


def counts(mail: Reading) -> Iterator[Problem]:
    for name in _ONCE:
        if len(mail.values(name)) != 1:
            yield Problem("OUT-11", f"{name}: {len(mail.values(name))} instead of exactly one")
    for name in _AT_MOST_ONCE:
        if len(mail.values(name)) > 1:
            yield Problem("OUT-11", f"{name}: more than one")
    if not _DATE.fullmatch(mail.value("date")):
        yield Problem("OUT-10", "date: not in the form of RFC 5322 §3.3")


def people(mail: Reading) -> Iterator[Problem]:
    domain = mail.author.rpartition("@")[2]
    if not _one_mailbox(mail.value("from")) or not _own_domain(mail, domain):
        yield Problem("OUT-12", "from: not exactly one mailbox of the domain that the Message-ID names")
    if not _one_mailbox(mail.value("to")):
        yield Problem("OUT-13", "to: not exactly one address")
    if any(mail.values(name) for name in ("cc", "bcc", "resent-to", "resent-cc", "resent-bcc")):
        yield Problem("OUT-13", "a second recipient field")
    if any(re.search(r"no-?reply", address, re.I) for address in mail.addresses("from") + mail.addresses("reply-to")):
        yield Problem("OUT-14", "an address that nobody reads")


def _one_mailbox(value: str) -> bool:
    found = _MAILBOX.fullmatch(value)
    if not found or not _ADDRESS.fullmatch(found["angle"] or found["bare"] or ""):
        return False
    name = found["name"] or ""
    return bool(re.fullmatch(r'"(?:[^"\\]|\\.)*"|[^,<>@"]*', name))


def _own_domain(mail: Reading, domain: str) -> bool:
    found = _MESSAGE_ID.fullmatch(mail.value("message-id"))
    return bool(domain) and (found is None or found[1] == domain)


def leaks(mail: Reading) -> Iterator[Problem]:
    for name in ("return-path", "received", "bcc"):
        if mail.values(name):
            yield Problem("OUT-18", f"{name}: not ours to write")
    for name in ("x-mailer", "user-agent", "x-originating-ip"):
        if mail.values(name):
            yield Problem("OUT-19", f"{name}: says which machine this is")
    ids = [mail.value("message-id")]
    for entity in mail.root.walk():
        ids += [str(entity.get("Content-ID", "")), entity.get_boundary() or "", entity.get_filename() or ""]
    if any(_INSIDE.search(found) for found in ids):
        yield Problem("OUT-19", "a host, a private IP or a path in an id, a boundary or a file name")


def list_headers(mail: Reading) -> Iterator[Problem]:
    value, https = mail.value("list-unsubscribe"), [uri for uri in mail.unsubscribe if _is_web(uri)]
    if value:
        mailto = [uri for uri in mail.unsubscribe if uri.startswith("mailto:")]
        if not _UNSUBSCRIBE.fullmatch(value) or len(https) > 1 or len(mailto) > 1:
            yield Problem("OUT-20", "list-unsubscribe: not one https URI and at most one mailto in <>, after commas")
        if len(https) + len(mailto) != len(mail.unsubscribe):
            yield Problem("OUT-20", "list-unsubscribe: a URI that is neither https nor mailto")
        unfolded = [line for field in mail.fields if field.name == "list-unsubscribe" for line in field.lines[:-1]]
        if not all(line.endswith(b">,") for line in unfolded):
            yield Problem("OUT-20", "list-unsubscribe: folded elsewhere than after a comma")
    posts = mail.values("list-unsubscribe-post")
    if posts and (posts != ["List-Unsubscribe=One-Click"] or not any(uri.startswith("https:") for uri in https)):
        yield Problem("OUT-21", "list-unsubscribe-post: not the literal of RFC 8058, or without an https URI")


def _is_web(uri: str) -> bool:
    """https; and http to this very machine, which is what a demo and a test are served from."""
    return uri.startswith("https://") or bool(re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]", uri))


def list_by_kind(mail: Reading) -> Iterator[Problem]:
    if mail.kind in LISTED:
        if not mail.unsubscribe:
            yield Problem("OUT-30", f"a letter of kind {mail.kind} without List-Unsubscribe")
        elif any(uri.startswith("https:") for uri in mail.unsubscribe) and not mail.values("list-unsubscribe-post"):
            yield Problem("OUT-21", "an https List-Unsubscribe without one-click")
        if not mail.values("list-id"):
            yield Problem("OUT-31", f"a letter of kind {mail.kind} without List-Id")
    if mail.is_service and (mail.unsubscribe or mail.values("list-unsubscribe-post")):
        yield Problem("OUT-30", f"a letter of kind {mail.kind} with List-Unsubscribe")


def list_id(mail: Reading) -> Iterator[Problem]:
    value = mail.value("list-id")
    found = _LIST_ID.fullmatch(value)
    if value and (not found or len(value) > 255):
        yield Problem("OUT-31", "list-id: not `phrase <id.domain>` within 255 octets")
    elif found and not found[1].endswith("." + mail.author.rpartition("@")[2]):
        yield Problem("OUT-31", "list-id: not under the domain of the sender")
    for name in ("list-help", "list-owner"):
        if mail.value(name) and not re.fullmatch(r"<(mailto:|https://)[^<>\s]+>", mail.value(name)):
            yield Problem("OUT-33", f"{name}: neither a mailto nor an https URI")


def automation(mail: Reading) -> Iterator[Problem]:
    value = mail.value("auto-submitted")
    if value and value not in ("auto-replied", "auto-generated"):
        yield Problem("OUT-34", "auto-submitted: neither auto-replied nor auto-generated")
    if value == "auto-replied" and not (mail.value("in-reply-to") and mail.value("references")):
        yield Problem("OUT-34", "an automatic answer that does not say to what")
    if not value and mail.is_service:
        yield Problem("OUT-34", f"a letter of kind {mail.kind} without Auto-Submitted")
    for name in ("in-reply-to", "references"):
        if not all(_ANY_ID.fullmatch(found) for found in mail.value(name).split()):
            yield Problem("OUT-10", f"{name}: something that is no message id")


def message_id(mail: Reading) -> Iterator[Problem]:
    value = mail.value("message-id")
    found = _MESSAGE_ID.fullmatch(value)
    if not found or len(value) > 200 or found[1] != mail.author.rpartition("@")[2]:
        yield Problem("OUT-37", "message-id: not `<opaque@the domain in From>` within 200 octets")
    if mail.recipient and mail.recipient.partition("@")[0].lower() in re.split(r"[<@.+=]", value.lower()):
        yield Problem("OUT-37", "message-id: names the recipient")


def subject(mail: Reading) -> Iterator[Problem]:
    text = mail.subject
    if not text.strip() or len(text) > 150:
        yield Problem("OUT-53", "subject: empty, or longer than 150 characters")
    if _TURNED.search(text) or any(unicodedata.category(char) == "Cc" for char in text):
        yield Problem("OUT-53", "subject: a control or a direction override")
    if text != unicodedata.normalize("NFC", text):
        yield Problem("OUT-07", "subject: not NFC")
    if re.match(r"(re|fwd?|tr|aw)\s*:", text, re.I) and not mail.value("in-reply-to"):
        yield Problem("OUT-53", "subject: says that it answers or forwards, and does not")


RULES = (
    lines,
    ascii_only,
    encoded_words,
    counts,
    people,
    leaks,
    list_headers,
    list_by_kind,
    list_id,
    automation,
    message_id,
    subject,
)

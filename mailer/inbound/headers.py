"""Header fields of a received mail: decoded, cleaned and read strictly, whatever bytes they hold."""

import base64
import binascii
import re
import unicodedata
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from contacts.address import Address
from contacts.errors import RuleBroken

NAME_LENGTH = 100
SUBJECT_LENGTH = 200
# Every class below is closed by a character outside it, so that no input makes the search slow.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,4000})\?=")
_ID = re.compile(r"<[^<>\s]{1,990}>")
_NEVER = frozenset({"utf-7", "utf7", "unicode-1-1-utf-7", "utf_7", "u7", "unicode_escape", "raw_unicode_escape"})
_NOT_TEXT = frozenset({"idna", "punycode", "undefined", "mbcs", "oem", "rot13", "hex", "base64", "zlib", "bz2", "uu"})
_BY_LANGUAGE = {"tr": "cp1254", "ar": "cp1256", "uk": "cp1251", "ru": "cp1251"}


def decode_bytes(data: bytes, charset: str | None, language: str = "") -> str:
    """Text of `data`: the declared charset, else strict UTF-8, else the code page of `language`, else cp1252.

    Never raises; UTF-7 is never decoded, because it hides markup and commands from every filter (INB-32).
    """
    declared = (charset or "").strip().strip("'\"").lower()
    tries = [declared] if declared and declared not in _NEVER | _NOT_TEXT else []
    for name in [*tries, "utf-8", _BY_LANGUAGE.get(language[:2].lower(), "")]:
        try:
            return data.decode("cp1252" if name in ("iso-8859-1", "latin-1", "latin1", "us-ascii-1") else name)
        except (LookupError, UnicodeError, ValueError, TypeError, AttributeError):
            continue
    return data.decode("cp1252", "replace")


def raw_value(value: bytes) -> str:
    """The bytes of a header value as text on one line: folding undone, 8-bit bytes read as best they can."""
    text = value.decode("ascii") if value.isascii() else decode_bytes(value, None)
    return text.replace("\r", "").replace("\n", "").strip(" \t")


def decode_words(text: str) -> str:
    """Replace RFC 2047 encoded-words; neighbours of one charset are joined first, because a character may be split."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    waiting: tuple[str, bytes] | None = None
    end = 0
    for match in _ENCODED_WORD.finditer(text):
        between = text[end : match.start()]
        charset, data = match[1].partition("*")[0], _word_bytes(match[2], match[3])
        if waiting and not between.strip() and waiting[0].lower() == charset.lower():
            waiting = (charset, waiting[1] + data)
        else:
            if waiting:
                pieces.append(decode_bytes(waiting[1], waiting[0]))
            if not waiting or between.strip():
                pieces.append(between)
            waiting = (charset, data)
        end = match.end()
    if waiting:
        pieces.append(decode_bytes(waiting[1], waiting[0]))
    return "".join([*pieces, text[end:]])


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return b""


def clean(text: str, length: int = NAME_LENGTH) -> str:
    """One NFC line of at most `length` characters, without controls, bidi overrides or lone surrogates (INB-36)."""
    if text.isascii() and text.isprintable():
        return " ".join(text[: length * 8].split())[:length].strip()
    shown = (
        " " if char.isspace() or char in "\x1c\x1d\x1e\x1f" else char
        for char in text[: length * 8]
        if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn") or char in "\u200c\u200d"
    )
    return unicodedata.normalize("NFC", " ".join("".join(shown).split()))[:length].strip()


def mailboxes(text: str, limit: int = 500) -> list[tuple[str, str]]:
    """(display name, addr-spec) of each mailbox in an undecoded address list; ("", "") for one that is not plain.

    Quoted strings and comments (RFC 5322 §3.2) are respected. A group is answered with ("", ""), never guessed.
    """
    return [_mailbox(piece) for piece in _split(text, limit) if piece.strip()]


def _split(text: str, limit: int) -> list[str]:
    """Cut at the commas that stand outside quotes, comments and angle brackets."""
    found, start, depth, quoted, angle, skip = [], 0, 0, False, False, False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif char == "\\" and (quoted or depth):
            skip = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif char in "<>" and not depth:
            angle = char == "<"
        elif char == "," and not depth and not angle:
            found.append(text[start:at])
            start = at + 1
            if len(found) >= limit:
                return found
    return [*found, text[start:]]


def _mailbox(piece: str) -> tuple[str, str]:
    name, comment, angle = _dissect(piece)
    if angle is None:
        return (comment, name) if _address(name) else ("", "")
    shown = decode_words(name).strip()
    if not _address(angle) or _claims_other(shown, angle):
        return "", ""
    return shown or comment, angle.strip()


def _dissect(piece: str) -> tuple[str, str, str | None]:
    """(words outside brackets, comment, what stands in angle brackets or None); all "" for no plain mailbox."""
    outside: list[str] = []
    comment: list[str] = []
    inside: list[str] = []
    depth, quoted, skip, place = 0, False, False, 0  # place: 0 before, 1 within, 2 after the angle brackets
    for char in piece:
        keep = inside if place == 1 else outside
        if skip:
            skip = False
            (comment if depth else keep).append(char)
        elif char == "\\" and (quoted or depth):
            skip = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif not quoted and char in "()" and place != 1:
            depth = max(0, depth + (1 if char == "(" else -1))
        elif depth:
            comment.append(char)
        elif not quoted and char in "<>":
            place += 1
            if (char == "<") != (place == 1) or place > 2:
                return "", "", ""
        elif (not quoted and char in ":;" and place != 1) or (place == 2 and not char.isspace()):
            return "", "", ""
        else:
            keep.append(char)
    if quoted or depth or place == 1:
        return "", "", ""
    return "".join(outside).strip(), decode_words("".join(comment)).strip(), "".join(inside) if place else None


def _claims_other(shown: str, address: str) -> bool:
    """Whether a display name shows another address than the one behind it (INB-22)."""
    words = unicodedata.normalize("NFKC", shown).casefold().split()
    return any("@" in word and word.strip("'\"<>()[],;:") != address.strip().casefold() for word in words)


def _address(text: str) -> bool:
    try:
        Address.parse(text)
    except RuleBroken:
        return False
    return True


def addresses(text: str, limit: int = 200) -> list[str]:
    """Every plain address in any text, as written, each once, in order (linear in the length of the text)."""
    found: dict[str, None] = {}
    for mark in "<>()[]{},;،؛:\"'|«»“”„‘’*=":
        text = text.replace(mark, " ")
    for word in text.split():
        if "@" in word and len(word) < 330:
            plain = word.strip(".!?/\\-_…").removeprefix("mailto:")
            if _address(plain):
                found.setdefault(plain)
                if len(found) >= limit:
                    break
    return list(found)


def ids(text: str, limit: int = 60) -> list[str]:
    """The message identifiers "<...>" (RFC 5322 §3.6.4) in a header value, in order, each once."""
    found: dict[str, None] = {}
    for match in _ID.finditer(text[:60_000]):
        found.setdefault(match[0])
        if len(found) >= limit:
            break
    return list(found)


def sent_at(text: str) -> datetime | None:
    """A Date header as an aware UTC datetime, or None for one that is not a date of our times."""
    try:
        found = parsedate_to_datetime(text[:200])
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return aware if 1980 <= aware.year <= 2200 else None


def file_name(text: str) -> str:
    """The name of an attachment as data to show: no folders, no controls, never a path (INB-34)."""
    name = clean(text.replace("\\", "/").rpartition("/")[2], NAME_LENGTH).lstrip(". ")
    return "".join("_" if char in '<>:"|?*%' else char for char in name)

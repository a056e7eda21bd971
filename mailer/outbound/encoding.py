"""Text into 7-bit bytes: cleaning, encoded-words, quoted-printable, base64 and MIME parameters.

Written out because the standard library folds long `List-Unsubscribe` URLs into encoded-words, chooses 8bit for short
texts, and writes bytes that change when they are parsed and written again; a signed letter must do none of these.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

WIDTH = 76  # RFC 2047 §2: a line that holds an encoded-word is at most 76 long; the others keep to it as well.
_WORD = 75
_OVERHEAD = len("=?utf-8?q??=")
_LONGEST_TOKEN = 60

_SPACES = re.compile(" {2,}")
_BIDI_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NEWLINES = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_NOT_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\\s]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_Q_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")  # RFC 2047 §5(3)
_NOT_QP = re.compile(rb"[^\t\r\n -~]+")
_BARE_ENDS = {0x0D: "=0D", 0x0A: "=0A"}
_QP = {byte: f"={byte:02X}" for byte in range(256) if byte != 0x09 and (byte < 0x20 or byte == 0x3D or byte > 0x7E)}
_BLANKS = re.compile(r"\t|(?<=[ \t]) ")
_UNSAFE_LINE = re.compile(r"^(?:\.|From )|[ \t]$|.{77}|=_", re.MULTILINE)


class Encoded(NamedTuple):
    """A body ready for the wire: its Content-Transfer-Encoding and its lines, CRLF, ending in CRLF."""

    transfer: str
    body: bytes


def clean_line(text: str) -> str:
    """One line in NFC: no controls, no line separators, no bidi overrides, no surrogates, single spaces (SEC-12)."""
    line = _BIDI_OVERRIDES.sub("", _NOT_LINE.sub(" ", text))
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _NOT_TEXT.sub("", line))).strip()


def clean_text(text: str) -> str:
    """A body in NFC with CRLF line ends, the last line ended; controls other than TAB removed (OUT-07)."""
    return (clean_lines(text).rstrip("\n") + "\n").replace("\n", "\r\n")


def clean_lines(text: str) -> str:
    """Lines of a body in NFC with bare LF between them, the last one not ended; controls other than TAB removed."""
    return unicodedata.normalize("NFC", _NOT_TEXT.sub("", _NEWLINES.sub("\n", text)))


def words(text: str, used: int) -> list[str]:
    """Unstructured text as unbreakable pieces of a header of which `used` columns are written (RFC 2047 §5(1))."""
    return encoded_words(text, used) if _needs_words(text) else text.split(" ")


def phrase(text: str, used: int) -> list[str]:
    """A display name as pieces: bare atoms, a quoted-string, or encoded-words (RFC 5322 §3.2.5, RFC 2047 §5(3))."""
    if _needs_words(text):
        return encoded_words(text, used)
    return text.split(" ") if _ATOMS.fullmatch(text) else quoted(text).split(" ")


def quoted(text: str) -> str:
    """An ASCII quoted-string (RFC 5322 §3.2.4)."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def to_ascii(text: str) -> str:
    """The nearest ASCII spelling ("Réseau" → "Reseau"), or "" where the script has none."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", clean_line(text)) if not unicodedata.combining(char))
    return plain if plain.isascii() else ""


def encoded_words(text: str, used: int = 0) -> list[str]:
    """Encoded-words of at most 75 columns, the first short enough to stand after `used` columns on a line of 76."""
    letters = [_q(char) for char in text]
    if sum(map(len, letters)) <= len(text.encode()) * 2:  # Readable in the raw for Dutch; base64 for Arabic.
        return [f"=?utf-8?q?{part}?=" for part in _cut(letters, used, len)]
    parts = _cut(list(text), used, lambda part: (len(part.encode()) + 2) // 3 * 4)
    return [f"=?utf-8?b?{base64.b64encode(part.encode()).decode()}?=" for part in parts]


def encode_text(text: str) -> Encoded:
    """A cleaned body in the plainest encoding that survives every relay (RFC 2045 §6, OUT-09)."""
    if text.isascii() and not _UNSAFE_LINE.search(text.replace("\r\n", "\n")):
        return Encoded("7bit", text.encode())
    data = text.encode()
    readable = quoted_printable(data)
    if len(readable) <= _base64_length(data) * 1.1:
        return Encoded("quoted-printable", readable)
    return Encoded("base64", base64_lines(data))


def base64_lines(data: bytes) -> bytes:
    """Base64 in CRLF lines of 76 (RFC 2045 §6.8)."""
    whole = binascii.b2a_base64(data, newline=False)
    return b"".join([whole[start : start + WIDTH] + b"\r\n" for start in range(0, len(whole), WIDTH)])


def _base64_length(data: bytes) -> int:
    """How long `base64_lines` would be: 57 bytes make a line of 76."""
    lines, rest = divmod(len(data), 57)
    return 78 * lines + ((rest + 2) // 3 * 4 + 2 if rest else 0)


def quoted_printable(data: bytes) -> bytes:
    """Quoted-printable of CRLF text (RFC 2045 §6.7); no line begins with "From " or "." or ends in white space."""
    text = _NOT_QP.sub(_quoted_bytes, data.replace(b"=", b"=3D")).decode("ascii")
    lines: list[str] = []
    for line in text.split("\r\n"):
        if len(line) <= WIDTH and line.isprintable() and line[:1] not in ".F" and line[-1] != " ":
            lines.append(line)  # as it is: nearly all of them
        else:
            lines += _qp_line(line.translate(_BARE_ENDS))
    return "\r\n".join(lines).encode("ascii")


def _quoted_bytes(found: re.Match[bytes]) -> bytes:
    return b"".join(b"=%02X" % byte for byte in found[0])


def piece(text: str) -> bytes:
    """Quoted-printable of a part of CRLF text that any other piece may follow: it begins and ends at column 0.

    White space in it is what DKIM's relaxed form makes of white space (RFC 6376 §3.4.4): single blanks, none at an end.
    """
    if text.isascii() and text.isprintable() and "  " not in text:  # nearly every name and link
        return _soft(text.replace("=", "=3D")).encode() if text else b""
    *lines, last = text.encode().decode("latin-1").split("\r\n")
    ended = ["\r\n".join(_qp_line(_single(line.translate(_QP)))) + "\r\n" for line in lines]
    return ("".join(ended) + (_soft(_single(last.translate(_QP))) if last else "")).encode("ascii")


def _soft(line: str) -> str:
    """A line whose end is no end: every row of it, the last one too, with a soft break."""
    rows, line = "", _guard(line) if line[0] in ".F" else line
    while len(line) >= WIDTH:
        cut = _soft_cut(line)
        rows += line[:cut] + "=\r\n"
        line = _guard(line[cut:])
    return rows + line + "=\r\n"


def parameter(name: str, value: str) -> list[str]:
    """A MIME parameter as pieces: quoted when short ASCII, else extended and continued (RFC 2231 §3, §4)."""
    if value.isascii() and len(value) <= _LONGEST_TOKEN:
        return [f"{name}={quoted(value)}"]
    parts = _cut([quote(char, safe="") for char in value], len(name) + len("*00*=utf-8'';"), len)
    if len(parts) == 1:
        return [f"{name}*=utf-8''{parts[0]}"]
    pieces = [f"{name}*{index}*={part}" for index, part in enumerate(parts)]
    return [pieces[0].replace("=", "=utf-8''", 1), *pieces[1:]]


def fold(name: str, pieces: list[str]) -> str:
    """A header field of these pieces, broken only between them, ending in CRLF (RFC 5322 §2.2.3)."""
    lines, line = [], f"{name}:"
    for index, piece in enumerate(pieces):
        if index and len(line) + 1 + len(piece) > WIDTH:
            lines.append(line)
            line = ""
        line += f" {piece}"
    return "\r\n".join([*lines, line]) + "\r\n"


def _needs_words(text: str) -> bool:
    return not text.isascii() or "=?" in text or any(len(word) > _LONGEST_TOKEN for word in text.split(" "))


def _q(char: str) -> str:
    if char == " ":
        return "_"
    return "".join(chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in char.encode())


def _cut(letters: list[str], used: int, size: Callable[[str], int]) -> list[str]:
    """Join whole characters into parts that fit an encoded-word; a character is never divided (RFC 2047 §5)."""
    parts, part, room = [], "", min(_WORD, WIDTH - used) - _OVERHEAD
    for letter in letters:
        if part and size(part + letter) > room:
            parts.append(part)
            part, room = "", _WORD - _OVERHEAD
        part += letter
    return [*parts, part]


def _qp_line(line: str) -> list[str]:
    if line.endswith((" ", "\t")):
        line = f"{line[:-1]}={ord(line[-1]):02X}"
    segments, line = [], _guard(line)
    while len(line) > WIDTH:
        cut = _soft_cut(line)
        segments.append(line[:cut] + "=")
        line = _guard(line[cut:])
    return [*segments, line]


def _soft_cut(line: str) -> int:
    """Where a line gets its soft break: never inside of "=XX"."""
    inside = line.rfind("=", WIDTH - 3, WIDTH - 1)
    return inside if inside >= 0 else WIDTH - 1


def _single(line: str) -> str:
    return _BLANKS.sub(lambda found: f"={ord(found[0]):02X}", line) if "  " in line or "\t" in line else line


def _guard(line: str) -> str:
    """Mail stores still write ">" before "From ", and a lone dot still ends some relays' DATA (RFC 2049 §3)."""
    if line.startswith("."):
        return "=2E" + line[1:]
    return "=46" + line[1:] if line.startswith("From ") else line

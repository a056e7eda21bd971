"""Rich text as Outlook packs it (MS-OXRTFCP) → its words. Total and linear; what is no word is left out."""

import re
import struct

from mailer.inbound.headers import decode_bytes

_LONGEST = 4_000_000
_DEEPEST = 1000
_PACKED, _STORED = 0x75465A4C, 0x414C454D
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20"
    b"\\b\\i\\u\\tab\\tx"
)
# Every alternative is closed by what cannot follow it, so that no input makes the search slow.
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_BREAKS = {b"par": "\n", b"line": "\n", b"row": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t", b"cell": "\t"}
_SIGNS = {
    b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
    b"bullet": "•",
}  # fmt: skip
_NOT_WORDS = frozenset(
    b"fonttbl colortbl stylesheet info pict object header footer headerl headerr footerl footerr listtable "
    b"listoverridetable rsidtbl generator themedata xmlnstbl fldinst".split()
)


def decompress(data: bytes) -> bytes | None:
    """The RTF inside PidTagRtfCompressed (MS-OXRTFCP §3.1); None for what is damaged or longer than 4 MB."""
    if len(data) < 16:
        return None
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    if size > _LONGEST or kind not in (_PACKED, _STORED):
        return None
    return data[16 : 16 + size] if kind == _STORED else _unpack(data, size)


def _unpack(data: bytes, size: int) -> bytes | None:
    """Runs of eight: a bit says whether a letter follows or (offset, length) of what the last 4 KB held already."""
    window = bytearray(4096)
    window[: len(_DICTIONARY)] = _DICTIONARY
    write, at, out = len(_DICTIONARY), 16, bytearray()
    while at < len(data) and len(out) <= size:
        flags, at = data[at], at + 1
        for bit in range(8):
            step = 2 if flags >> bit & 1 else 1
            token = data[at : at + step]
            at += step
            if len(token) < step:
                return bytes(out) if len(out) == size else None
            offset, length = (token[0] << 4 | token[1] >> 4, (token[1] & 15) + 2) if step == 2 else (write, 1)
            if step == 2 and offset == write:
                return bytes(out) if len(out) == size else None
            for place in range(offset, offset + length):
                letter = token[0] if step == 1 else window[place % 4096]
                out.append(letter)
                window[write] = letter
                write = (write + 1) % 4096
    return bytes(out[:size]) if len(out) >= size else None


def plain_text(rtf: bytes) -> str:
    """The words of an RTF document, one line for each paragraph."""
    reader = _Reader()
    for match in _TOKEN.finditer(rtf):
        reader.take(match)
    reader.flush()
    # A letter beyond the first plane comes as two numbers.
    return "".join(reader.words).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Reader:
    """Where we are in the document: the code page, and for each open group whether it is shown and what a \\u skips."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.codepage = "cp1252"
        self._groups = [(True, 1)]
        self._shown, self._skips, self._skip = True, 1, 0
        self._letters = bytearray()

    def take(self, match: re.Match[bytes]) -> None:
        """Take one token in."""
        word, number, code, sign, brace, text = match.groups()
        if brace == b"{":
            if len(self._groups) < _DEEPEST:
                self._groups.append((self._shown, self._skips))
        elif brace:
            self._shown, self._skips = self._groups.pop() if len(self._groups) > 1 else self._groups[0]
            self._skip = 0
        elif word:
            self._command(word, int(number) if number else None)
        elif sign == b"*":
            self._shown = False
        elif code or sign in (b"\\", b"{", b"}") or text:
            self._write(bytes.fromhex(code.decode()) if code else sign or text or b"")
        elif sign in (b"~", b"\r", b"\n"):
            self._say("\N{NO-BREAK SPACE}" if sign == b"~" else "\n")

    def _command(self, word: bytes, number: int | None) -> None:
        if word in _NOT_WORDS:
            self._shown = False
        elif word == b"ansicpg" and number:
            self.flush()
            self.codepage = f"cp{number}" if number != 65001 else "utf-8"
        elif word == b"uc" and number is not None:
            self._skips = min(max(number, 0), 10)
        elif word == b"u" and number is not None:
            self._say(chr(number % 0x10000))
            self._skip = self._skips
        elif word in _BREAKS or word in _SIGNS:
            self._say(_BREAKS.get(word) or _SIGNS[word])

    def _write(self, letters: bytes) -> None:
        kept, self._skip = letters[self._skip :], max(0, self._skip - len(letters))
        if self._shown:
            self._letters += kept

    def _say(self, text: str) -> None:
        if self._shown:
            self.flush()
            self.words.append(text)

    def flush(self) -> None:
        """Decode what was gathered; a letter may take several octets."""
        if self._letters:
            self.words.append(decode_bytes(bytes(self._letters), self.codepage))
            self._letters.clear()

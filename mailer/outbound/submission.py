"""Message submission over SMTP (RFC 6409, RFC 5321): one letter, one recipient, and what is known when it goes wrong.

A small client of our own, because the standard library raises one and the same error for a connection lost before 354,
during DATA and after the final dot: the first two may be tried again, after the dot nobody can know (RFC 1047).
"""

import base64
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self

from contacts.address import Address
from contacts.errors import RuleBroken
from mailer.account import Account
from mailer.errors import LoginRefused, SubmissionUnavailable

_MESSAGES_PER_CONNECTION = 100
_SECONDS_PER_CONNECTION = 300
_BLOCK = 65536
_LONGEST_LINE = 4096
_MOST_LINES = 100
_LONGEST_TEXT = 300
_REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait per phase; the defaults are at least what RFC 5321 §4.5.3.2 asks of a patient client."""

    connect: float = 30
    banner: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    after_dot: float = 600
    quit: float = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """How an attempt ended: the last phase begun, and what the server said there, if it said anything.

    `phase` is mail, rcpt, data (before 354), in_data, dot_sent (the dot was written and no answer can be relied on) or
    replied; `code` is None when the connection was lost. `text` is cleaned and at most 300 characters; it may name the
    recipient, so it is for the outbox and never for a log.
    """

    phase: str
    code: int | None = None
    enhanced: str | None = None
    text: str = ""


class Submission:
    """A submission server to give letters to; connects when the first letter comes, and again when it has to.

    Raises SubmissionUnavailable when the server is away, refuses us as a whole or offers no TLS where TLS is asked for,
    LoginRefused when it does not accept our name and password. `tls` is for a pinned certificate authority.
    """

    def __init__(
        self, account: Account, helo_name: str, timeouts: Timeouts | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._account = account
        self._helo_name = helo_name
        self._timeouts = timeouts or Timeouts()
        self._tls = tls
        self._line: _Line | None = None
        self._features: dict[str, str] = {}
        self._sent = 0
        self._since = 0.0
        self._phase = "mail"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say QUIT and hang up; never raises."""
        if self._line is not None:
            try:
                self._line.ask("QUIT", self._timeouts.quit)
            except _Broken:
                pass
            finally:
                self._hang_up()

    def submit(
        self, return_path: str, recipient: str, content: bytes, before_dot: Callable[[], None] | None = None
    ) -> Reply:
        """Give one letter to the server: `content` byte for byte, in CRLF lines, to one recipient.

        `return_path` may be "" (RFC 5321 §4.5.5). `before_dot` runs when everything but the final dot is written: what
        it records is true before the server can accept; if it raises, the dot is never written. A connection that is
        lost is a Reply without a code; SubmissionUnavailable and LoginRefused come only before MAIL.
        """
        refusal = _unsendable(return_path, recipient, content)
        if refusal:
            return refusal
        line = self._ready()
        refusal = self._not_offered(recipient, content)
        if refusal:
            return refusal
        self._sent += 1
        try:
            reply = self._converse(line, self._commands(return_path, recipient, content), content, before_dot)
        except _Broken as broken:
            self._hang_up()
            return Reply(self._phase, text=str(broken))
        except BaseException:
            self._hang_up()
            raise
        if reply.code in (421, None) or reply.phase == "in_data":
            self._hang_up()
        return reply

    def _converse(
        self, line: "_Line", commands: tuple[str, str], content: bytes, before_dot: Callable[[], None] | None
    ) -> Reply:
        """MAIL, RCPT, DATA, the content, the dot (RFC 5321 §3.3); `_phase` says how far it came when this raises."""
        wait = self._timeouts
        steps = (("mail", commands[0], wait.command), ("rcpt", commands[1], wait.command), ("data", "DATA", wait.data))
        for phase, command, seconds in steps:
            self._phase = phase
            answer = line.ask(command, seconds)
            if answer.code // 100 != (3 if phase == "data" else 2):
                return answer.reply(phase)
        self._phase = "in_data"
        line.write(_stuffed(content), wait.block)
        if line.has_news():  # Before the dot it cannot be an acceptance: nothing is in doubt.
            return line.answer(wait.command).reply("in_data")
        if before_dot is not None:
            before_dot()
        self._phase = "dot_sent"
        line.write(b".\r\n", wait.block)
        answer = line.answer(wait.after_dot)
        return answer.reply("replied") if answer.code // 100 != 3 else Reply("dot_sent", text=answer.text)

    def _commands(self, return_path: str, recipient: str, content: bytes) -> tuple[str, str]:
        """MAIL and RCPT with the parameters that this server's last EHLO offered (SMT-09)."""
        sender = Address.parse(return_path).text if return_path else ""
        mail, rcpt = f"MAIL FROM:<{sender}>", f"RCPT TO:<{Address.parse(recipient).text}>"
        if "size" in self._features:
            mail += f" SIZE={len(content)}"
        if not content.isascii() and "8bitmime" in self._features:
            mail += " BODY=8BITMIME"
        if not (return_path + recipient).isascii() and "smtputf8" in self._features:
            mail += " SMTPUTF8"
        if not return_path and "dsn" in self._features:
            rcpt += " NOTIFY=NEVER"  # RFC 3461 §4.1: an automatic answer asks for no report on itself.
        return mail, rcpt

    def _not_offered(self, recipient: str, content: bytes) -> Reply | None:
        """A refusal that needs no server: what it does not offer, it cannot take (RFC 6531 §3.1, RFC 1870 §6.1)."""
        if not Address.parse(recipient).is_ascii and "smtputf8" not in self._features:
            return Reply("rcpt", 553, "5.6.7", "server lacks SMTPUTF8")
        limit = self._features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(content):
            return Reply("mail", 552, "5.3.4", f"{len(content)} bytes is more than the {limit} this server takes")
        return None

    def connect(self) -> None:
        """Connect and log in, as before a first letter; raises SubmissionUnavailable or LoginRefused."""
        self._ready()

    def _ready(self) -> "_Line":
        """A connection on which MAIL may be said: the one we have, emptied by RSET, or a new one."""
        tired = self._sent >= _MESSAGES_PER_CONNECTION or monotonic() - self._since > _SECONDS_PER_CONNECTION
        if tired:
            self.close()
        if self._line is not None:
            try:
                if self._line.ask("RSET", self._timeouts.command).code == 250:
                    return self._line
            except _Broken:
                pass  # The server hung up between two letters: nothing was lost (SMT-07).
            self._hang_up()
        return self._connect()

    def _connect(self) -> "_Line":
        try:
            plain = socket.create_connection((self._account.host, self._account.port), self._timeouts.connect)
        except OSError as error:
            raise SubmissionUnavailable(f"no connection to the submission server ({type(error).__name__})") from error
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # The lone dot would wait 40 ms for an ACK.
        line = self._line = _Line(plain)
        self._sent, self._since = 0, monotonic()
        try:
            self._greet(line)
        except BaseException:
            self._hang_up()
            raise
        return line

    def _greet(self, line: "_Line") -> None:
        """Banner, EHLO, TLS, EHLO again, AUTH (RFC 5321 §3.1, RFC 3207 §4.2, RFC 4954)."""
        if self._account.implicit_tls:
            self._secure(line)
        _expect(line.answer(self._timeouts.banner), 220, "the banner")
        self._hello(line)
        if self._account.starttls:
            if "starttls" not in self._features:
                raise SubmissionUnavailable("the submission server offers no STARTTLS, and without TLS nothing is sent")
            _expect(line.ask("STARTTLS", self._timeouts.command), 220, "STARTTLS")
            self._secure(line)
            self._hello(line)
        if self._account.user:
            self._log_in(line)

    def _secure(self, line: "_Line") -> None:
        context = self._tls or ssl.create_default_context()
        line.secure(context, self._account.host, self._timeouts.connect)

    def _hello(self, line: "_Line") -> None:
        answer = line.ask(f"EHLO {self._helo_name}", self._timeouts.command)
        _expect(answer, 250, "EHLO")
        offers = (offer.partition(" ") for offer in answer.lines[1:])
        self._features = {keyword.lower(): parameters.upper() for keyword, _, parameters in offers}

    def _log_in(self, line: "_Line") -> None:
        if not (line.is_secure or self._account.loopback):
            raise SubmissionUnavailable("a password is not sent over a line without TLS")
        user, password = self._account.user, self._account.password.reveal()
        offered = self._features.get("auth", "").split()
        if "PLAIN" in offered:
            answer = line.ask(f"AUTH PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}", self._timeouts.command)
        elif "LOGIN" in offered:
            answer = line.ask("AUTH LOGIN", self._timeouts.command)
            for secret in (user, password):
                answer = line.ask(_base64(secret), self._timeouts.command) if answer.code == 334 else answer
        else:
            raise LoginRefused("the submission server offers neither AUTH PLAIN nor AUTH LOGIN")
        if answer.code // 100 == 5:
            raise LoginRefused(f"the submission server does not accept our name and password ({answer.code})")
        _expect(answer, 235, "AUTH")

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class _Broken(SubmissionUnavailable):
    """The connection is lost or speaks no SMTP; says how, for the outbox."""


class _Answer(NamedTuple):
    """A reply of the server: its code and its lines, decoded."""

    code: int
    lines: tuple[str, ...]

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code where it belongs to this code's class (RFC 2034 §4)."""
        found = _ENHANCED.match(self.lines[0])
        return found[1] if found and found[1][0] == str(self.code)[0] else None

    @property
    def text(self) -> str:
        """The words, without controls and repeated status codes, cut."""
        words = " ".join(_ENHANCED.sub("", line, count=1) for line in self.lines)
        return " ".join("".join(char if char.isprintable() else " " for char in words).split())[:_LONGEST_TEXT]

    def reply(self, phase: str) -> Reply:
        """As the end of an attempt."""
        return Reply(phase, self.code, self.enhanced, self.text)


class _Line:
    """A socket that speaks in commands and replies; every trouble on it is a _Broken."""

    def __init__(self, plain: socket.socket) -> None:
        self._socket = plain
        self._buffer = b""

    @property
    def is_secure(self) -> bool:
        """Whether TLS protects it."""
        return isinstance(self._socket, ssl.SSLSocket)

    def secure(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Start TLS, the certificate verified; what was said in clear text before it is an attack (RFC 3207 §6)."""
        if self._buffer:
            raise _Broken("the server spoke in clear text after STARTTLS")
        self._socket.settimeout(seconds)
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except OSError as error:
            reason = getattr(error, "verify_message", "") or type(error).__name__
            raise _Broken(f"no TLS with the submission server: {reason}") from error

    def ask(self, command: str, seconds: float) -> _Answer:
        """Send a command and wait for its reply."""
        self.write(f"{command}\r\n".encode(), seconds)
        return self.answer(seconds)

    def write(self, data: bytes, seconds: float) -> None:
        """Send bytes, waiting at most so long for each block."""
        try:
            self._socket.settimeout(seconds)
            for start in range(0, len(data), _BLOCK):
                self._socket.sendall(data[start : start + _BLOCK])
        except OSError as error:
            raise _Broken(f"connection lost ({type(error).__name__})") from error

    def answer(self, seconds: float) -> _Answer:
        """The next reply, all its lines within so many seconds (RFC 5321 §4.2.1)."""
        until, codes = monotonic() + seconds, set[int]()
        lines: list[str] = []
        while len(lines) < _MOST_LINES:
            found = _REPLY_LINE.fullmatch(self._next_line(until))
            if not found:
                break
            codes.add(int(found[1]))
            lines.append((found[3] or b"").decode("utf-8", "replace"))
            if found[2] != b"-":
                if len(codes) == 1:
                    return _Answer(codes.pop(), tuple(lines))
                break
        raise _Broken("a reply that is no SMTP")

    def has_news(self) -> bool:
        """Whether the server said something already; raises when it hung up."""
        if not self._buffer:
            try:
                self._socket.settimeout(0)
                self._receive()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError as error:
                raise _Broken(f"connection lost ({type(error).__name__})") from error
        return True

    def close(self) -> None:
        """Hang up without a word."""
        self._socket.close()

    def _next_line(self, until: float) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_LINE:
                raise _Broken("a reply line without an end")
            try:
                self._socket.settimeout(max(until - monotonic(), 0.001))
                self._receive()
            except OSError as error:
                raise _Broken(f"connection lost ({type(error).__name__})") from error
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _receive(self) -> None:
        data = self._socket.recv(_LONGEST_LINE)
        if not data:
            raise _Broken("connection closed by the server")
        self._buffer += data


def _unsendable(return_path: str, recipient: str, content: bytes) -> Reply | None:
    """A refusal that needs no connection: an address that is not exactly one, bytes that would change on the way."""
    for address, reply in (
        (recipient, Reply("rcpt", 553, "5.1.3", "not one plain mail address")),
        (return_path or recipient, Reply("mail", 553, "5.1.7", "the return path is not one plain mail address")),
    ):
        try:
            Address.parse(address)
        except RuleBroken:
            return reply
    bare = content.replace(b"\r\n", b"")
    if b"\r" in bare or b"\n" in bare or not content.endswith(b"\r\n"):
        return Reply("data", 554, "5.6.0", "not in CRLF lines")  # SMTP smuggling begins with a bare LF.
    return None


def _stuffed(content: bytes) -> bytes:
    """The content with its leading dots doubled (RFC 5321 §4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _expect(answer: _Answer, code: int, what: str) -> None:
    if answer.code != code:
        raise SubmissionUnavailable(f"the submission server answers {answer.code} to {what}")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

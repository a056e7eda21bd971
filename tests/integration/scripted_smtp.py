"""An SMTP server on loopback that answers each verb as its script says, hangs up where it says so, and remembers.

It is strict where it may be: MAIL in an open transaction is 503, DATA without a recipient 554, and a byte that comes
after DATA before 354 is written down as a trespass (RFC 2920 §3.1).
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from mailer.account import Account, Secret

#: Instead of a reply: close the connection, or say nothing until the client gives up.
DROP = "DROP"
HANG = "HANG"
#: Before a reply: one byte at a time, half of it and then close, or as it is, without an end.
TRICKLE, HALF, BARE = "TRICKLE ", "HALF ", "BARE "

#: What is answered to a verb: words, or what makes them of the whole command ("": the usual ones).
Answer = str | Callable[[str], str]

_USUAL = {
    "banner": "220 relay.example ESMTP",
    "EHLO": "250-relay.example\r\n250 SIZE 50000000",
    "AUTH": "235 2.7.0 Welcome",
    "STARTTLS": "220 2.0.0 Go ahead",
    "DATA": "354 Go on",
    ".": "250 2.0.0 queued as 4F1",
    "QUIT": "221 2.0.0 Bye",
}


class _HungUp(Exception):
    """The script or the client ended the connection."""


@dataclass
class ScriptedSmtp:
    """`answers` by verb ("banner", "EHLO", "MAIL", … and "." for the end of DATA) in the place of the usual ones.

    `in_data` is said or done as soon as the first bytes of a content have come; `letters` is how many contents one
    connection takes before it is closed; `context` is for STARTTLS, or for the whole connection with `implicit`;
    `delay` is how long each content takes; `lenient` takes DATA without recipients.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    in_data: str = ""
    letters: int = 1000
    context: ssl.SSLContext | None = None
    implicit: bool = False
    after_tls: str = ""
    pipelining: bool = False
    delay: float = 0.0
    lenient: bool = False

    def __post_init__(self) -> None:
        self.mails: list[tuple[str, tuple[str, ...], bytes]] = []
        self.trespasses = 0
        self.most_open = 0
        self.open = 0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.commands: list[str] = []
        self.contents: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Small, so that a client cannot hand over a large content before it hears what is said in the midst of it.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for thread in self._threads:
            thread.join(10)

    def account(self, scheme: str = "smtp", user: str = "", password: str = "") -> Account:
        """How to reach this server."""
        return Account(scheme, "127.0.0.1", self._listener.getsockname()[1], user, Secret(password))

    @property
    def verbs(self) -> list[str]:
        """The first words of what the clients said."""
        return [command.split(" ")[0] for command in self.commands]

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._converse, args=(plain,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _converse(self, plain: socket.socket) -> None:
        with self._lock:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        with suppress(_HungUp, OSError):
            _Conversation(self, plain).run()
        with self._lock:
            self.open -= 1


class _Conversation:
    """One connection, from its banner to its end."""

    def __init__(self, server: ScriptedSmtp, plain: socket.socket) -> None:
        self.server, self.line, self.buffer, self.taken, self.secure = server, plain, bytearray(), 0, False
        self.line.settimeout(10)
        self.sender: str | None = None
        self.recipients: list[str] = []

    def run(self) -> None:
        try:
            if self.server.implicit:
                self._start_tls()
            self._say("banner")
            while self.taken < self.server.letters:
                self._turn(self._read_until(b"\r\n").decode())
        finally:
            self.line.close()

    def _turn(self, command: str) -> None:
        self.server.commands.append(command)
        verb = command.split(" ")[0].upper()
        if verb == "STARTTLS" and self._say(verb).startswith("220"):
            self._start_tls()
        elif verb == "DATA":
            self.server.trespasses += bool(self.buffer)
            unwanted = "" if self.recipients or self.server.lenient else "554 5.5.1 No valid recipients"
            if self._say(verb, command, unwanted).startswith("354"):
                self._take()
        elif verb != "STARTTLS":
            self._envelope(verb, command)
        if verb == "QUIT":
            raise _HungUp

    def _envelope(self, verb: str, command: str) -> None:
        is_nested = verb == "MAIL" and self.sender is not None
        said = self._say(verb, command, "503 5.5.1 nested MAIL command" if is_nested else "")
        address = command.partition("<")[2].partition(">")[0]
        if verb == "MAIL" and said.startswith("250"):
            self.sender = address
        elif verb == "RCPT" and said.startswith("250"):
            self.recipients.append(address)
        elif verb == "RSET":
            self.sender, self.recipients = None, []

    def _start_tls(self) -> None:
        assert self.server.context
        self.line = self.server.context.wrap_socket(self.line, server_side=True)
        self.secure = True

    def _take(self) -> None:
        if self.server.in_data:
            self.buffer += self.line.recv(100)
            self._do(self.server.in_data)
        content = self._read_until(b"\r\n.\r\n") + b"\r\n"
        content = content[1:] if content.startswith(b"..") else content
        content = content.replace(b"\r\n..", b"\r\n.")
        recipients, self.recipients = tuple(self.recipients), []
        sender, self.sender = self.sender or "", None
        self.taken += 1
        self.server._closing.wait(self.server.delay)
        with self.server._lock:
            if recipients:
                self.server.contents.append(content)
                self.server.mails.append((sender, recipients, content))
        self._say(".", " ".join(recipients))

    def _say(self, verb: str, command: str = "", usual: str = "") -> str:
        if verb == "EHLO" and self.secure and self.server.after_tls:
            return self._do(self.server.after_tls)
        scripted = self.server.answers.get(verb, "")
        answer = scripted(command) if callable(scripted) else scripted
        usual = usual or _USUAL.get(verb, "250 2.0.0 OK")
        if verb == "EHLO" and self.server.pipelining:
            usual = usual.replace("250 SIZE", "250-PIPELINING\r\n250 SIZE")
        return self._do(answer or usual)

    def _do(self, answer: str) -> str:
        if answer == HANG:
            self.server._closing.wait(10)
        if answer in (DROP, HANG):
            raise _HungUp
        how = next((one for one in (TRICKLE, HALF, BARE) if answer.startswith(one)), "")
        words = answer.removeprefix(how).encode("utf-8", "surrogateescape") + b"\r\n"
        if how == TRICKLE:
            for byte in words:
                self.line.sendall(bytes((byte,)))
                time.sleep(0.001)
            return answer.removeprefix(how)
        self.line.sendall({HALF: words[: len(words) // 2], BARE: words[:-2]}.get(how, words))
        if how == HALF:
            raise _HungUp
        return answer.removeprefix(how)

    def _has_lone_dot(self, end: bytes) -> bool:
        return end == b"\r\n.\r\n" and self.buffer.startswith(b".\r\n")

    def _read_until(self, end: bytes) -> bytes:
        seen = 0
        while (found := self.buffer.find(end, seen)) < 0 or self._has_lone_dot(end):
            if self._has_lone_dot(end):
                del self.buffer[:3]
                return b""
            seen = max(len(self.buffer) - len(end), 0)
            data = self.line.recv(65536)
            if not data:
                raise _HungUp
            self.buffer += data
        taken = bytes(self.buffer[:found])
        del self.buffer[: found + len(end)]
        return taken

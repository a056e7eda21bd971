"""A fake SMTP server that fails on demand: what to answer in each phase, when to be slow, when to hang up.

    with SmtpSink() as sink:
        sink.on("rcpt", Say("450 4.2.1 later"), times=1)       # the first recipient only
        sink.on("rcpt", Say("550 5.1.1 no"), only="jan@")      # whenever the command holds "jan@"
        sink.on("dot", HangUp())                               # after the final dot, instead of an answer

Phases: connect ehlo helo starttls auth mail rcpt data content dot rset noop quit. "content" strikes when the first line
of the message has come in; "dot" when the whole message has.
"""

import socket
import ssl
import struct
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from mailer.account import Account, Secret
from tests.servers import HOST


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with these words (lines separated by \\n) after `delay` seconds, and hang up afterwards if asked to."""

    reply: str
    delay: float = 0.0
    then_hang_up: bool = False

    @property
    def accepts(self) -> bool:
        """Whether the client is told yes."""
        return self.reply[:1] in "23"


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection in place of an answer; `rudely` with a reset. `accept` takes the mail in first."""

    delay: float = 0.0
    rudely: bool = False
    accept: bool = False

    @property
    def accepts(self) -> bool:
        """Whether the mail is taken in, though the client is told nothing."""
        return self.accept


@dataclass(frozen=True, slots=True)
class Mail:
    """A message whose final dot arrived; `accepted` tells whether we have taken it, not whether the client knows."""

    return_path: str
    recipients: tuple[str, ...]
    content: bytes
    accepted: bool
    tls: bool
    user: str | None


@dataclass(slots=True)
class _Rule:
    act: Say | HangUp
    times: float
    only: str


@dataclass(slots=True)
class SmtpSink:
    """The server as a context manager. `mails` and `commands` (first words only) grow while it runs."""

    tls: ssl.SSLContext | None = None  # offers STARTTLS
    implicit_tls: bool = False
    password: str | None = None  # None: whatever is given is right
    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "SIZE 52428800", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN")
    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    _rules: dict[str, list[_Rule]] = field(default_factory=dict)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(default_factory=list)

    def on(self, phase: str, act: Say | HangUp, times: float = float("inf"), only: str = "") -> None:
        """Do `act` in `phase`, at most `times` times, only for commands that hold `only`; later rules come first."""
        with self._lock:
            self._rules.setdefault(phase, []).insert(0, _Rule(act, times, only))

    def clear(self) -> None:
        """Forget the rules, the mails and the commands."""
        with self._lock:
            self._rules.clear()
            self.mails.clear()
            self.commands.clear()

    def account(self, scheme: str = "smtp", user: str = "", password: str = "") -> Account:
        """How to submit here."""
        return Account(scheme, HOST, self.port, user, Secret(password))

    def accepted(self) -> list[Mail]:
        """The mails that were taken in."""
        return [mail for mail in self.mails if mail.accepted]

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        self._start(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown wakes accept(); close alone would leave the thread in it
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for line in self._open:
                with suppress(OSError):  # the client was faster
                    line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def act(self, phase: str, command: str) -> Say | HangUp | None:
        """The rule that applies now, used up by one."""
        with self._lock:
            for rule in self._rules.get(phase, ()):
                if rule.times > 0 and rule.only in command:
                    rule.times -= 1
                    return rule.act
        return None

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="smtp-sink", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, line)

    def _serve(self, line: socket.socket) -> None:
        with self._lock:
            self._open.add(line)
        conversation = _Conversation(self, line)
        try:
            conversation.run()
        except (_Over, OSError):
            pass
        finally:
            with self._lock:
                self._open.difference_update((line, conversation.line))
            conversation.close()


class _Over(Exception):
    """The connection ends here."""


class _Conversation:
    """One connection."""

    def __init__(self, sink: SmtpSink, line: socket.socket) -> None:
        self.sink = sink
        self.line = line
        self.file = line.makefile("rb")
        self.user: str | None = None
        self.encrypted = False
        self.forget()

    def forget(self) -> None:
        self.return_path: str | None = None
        self.recipients: list[str] = []

    def close(self) -> None:
        self.file.close()
        self.line.close()

    def run(self) -> None:
        if self.sink.tls and self.sink.implicit_tls:
            self.encrypt()
        self.answer("connect", "", "220 sink.example ESMTP")
        while True:
            command = self.read().decode("utf-8", "surrogateescape").rstrip("\r\n")
            verb = command.partition(" ")[0].lower()
            self.sink.commands.append(verb)
            getattr(self, f"do_{verb}", self.do_unknown)(command)

    def read(self) -> bytes:
        got = self.file.readline()
        if not got.endswith(b"\n"):
            raise _Over
        return got

    def say(self, reply: str) -> None:
        *first, last = reply.split("\n")
        lines = [f"{part[:3]}-{part[4:]}" for part in first] + [last]
        self.line.sendall("".join(f"{part}\r\n" for part in lines).encode())

    def answer(self, phase: str, command: str, normal: str) -> bool:
        """Do what the rules say, or else what is normal; returns whether it was a yes."""
        return self.perform(self.sink.act(phase, command) or Say(normal))

    def perform(self, act: Say | HangUp) -> bool:
        time.sleep(act.delay)
        if isinstance(act, HangUp):
            raise self.hang_up(act.rudely)
        self.say(act.reply)
        if act.then_hang_up:
            raise self.hang_up()
        return act.accepts

    def hang_up(self, rudely: bool = False) -> "_Over":
        if rudely:
            self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.line.shutdown(socket.SHUT_RDWR)
        return _Over()

    def encrypt(self) -> None:
        assert self.sink.tls
        raw, self.line = self.line, self.sink.tls.wrap_socket(self.line, server_side=True)
        with self.sink._lock:
            self.sink._open.discard(raw)
            self.sink._open.add(self.line)
        self.file.close()
        self.file = self.line.makefile("rb")
        self.encrypted = True

    def do_ehlo(self, command: str) -> None:
        offered = [*self.sink.extensions, *(["STARTTLS"] if self.sink.tls and not self.encrypted else [])]
        self.answer("ehlo", command, "\n".join(f"250 {line}" for line in ("sink.example", *offered)))

    def do_helo(self, command: str) -> None:
        self.answer("helo", command, "250 sink.example")

    def do_starttls(self, command: str) -> None:
        if self.answer("starttls", command, "220 go on" if self.sink.tls else "502 5.5.1 not here"):
            self.encrypt()

    def do_auth(self, command: str) -> None:
        _, mechanism, *initial = command.split()
        user, password = self.plain(initial) if mechanism.upper() == "PLAIN" else self.ask_login(initial)
        right = self.sink.password in (None, password)
        if self.answer("auth", user, "235 2.7.0 welcome" if right else "535 5.7.8 wrong"):
            self.user = user

    def plain(self, initial: list[str]) -> tuple[str, str]:
        answer = initial[0] if initial else self.ask("")
        _, user, password = b64decode(answer).decode().split("\0")
        return user, password

    def ask_login(self, initial: list[str]) -> tuple[str, str]:
        answers = [*initial, *(self.ask(question) for question in ("VXNlcjo=", "UGFzc3dvcmQ6")[len(initial) :])]
        user, password = (b64decode(answer).decode() for answer in answers)
        return user, password

    def ask(self, question: str) -> str:
        self.say(f"334 {question}")
        return self.read().decode().strip()

    def do_mail(self, command: str) -> None:
        if self.answer("mail", command, "250 2.1.0 Ok"):
            self.return_path = command.partition("<")[2].partition(">")[0]

    def do_rcpt(self, command: str) -> None:
        if self.answer("rcpt", command, "250 2.1.5 Ok"):
            self.recipients.append(command.partition("<")[2].partition(">")[0])

    def do_data(self, command: str) -> None:
        if not self.recipients:
            self.say("503 5.5.1 no valid recipients")
            return
        if not self.answer("data", command, "354 go on"):
            return
        content = self.content()
        act = self.sink.act("dot", " ".join(self.recipients)) or Say("250 2.0.0 Ok: queued as S1")
        mail = Mail(self.return_path or "", tuple(self.recipients), content, act.accepts, self.encrypted, self.user)
        with self.sink._lock:
            self.sink.mails.append(mail)  # before the client can know
        self.forget()
        self.perform(act)

    def content(self) -> bytes:
        lines: list[bytes] = []
        while (got := self.read()) != b".\r\n":
            lines.append(got[1:] if got.startswith(b".") else got)
            if len(lines) == 1 and self.sink.act("content", " ".join(self.recipients)):
                raise self.hang_up(rudely=True)
        return b"".join(lines)

    def do_rset(self, command: str) -> None:
        self.forget()
        self.answer("rset", command, "250 2.0.0 Ok")

    def do_noop(self, command: str) -> None:
        self.answer("noop", command, "250 2.0.0 Ok")

    def do_quit(self, command: str) -> None:
        self.answer("quit", command, "221 2.0.0 bye")
        raise _Over

    def do_unknown(self, command: str) -> None:
        self.say("500 5.5.2 what?")

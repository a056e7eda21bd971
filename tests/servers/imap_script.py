"""An IMAP server that says what the test wrote down: for refusals, short answers and silences no real server offers."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from mailer.account import Account, Secret
from tests.servers import HOST

HANG_UP = "hang up"
FREEZE = "freeze"
_FOLDERS = "".join(f'* LIST () "/" {name}\r\n' for name in ("INBOX", "Handled", "Review", "Ignored", "Quarantine"))
_USUAL = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 {capability}\r\n{tag} OK done\r\n",
    "LIST": _FOLDERS + "{tag} OK done\r\n",
    "SELECT": "* 1 EXISTS\r\n* OK [UIDVALIDITY 77] valid\r\n{tag} OK [READ-WRITE] done\r\n",
    "UID SEARCH": "* SEARCH 5\r\n{tag} OK done\r\n",
    "UID FETCH": "* 1 FETCH (UID 5 RFC822.SIZE 3 BODY[] {{3}}\r\nabc)\r\n{tag} OK done\r\n",
    "IDLE": "+ go on\r\n",
    "DONE": "{idle} OK done\r\n",
    "LOGOUT": "* BYE\r\n{tag} OK done\r\n",
}


@dataclass(slots=True)
class ImapScript:
    """The server as a context manager.

    `answers` has, for the first word of a command (two for UID commands), the raw answer, HANG_UP or FREEZE; whatever
    it does not have is answered as usual. `commands` is what was asked, without tags and passwords.
    """

    answers: dict[str, str] = field(default_factory=dict)
    capability: str = "IDLE MOVE UIDPLUS"
    commands: list[str] = field(default_factory=list)
    port: int = 0
    _listener: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def account(self) -> Account:
        """Any name and password will do."""
        return Account("imap", HOST, self.port, "anna@leden.example", Secret("geheim"))

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=target, daemon=True))
        self._threads[-1].start()

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._start(lambda line=line: self._serve(line))  # type: ignore[misc]

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as file:
            line.settimeout(10)
            line.sendall(self.answers.get("connect", "* OK ready\r\n").encode())
            idle = ""
            while got := file.readline():
                words = got.decode().split()
                tag, *command = words if words != ["DONE"] else ["", "DONE"]
                verb = " ".join(command[: 2 if command[0] == "UID" else 1])
                idle = tag if verb == "IDLE" else idle
                self.commands.append(verb if verb == "LOGIN" else " ".join(command))
                answer = self.answers.get(verb, _USUAL.get(verb, "{tag} OK done\r\n"))
                if answer == FREEZE:
                    self._over.wait(10)
                if answer in (HANG_UP, FREEZE):
                    return
                line.sendall(answer.format(tag=tag, idle=idle, capability=self.capability).encode())

"""The coordination mailbox over IMAP: look, fetch without marking, file away, wait for more.

Selection is never by `\\Seen`: people read the same mailbox in webmail. Nothing is ever deleted, and no bare EXPUNGE is
ever sent: it would take with it what a person had marked (RFC 4315 §2.1, RFC 6851).
"""

import imaplib
import selectors
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Self

from imap_tools.errors import ImapToolsError, UnexpectedCommandStatusError
from imap_tools.imap_utf7 import utf7_decode
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxUnencrypted
from imap_tools.utils import encode_folder

from mailer.account import Account
from mailer.errors import LoginRefused, MailboxUnavailable
from mailer.inbound import imap_answer as answer
from mailer.inbound.folders import ENGLISH, Folders, key

LONGEST_WAIT = 25 * 60.0  # seconds; RFC 2177 asks to renew IDLE within 29 minutes
_SLICE = 2.0  # seconds between two looks at the stop flag
_CHUNK = 500  # UIDs in one command
_MOST_MOVED = 600  # in one command, which with UIDs of ten digits stays below 8,192 octets (RFC 7162 §4)
_FAULTS = (ImapToolsError, imaplib.IMAP4.error, OSError, UnicodeError)
# imaplib keeps a read buffer of its own from 3.14 on, out of our sight: there the mailbox is polled.
_CAN_IDLE = sys.version_info < (3, 14)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in INBOX: its UID and its size in octets as the server reckons it (RFC822.SIZE)."""

    uid: int
    size: int


class Mailbox:
    """One logged-in connection with INBOX selected; for one thread at a time, and it never reconnects by itself.

    Every method raises MailboxUnavailable when the server is away, slow (`timeout`, in seconds) or refuses; entering
    raises LoginRefused too. Neither holds a word of the server's beyond its response code: it could name people.
    """

    uidvalidity: int

    def __init__(self, account: Account, timeout: float = 60.0, folders: Folders = ENGLISH) -> None:
        self._account = account
        self._timeout = timeout
        self._names = folders
        self._folders: dict[str, str] = {}
        self._prefixed = ""
        self._box: BaseMailBox

    def __enter__(self) -> Self:
        with _translated("connect"):
            self._box = _connect(self._account, self._timeout)
        try:
            self._log_in()
            with _translated("open"):
                # Most servers tell what they can only now: without this MOVE would never be seen.
                self._client._get_capabilities()
                self._prepare_folders()
                self._select()
        except BaseException:
            _hang_up(self._client)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(*_FAULTS):
            if kind is None:
                self._client.sock.settimeout(min(self._timeout, 5.0))
                self._client._simple_command("LOGOUT")
        _hang_up(self._client)

    @property
    def folders(self) -> Mapping[str, str]:
        """What the folder of each disposition is called here, as people see it in their mail program."""
        return {one: name.removeprefix(self._prefixed) for one, name in self._folders.items()}

    def waiting(self) -> list[Waiting]:
        """Everything that lies in INBOX now, read or unread, lowest UID first."""
        with _translated("search"):
            self._client.noop()
            self._client.untagged_responses.pop("EXISTS", None)
            uids = self._box.uids("ALL", charset=None)
            chunks = [uids[start : start + _CHUNK] for start in range(0, len(uids), _CHUNK)]
            return sorted((one for chunk in chunks for one in self._sizes(chunk)), key=lambda one: one.uid)

    def fetch(self, uid: int) -> bytes | None:
        """The message octet for octet, without marking it read; None when it is no longer there."""
        return self._read(uid, "BODY.PEEK[]")

    def fetch_all(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Several messages at once, as `fetch` gives them; those that are no longer there are left out."""
        with _translated("fetch"):
            wanted = ",".join(map(str, uids))
            return dict(_contents(answer.items(self._client.uid("FETCH", wanted, "(UID BODY.PEEK[])"))))

    def header(self, uid: int) -> bytes | None:
        """Only the header section of the message, without marking it read; None when it is no longer there."""
        return self._read(uid, "BODY.PEEK[HEADER]")

    def file_all(self, uids: Sequence[int], disposition: str) -> list[int]:
        """Move several messages with as few commands as possible, as `file` does it for one; those that had to stay.

        Many servers look through the whole mailbox for each command: a thousand messages cost them as much as one.
        """
        if len(uids) > _MOST_MOVED:
            return [*self.file_all(uids[:_MOST_MOVED], disposition), *self.file_all(uids[_MOST_MOVED:], disposition)]
        if len(uids) > 1 and "MOVE" in self._client.capabilities:
            with _translated("file"):
                status, _ = self._client.uid("MOVE", uid_set(uids), encode_folder(self._folders[disposition]))
                if status == "OK":
                    return []
        return [uid for uid in uids if not self.file(uid, disposition)]

    def file(self, uid: int, disposition: str) -> bool:
        """Move one message to the folder of its disposition; a message that is gone already is no error.

        Returns False when the server has neither MOVE nor UIDPLUS: the message is then marked, and stays in INBOX.
        """
        with _translated("file"):
            if "MOVE" in self._client.capabilities:
                self._transfer("MOVE", uid, disposition)
                return True
            if "UIDPLUS" not in self._client.capabilities:
                mark = f"(Verbinden{disposition.capitalize()})"  # a keyword is ASCII, whatever the folder is called
                self._client.uid("STORE", str(uid), "+FLAGS.SILENT", mark)
                return False
            self._transfer("COPY", uid, disposition)
            answer.items(self._client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)"))
            answer.items(self._client.uid("EXPUNGE", str(uid)))
            return True

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Return when mail comes in, when `stop` is set or after `seconds`; whichever it was, `waiting()` tells."""
        seconds = min(seconds, LONGEST_WAIT)
        if not (_CAN_IDLE and "IDLE" in self._client.capabilities):
            stop.wait(seconds)
            return
        with _translated("idle"):
            self._idle(time.monotonic() + seconds, stop)

    # imaplib has no public way to IDLE or to learn capabilities again, so its inner commands are used, all in here.
    @property
    def _client(self) -> Any:
        return self._box.client

    def _log_in(self) -> None:
        user, password = self._account.user, self._account.password.reveal()
        plain = (user + password).isascii() and (user + password).isprintable()
        # Anything else travels as base64: a line break in a password must not become a command.
        log_in = self._box.login if plain else self._box.login_utf8
        with _translated("login", may_refuse=True):
            log_in(user, password, initial_folder=None)

    def _prepare_folders(self) -> None:
        prefix = self._prefixed = self._prefix()
        present = {
            key(info.name): info.name
            for info in self._box.folder.list("", prefix + "%")
            if not {r"\NonExistent", r"\Noselect"} & set(info.flags)
        }
        for disposition, names in self._names.items():
            known = next((found for name in names if (found := present.get(key(prefix + name)))), None)
            self._folders[disposition] = known or prefix + names[0]
            if known is None:
                self._create(self._folders[disposition])

    def _create(self, folder: str) -> None:
        try:
            self._box.folder.create(folder)
        except UnexpectedCommandStatusError:
            if not self._box.folder.exists(folder):  # another daemon may have been first
                raise
        with suppress(UnexpectedCommandStatusError):
            self._box.folder.subscribe(folder, True)

    def _prefix(self) -> str:
        """Where this server wants personal folders: "" nearly everywhere, "INBOX." on some (RFC 2342)."""
        if "NAMESPACE" not in self._client.capabilities:
            return ""
        _, data = self._client.namespace()
        return utf7_decode(answer.personal_prefix(data))

    def _select(self) -> None:
        self._box.folder.set("INBOX")
        _, values = self._client.response("UIDVALIDITY")
        if not values or not (values[0] or b"").isdigit():
            raise MailboxUnavailable("open: the server keeps no lasting UIDs")
        self.uidvalidity = int(values[0])
        self._client.untagged_responses.pop("EXISTS", None)

    def _sizes(self, uids: list[str]) -> Iterator[Waiting]:
        for item in answer.items(self._client.uid("FETCH", ",".join(uids), "(UID RFC822.SIZE)")):
            uid, size = answer.uid(item), answer.size(item)
            if uid is not None and size is not None:
                yield Waiting(uid, size)

    def _read(self, uid: int, section: str) -> bytes | None:
        with _translated("fetch"):
            items = answer.items(self._client.uid("FETCH", str(uid), f"(UID {section})"))
            return dict(_contents(items)).get(uid)

    def _transfer(self, command: str, uid: int, disposition: str) -> None:
        for again in (False, True):
            status, data = self._client.uid(command, str(uid), encode_folder(self._folders[disposition]))
            if status == "OK" or answer.code(data) == "EXPUNGEISSUED":  # a second daemon moved it first: just as well
                return
            if again:
                raise MailboxUnavailable(f"file: {command} answered {status} {answer.code(data)}".rstrip())
            self._prepare_folders()  # somebody may have renamed the folder

    def _idle(self, deadline: float, stop: threading.Event) -> None:
        client = self._client
        client.noop()  # IDLE tells of what comes from now on; what came since the last look is told here
        if client.untagged_responses.pop("EXISTS", None):
            return
        tag = client._command("IDLE")
        while client._get_response() is not None:  # None: the "+" that says it listens
            if client.tagged_commands[tag]:
                raise MailboxUnavailable("idle: refused")
        while client.untagged_responses.pop("EXISTS", None) is None and not stop.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if self._arrived(min(left, _SLICE)):
                client._get_response()
        client.send(b"DONE\r\n")
        self._box.consume_until_tagged_response(tag)

    def _arrived(self, seconds: float) -> bool:
        """Whether the server says something within `seconds`, or has hung up (which reading will tell)."""
        if self._peek():  # it came in one packet with the line before: the socket itself is silent then
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._client.sock, selectors.EVENT_READ)
            return bool(selector.select(seconds)) and self._peek() is not None

    def _peek(self) -> bytes | None:
        """What can be read without waiting: b"" at the end of the line, None when TLS has only part of a record."""
        self._client.sock.settimeout(0)
        try:
            return bytes(self._client.file.peek(1))
        except ssl.SSLWantReadError:
            return None
        finally:
            self._client.sock.settimeout(self._timeout)


def uid_set(uids: Sequence[int]) -> str:
    """The UIDs as a sequence set, neighbours as a range (RFC 9051 §9)."""
    runs = [[uid for _, uid in run] for _, run in groupby(enumerate(sorted(uids)), lambda one: one[1] - one[0])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}:{run[-1]}" for run in runs)


def _contents(items: Sequence[Any]) -> Iterator[tuple[int, bytes]]:
    """(UID, content) of every message in the answer to a FETCH."""
    for item, after in pairwise([*items, b""]):
        content = answer.content(item)
        # The UID stands before the content or, as some servers like it, behind.
        uid = answer.uid(item) or (answer.uid(after) if isinstance(after, bytes) else None)
        if content is not None and uid is not None:
            yield uid, content


def _connect(account: Account, timeout: float) -> BaseMailBox:
    if account.implicit_tls:
        return MailBox(account.host, account.port, timeout, ssl_context=ssl.create_default_context())
    if not (account.starttls or account.loopback):
        raise MailboxUnavailable("connect: a plain line is allowed to this machine only")
    box = MailBoxUnencrypted(account.host, account.port, timeout)
    if account.starttls:
        try:
            box.client.starttls(ssl.create_default_context())
        except BaseException:
            _hang_up(box.client)
            raise
    return box


def _hang_up(client: imaplib.IMAP4) -> None:
    with suppress(OSError):
        client.shutdown()


@contextmanager
def _translated(doing: str, may_refuse: bool = False) -> Iterator[None]:
    """Turn what the libraries raise into our errors, without the server's words: an address could stand in them."""
    try:
        yield
    except _FAULTS as fault:
        code = answer.code(fault)
        ours = isinstance(fault, imaplib.IMAP4.abort | OSError) or code in answer.PASSING
        if may_refuse and not ours:
            raise LoginRefused("the mail server does not accept the name and password of the mailbox") from None
        raise MailboxUnavailable(f"{doing}: {type(fault).__name__} {code}".rstrip()) from None

"""A mail server for the demo and the tests: SMTP in, IMAP out, in one thread, on this machine only, gone when it stops.

Mail is routed by the envelope, never by To, and its bytes are kept as they came. Any user may log in with the one
password. Two kinds of recipient make trouble on purpose: `bounce…` is refused at RCPT, `gone…` is accepted and bounces
a moment later with a delivery status notification (RFC 3464) to the envelope's sender.
"""

import asyncio
import logging
import secrets
import threading
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hmac import compare_digest
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.dict import Config, Identity, Login
from pymap.concurrent import Subsystem
from pymap.exceptions import InvalidAuth
from pymap.imap import IMAPServer
from pymap.interfaces.login import IdentityInterface
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl.hashing import BuiltinHash

HOST = "127.0.0.1"
NAME = "devmail.example"
_LONGEST_LINE = 1 << 20  # what people send may have longer lines than it should; a relay would wrap them, we keep them
_PATIENCE = 2.0  # seconds for connections to end when the server stops


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail as one recipient gets it: the envelope ("" is the null return path) and the bytes as submitted."""

    return_path: str
    recipient: str
    content: bytes


class DevMail:
    """The server as a context manager; ports of 0 are replaced by free ones. Entering raises OSError when one is taken.

    `accepted` holds every mail, one entry for each recipient, bounces included; `on_mail` is called with each, in the
    server's own thread. Mailboxes are named by address, folded, without a +detail. Leaving the block forgets them.
    """

    def __init__(
        self,
        smtp_port: int = 0,
        imap_port: int = 0,
        password: str | None = None,
        on_mail: Callable[[Accepted], object] | None = None,
        bounce_after: float = 0.05,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.smtp_port = smtp_port
        self.imap_port = imap_port
        self.password = password or secrets.token_urlsafe(9)
        self.accepted: list[Accepted] = []
        self._on_mail = on_mail
        self._bounce_after = bounce_after
        self._now = now
        self._config = _imap_config()
        self._login = _Login(self._config, self.password)
        self._lines: set[asyncio.BaseTransport] = set()
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        self._thread: threading.Thread

    def __enter__(self) -> Self:
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd writes every address to its log
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="devmail", daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self, ready: Future[None]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except Exception as fault:
            if ready.done():
                raise
            ready.set_exception(fault)

    async def _serve(self, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with await asyncio.start_server(self._imap_connection, HOST, self.imap_port) as imap:
            self.imap_port = imap.sockets[0].getsockname()[1]
            smtp = await self._loop.create_server(self._smtp_connection, HOST, self.smtp_port)
            self.smtp_port = smtp.sockets[0].getsockname()[1]
            ready.set_result(None)
            await self._stopping.wait()
            imap.close()
            smtp.close()
            await self._end_connections()

    async def _end_connections(self) -> None:
        for line in self._lines:
            line.abort()  # type: ignore[attr-defined]
        # Each connection notices and ends by itself: cancelling them halfway is what leaves warnings behind.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=_PATIENCE)

    async def _imap_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer.transport)
        try:
            await IMAPServer(self._login, self._config)(reader, writer, SocketInfoLocal(writer))
        finally:
            self._lines.discard(writer.transport)

    def _smtp_connection(self) -> SMTP:
        return _Connection(_Reception(self), self._lines)

    async def receive(self, mail: Accepted) -> None:
        """Take in one mail for one recipient: into the mailbox, or, for `gone…`, back to where it came from."""
        if mail.recipient.casefold().startswith("gone"):
            if mail.return_path:  # a bounce never bounces (RFC 5321 §4.5.5)
                self._loop.call_later(self._bounce_after, self._bounce, mail)
        else:
            await self._append(mail)
        self.accepted.append(mail)
        if self._on_mail:
            self._on_mail(mail)

    def _bounce(self, mail: Accepted) -> None:
        content = bounce(mail, self._now(), secrets.token_hex(8))
        task = self._loop.create_task(self.receive(Accepted("", mail.return_path, content)))
        task.add_done_callback(lambda done: done.result())

    async def _append(self, mail: Accepted) -> None:
        # The trace header fields of final delivery (RFC 5321 §4.4) are all that is added.
        trace = f"Return-Path: <{mail.return_path}>\r\nDelivered-To: {mail.recipient}\r\n"
        content = trace.encode("utf-8", "surrogateescape") + mail.content
        async with self._login.identity(mail.recipient).new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            message = await inbox.append(AppendMessage(content, self._now(), frozenset()), recent=True)
            if message._content:  # pymap loses the last byte of a message without a body
                message._content._raw = memoryview(content)


class _Login(Login):
    """Everybody exists, and has the one password."""

    def __init__(self, config: Config, password: str) -> None:
        super().__init__(config)
        self._password = config.hash_context.hash(password)

    def identity(self, address: str) -> Identity:
        local, _, domain = address.rpartition("@")
        name = f"{local.partition('+')[0]}@{domain}".casefold()
        self.users_dict.setdefault(name, UserMetadata(self.config, name))
        return Identity(name, self, None, frozenset())

    async def authenticate(self, credentials: Any) -> Identity:
        try:
            known = credentials.verify(UserMetadata(self.config, credentials.authcid, password=self._password))
        except ValueError:  # no password may have a control character (RFC 4013)
            known = False
        if not known:
            raise InvalidAuth()
        return self.identity(credentials.authcid)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Identity:
        return self.identity(authenticated.name)


class _Reception:
    """What to say to each SMTP command, in the way aiosmtpd asks."""

    def __init__(self, house: DevMail) -> None:
        self._house = house

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and compare_digest(data.password, self._house.password.encode())
        return AuthResult(success=known, handled=False)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if "@" not in address:
            return "550 5.1.3 Such an address leads nowhere"
        if address.casefold().startswith("bounce"):
            return "550 5.1.1 No such recipient here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        return_path = "" if envelope.mail_from == "<>" else envelope.mail_from
        for recipient in envelope.rcpt_tos:
            await self._house.receive(Accepted(return_path, recipient, bytes(envelope.original_content)))
        return f"250 2.0.0 Ok: queued as {secrets.token_hex(5).upper()}"


class _Connection(SMTP):
    """One SMTP connection, that the house can end."""

    line_length_limit = _LONGEST_LINE

    def __init__(self, reception: _Reception, lines: set[asyncio.BaseTransport]) -> None:
        self._lines = lines
        loop = asyncio.get_running_loop()
        super().__init__(
            reception,
            hostname=NAME,
            ident="ESMTP",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=reception.authenticate,
            loop=loop,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._lines.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport:
            self._lines.discard(self.transport)
        super().connection_lost(error)


def bounce(mail: Accepted, now: datetime, token: str) -> bytes:
    """The notification that `mail` could not be delivered after all, with its header section (RFC 3464, RFC 6522)."""
    header = mail.content.partition(b"\r\n\r\n")[0] + b"\r\n"
    before = f"""\
From: Mail Delivery System <mailer-daemon@{NAME}>
To: <{mail.return_path}>
Subject: Undelivered Mail Returned to Sender
Date: {format_datetime(now)}
Message-ID: <{token}@{NAME}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{token}"

--{token}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Your message could not be delivered to <{mail.recipient}>:
this mailbox does not exist any more.

--{token}
Content-Type: message/delivery-status

Reporting-MTA: dns; {NAME}
Arrival-Date: {format_datetime(now)}

Final-Recipient: rfc822; {mail.recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such recipient here

--{token}
Content-Type: text/rfc822-headers

"""
    written = before.replace("\n", "\r\n").encode("utf-8", "surrogateescape")
    return written + header + f"\r\n--{token}--\r\n".encode()


def _imap_config() -> Config:
    """pymap's settings: nothing from the environment, no threads of its own."""
    args = Namespace(passlib_cfg=None, proxy_protocol="noop")
    return _Config(
        args,
        host=HOST,
        port=0,
        demo_data=False,
        demo_user="",
        demo_password="",
        tls_enabled=False,
        hash_context=BuiltinHash(rounds=1),
        cpu_subsystem=Subsystem.for_asyncio(),
        bad_command_limit=None,
    )


class _Config(Config):
    """pymap's own greeting asks the resolver for the name of this machine; ours does not."""

    @property
    def greeting(self) -> bytes:
        return b"devmail is ready"

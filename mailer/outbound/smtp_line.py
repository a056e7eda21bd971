"""One connection to the submission server: bytes out, replies in, time-outs, TLS. The only socket of the way out.

asyncio sets TCP_NODELAY on it, and a letter leaves in one write: neither waits 40 ms for an ACK.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from mailer.account import Account
from mailer.errors import SubmissionUnavailable
from mailer.outbound.smtp_reply import Answer, Replies

_BLOCK = 65536


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

    @property
    def shortest(self) -> float:
        """The least of them that a session waits for."""
        return min(self.command, self.data, self.block, self.after_dot, self.quit)


class Broken(SubmissionUnavailable):
    """The connection is lost or speaks no SMTP; says how, for the outbox."""


class Line(asyncio.Protocol):
    """Give it a command with `ask` and await the reply; or set `hear` and `lost`, and it calls them as things happen.

    `lost` is called once, with words for the outbox.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self.loop.create_future()
        self.hear: Callable[[Answer], None] = self._keep
        self.lost: Callable[[str], None] = self._forget
        self.reason = ""
        self.is_secure = False
        self._transport: asyncio.Transport
        self._replies = Replies()
        self._unheard = 0
        self._early: deque[Answer] = deque()
        self._asked: asyncio.Future[Answer] | None = None
        self._deadline = float("inf")
        self._pieces: Iterator[bytes] = iter(())
        self._block = 0.0
        self._drained: Callable[[], None] | None = None
        self._watch: asyncio.TimerHandle | None = None

    @property
    def has_more(self) -> bool:
        """Whether the server has said more than what was heard yet."""
        return bool(self._unheard or self._early) or not self._replies.is_between

    @property
    def is_open(self) -> bool:
        """Whether bytes can still be handed over: a loss is known here a moment before `lost` is called."""
        return not (self.reason or self._transport.is_closing())

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        answers = self._replies.feed(data)
        self._unheard = len(answers)
        for answer in answers:
            self._unheard -= 1
            if not self.reason:
                self.hear(answer)
        if self._replies.fault:
            self.break_off(self._replies.fault)

    def connection_lost(self, error: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self.break_off(f"connection lost ({type(error).__name__})" if error else "connection closed by the server")
        if not self.closed.done():
            self.closed.set_result(None)

    def resume_writing(self) -> None:
        """Part of asyncio.Protocol."""
        if self._drained:
            self.loop.call_soon(self._pour)

    # what a session calls

    def write(self, data: bytes) -> None:
        """Hand bytes over, in one piece."""
        if self.is_open:
            self._transport.write(data)

    def write_all(self, data: bytes, block: float, drained: Callable[[], None]) -> None:
        """Hand bytes over piece by piece, each within `block` seconds (RFC 5321 §4.5.3.2.5), then call `drained`."""
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._pieces = (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))
        self._block, self._drained = block, drained
        self._pour()

    def _pour(self) -> None:
        """The next piece, unless the last one still waits in our own memory: then resume_writing comes back here.

        One in each turn of the loop, so that a loss is heard between two.
        """
        if not (self._drained and self.is_open) or self._transport.get_write_buffer_size():
            return
        if piece := next(self._pieces, b""):
            self.allow(self._block)
            self.write(piece)
            self.loop.call_soon(self._pour)
        else:
            drained, self._drained = self._drained, None
            drained()

    def allow(self, seconds: float) -> None:
        """From now on so long without what is waited for ends the connection."""
        self._deadline = self.loop.time() + seconds

    def be_patient(self) -> None:
        """Nothing is waited for."""
        self._deadline = float("inf")

    def watch(self, every: float) -> None:
        """Look at the time every so many seconds: cheaper than a timer for each reply."""
        if self.reason:
            return
        if self.loop.time() >= self._deadline:
            self.break_off("connection lost (TimeoutError)")
        else:
            self._watch = self.loop.call_later(every, self.watch, every)

    def break_off(self, reason: str) -> None:
        """Hang up without a word; the first reason is the one that counts."""
        if self.reason:
            return
        self.reason = reason
        if self._watch:
            self._watch.cancel()
        self._transport.abort()
        if self._asked and not self._asked.done():
            self._asked.set_exception(Broken(reason))
        self.lost(reason)

    # while greeting: one question, one answer

    async def ask(self, command: str, seconds: float) -> Answer:
        """Send a command and wait for its reply; raises Broken."""
        if self.has_more:
            self.break_off("the server spoke out of turn")
        self.write(f"{command}\r\n".encode())
        return await self.answer(seconds)

    async def answer(self, seconds: float) -> Answer:
        """The next reply, all its lines within so many seconds (RFC 5321 §4.2.1); raises Broken."""
        if self._early:
            return self._early.popleft()
        if self.reason:
            raise Broken(self.reason)
        self._asked = self.loop.create_future()
        try:
            async with asyncio.timeout(seconds):
                return await self._asked
        except TimeoutError:
            self._asked = None
            self.break_off("connection lost (TimeoutError)")
            raise Broken(self.reason) from None

    async def secure(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Start TLS, the certificate verified; what was said in clear text before it is an attack (RFC 3207 §6)."""
        if self.has_more:
            self.break_off("the server spoke in clear text after STARTTLS")
            raise Broken(self.reason)
        try:
            async with asyncio.timeout(seconds):
                found = await self.loop.start_tls(self._transport, self, context, server_hostname=host)
        except (OSError, EOFError) as error:
            self.break_off(no_tls(error))
            raise Broken(no_tls(error)) from error
        if found is None or self.reason:  # the connection was lost meanwhile
            raise Broken(self.reason or "connection closed by the server")
        self._transport, self.is_secure = found, True

    def _keep(self, answer: Answer) -> None:
        if self._asked and not self._asked.done():
            self._asked.set_result(answer)
        else:
            self._early.append(answer)
            if len(self._early) > 1:
                self.break_off("the server spoke out of turn")

    def _forget(self, reason: str) -> None:
        """Nobody is there yet to be told."""


def no_tls(error: BaseException) -> str:
    """Why there is no TLS, in words; a certificate's own where it is to blame."""
    return f"no TLS with the submission server: {getattr(error, 'verify_message', '') or type(error).__name__}"


async def dial(account: Account, context: ssl.SSLContext | None, seconds: float) -> Line:
    """A connection, over TLS from the first byte when a context is given; raises SubmissionUnavailable."""
    loop = asyncio.get_running_loop()
    host = account.host if context else None
    try:
        async with asyncio.timeout(seconds):
            _, line = await loop.create_connection(
                Line, account.host, account.port, ssl=context, server_hostname=host
            )
    except ssl.SSLError as error:
        raise SubmissionUnavailable(no_tls(error)) from error
    except OSError as error:
        raise SubmissionUnavailable(f"no connection to the submission server ({type(error).__name__})") from error
    line.is_secure = context is not None
    return line

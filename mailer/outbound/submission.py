"""Message submission over SMTP (RFC 6409, RFC 5321): letters, one recipient each, over several kept connections.

A small client of our own, because the standard library raises one and the same error for a connection lost before 354,
during DATA and after the final dot: the first two may be tried again, after the dot nobody can know (RFC 1047). And
because it neither pipelines nor writes a letter in one piece.
"""

import asyncio
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

from mailer.account import Account
from mailer.errors import LoginRefused, SubmissionUnavailable
from mailer.outbound.desk import Desk
from mailer.outbound.pace import Pace
from mailer.outbound.smtp_envelope import Parcel
from mailer.outbound.smtp_greeting import Caller, call
from mailer.outbound.smtp_line import Timeouts
from mailer.outbound.smtp_reply import Reply
from mailer.outbound.smtp_session import Session

__all__ = ["Parcel", "Reply", "Submission", "Timeouts"]

_GROWING, _STEADY = 0.005, 1.0


class Submission:
    """A submission server to give letters to, over up to `connections` connections; for one event loop.

    The first connection is made when the first letter comes, more while they help (see `pace`), new ones when they have
    to be. `tls` is for a pinned certificate authority; `new_nonce` makes a fresh word for SCRAM, never used without.
    """

    def __init__(
        self,
        account: Account,
        helo_name: str,
        connections: int = 10,
        timeouts: Timeouts | None = None,
        tls: ssl.SSLContext | None = None,
        new_nonce: Callable[[], str] | None = None,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._caller = Caller(account, helo_name, self._timeouts, tls, new_nonce)
        self._pace = Pace(connections)
        self._sessions: set[Session] = set()
        self._leaving: set[Session] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._fault: SubmissionUnavailable | LoginRefused | None = None
        self._desk: Desk | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect and log in, as before a first letter; raises SubmissionUnavailable or LoginRefused."""
        await self._open()
        if self._fault:
            raise self._fault

    async def close(self) -> None:
        """Say QUIT on every connection and hang up; what is under way is broken off. Raises nothing."""
        for task in self._opening:
            task.cancel()
        if self._opening:
            await asyncio.wait(self._opening)
        await asyncio.gather(*(session.end() for session in self._sessions | self._leaving))

    async def send(
        self,
        next_parcel: Callable[[], Parcel | None],
        dot: Callable[[int], None],
        ended: Callable[[int, Reply], None],
    ) -> None:
        """Submit what `next_parcel` gives until it gives None, and return when it is known how each ended.

        A parcel is pulled when a connection can take it. `dot(key)` runs right before the bytes that hold its final dot
        are written: what it records is true before the server can accept; if it raises, they are not written
        (ClaimLost: that letter only; else nothing more is begun, and it is raised here at the end). `ended(key, reply)`
        runs exactly once for each parcel. Raises SubmissionUnavailable or LoginRefused when the server refuses us as a
        whole and no connection is left; then parcels that nobody could take have ended in the phase "connect".
        """
        desk = self._desk = Desk(next_parcel, dot, ended, self._pace, self._is_crowded)
        self._fault = None
        for session in list(self._sessions):
            session.work(desk)
        while desk.has_work:
            desk.changed.clear()
            self._staff(desk)
            if self._fault:
                desk.abandon(str(self._fault))
            if desk.has_work:
                await self._pause(desk)
        if desk.error or self._fault:
            raise desk.error or self._fault or AssertionError

    def _staff(self, desk: Desk) -> None:
        """Wake who rests while letters wait; open one connection more where one is wanted."""
        for session in list(self._sessions):
            if session.is_idle and desk.has_waiting:
                session.advance()
        if not self._opening and len(self._sessions) >= self._pace.wanted:
            self._pace.review(asyncio.get_running_loop().time())
        standing = len(self._sessions) + len(self._opening) + len(self._leaving)  # who says QUIT still counts there
        if standing < self._pace.wanted and not self._opening and not self._fault and desk.looks_ahead():
            task = asyncio.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _pause(self, desk: Desk) -> None:
        """Until something changed, or the pace should be looked at again."""
        waits = _STEADY if self._pace.is_full or self._opening else _GROWING
        try:
            async with asyncio.timeout(waits):
                await desk.changed.wait()
        except TimeoutError:
            pass

    async def _open(self) -> None:
        """One connection more; or, where none stands, the reason in `_fault`."""
        try:
            line, offers = await call(self._caller)
        except (SubmissionUnavailable, LoginRefused) as fault:
            self._refuse(fault)
        except Exception as error:  # whatever a server or a driver does: it is an outage, and the letters wait
            self._refuse(SubmissionUnavailable(f"no connection to the submission server ({type(error).__name__})"))
        else:
            session = Session(line, offers, self._timeouts, self._left)
            if not line.reason:
                self._sessions.add(session)
                if self._desk:
                    session.work(self._desk)
        finally:
            if self._desk:
                asyncio.get_running_loop().call_soon(self._desk.changed.set)

    def _refuse(self, fault: SubmissionUnavailable | LoginRefused) -> None:
        """The server wants no connection more; with others standing, these are enough for a while."""
        self._pace.refuse(asyncio.get_running_loop().time(), len(self._sessions))
        self._fault = None if self._sessions else fault

    def _is_crowded(self) -> bool:
        return len(self._sessions) > self._pace.wanted

    def _left(self, session: Session) -> None:
        """A connection ended, or says QUIT."""
        self._sessions.discard(session)
        if session.is_gone:
            self._leaving.discard(session)
        else:
            self._leaving.add(session)
        if self._desk:
            self._desk.changed.set()

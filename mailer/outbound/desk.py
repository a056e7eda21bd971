"""Between whoever has letters and the connections that take them: one call of `Submission.send`.

Keeps the promise that each parcel pulled ends exactly once, whatever connections and callbacks do.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from mailer.errors import ClaimLost
from mailer.outbound.pace import Pace, is_strain
from mailer.outbound.smtp_envelope import Letter, Offers, Parcel, address, not_offered
from mailer.outbound.smtp_reply import Reply

#: On so many connections a letter may be told to wait before anything is known of it.
_MOST_TRIES = 3


class Desk:
    """Where connections take letters and tell how they ended.

    `changed` is set when the pool should look again. An exception of a callback ends the pulling, not what is under
    way; it is kept in `error`. ClaimLost out of `dot` is about that letter only.
    """

    def __init__(
        self,
        next_parcel: Callable[[], Parcel | None],
        dot: Callable[[int], None],
        ended: Callable[[int, Reply], None],
        pace: Pace,
        is_crowded: Callable[[], bool],
    ) -> None:
        self.changed = asyncio.Event()
        self.error: Exception | None = None
        self.is_crowded = is_crowded
        self.time = pace.count
        self._next_parcel, self._dot, self._ended, self._pace = next_parcel, dot, ended, pace
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Letter] = deque()
        self._open = 0
        self._is_exhausted = False

    @property
    def has_work(self) -> bool:
        """Whether a letter is under way, or may still come."""
        return bool(self._open) or not self._is_exhausted

    def looks_ahead(self) -> bool:
        """Whether a letter waits for a connection; pulls one to know."""
        if not self._waiting and (letter := self._pull()):
            self._waiting.append(letter)
        return bool(self._waiting)

    @property
    def has_waiting(self) -> bool:
        """Whether a letter waits for a connection already."""
        return bool(self._waiting)

    def take(self, offers: Offers) -> Letter | None:
        """The next letter that a server with these offers can take; those that it cannot take end here."""
        while letter := self._waiting.popleft() if self._waiting else self._pull():
            refusal = not_offered(letter, offers)
            if not refusal:
                return letter
            self.end(letter, refusal)
        return None

    def dot(self, letter: Letter) -> bool:
        """Tell that the dot is about to be written; whether it may be."""
        try:
            self._dot(letter.parcel.key)
        except ClaimLost:
            return False
        except Exception as error:  # whatever it is: what cannot be recorded is not sent, and nothing more is begun
            self.stop(error)
            return False
        return True

    def put_back(self, letter: Letter, reason: str) -> None:
        """It had not begun when its connection ended: another one takes it."""
        letter.tries += 1
        if letter.tries >= _MOST_TRIES:
            self.end(letter, letter.refusal or Reply("mail", text=reason))
        elif self.error:
            self.end(letter, Reply("connect", text=reason))
        else:
            self._waiting.append(letter)
            self.changed.set()

    def end(self, letter: Letter, reply: Reply) -> None:
        """How a letter ended."""
        if is_strain(reply):
            self._pace.strain(self._loop.time())
        self._tell(letter.parcel.key, reply)

    def stop(self, error: Exception) -> None:
        """Nothing more is pulled; what waits has not begun."""
        self.error = self.error or error
        self._is_exhausted = True
        self.abandon(type(error).__name__)

    def abandon(self, reason: str) -> None:
        """No connection is left for what waits."""
        while self._waiting:
            self._tell(self._waiting.popleft().parcel.key, Reply("connect", text=reason))
        self._is_exhausted = True
        self.changed.set()

    def _pull(self) -> Letter | None:
        while not self._is_exhausted:
            try:
                parcel = self._next_parcel()
            except Exception as error:  # the caller's trouble comes out of `send`, after what is under way
                self.stop(error)
                return None
            if parcel is None:
                self._is_exhausted = True
                self.changed.set()
                return None
            self._open += 1
            letter = address(parcel)
            if isinstance(letter, Letter):
                return letter
            self._tell(parcel.key, letter)
        return None

    def _tell(self, key: int, reply: Reply) -> None:
        self._open -= 1
        try:
            self._ended(key, reply)
        except Exception as error:  # as above: it cannot be told, so nothing more is begun
            self.stop(error)
        if self._is_exhausted and not self._open:
            self.changed.set()

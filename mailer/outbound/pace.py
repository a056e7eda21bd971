"""How many connections a relay gets: one more while that helps, half of them when it says that it is too much."""

from mailer.outbound.smtp_reply import Reply

_WINDOW = 0.005
_REST = 1.0
_AFTER_STRAIN = 10.0
#: Slower than this much of the fastest it was, with no more letters a second: the relay is what limits, not we.
_SLOWER, _SLACK, _FASTER = 1.5, 0.002, 1.03
#: What a relay says of itself, even at RCPT (RFC 3463 §3.4: system full, not accepting; congestion; Gmail, Microsoft).
_STRAIN = ("4.3.1", "4.3.2", "4.4.5", "4.5.3", "4.7.28", "4.7.500")


class Pace:
    """The number of connections wanted now, at most `limit`; times are seconds of any one steady clock."""

    def __init__(self, limit: int) -> None:
        self.wanted = 1
        self._limit = max(limit, 1)
        self._best = 0.0
        self._quickest = float("inf")
        self._count = 0
        self._waited = 0.0
        self._since = 0.0
        self._hold_until = 0.0
        self._may_halve_at = 0.0

    @property
    def is_full(self) -> bool:
        """Whether there is nothing left to grow."""
        return self.wanted >= self._limit

    def count(self, seconds: float) -> None:
        """One letter was answered so long after its dot."""
        self._count += 1
        self._waited += seconds

    def review(self, now: float) -> None:
        """One connection more while they are what limits: answers come as quickly as ever, or more of them."""
        elapsed = now - self._since
        if now < self._hold_until or elapsed < _WINDOW or not self._count:
            return
        rate, wait = self._count / elapsed, self._waited / self._count
        self._quickest = min(self._quickest, wait)
        helps = wait <= self._quickest * _SLOWER + _SLACK or rate >= self._best * _FASTER
        self._best = max(self._best, rate)
        self._begin(now)
        if helps:
            self.wanted = min(self.wanted + 1, self._limit)
        else:
            self._hold_until = now + _REST

    def strain(self, now: float) -> None:
        """The relay has too much to do: half of the connections; what all of them hear in one second counts once."""
        if now >= self._may_halve_at:
            self.wanted = max(self.wanted // 2, 1)
            self._may_halve_at = now + _REST
        self._hold_until, self._best, self._quickest = now + _AFTER_STRAIN, 0.0, float("inf")
        self._begin(now)

    def refuse(self, now: float, standing: int) -> None:
        """One more connection could not be made: these are enough for a while."""
        self.wanted = max(standing, 1)
        self._hold_until = now + _AFTER_STRAIN

    def _begin(self, now: float) -> None:
        self._since, self._count, self._waited = now, 0, 0.0


def is_strain(reply: Reply) -> bool:
    """Whether a reply says that we come too fast: 421 anywhere, 45z; at RCPT, where 45z is about one mailbox or
    greylisting, only when its enhanced code says so."""
    if reply.code == 421:
        return True
    if reply.code is None or reply.code // 10 != 45:
        return False
    return reply.phase != "rcpt" or reply.enhanced in _STRAIN

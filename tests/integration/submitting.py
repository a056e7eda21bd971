"""Letters given to the submission client by tests, and what it told of them."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mailer.account import Account
from mailer.outbound.submission import Parcel, Reply, Submission, Timeouts
from tests.integration.scripted_smtp import ScriptedSmtp

QUICK = Timeouts(connect=5, banner=5, command=5, data=5, block=5, after_dot=5, quit=1)
LETTER = b"Subject: x\r\n\r\n.\r\n..\r\n.een\r\ntwee.\r\n" + b"x" * 70 + b"\r\n.\r\n"
LARGE = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200_000  # More than any socket holds.
FROM, TO = "coordinatie@netwerk.example", "noor@vzw.example"


@dataclass
class Told:
    """What the client said: each key whose dot was announced, and how each letter ended, in that order."""

    dots: list[int] = field(default_factory=list)
    ends: list[tuple[int, Reply]] = field(default_factory=list)

    @property
    def replies(self) -> list[Reply]:
        """By key; fails where a letter ended twice."""
        assert len({key for key, _ in self.ends}) == len(self.ends)
        return [reply for _, reply in sorted(self.ends, key=lambda end: end[0])]


def letters(count: int, content: bytes = LETTER) -> list[Parcel]:
    """So many letters, each with its own sender and recipient, and words that name both."""
    return [
        Parcel(key, f"net+{key}@netwerk.example", f"m{key}@vzw.example", b"X-Key: %d\r\n" % key + content)
        for key in range(count)
    ]


def opened(
    server: ScriptedSmtp | Account,
    connections: int = 1,
    timeouts: Timeouts = QUICK,
    tls: ssl.SSLContext | None = None,
    **account: str,
) -> Submission:
    """A client for a server; inside a running loop or not."""
    where = server.account(**account) if isinstance(server, ScriptedSmtp) else server
    return Submission(where, "netwerk.example", connections, timeouts, tls, lambda: "rOprNGfwEbeRWgbNEkqO")


def send(
    relay: Submission,
    parcels: Sequence[Parcel],
    dot: Callable[[int], None] = lambda key: None,
    told: Told | None = None,
) -> Told:
    """All of them in one go, and QUIT; raises what the client raises. `told` is filled in any case."""
    told = told if told is not None else Told()
    waiting = iter(parcels)

    def record_dot(key: int) -> None:
        dot(key)
        told.dots.append(key)

    async def run() -> None:
        async with relay:
            await relay.send(lambda: next(waiting, None), record_dot, lambda key, reply: told.ends.append((key, reply)))

    asyncio.run(run())
    return told


def submit(
    relay: Submission | ScriptedSmtp, recipient: str = TO, content: bytes = LETTER, return_path: str = FROM
) -> Reply:
    """One letter, and how it ended."""
    client = opened(relay) if isinstance(relay, ScriptedSmtp) else relay
    (reply,) = send(client, [Parcel(1, return_path, recipient, content)]).replies
    return reply

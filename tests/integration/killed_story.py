"""The demo's story while the daemon is killed at random moments and started again: every step must still come true."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path

from jobs.demo.look import letters_in_doubt
from jobs.demo.people import Actor
from jobs.demo.story import PEOPLE, STORY
from jobs.demo.world import StepFailed, Wanted, World, open_world

#: How many different letters each person gets in the story, killed or not.
LETTERS = {
    "Amina": 5, "Luc": 4, "Grace": 5, "Hanne": 3, "Tine": 1, "N.": 0, "Jef": 2, "Sara": 2, "Paul": 1, "An": 5,
    "Karim": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What a story with kills left behind: how often the daemon died, each person's mails by Message-ID, and the
    letters on which somebody had to decide."""

    kills: int
    copies: dict[str, Counter[str]]
    doubtful: frozenset[int]

    @property
    def letters(self) -> dict[str, int]:
        """How many different letters each person got, by first name."""
        return {name: len(found) for name, found in self.copies.items()}

    @property
    def repeated(self) -> int:
        """How many letters arrived more than once."""
        return sum(count - 1 for found in self.copies.values() for count in found.values())


def tell(folder: Path, seed: int, pause: tuple[float, float] = (0.3, 1.2)) -> Told:
    """Play the whole story with kills from this seed; raises StepFailed when a step does not come true."""
    chance, over = random.Random(seed), threading.Event()
    kills = 0
    with open_world(folder, folder / "mails") as world:
        patient = _patient(world)

        def kill_now_and_then() -> None:
            nonlocal kills
            while not over.wait(chance.uniform(*pause)):
                world.daemon.kill()
                world.daemon.start()
                kills += 1
                _wait_until_up(world)

        killer = threading.Thread(target=kill_now_and_then)
        killer.start()
        try:
            for step in STORY:
                step.play(patient, lambda _: None)
        finally:
            over.set()
            killer.join()
        time.sleep(3)  # whatever would be done twice has had its time
        return _look(world, kills, patient)


def _wait_until_up(world: World) -> None:
    """The next kill is counted from here: a daemon that is never up proves nothing."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            world.get(world.web_url)
        except OSError:
            time.sleep(0.05)
        else:
            return


def _look(world: World, kills: int, patient: "_PatientWorld") -> Told:
    copies = {who.name.split()[0]: Counter(str(mail["Message-ID"]) for mail in world.received(who)) for who in PEOPLE}
    return Told(kills, copies, frozenset(patient.doubtful))


@dataclass(frozen=True)
class _PatientWorld(World):
    """A world in which people press a button again when the page does not come, and a coordinator decides on doubts."""

    doubtful: set[int] = field(default_factory=set)

    def wait_for(self, who: Actor, what: str, wanted: Wanted, count: int = 1) -> EmailMessage:
        """As in any world; a newsletter in doubt (killed between mark and answer) is sent again by a coordinator."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return replace(self, patience=5.0).__wait_for(who, what, wanted, count)
            except StepFailed:
                if time.monotonic() > deadline:
                    raise
                self._decide_on_doubts()

    def __wait_for(self, who: Actor, what: str, wanted: Wanted, count: int) -> EmailMessage:
        return super().wait_for(who, what, wanted, count)

    def _decide_on_doubts(self) -> None:
        for number in letters_in_doubt(self.env_file):
            self.doubtful.add(number)
            self.command("outbox", "retry", str(number))

    def _open(self, url: str, body: bytes | None) -> str:
        deadline = time.monotonic() + 20
        while True:
            try:
                return super()._open(url, body)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def _patient(world: World) -> _PatientWorld:
    return _PatientWorld(world.folder, world.record, world.server, world.env_file, world.web_url, world.daemon, 90.0)

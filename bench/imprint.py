"""What the bytes of one newsletter cost: `./run bench imprint`; CPU microseconds a letter, all ways by turns.

31 KB of HTML and 3 KB of text with ten links that hold a token, a name, and own To, Message-ID and List-Unsubscribe:
by `wire.render`, by an Imprint, and by one that signs (Ed25519, RSA-2048, both). Options: [LETTERS] [ROUNDS] [--json].
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contacts.network import Network
from mailer.links import Links
from mailer.outbound import wire
from mailer.outbound.compile import Compiler
from mailer.outbound.edition import SLOT_NAMES, Edition, Slot, mark_for
from mailer.outbound.imprint import Copy, Imprint
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.signing import Signer
from mailer.outbound.signing_key import load
from mailer.outbound.writer import Recipient, Writer

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NETWORK = Network(
    "Lerend netwerk", "netwerk@learning.example", ("nl",), ZoneInfo("Europe/Brussels"), "https://learning.example"
)
NAMES = ("Noor", "Zoë", "Karim", "An-Sofie", "نور", "Émilie", "Şule", "Bram", "Fatima", "Jo")
WORDS = "We zien elkaar graag terug, één keer nog vóór de zomer, en daarna weer gewoon elke derde donderdag. "
LINKS = tuple(name for name in SLOT_NAMES if name.startswith("link."))
CELL = '<td style="font-family:Arial,sans-serif;font-size:16px;line-height:24px;color:#222;padding:0 24px">{}</td>'


def edition(links: Sequence[str] = LINKS) -> Edition:
    """The newsletter, as the compiler would have frozen it, with ten places for these links."""
    slots = tuple(Slot(mark_for(name, None), name, None) for name in links)
    name = Slot(mark_for("member.first_name", "collega"), "member.first_name", "collega")
    marks = [slots[number % len(slots)].mark for number in range(10)]
    cells = "".join(CELL.format(f'<a href="{mark}">Lees verder</a>') for mark in marks)
    blocks = "<tr>" + CELL.format(f"<p>{WORDS * 4}</p>") + "</tr>"
    html = f"<html><body><p>Dag {name.mark},</p><table>{blocks * 56}<tr>{cells}</tr></table></body></html>"
    rows = "\n\n".join(f"{WORDS * 2}{WORDS[:60]}\n[{number}] {mark}" for number, mark in enumerate(marks, 1))
    text = f"Dag {name.mark},\n\n{rows}\n"
    return Edition("nl", "plain", "ltr", "Nieuws van één winter", "", html, text, (name, *slots), ())


def signers(folder: Path) -> dict[str, tuple[Signer, ...]]:
    """One of each kind, with keys made for this run."""
    keys = {"ed25519": Ed25519PrivateKey.generate(), "rsa": generate_private_key(65537, 2048)}
    for name, key in keys.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    ed25519, rsa = (load("learning.example", name, folder / name) for name in keys)
    return {"": (), " + Ed25519": (ed25519,), " + RSA-2048": (rsa,), " + both": (ed25519, rsa)}


def ways(
    made: Edition, writer: Writer, letters: int, sealed: dict[str, tuple[Signer, ...]]
) -> dict[str, Callable[[], None]]:
    """Each way to make so many letters; what a row of the outbox holds is there already."""
    items, copies = [], []
    for number in range(letters):
        key = f"{number:032x}"
        values = {name: writer.links.url("unsubscribe", key, NOW) for name in LINKS}
        values["member.first_name"] = NAMES[number % len(NAMES)]
        to = Recipient(f"lid{number}@huis.example", "nl", "plain", number, key)
        item = OutboxItem(recipient=to.address, message_id=f"<{key}@learning.example>", created_at=NOW)
        items.append((to, item, values))
        copies.append(Copy(to.address, item.message_id, NOW, writer.links.unsubscribe(key, NOW), values))

    def render() -> None:
        for to, item, values in items[: max(letters // 20, 1)]:
            wire.render(writer.issue_letter(made, to, item, values, NOW))

    def fill(imprint: Imprint) -> Callable[[], None]:
        def fill_all() -> None:
            for copy in copies:
                imprint.fill(copy)  # nothing is kept: a letter is on the wire before the next is made

        return fill_all

    frame = writer.issue_frame(made, "plain", False)
    imprints = {f"imprint{how}": fill(Imprint.of(made, frame, who)) for how, who in sealed.items()}
    return {"wire.render": render, **imprints}


def measure(letters: int, rounds: int) -> dict[str, list[float]]:
    """CPU microseconds a letter, round by round."""
    made, compiler = edition(), Compiler()
    writer = Writer(NETWORK, Links(b"s" * 32, NETWORK), compiler, lambda: "0" * 32)
    took: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        all_ways = ways(made, writer, letters, signers(Path(folder)))
        for _ in range(rounds):
            for name, way in all_ways.items():
                begun = time.process_time()
                way()
                count = max(letters // 20, 1) if name == "wire.render" else letters
                took.setdefault(name, []).append((time.process_time() - begun) / count * 1e6)
    compiler.close()
    return took


def main() -> None:
    """Measure and print."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    letters, rounds = (*numbers, *(2000, 5)[len(numbers) :])
    took = measure(letters, rounds)
    medians = {name: statistics.median(found) for name, found in took.items()}
    if "--json" in sys.argv:
        print(json.dumps({name: {"median": medians[name], "rounds": found} for name, found in took.items()}))
        return
    made = edition()
    print(f"HTML {len(made.html):,} and text {len(made.text):,} characters, {rounds} rounds of {letters:,} letters")
    for name, found in took.items():
        ratio = statistics.median(one / other for one, other in zip(took["wire.render"], found, strict=True))
        print(f"{name:22} {medians[name]:8.1f} us [{min(found):.1f}-{max(found):.1f}]  wire.render / this {ratio:6.1f}")


if __name__ == "__main__":
    main()

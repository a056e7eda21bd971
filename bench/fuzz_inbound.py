"""Mutate mails byte by byte and see that nothing is ever raised: `python bench/fuzz_inbound.py SECONDS [SEED]`.

Prints how many mails were tried, how many ended in quarantine, and the slowest one; exits 1 on the first exception,
after writing the mail that caused it to fuzz-failure.eml.
"""

import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mailer.inbound.message import InboundMessage, read
from mailer.inbound.reply_text import read_words
from mailer.inbound.understanding import Thread, decide, understand
from mailer.inbound.understanding.outline import outline, reread
from mailer.inbound.verdicts import read_reply

SEEDS = tuple(
    text.replace("\n", "\r\n").encode()
    for text in (
        """From: An Peeters <an@a.example>
To: n@v.example
Subject: =?utf-8?Q?Inschrijving_=C3=A9?=
Message-ID: <1@a.example>
Content-Type: text/plain; charset=utf-8; format=flowed

Schrijf me in aub.

--
An
> Op 3 mei schreef X:
""",
        """From: b@a.example
References: <a@b> <c@d>
Content-Type: multipart/alternative; boundary=x

--x
Content-Type: text/plain
Content-Transfer-Encoding: base64

SmEgaWsga29t
--x
Content-Type: text/html

<div>Ja<div class="gmail_quote"><blockquote>Kom je?</blockquote></div></div>
--x--
""",
        """From: MAILER-DAEMON@a.example
Return-Path: <>
Content-Type: multipart/report; report-type=delivery-status; boundary=y

--y

failed
--y
Content-Type: message/delivery-status

Reporting-MTA: dns; a

Final-Recipient: rfc822; x@b.example
Action: failed
Status: 5.1.1

--y
Content-Type: message/rfc822

Message-ID: <9@v.example>

x
--y--
""",
        """From: c@a.example
Subject: Accepted
Content-Type: text/calendar; method=REPLY

BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VEVENT
UID:1
ATTENDEE;PARTSTAT=ACCEPTED:mailto:c@a.example
END:VEVENT
END:VCALENDAR
""",
        """From: "D, E" <d@a.example>
Content-Type: multipart/mixed; boundary="z"

--z
Content-Type: message/rfc822

From: q@a.example

help
--z
Content-Disposition: attachment; filename*=utf-8''%2e%2e%2fa

Q
--z--
""",
    )
)
BLOCKS = (
    *(b"=?utf-8?B?", b"?=", b"<", b">", b"(", b'"', b"\x00", b"\xff\xfe", b"\r\n", b"\r\n\r\n", b"--x", b"boundary="),
    *(b"charset=utf-7", b"charset=idna", b"filename*0*=", b"message/rfc822", b"\xe2\x80\xae", b"&#x110000;", b"From: "),
    *(b"<style>", b"> " * 50, b"begin 644 a\r\n", b"Content-Transfer-Encoding: x-uuencode\r\n"),
    b"Content-Type: multipart/mixed; boundary=x\r\n",
)
THREADS = ("none", "invitation", "newsletter", "confirmation", "welcome")


def mutate(chance: random.Random, mail: bytes) -> bytes:
    """One to twelve random changes: bytes flipped, pieces cut, doubled, swapped with another mail, or inserted."""
    data = bytearray(mail)
    for _ in range(chance.randint(1, 12)):
        at, end = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
        match chance.randrange(6):
            case 0 if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
            case 1:
                del data[at : min(end, at + 40)]
            case 2:
                data[at:at] = data[at : min(end, at + 400)] * chance.choice((1, 2, 30))
            case 3:
                data[at:at] = chance.choice(BLOCKS)
            case 4:
                data[at:end] = chance.choice(SEEDS)[at:end]
            case _:
                data[at:at] = chance.choice(BLOCKS) * chance.choice((3, 100))
        del data[200_000:]
    return bytes(data)


def run(mail: bytes, thread: str) -> str:
    """Everything that reads a mail; returns its disposition."""
    message = read(mail)
    if not isinstance(message, InboundMessage):
        return "quarantine"
    read_words(message)
    read_reply(message)
    reread(outline(message), thread)
    return decide(understand(message, Thread(thread))).disposition


def main(seconds: float, seed: int) -> int:
    """Fuzz for `seconds`; 0 if nothing was raised."""
    chance, found = random.Random(seed), Counter[str]()
    slowest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        mail = mutate(chance, chance.choice(SEEDS))
        began = time.monotonic()
        try:
            found[run(mail, chance.choice(THREADS))] += 1
        except Exception as error:
            Path("fuzz-failure.eml").write_bytes(mail)
            print(f"raised {type(error).__name__} after {found.total()} mails, seed {seed}")
            raise
        slowest = max(slowest, time.monotonic() - began)
    print(f"{found.total()} mails, {dict(found)}, slowest {slowest * 1000:.0f} ms, nothing raised")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60, int(sys.argv[2]) if len(sys.argv) > 2 else 1))

"""Hostile mails, made at random, against everything that reads: `./run fuzz [SECONDS [SEED]]`.

Two ways in turn: known mails (those of the tests, and some of every structure) changed byte by byte, and mails built
from nothing by hypothesis, of hostile headers, charsets and nested parts. Each goes through read, read_words,
understand, decide and explain. Prints how many were tried, where they ended and the slowest one; exits 1 on the first
exception, or on a mail that takes longer than five seconds, after writing that mail to fuzz-failure.eml.
"""

import random
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from mailer.inbound.explain import explain
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.reply_text import read_words
from mailer.inbound.understanding.outline import outline, reread
from mailer.inbound.verdicts import read_reply

TESTS = Path(__file__).parents[1] / "tests" / "unit"
LONGEST = 5.0
BUILT = tuple(
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


def _of_the_tests() -> Iterator[bytes]:
    """The mails that the tests hold as text, as whole mails."""
    for name in ("inbound/bounces.toml", "understanding/automatic.toml", "understanding/letters.toml"):
        for mails in tomllib.loads((TESTS / name).read_text("utf-8")).values():
            for mail in mails if isinstance(mails, list) else ():
                sender, subject = mail.get("from", "lotte@post.example"), mail.get("subject", "Re: x")
                head = f"From: {sender}\nTo: n@v.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n"
                yield f"{head}\n{mail.get('text', '')}\n".replace("\n", "\r\n").encode()


SEEDS = (*BUILT, *_of_the_tests())
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


# --- mails from nothing ---------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(
    [
        "From",
        "To",
        "Cc",
        "Subject",
        "Message-ID",
        "References",
        "In-Reply-To",
        "Return-Path",
        "Date",
        "Received",
        "Auto-Submitted",
        "Precedence",
        "X-Loop",
        "List-Id",
        "Content-Language",
        "X-Failed-Recipients",
        "X-Autoreply",
        "Delivered-To",
        "Content-Type",
        "MIME-Version",
    ]
)
_WORDS = st.sampled_from(
    [
        *(
            "=?utf-8?Q?=F0=9F?=",
            "=?x?B?!!!?=",
            "<a@b.example>",
            "(((((",
            '"',
            "a@b, c@d;",
            "undisclosed:;",
            "<>",
            "\x00",
        ),
        *(
            "\u202eevil",
            "é" * 50,
            "auto-replied (x",
            "Re: Re: Re:",
            "Undelivered Mail",
            "1 Jan 99999 25:61",
            "&#1114112;",
        ),
        *("schrijf me in", "ik ben afwezig tot 5 mei", "not delivered to: <bo@x.example>", "> " * 40, "-- ", "http://"),
        *("could not be delivered", "550 5.1.1", "اريد", "<div>", "</blockquote>", "Op 3 mei schreef Bo:", "\ud800"),
    ]
)
_LINES = st.lists(_WORDS | st.text(max_size=30), max_size=8).map(" ".join)
_CHARSETS = st.sampled_from(
    ["utf-8", "utf-7", "idna", "utf-16", "x-unknown", "rot13", "iso-2022-jp", "", "hz", "cp037"]
)
_ENCODINGS = st.sampled_from(["7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "nonsense", ""])
_LEAVES = st.sampled_from(
    [
        *(
            "text/plain",
            "text/html",
            "text/plain; format=flowed; delsp=yes",
            "text/calendar; method=REPLY",
            "text/vcard",
        ),
        *("message/rfc822", "message/delivery-status", "message/global-delivery-status", "message/feedback-report"),
        *("message/disposition-notification", "text/rfc822-headers", "application/pkcs7-mime", "application/gzip", "x"),
    ]
)
_MULTIPARTS = st.sampled_from(
    ["mixed", "alternative", "report; report-type=delivery-status", "signed", "encrypted", "related", "digest", "x"]
)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@st.composite
def _leaf(draw: st.DrawFn) -> bytes:
    charset, encoding, kind = draw(_CHARSETS), draw(_ENCODINGS), draw(_LEAVES)
    head = f"Content-Type: {kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    if draw(st.booleans()):
        head += f"Content-Disposition: attachment; filename*=utf-8''{draw(_WORDS)}\r\n"
    lines = draw(st.lists(_LINES | _FIELDS, max_size=20))
    return _encoded(head) + b"\r\n" + draw(st.sampled_from([b"\r\n", b"\n", b"\r"])).join(map(_encoded, lines))


_FIELDS = st.tuples(
    _NAMES
    | st.sampled_from(["Final-Recipient", "Action", "Status", "Feedback-Type", "Disposition", "BEGIN", "ATTENDEE"]),
    _LINES,
).map(": ".join)


def _multipart(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    def join(made: tuple[str, list[bytes], str]) -> bytes:
        kind, parts, mark = made
        between = b"\r\n--" + mark.encode() + b"\r\n"
        head = _encoded(f'Content-Type: multipart/{kind}; boundary="{mark}"\r\n\r\n')
        return head + between + between.join(parts) + b"\r\n--" + mark.encode() + b"--\r\n"

    return st.tuples(_MULTIPARTS, st.lists(children, max_size=5), st.sampled_from(["b", "bb", "b b", "--", ""])).map(
        join
    )


_PARTS = st.recursive(_leaf(), _multipart, max_leaves=12)
MAILS = st.tuples(st.lists(_FIELDS, max_size=25), _PARTS, st.binary(max_size=40)).map(
    lambda made: b"".join(_encoded(line) + b"\r\n" for line in made[0]) + made[1] + made[2]
)


# --- the reading, and its watch -------------------------------------------------------------------------------------


class Watch:
    """Counts what was read and how long it took; keeps the mail that went wrong."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.slowest = 0.0

    def take(self, mail: bytes, thread: str) -> None:
        """Read one mail in every way; raises what the reading raises, and TimeoutError where it is too slow."""
        begun = time.monotonic()
        try:
            message = read(mail)
            if isinstance(message, InboundMessage):
                read_words(message)
                read_reply(message)
                reread(outline(message), thread)
            self.found[str(explain(mail, "", thread)["disposition"])] += 1
            spent = time.monotonic() - begun
            self.slowest = max(self.slowest, spent)
            if spent > LONGEST:
                raise TimeoutError(f"one mail took {spent:.1f} s")
        except BaseException:
            Path("fuzz-failure.eml").write_bytes(mail)
            raise


def change(watch: Watch, chance: random.Random, until: float) -> None:
    """Changed mails, until that moment."""
    while time.monotonic() < until:
        watch.take(mutate(chance, chance.choice(SEEDS)), chance.choice(THREADS))


def build(watch: Watch, seed: int) -> None:
    """Two hundred mails from nothing."""

    @seeded(seed)
    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(MAILS, st.sampled_from(THREADS))
    def tried(mail: bytes, thread: str) -> None:
        watch.take(mail, thread)

    tried()


def main(seconds: float, seed: int) -> int:
    """Fuzz for about `seconds`; 0 if nothing was raised and nothing was slow."""
    chance, watch, end, turn = random.Random(seed), Watch(), time.monotonic() + seconds, seed
    try:
        while time.monotonic() < end:
            begun = time.monotonic()
            build(watch, turn)
            change(watch, chance, min(end, 2 * time.monotonic() - begun))
            turn += 1
    except Exception as error:
        print(f"{type(error).__name__} after {watch.found.total()} mails, seed {seed}: see fuzz-failure.eml")
        raise
    print(f"{watch.found.total()} mails, {dict(watch.found)}, slowest {watch.slowest * 1000:.0f} ms, nothing raised")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60, int(sys.argv[2]) if len(sys.argv) > 2 else 1))

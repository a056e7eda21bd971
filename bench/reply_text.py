"""How fast the newest words are found: `python -m bench.reply_text [FOLDER of .eml]`.

First a megabyte of anything hostile, as text, as HTML, and half of it as each: MB/s, and how much longer the whole
takes than its half (2.0 is linear). Then, with a folder, what an everyday mail costs. All is time of the processor.
Exits 1 where a megabyte takes a second or more.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from mailer.inbound.message import InboundMessage, read
from mailer.inbound.reply_text import read_words

SIZE = 1_000_000
PIECES = {
    "one line": "a",
    "one line of words": "ik kom ",
    "many lines": "ik kom\n",
    "empty lines": "\n",
    "Op Op Op": "Op ",
    "On x": "On x\n",
    "wrote": "On x 1234 a@b.example wrote:\n",
    "half an attribution": "Op ma 23 nov 2026 om 10:12 schreef\n",
    "> > > >": "> ",
    "quoted lines": "> a\n",
    "quotes and answers": "> a\nb\n\n",
    "fields": "Van: x\n",
    "blocks": "Van: x\nAan: y\n\n",
    "names": "An\n",
    "separators": "--\nik kom\n",
    "rules": "____________________\n",
    "closings": "Groeten,\nik kom met twee.\n",
    "postscripts": "ps: x\n\n",
    "banners": "External email\n",
    "disclaimers": "dit bericht is vertrouwelijk\n\n",
    "telephones": "Sent from my iPhone\n",
    "blank quotes": "\n\n\n> \n",
    "digits": "1234 ",
    "addresses": "a@b.c ",
    "open tags": "<div",
    "open quotes": '<a " ="',
    "closed quotes": '<a ="<a " ',
    "less than": "<",
    "tags": "<div>",
    "quotes in quotes": "<blockquote>",
    "frames": '<div class="gmail_quote">',
    "frames in quotes": '<div class="gmail_quote"><blockquote>a',
    "closed frames": '<div class="gmail_quote">a</div>',
    "signatures": '<div class="gmail_signature">a</div>',
    "rests": '<div id="appendonsend"></div>a',
    "borders": '<div style="border-top:solid #e1e1e1">a</div>',
    "wrong ends": "<b><i><p></div></blockquote>",
    "paragraphs": "<p>a",
    "breaks": "a<br>",
    "comments": "<!--",
    "styles": "<style>",
    "entities": "&amp;",
    "numbers": "&#64;",
    "pre": "<pre>\n",
    "attributes": "<p a=b c=d>",
}
WHOLES = {
    "an attribute of a megabyte": f'<p title="{"x" * SIZE}">a',
    "100,000 deep": "<blockquote>" * 80_000 + "a",
    "a name of a megabyte": f"<{'x' * SIZE}",
    "tags and no end": "<a b=c " * (SIZE // 7),
}


def measure(work: Callable[[], object]) -> float:
    """The fastest of three, in seconds."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def mail(body: str, kind: str) -> InboundMessage | None:
    """A mail with this body, or None where reading it ends in quarantine; "both": half of it as text, half as HTML."""
    if kind == "both":
        half = len(body) // 2
        body = f"--b\r\n\r\n{body[:half]}\r\n--b\r\nContent-Type: text/html\r\n\r\nja {body[half:]}\r\n--b--"
        kind = "multipart/alternative; boundary=b"
    head = f"From: An Peeters <an@post.example>\r\nSubject: Re: x\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n"
    found = read(f"{head}{body}".encode())
    return found if isinstance(found, InboundMessage) else None


def hostile() -> int:
    """Print a line for each piece and body; returns how many took a second or more."""
    bodies = {name: (piece * (SIZE // len(piece)), piece * (SIZE // len(piece) // 2)) for name, piece in PIECES.items()}
    bodies |= {name: (body, body[: len(body) // 2]) for name, body in WHOLES.items()}
    slow = 0
    for name, (whole, half) in bodies.items():
        for kind in ("text/plain", "text/html", "both"):
            first, second = mail(whole[: SIZE - 10], kind), mail(half, kind)
            if first is None or second is None:
                print(f"{name:28} {kind:10} quarantined")
                continue
            seconds, shorter = (measure(lambda one=one: read_words(one)) for one in (first, second))  # type: ignore[misc]
            slow += seconds >= 1
            print(f"{name:28} {kind:10} {len(whole) / seconds / 1e6:7.1f} MB/s  {seconds / shorter:4.1f} x its half")
    return slow


def everyday(folder: Path) -> None:
    """Print what finding the words of one of the mails under a folder costs."""
    found = (read(path.read_bytes()) for path in sorted(folder.rglob("*.eml")))
    mails = [one for one in found if isinstance(one, InboundMessage)]
    seconds = min(measure(lambda: [read_words(one) for one in mails]) for _ in range(5))
    print(f"{len(mails)} mails: {seconds / len(mails) * 1e6:.0f} µs a mail")


if __name__ == "__main__":
    count = hostile()
    for name in sys.argv[1:]:
        everyday(Path(name))
    sys.exit(1 if count else 0)

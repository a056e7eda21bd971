"""An imprint means exactly what `wire.render` makes of the letter, for any reader, in any language."""

import email
import re
import unicodedata
from datetime import UTC, datetime
from email.message import Message
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.errors import RuleBroken
from contacts.network import Network
from mailer.links import Links
from mailer.lint import lint
from mailer.outbound import signing, wire
from mailer.outbound.compile import Compiler
from mailer.outbound.edition import SLOT_NAMES, Edition, InlineImage, Slot, mark_for
from mailer.outbound.imprint import Copy, Imprint
from mailer.outbound.letter import CalendarPart
from mailer.outbound.outbox import OutboxItem
from mailer.outbound.pieces import HtmlBody, TextBody, _may_compose
from mailer.outbound.writer import Recipient, Writer
from tests.unit.outbound.letters import ICS, ONE_PIXEL

KEY = "00112233445566778899aabbccddeeff"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NETWORK = Network("Lerend netwerk «één»", "netwerk@learning.example", ("nl",), ZoneInfo("Europe/Brussels"))
WEB = Network("Netwerk", "netwerk@learning.example", ("nl",), ZoneInfo("Europe/Brussels"), "https://learning.example")
COMPILER = Compiler()  # nothing is compiled here
IMAGE = InlineImage("logo@images", "logo – één.png", "image/png", ONE_PIXEL * 9)


def writer(network: Network = WEB) -> Writer:
    return Writer(network, Links(b"s" * 32, network), COMPILER, lambda: KEY)


def edition(subject: str, html: str, text: str, slots: tuple[Slot, ...], **changes: object) -> Edition:
    made = {"language": "nl", "variant": "plain", "direction": "ltr", "preheader": "", "images": (), **changes}
    return Edition(subject=subject, html=html, text=text, slots=slots, **made)  # type: ignore[arg-type]


def both(
    made: Edition, values: dict[str, str], to: str = "noor@vzw.example", ics: bytes | None = None,
    meeting: bool = False, network: Network = WEB,
) -> tuple[bytes, bytes]:  # fmt: skip
    """The letter as `wire` renders it, and as the imprint fills it."""
    composing = writer(network)
    item = OutboxItem(recipient=to, message_id="<k1b2@learning.example>", created_at=NOW)
    item.invitation_id = 7 if meeting else None
    calendar = CalendarPart("REQUEST", ics, "invite.ics") if ics else None
    reader = Recipient(to, made.language, made.variant, 1, KEY)
    rendered = wire.render(composing.issue_letter(made, reader, item, values, NOW, calendar))
    frame = composing.issue_frame(made, made.variant, meeting, calendar)
    copy = Copy(to, item.message_id, NOW, composing.links.unsubscribe(KEY, NOW), values, ics)
    return rendered, Imprint.of(made, frame).fill(copy)


def fields(part: Message) -> list[tuple[str, str]]:
    """The header, but for what may differ: boundaries, and how a body is encoded."""
    kept = [(name, re.sub(r"=_[0-9a-f]{32}", "", str(value))) for name, value in part.raw_items()]
    return [one for one in kept if one[0] != "Content-Transfer-Encoding"]


def assert_same(rendered: bytes, filled: bytes) -> None:
    ours, theirs = (list(email.message_from_bytes(raw).walk()) for raw in (filled, rendered))
    assert [fields(part) for part in ours] == [fields(part) for part in theirs]
    assert [part.get_payload(decode=True) for part in ours] == [part.get_payload(decode=True) for part in theirs]
    assert not any(part.defects for part in ours)


def assert_legal(raw: bytes) -> None:
    head, _, body = raw.partition(b"\r\n\r\n")
    assert raw.isascii() and not {0x00, 0x0A, 0x0D} & set(raw.replace(b"\r\n", b""))
    assert max(map(len, head.split(b"\r\n"))) <= 998
    inside = [line for line in body.split(b"\r\n") if not line.startswith((b"Content-", b" "))]
    assert max(map(len, inside)) <= 76
    assert not [line for line in inside if line.startswith((b".", b"From ")) or line.endswith((b" ", b"\t"))]
    assert signing.relaxed(body) == body  # what a signature is over needs no other form
    for boundary in re.findall(rb'boundary="(.*?)"', raw):
        assert raw.count(boundary) == 1 + sum(line.startswith(b"--" + boundary) for line in inside)


SLOTS = tuple(
    Slot(mark_for(name, fallback), name, fallback)
    for name in SLOT_NAMES
    for fallback in ((None,) if name.startswith("link.") else (None, "collega", "", "é\u0301 \n ", "\u0301"))
)
MARKS = [slot.mark for slot in SLOTS]
BITS = [
    " ", "  ", "\n", "\t", ".", "From ", "=", "=_", "--", "é", "e", "\u0301", "\u1161", "ᄀ", "عربي ", "אבג", "日本",
    "🎉", "word ", "a" * 70, "x" * 200, "- ", "> ", "[1] ", "12. ", "\u00a0", "\u2028", "\r", "\ufeff", "\ue000",
    "<p>", "&amp;",
    "https://e.example/" + "a" * 60, "vq0123456789abcdefqv", "\n\n",
]  # fmt: skip
BODIES = st.lists(st.sampled_from(BITS) | st.sampled_from(MARKS) | st.text(max_size=5), max_size=25).map("".join)
NAMES = st.sampled_from(
    ["Noor", "Zoë van den Èycken", "نور الهدى", "\u0301combining", "\u1161", "Nguyễn Thị", "a.b/c", "From me", ".",
     "=3D", "A  B", " x ", "&<>\"'", "日本 太郎", "עדי", "x" * 90, "vq0123456789abcdefqv", "\u202eabc", "\ue000",
     "e\u0301"]
) | st.text(max_size=40)  # fmt: skip
LINKS = st.sampled_from(
    ["https://learning.example/a/u" + "k" * 48, "https://l.example/a/c?answer=yes&x=1",
     "mailto:n@l.example?subject=x%20y",
     "http://localhost:8025/a/" + "Z" * 120]
)  # fmt: skip


@st.composite
def values(draw: st.DrawFn) -> dict[str, str]:
    words = {name: draw(NAMES) for name in SLOT_NAMES[:3]}
    return {**words, **{name: draw(LINKS) for name in SLOT_NAMES[3:]}}


@pytest.mark.conf("OUT-38", "OUT-08", "OUT-09", "OUT-02")
@given(BODIES, BODIES, BODIES, values(), st.sampled_from(["ltr", "rtl"]), st.sampled_from(["plain", "discreet"]))
def test_any_letter_means_the_same(
    subject: str, html: str, text: str, chosen: dict[str, str], direction: str, variant: str
) -> None:
    made = edition(subject, html, text, SLOTS, direction=direction, variant=variant)
    try:
        rendered, filled = both(made, chosen)
    except KeyError as missing:
        assert missing.args[0] in SLOT_NAMES[:3]  # blank, and without a fallback
        return
    assert_same(rendered, filled)
    assert_legal(filled)


@given(NAMES, LINKS)
def test_real_shapes_take_the_short_way(name: str, link: str) -> None:
    one, two = Slot(mark_for("member.first_name", "jij"), "member.first_name", "jij"), SLOTS[-1]
    html = f"<p>Dag {one.mark},</p>\r\n<p>één</p> <a href=\"{two.mark}\">{two.mark}</a></html>\n"
    text = f"Dag {one.mark}, {'lang ' * 30}\n\n- [1] {two.mark}\n{'woord ' * 40}{two.mark} {'x ' * 50}\n"
    made = edition(f"Dag {one.mark}", html, text, (one, two))
    assert HtmlBody.of(made).pieces is not None and TextBody.of(made).lines
    rendered, filled = both(made, {"member.first_name": name, two.name: link})
    assert_same(rendered, filled)
    assert_legal(filled)


def _kinds() -> list[tuple[str, dict[str, object]]]:
    ics = {"ics": ICS, "meeting": True}
    return [
        ("newsletter", {}), ("newsletter without pages", {"network": NETWORK}),
        ("invitation", ics), ("invitation without pages", {**ics, "network": NETWORK}),
        ("invitation without a calendar entry", {"meeting": True}),
    ]  # fmt: skip


@pytest.mark.conf("OUT-20", "OUT-30", "OUT-35", "OUT-50")
@pytest.mark.parametrize(("kind", "how"), _kinds(), ids=[kind for kind, _ in _kinds()])
@pytest.mark.parametrize("variant", ["plain", "discreet"])
@pytest.mark.parametrize("images", [(), (IMAGE,)], ids=["bare", "pictures"])
@pytest.mark.parametrize("language", ["nl", "ar"])
def test_every_kind_of_letter(kind: str, how: dict, variant: str, images: tuple, language: str) -> None:
    words = "مرحبا بكم في الشبكة " * 60 if language == "ar" else "Ook één vraag over de vóórbereiding? " * 30
    direction = "rtl" if language == "ar" else "ltr"
    html = f'<html lang="{language}" dir="{direction}"><p>{words} {MARKS[0]}</p><a href="{MARKS[-1]}">x</a></html>'
    made = edition(
        "Winterbrief: één avond", html, f"{words}\n\nDag {MARKS[0]}\n\n{MARKS[-1]}\n", (SLOTS[0], SLOTS[-1]),
        variant=variant, language=language, direction=direction, images=images,
    )  # fmt: skip
    chosen = {SLOTS[0].name: "Noor Ünal", SLOTS[-1].name: "https://learning.example/a/r" + "k" * 48}
    rendered, filled = both(made, chosen, **how)
    assert_same(rendered, filled)
    assert_legal(filled)
    assert TextBody.of(made).encoding.transfer == ("base64" if language == "ar" else "quoted-printable")


def test_the_same_person_gets_the_same_bytes_after_a_restart() -> None:
    made = edition("Dag", f"<p>{MARKS[0]}</p>", f"{MARKS[0]}\n", SLOTS[:1])
    assert both(made, {"member.name": "Noor"})[1] == both(made, {"member.name": "Noor"})[1]


def test_an_address_with_letters_of_its_own_goes_into_the_header() -> None:
    rendered, filled = both(edition("Dag", "<p>x</p>", "x\n", ()), {}, to="zoë@vzw.example")
    assert filled.partition(b"\r\n\r\n")[0].decode() != filled.partition(b"\r\n\r\n")[0].decode("latin-1")
    assert fields(email.message_from_bytes(filled)) == fields(email.message_from_bytes(rendered))


@pytest.mark.parametrize(
    ("copy", "error"),
    [
        ({"values": {}}, KeyError),
        ({"values": {"link.rsvp_maybe": "javascript:x"}}, ValueError),
        ({"recipient": "no address"}, RuleBroken),
        ({"message_id": "<no>"}, ValueError),
        ({"calendar": b"x"}, ValueError),
        ({"date": NOW.replace(tzinfo=None)}, ValueError),
    ],
)
def test_what_cannot_be_a_letter_is_refused(copy: dict, error: type[Exception]) -> None:
    made = edition("Dag", f"<p>{MARKS[-1]}</p>", "x\n", SLOTS[-1:])
    good = {"recipient": "a@b.example", "message_id": "<a@b.example>", "date": NOW, "unsubscribe": ()}
    good |= {"values": {"link.rsvp_maybe": "https://b.example/"}}
    imprint = Imprint.of(made, writer().issue_frame(made, "plain", False))
    assert imprint.fill(Copy(**good))
    with pytest.raises(error):
        imprint.fill(Copy(**{**good, **copy}))


def test_a_newsletter_passes_the_rules() -> None:
    html = '<html lang="nl" dir="ltr"><head><title>Dag</title></head><body><div lang="nl" dir="ltr">'
    html += f"<h1>Dag</h1><p>Dag {MARKS[0]}</p>"
    html += f'<a href="{MARKS[-1]}">Niets meer</a></div></body></html>'
    made = edition("Dag", html, f"Dag\n\nDag {MARKS[0]}\n\nNiets meer: {MARKS[-1]}\n", (SLOTS[0], SLOTS[-1]))
    link = writer().links.unsubscribe(KEY, NOW)[0]
    rendered, filled = both(made, {"member.name": "Noor", "link.rsvp_maybe": link})
    assert lint(filled, "newsletter") == lint(rendered, "newsletter") == []


def test_what_joins_the_character_before_it_is_known() -> None:
    """Every second half of a canonical composition of Unicode (UAX #15) is taken for one."""
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<") and unicodedata.normalize("NFC", chr(code)) == chr(code):
            assert _may_compose(chr(int(parts[1], 16)))
    for first in range(0x1100, 0x1113):
        assert _may_compose("\u1161") and len(unicodedata.normalize("NFC", chr(first) + "\u1161")) == 1
    assert _may_compose("\u11a8") and not _may_compose("") and not _may_compose("é") and not _may_compose("ع")

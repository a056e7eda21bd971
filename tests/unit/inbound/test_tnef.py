"""winmail.dat: text and calendar answers come out, what cannot be read is held for a person, nothing raises."""

import struct
import time
from base64 import encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer import calendar
from mailer.inbound.message import InboundMessage, read
from mailer.inbound.rtf import _DICTIONARY, decompress, plain_text
from mailer.inbound.tnef import open_tnef
from mailer.inbound.understanding import Request, Thread, decide, understand
from tests.unit.inbound import winmail
from tests.unit.inbound.winmail import BODY, CODEPAGE, attribute, properties, tnef

RTF = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}{\colortbl;\red0\green0\blue0;}{\*\generator X;}"
    rb"\uc1\pard Schrijf mij uit\par Groeten, Zo\'eb \u1605?\u-10179?\u-8704?\line \{a\}\\b\~c\par}"
)
RTF_WORDS = "Schrijf mij uit\nGroeten, Zoë م😀\n{a}\\b\N{NO-BREAK SPACE}c\n"
RTF_LEAVES = rb"{\rtf1 Schrijf mij alstublieft uit.\par}"
LEAVES = "Schrijf mij alstublieft uit.\r\n"


TYPE = "application/ms-tnef; name=winmail.dat"
HEAD = "From: amina@huis.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"


def mail(winmail_dat: bytes, text: str | None = None, kind: str = TYPE) -> InboundMessage:
    """A mail as Outlook sends it: perhaps a text, and the file."""
    plain = f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n" if text is not None else ""
    body = f"{plain}--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = f"{HEAD}\r\n{body}".encode() + encodebytes(winmail_dat) + b"--b--\r\n"
    found = read(raw)
    assert isinstance(found, InboundMessage)
    return found


def understood(message: InboundMessage) -> Request:
    return understand(message, Thread())


@pytest.mark.conf("INB-25")
@pytest.mark.parametrize(
    "file",
    [
        tnef(attribute(BODY, LEAVES.encode())),
        tnef(attribute(CODEPAGE, struct.pack("<II", 1252, 0)), attribute(BODY, LEAVES.encode() + b"\0")),
        tnef(properties((0x1000, 0x1F, LEAVES.encode("utf-16-le")))),
        tnef(properties((0x1000, 0x1E, LEAVES.encode()))),
        tnef(properties((0x1013, 0x102, f"<html><body><p>{LEAVES}</p></body></html>".encode()))),
        tnef(properties((0x1009, 0x102, winmail.stored(RTF_LEAVES)))),
        tnef(properties((0x1009, 0x102, winmail.compressed(RTF_LEAVES, _DICTIONARY)))),
        tnef(attribute(BODY, LEAVES.encode()), attribute(winmail.ATTACHED, b"\xff" * 999, level=2)),
        tnef(attribute(BODY, LEAVES.encode())) + b"\r\n",
    ],
)
def test_the_text_comes_out_and_is_understood(file: bytes) -> None:
    message = mail(file)
    assert message.text.strip() == LEAVES.strip()
    assert not message.is_sealed
    assert message.attachments == ()
    assert decide(understood(message)).actions == ("unsubscribe",)


@pytest.mark.parametrize("kind", ["application/vnd.ms-tnef", 'application/octet-stream; name="WINMAIL.DAT"'])
def test_it_is_known_by_type_or_by_name(kind: str) -> None:
    assert mail(tnef(attribute(BODY, b"dag")), kind=kind).text == "dag"


def test_the_text_beside_it_is_not_read_twice() -> None:
    assert mail(tnef(attribute(BODY, LEAVES.encode())), text=LEAVES).text.strip() == LEAVES.strip()


@pytest.mark.parametrize(("page", "letters"), [(1251, "Привет"), (1254, "Işık"), (65001, "één"), (1256, "مرحبا")])
def test_the_code_page_is_respected(page: int, letters: str) -> None:
    data = letters.encode("utf-8" if page == 65001 else f"cp{page}")
    assert mail(tnef(attribute(CODEPAGE, struct.pack("<II", page, 0)), attribute(BODY, data))).text == letters


def test_html_has_a_code_page_of_its_own() -> None:
    html = properties((0x1013, 0x102, "<p>één</p>".encode()), (0x3FDE, 3, struct.pack("<I", 65001)))
    assert mail(tnef(attribute(CODEPAGE, struct.pack("<II", 1252, 0)), html)).text.strip() == "één"


@pytest.mark.conf("INB-25", "CAL-13")
@pytest.mark.parametrize(
    ("message_class", "partstat"),
    [
        ("IPM.Schedule.Meeting.Resp.Pos", "ACCEPTED"), ("IPM.Schedule.Meeting.Resp.Neg", "DECLINED"),
        ("IPM.Schedule.Meeting.Resp.Tent", "TENTATIVE"), ("ipm.schedule.meeting.resp.pos", "ACCEPTED"),
        ("IPM.Microsoft Schedule.MtgRespP", "ACCEPTED"), ("IPM.Microsoft Schedule.MtgRespN", "DECLINED"),
        ("IPM.Microsoft Schedule.MtgRespA", "TENTATIVE"),
    ],
)  # fmt: skip
def test_an_answer_to_an_invitation_is_one_by_calendar(message_class: str, partstat: str) -> None:
    words = "Ik kom; met één collega,\r\nen een \\ hond"
    message = mail(winmail.answer(message_class, "abc123@net.example", 4, words))
    (data,) = message.calendar
    found = calendar.read(data)
    assert found is not None
    assert (found.method, found.uid, found.partstat, found.sequence) == ("REPLY", "abc123@net.example", partstat, 4)
    assert (found.attendee, found.comment) == (None, words.replace("\r\n", " "))
    assert understood(message).kinds == ("calendar_reply",)


@pytest.mark.parametrize("uid", ["", "a\r\nMETHOD:CANCEL", "é", "x" * 256])
def test_an_answer_to_nothing_we_can_name_is_held(uid: str) -> None:
    message = mail(winmail.answer("IPM.Schedule.Meeting.Resp.Pos", uid))
    assert (message.calendar, message.is_sealed) == ((), True)


@pytest.mark.conf("INB-25")
@pytest.mark.parametrize(
    "file",
    [
        b"", b"x", b"\x78\x9f\x3e\x22", tnef(attribute(BODY, b"dag"))[:-12] + b"zzzzzzzzzzzz",
        tnef(attribute(BODY, LEAVES.encode())[:-4] + b"zzzz"), b"PK\x03\x04" + b"x" * 100,
        tnef(properties((0x1009, 0x102, b"LZFu garbage that is none"))),
        tnef(attribute(winmail.PROPERTIES, b"\xff" * 60)),
        tnef(attribute(BODY, b"dag", level=7)), tnef(properties((0x1000, 0x1F, b"ab")))[:-9] + b"\0" * 9,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_held_for_a_person_with_the_reason(file: bytes) -> None:
    message = mail(file, text="Schrijf mij alstublieft uit.")
    assert message.is_sealed
    request = understood(message)
    assert decide(request).actions == ()
    assert decide(request).disposition == "review"
    assert "winmail.dat" in " ".join(request.why)


def test_rich_text_becomes_its_words() -> None:
    assert plain_text(RTF) == RTF_WORDS
    html = rb"{\rtf1{\*\htmltag64 <p>}\htmlrtf \par\htmlrtf0 dag{\pict 0102}{\field{\*\fldinst X}{\fldrslt y}}}"
    assert plain_text(html) == "\ndagy"


@pytest.mark.parametrize("rtf", [b"", b"a", RTF, RTF * 30, b"ab" * 5000, b"{\\rtf1 \\par \\pard\\plain\\f0\\fs20" * 9])
def test_compressed_rich_text_comes_out_as_it_went_in(rtf: bytes) -> None:
    assert decompress(winmail.compressed(rtf, _DICTIONARY)) == rtf
    assert decompress(winmail.stored(rtf)) == rtf


def test_the_specifications_own_example() -> None:
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert decompress(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=4))
def test_nothing_makes_it_raise(noise: bytes, at: int, change: bytes) -> None:
    whole = winmail.answer("IPM.Schedule.Meeting.Resp.Pos", "abc", 1, "dag")
    for data in (noise, b"\x78\x9f\x3e\x22\0\0" + noise, whole[:at] + change + whole[at + len(change) :], whole[:at]):
        open_tnef(data)
    decompress(noise)
    plain_text(noise)


@pytest.mark.parametrize(
    "file",
    [
        tnef(attribute(winmail.PROPERTIES, struct.pack("<IHHI", 1, 0x1001, 1, 2**32 - 1) + b"\0" * 1_000_000)),
        tnef(attribute(winmail.PROPERTIES, struct.pack("<IHHI", 2**32 - 1, 0x1002, 1, 2**31) + b"\0" * 1_000_000)),
        tnef(*[attribute(0x12345, b"")] * 90_000),
        tnef(properties((0x1009, 0x102, winmail.stored(b"{" * 3_000_000)))),
        tnef(properties((0x1009, 0x102, winmail.stored(b"\\u1\\'" * 500_000)))),
        tnef(properties((0x1009, 0x102, struct.pack("<IIII", 9, 3_999_999, 0x75465A4C, 0) + b"\xff\0\x0f" * 300_000))),
    ],
    ids=["nothing", "many", "attributes", "braces", "escapes", "runs"],
)
def test_it_takes_no_longer_for_a_hostile_file(file: bytes) -> None:
    started = time.perf_counter()
    open_tnef(file)
    assert time.perf_counter() - started < 8

"""The bytes of a letter: what the rules ask, for any name, subject, text and token."""

import email
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import strict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.errors import RuleBroken
from mailer.outbound.encoding import clean_line, clean_text, encode_text, quoted_printable
from mailer.outbound.letter import Letter
from mailer.outbound.wire import render
from tests.unit.outbound.letters import DOMAIN, ICS, LINK, SENDER, image, invitation, newsletter, plain

ANY_TEXT = st.text(max_size=300)
PIECES = ["één", "zomer", "ع" * 40, "x" * 200, "🎉", "a,b", '"q"', "=?utf-8?q?x?=", "(c)"]
WORDS = st.lists(st.sampled_from(PIECES), max_size=30)


def parse(raw: bytes) -> Message:
    return email.message_from_bytes(raw)


def strictly(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=strict)
    assert isinstance(found, EmailMessage)
    return found


def head(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0]


def field(raw: bytes, name: str) -> str:
    """One field, unfolded as RFC 5322 §2.2.3 says: only the CRLF goes."""
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", head(raw)).decode()
    (value,) = re.findall(rf"(?mi)^{name}: (.*?)\r?$", unfolded)
    return str(value)


def leaves(raw: bytes) -> Iterator[Message]:
    return (part for part in parse(raw).walk() if not part.is_multipart())


def body(part: Message) -> str:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data.decode()


def holds_everywhere(raw: bytes) -> None:
    """The rules that no letter may break, whatever it says."""
    bare = raw.replace(b"\r\n", b"")
    assert not {0x00, 0x0A, 0x0D} & set(bare)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert head(raw).isascii()
    for line in head(raw).split(b"\r\n"):
        assert len(line) <= 78 or b" " not in line.partition(b": ")[2].strip()
        if b"=?" in line:
            assert len(line) <= 76
    for word in re.findall(rb"=\?[^?]+\?[^?]+\?[^?]*\?=", head(raw)):
        assert len(word) <= 75
        ((data, charset),) = decode_header(word.decode())
        assert isinstance(data, bytes) and charset == "utf-8"
        data.decode()
    for part in strictly(raw).walk():
        assert not part.defects
        assert part["Content-Transfer-Encoding"] in ("7bit", "quoted-printable", "base64") or part.is_multipart()


@pytest.mark.parametrize("letter", [plain(), newsletter(), invitation(), newsletter(images=(image(),))])
@pytest.mark.conf("OUT-10")
@pytest.mark.conf("OUT-08")
def test_ordinary_letters_hold_everywhere(letter: Letter) -> None:
    holds_everywhere(render(letter))


@given(ANY_TEXT | WORDS.map(" ".join))
@pytest.mark.conf("OUT-04")
@pytest.mark.conf("SEC-12")
def test_any_subject_arrives_whole(subject: str) -> None:
    raw = render(plain(subject="x" + subject))
    holds_everywhere(raw)
    assert str(make_header(decode_header(field(raw, "Subject")))) == clean_line("x" + subject)


@given(ANY_TEXT | WORDS.map(" ".join))
@pytest.mark.conf("OUT-05")
@pytest.mark.conf("OUT-12")
def test_any_sender_name_arrives_whole_before_one_address(name: str) -> None:
    raw = render(newsletter(sender_name=name))
    holds_everywhere(raw)
    ((shown, address),) = email.utils.getaddresses([field(raw, "From")])
    assert address == SENDER
    assert str(make_header(decode_header(shown))) == clean_line(name)
    assert strictly(raw)["From"].addresses[0].addr_spec == SENDER


@given(ANY_TEXT, ANY_TEXT)
@pytest.mark.conf("OUT-01")
@pytest.mark.conf("OUT-07")
def test_any_body_arrives_whole(text: str, html: str) -> None:
    raw = render(newsletter(text=text, html=html))
    holds_everywhere(raw)
    assert [body(part) for part in leaves(raw)] == [clean_text(text), clean_text(html)]
    assert {part.get_content_charset() for part in leaves(raw)} == {"utf-8"}


@given(st.lists(st.sampled_from(["From ", ".", " ", "\t", "é", "=", "a", "\n", "=_", "long" * 30, "--"]), max_size=80))
@pytest.mark.conf("OUT-09")
def test_lines_that_relays_touch_are_encoded(pieces: list[str]) -> None:
    text = clean_text("".join(pieces))
    encoded = encode_text(text)
    for line in encoded.body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From ")) and not line.endswith((b" ", b"\t"))
    message = parse(b"Content-Transfer-Encoding: " + encoded.transfer.encode() + b"\r\n\r\n" + encoded.body)
    assert message.get_payload(decode=True) == text.encode()


@pytest.mark.conf("OUT-09")
@pytest.mark.parametrize(
    ("text", "transfer"),
    [
        ("Good morning", "7bit"),
        ("Ook één vraag over de vóórbereiding?\n" * 20, "quoted-printable"),
        ("La prochaine rencontre aura lieu à Anvers, comme prévu\n" * 20, "quoted-printable"),
        ("مرحبا بكم في الشبكة\n" * 20, "base64"),
        ("Öğrenme ağımızın yeni üyelerine hoş geldiniz diyoruz\n" * 20, "base64"),
    ],
)
def test_each_language_gets_its_plainest_encoding(text: str, transfer: str) -> None:
    assert encode_text(clean_text(text)).transfer == transfer


@pytest.mark.conf("OUT-20")
@pytest.mark.conf("OUT-21")
@pytest.mark.conf("OUT-02")
@pytest.mark.parametrize("length", range(20, 301))
def test_unsubscribe_links_are_never_encoded_nor_broken(length: int) -> None:
    https, mailto = f"https://{DOMAIN}/a/" + "k" * length, f"mailto:{SENDER}?subject=" + "k" * length
    raw = render(newsletter(unsubscribe=(mailto, https)))
    holds_everywhere(raw)
    assert field(raw, "List-Unsubscribe") == f"<{https}>, <{mailto}>"
    assert re.search(rb"List-Unsubscribe: <[^\r\n ]+>,(\r\n)? <[^\r\n ]+>\r\n", raw)
    assert raw.count(b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") == 1


@pytest.mark.conf("OUT-21")
@pytest.mark.parametrize(
    "letter",
    [newsletter(one_click=False), newsletter(unsubscribe=(f"mailto:{SENDER}",)), newsletter(unsubscribe=()), plain()],
)
def test_one_click_is_promised_only_with_an_https_link(letter: Letter) -> None:
    assert b"List-Unsubscribe-Post" not in render(letter)


@pytest.mark.conf("OUT-31")
@pytest.mark.parametrize(
    ("phrase", "written"),
    [
        ("Nieuwsbrief", f"Nieuwsbrief <nieuwsbrief.{DOMAIN}>"),
        ("Réseau d'apprentissage", f"Reseau d'apprentissage <nieuwsbrief.{DOMAIN}>"),
        ("Brief: winter", f'"Brief: winter" <nieuwsbrief.{DOMAIN}>'),
        ("نشرة", f"<nieuwsbrief.{DOMAIN}>"),
        ("", f"<nieuwsbrief.{DOMAIN}>"),
    ],
)
def test_list_id_holds_no_encoded_words(phrase: str, written: str) -> None:
    assert field(render(newsletter(list_phrase=phrase)), "List-Id") == written


@pytest.mark.conf("SEC-12")
@pytest.mark.conf("OUT-11")
@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\0", "\v", "\x85", "\u2028", "\r\n\r\n"])
def test_no_value_can_add_a_header(break_: str) -> None:
    evil = f"x{break_}Bcc: een@ander.example"
    letter = newsletter(
        subject=evil,
        sender_name=evil,
        list_phrase=evil,
        feedback_id=evil,
        x_loop=evil,
        language=evil,
        in_reply_to=f"<{evil}@x>",
        references=(f"<{evil}@x>",),
        unsubscribe=(f"https://{DOMAIN}/{evil}",),
        images=(image(evil),),
    )
    raw = render(letter)
    holds_everywhere(raw)
    assert all(not part["Bcc"] for part in parse(raw).walk())
    assert "In-Reply-To" not in parse(raw) and "References" not in parse(raw)


@pytest.mark.conf("OUT-53")
def test_a_subject_loses_overrides_that_turn_it_round() -> None:
    raw = render(plain(subject="Af\u202espraak \u2066morgen\u2069  om\u00a09"))
    assert field(raw, "Subject") == "Afspraak morgen om 9"


@pytest.mark.conf("OUT-38")
@pytest.mark.parametrize("letter", [plain(), newsletter(), invitation(images=(image(),))])
def test_the_same_letter_is_the_same_bytes_and_another_id_other_boundaries(letter: Letter) -> None:
    assert render(letter) == render(replace(letter))
    other = render(replace(letter, message_id=f"<anders@{DOMAIN}>"))
    boundaries = set(re.findall(rb'boundary="(.*?)"', render(letter)))
    assert not boundaries & set(re.findall(rb'boundary="(.*?)"', other))


@pytest.mark.conf("OUT-50")
def test_pictures_are_related_to_the_html_only() -> None:
    message = parse(render(newsletter(images=(image(), replace(image(), cid="logo-2")))))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "image/png",
    ]
    picture = list(message.walk())[4]
    assert picture["Content-ID"] == "<logo-1>" and picture.get_content_disposition() == "inline"
    assert picture.get_payload(decode=True) == image().data


@pytest.mark.conf("CAL-20")
@pytest.mark.conf("CAL-01")
@pytest.mark.conf("OUT-50")
def test_an_invitation_carries_its_calendar_twice_and_equal() -> None:
    message = parse(render(invitation()))
    kinds = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics"]
    parts = list(message.walk())
    assert [part.get_content_type() for part in parts] == kinds
    assert parts[4].get_payload(decode=True) == parts[5].get_payload(decode=True) == ICS
    assert dict(parts[4].get_params() or []) == {
        "text/calendar": "",
        "charset": "utf-8",
        "method": "REQUEST",
        "component": "VEVENT",
    }
    assert parts[5].get_filename() == "uitnodiging.ics" and parts[5].get_content_disposition() == "attachment"


@pytest.mark.conf("OUT-06")
@pytest.mark.parametrize(
    "name", ["uitnodiging – één 🎉.ics", "uitnodiging.ics", "lang" * 18 + ".ics", "é" * 60, "دعوة.ics", 'a"b\\c;.ics']
)
def test_filenames_arrive_with_an_ascii_fallback(name: str) -> None:
    letter = invitation()
    assert letter.calendar
    raw = render(replace(letter, calendar=replace(letter.calendar, filename=name)))
    holds_everywhere(raw)
    wanted = re.split(r"[/\\]", name)[-1]
    assert list(parse(raw).walk())[-1].get_filename() == wanted
    found = list(strictly(raw).walk())[-1]
    assert found.get_filename() == wanted and not found["Content-Disposition"].defects
    fallback = list(parse(raw).walk())[-1].get_param("name")
    assert isinstance(fallback, str) and fallback.isascii() and fallback.rpartition(".")[2] in ("ics", fallback)


@pytest.mark.conf("OUT-35")
def test_robots_are_told_and_invitations_keep_their_receipts() -> None:
    assert field(render(newsletter()), "X-Auto-Response-Suppress") == "DR, RN, NRN, OOF, AutoReply"
    assert field(render(invitation()), "X-Auto-Response-Suppress") == "OOF, AutoReply"
    assert field(render(newsletter()), "Precedence") == "bulk"
    assert "Precedence" not in parse(render(plain()))


@pytest.mark.conf("OUT-34")
def test_an_answer_says_to_what_and_that_a_machine_wrote_it() -> None:
    raw = render(plain())
    assert field(raw, "Auto-Submitted") == "auto-replied"
    assert field(raw, "In-Reply-To") == "<vraag-1@vzw.example>"
    assert field(raw, "References") == "<vraag-0@vzw.example> <vraag-1@vzw.example>"


def test_a_long_thread_keeps_its_root_and_its_newest() -> None:
    thread = tuple(f"<brief-{number}-{'x' * 40}@vzw.example>" for number in range(60))
    raw = render(plain(references=thread))
    holds_everywhere(raw)
    assert field(raw, "References").split(" ") == [thread[0], *thread[-20:]]


@pytest.mark.conf("OUT-11")
@pytest.mark.conf("OUT-33")
def test_answers_go_to_the_sender_unless_said_otherwise() -> None:
    assert field(render(plain()), "Reply-To") == f"<{SENDER}>"
    assert field(render(plain(reply_to=f"coordinatie+x1@{DOMAIN}")), "Reply-To") == f"<coordinatie+x1@{DOMAIN}>"
    assert field(render(newsletter()), "List-Owner") == f"<mailto:{SENDER}>"


@pytest.mark.conf("OUT-15")
def test_a_domain_beyond_ascii_is_written_in_a_labels() -> None:
    assert field(render(plain(recipient="zoe@café.example")), "To") == "<zoe@xn--caf-dma.example>"


@pytest.mark.conf("OUT-16")
def test_a_local_part_beyond_ascii_is_the_only_utf8_in_the_header() -> None:
    raw = render(plain(recipient="zoë@vzw.example"))
    assert "\r\nTo: <zoë@vzw.example>\r\n".encode() in raw
    assert raw.replace("zoë".encode(), b"zoe").isascii()


@pytest.mark.parametrize(
    "recipient", ["a@x.example,evil@x.example", "a b@x.example", "a@x.example\0", "<a@x.example>", ""]
)
@pytest.mark.conf("OUT-13")
def test_an_address_that_is_more_than_one_is_refused(recipient: str) -> None:
    with pytest.raises(RuleBroken):
        render(plain(recipient=recipient))


@pytest.mark.parametrize(
    "letter",
    [
        plain(message_id="x@y"),
        plain(message_id="<a b@c>"),
        plain(message_id="<é@c>"),
        plain(date=datetime(2026, 1, 1)),  # noqa: DTZ001
        newsletter(list_id="geen id"),
        newsletter(images=(replace(image(), type="image/png\r\nX: y"),)),
        newsletter(images=(replace(image(), cid="a b"),)),
    ],
)
def test_our_own_broken_ids_stop_the_letter(letter: Letter) -> None:
    with pytest.raises(ValueError, match=r"."):
        render(letter)


@pytest.mark.conf("OUT-18")
@pytest.mark.conf("OUT-19")
def test_nothing_is_said_of_the_machine() -> None:
    names = {name.lower() for name in parse(render(newsletter()))}
    assert not names & {"return-path", "received", "bcc", "cc", "x-mailer", "user-agent", "sender", "list-post"}


@given(st.binary(max_size=400))
def test_quoted_printable_reads_back(data: bytes) -> None:
    text = data.replace(b"\r", b"").replace(b"\n", b"\r\n")
    message = parse(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(text))
    assert message.get_payload(decode=True) == text


def test_the_link_is_unbroken_in_the_text() -> None:
    (text,) = leaves(render(plain()))
    assert LINK in body(text)

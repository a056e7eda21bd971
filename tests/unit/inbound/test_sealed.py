"""Signed and encrypted mails, as OpenSSL and GnuPG make them: what is signed is read, what is encrypted is held."""

from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.inbound.message import InboundMessage, read
from mailer.inbound.smime import signed_content
from mailer.inbound.understanding import Thread, decide, understand

FOLDER = Path(__file__).with_name("sealed")
SIGNED = ("smime_signed", "smime_opaque", "smime_opaque_in_pieces", "pgp_signed", "pgp_inline_signed")
ENCRYPTED = ("smime_enveloped", "smime_authenticated", "pgp_encrypted", "pgp_inline_encrypted")
CONTENT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nhoi"


def sealed(name: str) -> InboundMessage:
    found = read((FOLDER / f"{name}.eml").read_bytes())
    assert isinstance(found, InboundMessage)
    return found


def payload(name: str) -> bytes:
    return b64decode((FOLDER / f"{name}.eml").read_bytes().partition(b"\n\n")[2])


def der(tag: int, *values: bytes) -> bytes:
    """One ASN.1 value, its length in two octets."""
    content = b"".join(values)
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def signed_data(octets: bytes, name: str = "2a864886f70d010702") -> bytes:
    inner = der(0x30, der(0x06, bytes.fromhex("2a864886f70d010701")), der(0xA0, octets))
    whole = der(0x30, b"\x02\x01\x01", der(0x31), inner, der(0xA0, b"certificates"), der(0x31))
    return der(0x30, der(0x06, bytes.fromhex(name)), der(0xA0, whole))


@pytest.mark.conf("INB-24")
@pytest.mark.parametrize("name", SIGNED)
def test_what_is_signed_is_read_and_acted_on(name: str) -> None:
    message = sealed(name)
    assert not message.encrypted
    assert message.signed is not name.startswith("pgp_inline")
    assert "Schrijf mij alstublieft uit." in message.text
    assert not [word for word in ("BEGIN", "SIGNATURE", "\ufffd", "Content-Type") if word in message.text]
    plan = decide(understand(message, Thread()))
    assert (plan.actions, plan.disposition) == (("unsubscribe",), "handled")


def test_nothing_of_the_certificate_comes_along() -> None:
    assert sealed("smime_opaque").text == "Schrijf mij alstublieft uit.\n\nGroeten,\nZoë\n"
    lines = sealed("smime_opaque_in_pieces").text.splitlines()
    assert (len(set(lines)), lines[-1]) == (3, "Schrijf mij alstublieft uit.")


@pytest.mark.conf("INB-24")
@pytest.mark.parametrize("name", ENCRYPTED)
def test_what_is_encrypted_is_held_and_its_writer_hears_so(name: str) -> None:
    message = sealed(name)
    assert message.encrypted
    request = understand(message, Thread())
    assert "encrypted" in " ".join(request.why)
    plan = decide(request)
    assert (plan.actions, plan.disposition) == (("auto_reply",), "review")


@pytest.mark.conf("INB-24")
@pytest.mark.parametrize("header", [b"Auto-Submitted: auto-replied\n", b"Precedence: bulk\n", b"Return-Path: <>\n"])
@pytest.mark.parametrize("name", ENCRYPTED)
def test_an_encrypted_mail_by_a_machine_is_never_answered(name: str, header: bytes) -> None:
    message = read(header + (FOLDER / f"{name}.eml").read_bytes())
    assert isinstance(message, InboundMessage)
    assert decide(understand(message, Thread())).actions == ()


def test_the_signed_octets_come_out_whole_or_in_pieces() -> None:
    assert signed_content(signed_data(der(0x04, CONTENT))) == CONTENT
    pieces = [der(0x04, CONTENT[at : at + 7]) for at in range(0, len(CONTENT), 7)]
    assert signed_content(signed_data(der(0x24, *pieces))) == CONTENT
    assert signed_content(signed_data(b"\x24\x80" + b"".join(pieces) + b"\0\0")) == CONTENT


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x30", b"\x30\x80", payload("smime_enveloped"), payload("smime_authenticated"), CONTENT,
        signed_data(der(0x04, CONTENT), "2a864886f70d010703"), signed_data(der(0x04, CONTENT))[:60],
        signed_data(der(0x0C, CONTENT)), signed_data(der(0x24, der(0x24, der(0x04, CONTENT)))),
        signed_data(b"\x04\x85\1\1\1\1\1"),
    ],
)  # fmt: skip
def test_anything_else_is_not_guessed_at(data: bytes) -> None:
    assert signed_content(data) is None


def test_a_signature_over_something_encrypted_is_held() -> None:
    inner = b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIAG"
    body = signed_data(der(0x04, inner))
    head = b"From: amina@huis.example\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n"
    message = read(head + body)
    assert isinstance(message, InboundMessage)
    assert (message.encrypted, message.text) == (True, "")


@given(st.binary(max_size=200), st.integers(0, 150), st.binary(max_size=3))
def test_nothing_makes_it_raise(noise: bytes, at: int, change: bytes) -> None:
    whole = signed_data(der(0x04, CONTENT))
    for data in (noise, whole[:at] + change + whole[at + len(change) :], whole[:at], whole[:at] + noise):
        signed_content(data)

"""Logging in, against the examples of the RFCs and against servers that make no sense."""

import base64

import pytest

from mailer.outbound import sasl

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


@pytest.mark.conf("SMT-04")
def test_scram_is_that_of_the_rfc() -> None:
    """RFC 7677 §3."""
    scram = sasl.Scram("user", "pencil", NONCE)
    assert scram.opening == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert scram.respond(FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert not scram.is_complete
    assert scram.respond(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    assert scram.is_complete


@pytest.mark.conf("SMT-04")
@pytest.mark.parametrize(
    "challenge",
    [
        b"", b"\xff\xfe", b"r=other,s=W22Z,i=4096", b"r=" + NONCE.encode() + b",s=W22Z,i=4096",
        FIRST.replace(b"i=4096", b"i=1"), FIRST.replace(b"i=4096", b"i=99999999999"), FIRST.replace(b"i=4096", b"i=x"),
        FIRST.replace(b"s=W22ZaJ0SNY7soEsUEjb6gQ==", b"s=?"), FIRST + b",m=more",
        FIRST.replace(b"i=4096", "i=٤٠٩٦".encode()),
    ],
)  # fmt: skip
def test_a_challenge_that_is_no_scram_gets_no_proof(challenge: bytes) -> None:
    with pytest.raises(sasl.NotSasl):
        sasl.Scram("user", "pencil", NONCE).respond(challenge)


@pytest.mark.conf("SMT-04")
@pytest.mark.parametrize("final", [b"v=" + base64.b64encode(b"x" * 32), b"e=other-error", b"", b"v=\xff"])
def test_a_server_that_does_not_know_the_password_is_none_of_ours(final: bytes) -> None:
    scram = sasl.Scram("user", "pencil", NONCE)
    scram.respond(FIRST)
    with pytest.raises(sasl.NotSasl):
        scram.respond(final)
    assert not scram.is_complete


def test_names_are_escaped_and_prepared() -> None:
    assert sasl.Scram("a=b,c", "x", "n").opening == b"n,,n=a=3Db=2Cc,r=n"
    assert sasl.prepared("I\u00adX") == "IX" and sasl.prepared("\u00aa") == "a" and sasl.prepared("a\u00a0b") == "a b"


@pytest.mark.conf("SMT-04")
def test_plain_and_login() -> None:
    plain = sasl.plain("u", "pässword")
    assert plain.opening == "\0u\0pässword".encode() and plain.is_complete
    login = sasl.login("u", "p")
    assert login.opening is None
    assert [login.respond(b"User Name"), login.respond(b"what?")] == [b"u", b"p"]
    with pytest.raises(sasl.NotSasl):
        login.respond(b"and more?")


@pytest.mark.conf("SMT-05")
def test_tokens_are_borne_as_each_provider_asks() -> None:
    both = sasl.bearer(("OAUTHBEARER", "XOAUTH2"), "u@x.example", "smtp.x.example", 587, "tok")
    assert both and both.opening == b"user=u@x.example\1auth=Bearer tok\1\1"
    assert both.respond(b'{"status":"401"}') == b""
    one = sasl.bearer(("OAUTHBEARER",), "u@x.example", "smtp.x.example", 587, "tok")
    assert one and one.opening == b"n,a=u@x.example,\1host=smtp.x.example\1port=587\1auth=Bearer tok\1\1"
    assert one.respond(b"{}") == b"\1"
    assert sasl.bearer(("PLAIN",), "u", "h", 1, "tok") is None

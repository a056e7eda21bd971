"""Replies of a server, however they are cut and whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.outbound.smtp_envelope import Offers, xtext
from mailer.outbound.smtp_reply import Answer, Replies, Reply

SAID = b"220 relay.example\r\n250-relay.example\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n550 5.1.1 No\n250\r\n"
CODES = [220, 250, 550, 250]


@pytest.mark.conf("SMT-10")
@given(st.lists(st.integers(0, len(SAID)), max_size=12))
def test_it_does_not_matter_where_bytes_are_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(SAID)]
    replies = Replies()
    found = [one for start, end in zip(places, places[1:], strict=False) for one in replies.feed(SAID[start:end])]
    assert [one.code for one in found] == CODES and replies.is_between
    assert found[1].raw == (b"relay.example", b"SIZE 1000", b"AUTH PLAIN LOGIN")


@pytest.mark.conf("SMT-10")
@given(st.lists(st.binary(max_size=60), max_size=20))
def test_nothing_a_server_says_raises(pieces: list[bytes]) -> None:
    replies = Replies()
    for piece in pieces:
        for answer in replies.feed(piece):
            reply = answer.reply("rcpt")
            assert 200 <= answer.code < 600 and reply.text.isprintable() and not replies.is_between | (not reply.phase)


@pytest.mark.conf("SMT-10")
@pytest.mark.parametrize(
    "said", [b"hello\r\n", b"25 x\r\n", b"250_x\r\n", b"650 x\r\n", b"\r\n", b"250-a\r\n251 b\r\n", b"x" * 5000,
             b"250 " + b"x" * 5000 + b"\r\n", b"250-x\r\n" * 101, "٢٥٠ x\r\n".encode()]
)  # fmt: skip
def test_what_is_no_reply_ends_it(said: bytes) -> None:
    replies = Replies()
    assert [answer.code for answer in replies.feed(b"250 OK\r\n" + said + b"250 later\r\n")] == [250]
    assert replies.fault and replies.feed(b"250 OK\r\n") == []


@pytest.mark.conf("SMT-10")
def test_time_is_linear_in_what_a_server_dribbles() -> None:
    replies = Replies()
    for _ in range(20_000):
        replies.feed(b"x" * 10)
    assert replies.fault and len(replies._rest) < 300_000


def test_the_enhanced_code_counts_only_in_its_class() -> None:
    assert Answer(550, (b"5.1.1 No such",)).reply("rcpt") == Reply("rcpt", 550, "5.1.1", "No such")
    assert Answer(450, (b"5.1.1 No such",)).reply("rcpt").enhanced is None
    assert Answer(550, (b"5.1.1234 No",)).reply("rcpt").enhanced is None


def test_offers_are_read_and_nonsense_is_not_offered() -> None:
    offers = Offers.read(Answer(250, (b"x", b"Size 100", b"auth plain LOGIN", b"PIPELINING")))
    assert offers.largest == 100 and offers.auth == ("PLAIN", "LOGIN") and "pipelining" in offers
    assert Offers.read(Answer(250, (b"x", b"SIZE " + b"9" * 5000))).largest == 0
    assert Offers.read(Answer(250, (b"x", "SIZE ٣".encode()))).largest == 0


@pytest.mark.conf("SMT-09")
def test_xtext() -> None:
    assert xtext("a+b=c é~!") == "a+2Bb+3Dc+20+C3+A9~!"

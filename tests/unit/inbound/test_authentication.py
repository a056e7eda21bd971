"""Authentication-Results count only from our own server, in its own place, whatever else is written like them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.inbound.authentication import verify
from mailer.inbound.message import InboundMessage, read

OURS = "Received: from post.huis.example (post.huis.example [192.0.2.7]) by mx.net.example (Postfix; x) with ESMTPS"
THEIRS = "Received: from laptop by post.huis.example with ESMTPSA id 2; Mon, 23 Nov 2026 09:00:00 +0000"
FAILS = "Authentication-Results: mx.net.example; dmarc=fail header.from=huis.example"
PASSES = "Authentication-Results: mx.net.example; dmarc=pass header.from=huis.example"


def judged(*fields: str, server: str = "mx.net.example", author: str = "amina@huis.example") -> str:
    """The verdict on a mail with these fields on top, read from its bytes."""
    message = read("\r\n".join([*fields, f"From: {author}", "Subject: x", "", "dag", ""]).encode())
    assert isinstance(message, InboundMessage)
    assert message.author is not None
    return verify(message.trace, message.author.address, server)


def result(words: str, **more: str) -> str:
    """The verdict on results that stand in their place."""
    return judged(f"Authentication-Results: {words}", OURS, THEIRS, **more)


@pytest.mark.conf("INB-20")
@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("mx.net.example; dmarc=pass (p=reject dis=none) header.from=huis.example", "pass"),
        ("mx.net.example; dmarc=fail (p=none dis=none) header.from=huis.example", "fail"),
        ("MX.Net.Example; DMARC=Fail Header.From=HUIS.example", "fail"),
        ("mx.net.example 1; dmarc=fail header.from=huis.example", "fail"),
        ("mx.net.example 2; dmarc=fail header.from=huis.example", "none"),
        ("(a (nested; dmarc=pass) comment) mx.net.example (x) 1 (y); dmarc (z) = (a) fail", "fail"),
        ("mx.net.example;\r\n\tdkim=none;\r\n dmarc=fail\r\n\theader.from=huis.example", "fail"),
        ('"mx.net.example"; dmarc=fail reason="" header.from="huis.example"', "fail"),
        ("mx.net.example; dmarc=none header.from=huis.example", "none"),
        ("mx.net.example; none", "none"),
        ("mx.net.example", "none"),
        ("mx.net.example; dmarc=pass header.from=elders.example", "none"),
        ("mx.net.example; dmarc=bestguesspass header.from=huis.example", "none"),
        ("mx.net.example; dmarc=temperror header.from=huis.example; spf=fail smtp.mailfrom=huis.example", "none"),
        ("mx.net.example; dkim=pass header.d=huis.example header.s=a", "pass"),
        ("mx.net.example; dkim/1=pass header . d = mail.huis.example", "pass"),
        ("mx.net.example; dkim=pass header.i=@huis.example header.b=abc", "pass"),
        ("mx.net.example; dkim=pass header.d=evil.example", "none"),
        ("mx.net.example; dkim=pass header.d=nothuis.example; dkim=fail header.d=huis.example", "none"),
        ("mx.net.example; dkim=pass header.d=example", "none"),
        ("mx.net.example; spf=pass smtp.mailfrom=bounce@huis.example", "pass"),
        ("mx.net.example; spf=pass (says) smtp.mailfrom=evil.example", "none"),
        ("mx.net.example; spf=fail smtp.mailfrom=amina@huis.example", "fail"),
        ("mx.net.example; spf=fail smtp.mailfrom=huis.example; dkim=pass header.d=huis.example", "pass"),
        ("mx.net.example; spf=softfail smtp.mailfrom=huis.example; dkim=fail header.d=huis.example", "none"),
        ('mx.net.example; spf=pass smtp.mailfrom="x; dmarc=fail header.from=a"@huis.example', "pass"),
        ("mx.net.example; spf=none (dmarc=fail; x) smtp.mailfrom=huis.example", "none"),
        ("mx.net.example.evil; dmarc=fail", "none"),
        ("amx.net.example; dmarc=fail", "none"),
        ("mx.net.example mx.other.example; dmarc=fail", "none"),
        ("spf=pass smtp.mailfrom=huis.example; dmarc=fail action=none header.from=huis.example", "none"),
        ("", "none"),
        ('"mx.net.example; dmarc=fail', "none"),
        ("mx.net.example; (never closed dmarc=fail", "none"),
    ],
)
def test_the_words_of_our_own_server(words: str, verdict: str) -> None:
    assert result(words) == verdict


@pytest.mark.conf("INB-20")
@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ((FAILS, OURS, THEIRS), "fail"),
        ((OURS, FAILS, THEIRS), "fail"),
        ((OURS, THEIRS, FAILS), "none"),
        ((THEIRS, FAILS), "none"),
        ((FAILS,), "none"),
        ((OURS, "X-Other: 1", FAILS), "fail"),
        ((FAILS, OURS, THEIRS, PASSES), "fail"),
        ((OURS, FAILS, PASSES, THEIRS), "fail"),
        ((OURS, PASSES, FAILS, THEIRS), "fail"),
        ((OURS, "Authentication-Results: mx.other.example; dmarc=fail", PASSES, THEIRS), "pass"),
        (("Received: from a by evil-mx.net.example.evil; x", FAILS), "none"),
        (("Received: from mx.net.example by imap.net.example with LMTP; x", OURS, FAILS, THEIRS), "fail"),
        (("Received: by localhost with LMTP", OURS, FAILS, THEIRS), "fail"),
        (("ARC-Authentication-Results: i=1; mx.net.example; dmarc=fail", OURS, THEIRS), "none"),
        (("X-Authentication-Results: mx.net.example; dmarc=fail", OURS, THEIRS), "none"),
        (("Authentication-Results-Original: mx.net.example; dmarc=fail", OURS, THEIRS), "none"),
        (("authentication-RESULTS: mx.net.example; dmarc=fail", OURS, THEIRS), "fail"),
    ],
)
def test_the_place_of_a_field_decides_whose_it_is(fields: tuple[str, ...], verdict: str) -> None:
    assert judged(*fields) == verdict


@pytest.mark.conf("INB-20")
def test_without_a_name_of_our_own_nothing_is_trusted() -> None:
    assert judged(FAILS, OURS, server="") == "none"


def test_a_neighbour_in_the_same_registry_is_not_our_own_server() -> None:
    fails = "Authentication-Results: ours.co.uk; dmarc=fail"
    assert judged("Received: from a by evil.co.uk; x", fails, server="ours.co.uk") == "none"
    assert judged("Received: from a by mx1.ours.co.uk; x", fails, server="ours.co.uk") == "fail"


def test_google_as_it_writes_it() -> None:
    fields = (
        "Received: by 2002:a05:6a10:5ac8:0:0:0:0 with SMTP id abc; Mon, 23 Nov 2026 01:00:00 -0800 (PST)",
        "ARC-Authentication-Results: i=1; mx.google.com; dmarc=pass header.from=huis.example",
        "Return-Path: <x@evil.example>",
        "Received: from evil.example (evil.example. [192.0.2.9]) by mx.google.com with ESMTPS id q;\r\n Mon, 23 Nov",
        "Received-SPF: pass (google.com: domain of x@evil.example designates 192.0.2.9 as permitted sender)",
        "Authentication-Results: mx.google.com;\r\n       spf=pass (google.com: domain of x@evil.example designates"
        " 192.0.2.9 as permitted sender) smtp.mailfrom=x@evil.example;\r\n       dmarc=fail (p=NONE sp=NONE dis=NONE)"
        " header.from=huis.example",
    )
    assert judged(*fields, server="mx.google.com") == "fail"


def test_a_domain_in_other_letters_is_the_same_one() -> None:
    words = "mx.net.example; dmarc=pass header.from=xn--caf-dma.example"
    assert result(words, author="zoe@café.example") == "pass"


@given(st.lists(st.tuples(st.sampled_from(["received", "authentication-results"]), st.text(max_size=60))), st.text())
def test_nothing_makes_it_raise(trace: list[tuple[str, str]], author: str) -> None:
    assert verify([("received", "by mx.net.example"), *trace], author, "mx.net.example") in ("pass", "fail", "none")


@pytest.mark.parametrize("hostile", ["(" * 100_000, '"\\' * 50_000, "=;" * 50_000, "a=b " * 25_000, "by " * 30_000])
def test_it_takes_no_longer_for_hostile_fields(hostile: str) -> None:
    started = time.perf_counter()
    field = ("authentication-results", f"mx.net.example; {hostile}")
    verify([("received", hostile), field] * 30, "a@b.example", "x.y.example")
    verify([("received", "by mx.net.example"), *[field] * 60], f"a@{hostile}", "mx.net.example")
    assert time.perf_counter() - started < 2

"""DKIM signatures that another program verifies (dkimpy), that survive relays, and that nobody can add a field to."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from mailer.outbound import wire
from mailer.outbound.edition import InlineImage
from mailer.outbound.imprint import Copy, Imprint
from mailer.outbound.signing import Signer, relaxed, signed
from mailer.outbound.signing_key import WeakKey, load
from tests.unit.outbound.letters import ONE_PIXEL, invitation, newsletter, plain
from tests.unit.outbound.test_imprint import KEY, MARKS, NOW, SLOTS, edition, writer

DOMAIN = "learning.example"
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()


def stored(folder: Path, key: object, name: str = "key.pem", mode: int = 0o600, secret: bytes = b"") -> Path:
    file = folder / name
    locked = BestAvailableEncryption(secret) if secret else NoEncryption()
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))  # type: ignore[attr-defined]
    file.chmod(mode)
    return file


@pytest.fixture
def signers(tmp_path: Path) -> tuple[Signer, ...]:
    """Both kinds of key."""
    return (
        load(DOMAIN, "r2026", stored(tmp_path, RSA, "rsa")),
        load(DOMAIN, "e2026", stored(tmp_path, ED25519, "ed25519")),
    )


def holds(raw: bytes, signers: tuple[Signer, ...]) -> list[bool]:
    """What dkimpy says of each signature, asking a DNS that has our records."""
    records = {f"{signer.name}.".encode(): signer.record.encode() for signer in signers}
    return [_holds(raw, index, records) for index in range(len(signers))]


def _holds(raw: bytes, index: int, records: dict[bytes, bytes]) -> bool:
    try:
        return bool(dkim.DKIM(raw).verify(index, dnsfunc=lambda name, timeout=5: records.get(name)))
    except dkim.ValidationError:  # its word for a body that is not the one that was signed
        return False


def fresh(signers: tuple[Signer, ...]) -> dict[str, bytes]:
    """A letter of each shape, signed."""
    made = edition(
        f"Dag {MARKS[0]}, één avond", "<p>" + "Eén  zin.\t " * 300 + f"{MARKS[0]}</p>\n\n\n",
        f"Dag {MARKS[0]}\n\n{MARKS[-1]}\n", (SLOTS[0], SLOTS[-1]),
        images=(InlineImage("a@images", "a.png", "image/png", ONE_PIXEL),),
    )  # fmt: skip
    values = {SLOTS[0].name: "Noor Ünal", SLOTS[-1].name: "https://learning.example/a/r" + "k" * 48}
    composing = writer()
    copy = Copy("noor@vzw.example", "<k@learning.example>", NOW, composing.links.unsubscribe(KEY, NOW), values)
    filled = Imprint.of(made, composing.issue_frame(made, "plain", False), signers).fill(copy)
    single = {"answer": plain(text="x  y \t\n\n\n"), "newsletter": newsletter(), "invitation": invitation()}
    return {"imprint": filled, **{name: signed(wire.render(letter), signers, NOW) for name, letter in single.items()}}


@pytest.mark.conf("OUT-44", "OUT-17")
@pytest.mark.parametrize("shape", ["imprint", "answer", "newsletter", "invitation"])
def test_both_signatures_hold(signers: tuple[Signer, ...], shape: str) -> None:
    raw = fresh(signers)[shape]
    assert holds(raw, signers) == [True, True]
    assert raw.count(b"DKIM-Signature: ") == 2
    assert holds(raw.replace(b"Content-Type: text", b"Content-Type: Text", 1), signers) == [False, False]


def test_the_signature_of_an_imprint_is_that_of_its_bytes(signers: tuple[Signer, ...]) -> None:
    filled = fresh(signers)["imprint"]
    bare = filled[re.match(rb"(?:DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*)+", filled).end() :]  # type: ignore[union-attr]
    assert signed(bare, signers, NOW) == filled
    assert relaxed(bare.partition(b"\r\n\r\n")[2]) == bare.partition(b"\r\n\r\n")[2]


@pytest.mark.conf("OUT-42")
def test_the_tags_and_lines_are_as_they_must_be(signers: tuple[Signer, ...]) -> None:
    for raw in fresh(signers).values():
        fields = re.findall(rb"DKIM-Signature: (?:.*\r\n)(?:[ \t].*\r\n)*", raw)
        assert max(len(line) for field in fields for line in field.split(b"\r\n")) <= 76
        for field, algorithm in zip(fields, ("rsa-sha256", "ed25519-sha256"), strict=True):
            tags = dict(part.split("=", 1) for part in re.sub(r"\s", "", field.decode()[15:]).split(";"))
            assert list(tags) == ["v", "a", "c", "d", "s", "t", "h", "bh", "b"]
            assert (tags["a"], tags["c"], tags["d"]) == (algorithm, "relaxed/relaxed", DOMAIN)
            assert int(tags["t"]) == NOW.timestamp()


@pytest.mark.conf("OUT-40", "OUT-41")
def test_every_field_is_covered_and_sealed(signers: tuple[Signer, ...]) -> None:
    covered = {
        "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type", "list-id",
        "content-transfer-encoding", "in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post",
        "feedback-id", "auto-submitted",
    }  # fmt: skip
    sealed = {"from", "to", "cc", "subject", "date", "reply-to", "message-id", "list-unsubscribe", "content-type"}
    sealed.add("list-unsubscribe-post")
    for raw in fresh(signers).values():
        tag = re.search(rb"h=(.*?);", raw, re.DOTALL)
        assert tag is not None
        listed = re.sub(r"\s", "", tag[1].decode()).lower().split(":")
        there = re.findall(r"(?m)^([A-Za-z-]+):", raw.partition(b"\r\n\r\n")[0].decode())
        for name in (one.lower() for one in there if one.lower() in covered):
            assert listed.count(name) == (2 if name in sealed else 1)
        assert all(listed.count(name) == 1 for name in sealed - {one.lower() for one in there})


@pytest.mark.conf("OUT-41")
@pytest.mark.parametrize(
    "added",
    [
        "From: a@evil.example", "To: b@evil.example", "Cc: c@evil.example", "Subject: Other",
        "Reply-To: d@evil.example", "Date: Mon, 23 Nov 2026 09:00:01 +0000", "Message-ID: <x@evil.example>",
        "Content-Type: text/html",
        "List-Unsubscribe: <https://evil.example/>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", ["imprint", "answer"])
@pytest.mark.parametrize("place", ["above", "below"])
def test_no_second_field_can_be_added(signers: tuple[Signer, ...], added: str, shape: str, place: str) -> None:
    raw = fresh(signers)[shape]
    line = added.encode() + b"\r\n"
    changed = line + raw if place == "above" else raw.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n", 1)
    assert holds(changed, signers) == [False, False]


def _refolded(raw: bytes) -> bytes:
    head, gap, body = raw.partition(b"\r\n\r\n")
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", head)
    return re.sub(rb"(?m)^((?:To|Subject|List-Id|Reply-To):) ", rb"\1  \r\n\t ", unfolded) + gap + body


MUTATIONS: dict[str, Callable[[bytes], bytes]] = {
    "bare line feeds made whole again": lambda raw: raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "folded anew": _refolded,
    "empty lines at the end": lambda raw: raw + b"\r\n\r\n\r\n",
    "unsigned fields taken away, and others added": lambda raw: (
        b"Received: from a by b; Mon, 23 Nov 2026 09:00:05 +0000\r\nX-Spam: no\r\n"
        + re.sub(rb"\r\n(Precedence: bulk|X-Auto-Response-Suppress: .*?)(?=\r\n)", b"", raw, count=2)
    ),
    "names in other case, blanks at line ends": lambda raw: (
        re.sub(rb"(?m)^(?:Subject|From|To):", lambda found: found[0].upper(), raw)
        .replace(b"charset=utf-8\r\n", b"charset=utf-8 \t\r\n")
    ),
}  # fmt: skip


@pytest.mark.conf("OUT-43")
@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("shape", ["imprint", "answer", "newsletter", "invitation"])
def test_a_signature_survives_what_relays_do(signers: tuple[Signer, ...], mutation: str, shape: str) -> None:
    raw = fresh(signers)[shape]
    changed = MUTATIONS[mutation](raw)
    assert changed != raw or mutation.startswith("bare")
    assert holds(changed, signers) == [True, True]


@pytest.mark.conf("OUT-38")
def test_a_retry_is_signed_the_same(signers: tuple[Signer, ...]) -> None:
    assert fresh(signers) == fresh(signers)


def test_an_old_letter_is_signed_as_well(signers: tuple[Signer, ...]) -> None:
    raw = signed(wire.render(replace(plain(), text="")), signers, datetime(1999, 1, 1, tzinfo=UTC))
    assert b"t=0915148800;" in raw
    assert signed(raw, (), NOW) == raw


@pytest.mark.conf("OUT-42")
def test_weak_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeakKey, match="1024 bits"):
        load(DOMAIN, "s", stored(tmp_path, rsa.generate_private_key(65537, 1024)))  # noqa: S505
    tiny = tmp_path / "tiny"
    tiny.write_bytes(_tiny_key())
    tiny.chmod(0o600)
    with pytest.raises(ValueError, match="tiny holds") as caught:
        load(DOMAIN, "s", tiny)
    assert not isinstance(caught.value, WeakKey)


@pytest.mark.conf("OUT-45")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ValueError, match="chmod 600"):
        load(DOMAIN, "s", stored(tmp_path, ED25519, mode=mode))


@pytest.mark.conf("OUT-45")
def test_what_is_no_key_is_refused_without_its_words(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.touch(mode=0o600)
    canary.write_text("-----BEGIN PRIVATE KEY-----\ncanaryCANARYcanary\n-----END PRIVATE KEY-----\n")
    wrong = (
        (canary, "no private key"),
        (stored(tmp_path, ED25519, "locked", secret=b"x"), "without a password"),
        (stored(tmp_path, ec.generate_private_key(ec.SECP256R1()), "curve"), "neither RSA nor Ed25519"),
        (tmp_path / "missing", "cannot be read"),
    )
    for file, words in wrong:
        with pytest.raises(ValueError, match=words) as caught:
            load(DOMAIN, "s", file)
        assert "CANARY" not in str(caught.value)


def _tiny_key() -> bytes:
    """An RSA key of 511 bits, which no tool makes any more (RFC 8017 §A.1.2)."""
    p, q, e = 2**256 - 189, 2**255 - 19, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = (0, p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    integers = [number.to_bytes(number.bit_length() // 8 + 1, "big") for number in numbers]
    body = b"".join(bytes([2, len(integer)]) + integer for integer in integers)
    der = b"\x30\x82" + len(body).to_bytes(2, "big") + body
    name = b"RSA PRIVATE " + b"KEY"
    return b"-----BEGIN " + name + b"-----\n" + base64.encodebytes(der) + b"-----END " + name + b"-----\n"


def test_nothing_shown_of_a_signer_is_secret(signers: tuple[Signer, ...]) -> None:
    assert "sign=" not in repr(signers) and "PRIVATE" not in repr(signers)

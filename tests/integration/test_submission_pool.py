"""Several connections, pipelined: nobody is lost, nobody gets another's letter, the relay gets no more than it can."""

import asyncio
import time
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from mailer.account import Account, Secret
from mailer.errors import SubmissionUnavailable
from mailer.outbound.submission import Parcel, Timeouts
from tests.integration.scripted_smtp import BARE, DROP, HALF, TRICKLE, ScriptedSmtp
from tests.integration.submitting import FROM, LETTER, TO, Told, letters, opened, send, submit
from tests.servers import dovecot, free_port, person
from tests.servers.postfix import Postfix

ALL_OFFERS = "250-relay.example\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN"


def refuse_each_tenth(command: str) -> str:
    """RCPT to each address whose number ends in 3."""
    return "550 5.1.1 Unknown" if "3@" in command else ""


def assert_each_has_its_own(server: "ScriptedSmtp | Sink") -> None:
    """Sender, recipient and content of every mail belong together."""
    for sender, recipients, content in server.mails:
        key = content.partition(b"\r\n")[0].removeprefix(b"X-Key: ").decode()
        assert (sender, recipients) == (f"net+{key}@netwerk.example", (f"m{key}@vzw.example",))


@pytest.mark.conf("SMT-08")
@pytest.mark.conf("REL-03")
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("lenient", [False, True])
def test_each_mail_has_its_own_sender_though_a_tenth_is_refused(pipelining: bool, lenient: bool) -> None:
    with ScriptedSmtp({"RCPT": refuse_each_tenth}, pipelining=pipelining, lenient=lenient) as server:
        told = send(opened(server, 10), letters(500))
    assert [reply.code for reply in told.replies] == [550 if key % 10 == 3 else 250 for key in range(500)]
    assert {reply.phase for reply in told.replies if reply.code == 550} == {"rcpt"}
    assert len(server.mails) == 450 and server.trespasses == 0
    assert_each_has_its_own(server)
    assert sorted(told.dots) == [key for key in range(500) if key % 10 != 3]


@pytest.mark.conf("SMT-08")
def test_one_round_trip_a_letter_where_pipelining_is_offered() -> None:
    with ScriptedSmtp({"EHLO": ALL_OFFERS}) as server:
        send(opened(server), letters(3))
    assert server.verbs == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"]


@pytest.mark.conf("SMT-07")
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("verb", ["MAIL", ".", "RCPT", "DATA"])
def test_a_421_sends_what_had_not_begun_over_another_connection(pipelining: bool, verb: str) -> None:
    seen: list[str] = []

    def go_away(command: str) -> str:
        seen.append(command)
        return "421 4.3.2 Going down" if len(seen) == 4 else ""

    with ScriptedSmtp({verb: go_away}, pipelining=pipelining) as server:
        told = send(opened(server), letters(9))
    away = [key for key, reply in enumerate(told.replies) if reply.code == 421]
    assert away == ([] if verb == "MAIL" else [3])
    assert {reply.code for reply in told.replies} <= {250, 421} and server.connections == 2
    assert_each_has_its_own(server)


@pytest.mark.conf("SMT-08")
def test_a_recipient_without_a_sender_is_not_sent_an_empty_letter() -> None:
    with ScriptedSmtp({"MAIL": "550 5.7.1 Not you"}, pipelining=True) as server:
        (reply,) = send(opened(server), letters(1)).replies
    assert (reply.phase, reply.code) == ("mail", 550) and not server.mails


@pytest.mark.conf("SMT-09")
def test_an_envelope_id_goes_where_reports_are_offered() -> None:
    parcel = Parcel(1, FROM, TO, LETTER, "a+b=c é")
    with ScriptedSmtp({"EHLO": ALL_OFFERS}) as server:
        send(opened(server), [parcel])
    assert server.commands[1] == f"MAIL FROM:<{FROM}> SIZE={len(LETTER)} RET=HDRS ENVID=a+2Bb+3Dc+20+C3+A9"
    with ScriptedSmtp() as server:
        send(opened(server), [parcel])
    assert "ENVID" not in server.commands[1]


HOSTILE: list[tuple[dict[str, str], str]] = [
    ({"DATA": "354 Go on\r\n250 2.0.0 Taken already"}, "in_data"),
    ({"DATA": "354 Go on\r\n554 "}, "in_data"),
    ({"DATA": BARE + "354 Go on\r\n25"}, "in_data"),
    ({"MAIL": "250 OK\r\n250 OK\r\n354 Go on\r\n250 Taken"}, "rcpt"),
    ({"RCPT": HALF + "250 2.1.5 Fine, fine"}, "rcpt"),
    ({"RCPT": "25O OK"}, "rcpt"),
    ({"RCPT": "250"}, "replied"),
    ({"RCPT": "250 " + "x" * 10_000}, "rcpt"),
    ({"RCPT": "\0\x1b[2J\xff"}, "rcpt"),
    ({"RCPT": "999 OK"}, "rcpt"),
    ({"RCPT": "200-" + "\r\n200-" * 1000}, "rcpt"),
    ({"MAIL": TRICKLE + "250 2.1.0 Sender OK"}, "replied"),
    ({".": TRICKLE + "250-2.0.0 Taken\r\n250 2.0.0 as 4F1"}, "replied"),
    ({".": HALF + "250 2.0.0 Taken"}, "dot_sent"),
    ({".": "250 " + "x" * 10_000}, "dot_sent"),
]


@pytest.mark.conf("SMT-10")
@pytest.mark.conf("SMT-20")
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize(("answers", "phase"), HOSTILE)
def test_a_hostile_server_learns_and_gains_nothing(answers: dict[str, str], phase: str, pipelining: bool) -> None:
    with ScriptedSmtp(answers, pipelining=pipelining) as server:
        told = send(opened(server), letters(1))
    (reply,) = told.replies
    if pipelining and "354" in answers.get("MAIL", ""):
        phase = "in_data"  # MAIL, RCPT and DATA were said at once
    assert (reply.phase, reply.code) == (phase, 250 if phase == "replied" else None)
    assert server.trespasses == 0 and (not server.mails or reply.phase in ("replied", "dot_sent"))
    assert reply.text.isprintable() and len(reply.text) <= 300


@pytest.mark.conf("SMT-20")
@pytest.mark.parametrize("pipelining", [False, True])
def test_an_answer_that_is_said_twice_harms_nobody(pipelining: bool) -> None:
    with ScriptedSmtp({".": "250 2.0.0 Taken\r\n250 2.0.0 Taken"}, pipelining=pipelining) as server:
        told = send(opened(server), letters(4))
    codes = {sender: 250 for sender, _, _ in server.mails}
    for key, reply in enumerate(told.replies):
        if reply.phase == "replied":
            assert codes.pop(f"net+{key}@netwerk.example") == reply.code
    assert not codes  # whatever the server took is known as taken
    assert_each_has_its_own(server)


def test_an_idle_queue_makes_no_connection() -> None:
    with ScriptedSmtp() as server:
        assert send(opened(server), []).ends == [] and server.connections == 0
        bad = Parcel(1, FROM, "nobody", LETTER)
        assert len(send(opened(server), [bad]).ends) == 1 and server.connections == 0


def test_few_letters_make_few_connections_and_a_slow_relay_makes_many() -> None:
    with ScriptedSmtp() as server:
        send(opened(server, 10), letters(1))
    assert server.connections == 1
    with ScriptedSmtp(delay=0.05, pipelining=True) as server:
        began = time.monotonic()
        told = send(opened(server, 20), letters(300))
        took = time.monotonic() - began
    assert {reply.code for reply in told.replies} == {250}
    assert server.most_open == 20 and took < 300 * 0.05 / 4
    assert_each_has_its_own(server)


def test_there_are_never_more_connections_than_allowed_and_half_after_a_421() -> None:
    seen: list[str] = []

    def strain(command: str) -> str:
        seen.append(command)
        return "451 4.3.2 Too busy" if len(seen) == 150 else ""

    with ScriptedSmtp({".": strain}, delay=0.02, pipelining=True) as server:
        relay = opened(server, 8)
        told = send(relay, letters(300))
        assert server.most_open == 8
        assert relay._pace.wanted == 4
    assert [reply.code for reply in told.replies].count(451) == 1


def test_one_connection_is_enough_where_the_relay_allows_no_second() -> None:
    banners: list[str] = []

    def busy(command: str) -> str:
        banners.append(command)
        return "" if len(banners) in (1, 3) else "421 4.7.0 Too many connections"

    with ScriptedSmtp({"banner": busy}, delay=0.002, pipelining=True) as server:
        told = send(opened(server, 10), letters(150))
    assert {reply.code for reply in told.replies} == {250} and server.connections == 3


def test_a_relay_that_dies_ends_every_letter_once_and_begins_no_more() -> None:
    told, pulled = Told(), letters(1000)
    seen: list[str] = []

    def die(command: str) -> str:
        seen.append(command)
        return DROP if len(seen) > 20 else ""

    with ScriptedSmtp({".": die, "banner": lambda _: DROP if len(seen) > 20 else ""}, pipelining=True) as server:
        with pytest.raises(SubmissionUnavailable):
            send(opened(server, 5), pulled, told=told)
        taken = {sender for sender, _, _ in server.mails}
    by_phase = {reply.phase for reply in told.replies}
    assert by_phase <= {"replied", "dot_sent", "mail", "connect"}
    known = {f"net+{key}@netwerk.example" for key, reply in told.ends if reply.phase in ("replied", "dot_sent")}
    assert taken <= known and len(told.ends) < 60


def test_a_caller_in_trouble_loses_nothing() -> None:
    told = Told()

    def fail() -> Parcel:
        raise OSError("the database is away")

    async def run(server: ScriptedSmtp) -> None:
        ready = iter(letters(5))
        async with opened(server, 3) as relay:
            await relay.send(
                lambda: next(ready, None) or fail(), told.dots.append, lambda key, reply: told.ends.append((key, reply))
            )

    with ScriptedSmtp(pipelining=True) as server, pytest.raises(OSError, match="database"):
        asyncio.run(run(server))
    assert [reply.phase in ("replied", "connect") for reply in told.replies] == [True] * 5
    assert len(server.mails) == sum(reply.code == 250 for reply in told.replies)


def test_connections_are_kept_from_one_sending_to_the_next() -> None:
    told = Told()

    async def run(server: ScriptedSmtp) -> None:
        async with opened(server) as relay:
            await relay.connect()
            for _ in range(3):
                ready = iter(letters(4))
                await relay.send(
                    lambda ready=ready: next(ready, None),
                    told.dots.append,
                    lambda key, reply: told.ends.append((key, reply)),
                )

    with ScriptedSmtp(pipelining=True) as server:
        asyncio.run(run(server))
    assert len(server.mails) == 12 and server.connections == 1


@pytest.mark.conf("SMT-06")
def test_a_large_letter_may_take_longer_than_one_block() -> None:
    patient = Timeouts(command=5, data=5, block=1, after_dot=5, quit=1)
    with ScriptedSmtp(delay=0.1) as server:
        assert submit(opened(server, timeouts=patient), content=b"x\r\n" * 700_000).code == 250
    assert server.contents == [b"x\r\n" * 700_000]


class Sink:
    """Keeps the envelopes that an independent server understood, and refuses each tenth recipient."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, tuple[str, ...], bytes]] = []

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if refuse_each_tenth(address):
            return "550 5.1.1 Unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content))
        return "250 OK"


@pytest.mark.conf("REL-03")
def test_an_independent_server_sees_no_envelope_swapped() -> None:
    handler, port = Sink(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        told = send(opened(Account("smtp", "127.0.0.1", port, "", Secret("")), 10), letters(300))
    finally:
        controller.stop()
    assert [reply.code for reply in told.replies] == [550 if key % 10 == 3 else 250 for key in range(300)]
    assert len(handler.mails) == 270
    assert_each_has_its_own(handler)


@pytest.mark.servers
@pytest.mark.conf("SMT-08")
@pytest.mark.conf("REL-03")
def test_postfix_takes_pipelined_letters_each_with_its_own_sender(postfix: Postfix, dovecot: dovecot.Dovecot) -> None:
    to = postfix.new_address()
    mine = postfix.new_address("verbinden.example").partition("@")[0]
    parcels = [
        Parcel(
            key,
            f"{mine}+k{key}@verbinden.example",
            f"bounce{key}@leden.example" if key % 10 == 3 else to,
            b"X-Key: %d\r\nSubject: x\r\nFrom: a@verbinden.example\r\n\r\n" % key + b".x\r\n" * 2000,
        )
        for key in range(200)
    ]
    told = send(opened(Account("smtp", "127.0.0.1", postfix.port, "", Secret("")), 10, Timeouts()), parcels)
    assert [reply.code for reply in told.replies] == [550 if key % 10 == 3 else 250 for key in range(200)]
    found = _arrived(dovecot.account(to), 180)
    seen = set()
    for content in found:
        head, _, body = content.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
        assert fields[b"Return-Path"] == f"<{mine}+k{fields[b'X-Key'].decode()}@verbinden.example>".encode()
        assert body == b".x\r\n" * 2000
        seen.add(int(fields[b"X-Key"]))
    assert seen == {key for key in range(200) if key % 10 != 3} and len(found) == 180


def _arrived(account: Account, count: int) -> list[bytes]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = person.contents(account)
        if len(found) >= count:
            return found
        time.sleep(0.3)
    raise AssertionError("not all came")

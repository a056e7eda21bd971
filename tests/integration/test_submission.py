"""What the submission client knows when something goes wrong, phase by phase, against a real socket."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from mailer.account import Account, Secret
from mailer.errors import ClaimLost, SubmissionUnavailable
from mailer.outbound.retry import verdict
from mailer.outbound.submission import Parcel, Reply, Timeouts
from tests.integration.scripted_smtp import DROP, HANG, ScriptedSmtp
from tests.integration.submitting import FROM, LARGE, LETTER, TO, Told, letters, opened, send, submit
from tests.servers import free_port


@pytest.mark.conf("SMT-11")
def test_an_accepted_letter_keeps_the_relays_words() -> None:
    with ScriptedSmtp() as server:
        assert submit(server) == Reply("replied", 250, "2.0.0", "queued as 4F1")
    assert server.contents == [LETTER]
    assert server.commands == [
        "EHLO netwerk.example",
        f"MAIL FROM:<{FROM}> SIZE={len(LETTER)}",
        f"RCPT TO:<{TO}>",
        "DATA",
        "QUIT",
    ]


FAULTS: list[tuple[dict[str, str], str, str, int | None, str]] = [
    ({"MAIL": DROP}, "", "mail", None, "later"),
    ({"MAIL": "451 4.3.0 Later"}, "", "mail", 451, "later"),
    ({"MAIL": "550 5.7.1 Not you"}, "", "mail", 550, "our_fault"),
    ({"RCPT": DROP}, "", "rcpt", None, "later"),
    ({"RCPT": "450 4.7.1 Greylisted"}, "", "rcpt", 450, "later"),
    ({"RCPT": "550 5.1.1 Unknown"}, "", "rcpt", 550, "refused"),
    ({"DATA": DROP}, "", "data", None, "later"),
    ({"DATA": "451 4.3.0 Later"}, "", "data", 451, "later"),
    ({"DATA": "554 5.0.0 No"}, "", "data", 554, "refused"),
    ({}, DROP, "in_data", None, "later"),
    ({}, "421 4.3.2 Going down", "in_data", 421, "later"),
    ({".": DROP}, "", "dot_sent", None, "in_doubt"),
    ({".": "huh?"}, "", "dot_sent", None, "in_doubt"),
    ({".": "354 What?"}, "", "dot_sent", None, "in_doubt"),
    ({".": "250-OK\r\n550 No"}, "", "dot_sent", None, "in_doubt"),
    ({".": "451 4.3.0 Later"}, "", "replied", 451, "later"),
    ({".": "554 5.7.1 Spam"}, "", "replied", 554, "refused"),
]


@pytest.mark.conf("SMT-20")
@pytest.mark.conf("SMT-11")
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize(("answers", "in_data", "phase", "code", "end"), FAULTS)
def test_each_fault_is_known_by_its_phase(
    answers: dict[str, str], in_data: str, phase: str, code: int | None, end: str, pipelining: bool
) -> None:
    with ScriptedSmtp(answers, in_data, pipelining=pipelining) as server:
        reply = submit(server, content=LARGE if in_data else LETTER)
    assert (reply.phase, reply.code, verdict(reply)) == (phase, code, end)


@pytest.mark.conf("SMT-20")
@pytest.mark.conf("SMT-06")
@pytest.mark.parametrize(("verb", "phase"), [("MAIL", "mail"), ("RCPT", "rcpt"), ("DATA", "data"), (".", "dot_sent")])
def test_a_silent_server_is_left_in_the_phase_it_fell_silent(verb: str, phase: str) -> None:
    brief = Timeouts(command=0.3, data=0.3, after_dot=0.3, quit=0.3)
    with ScriptedSmtp({verb: HANG}) as server:
        assert submit(opened(server, timeouts=brief)) == Reply(phase, text="connection lost (TimeoutError)")


@pytest.mark.conf("SMT-06")
def test_the_usual_patience_is_that_of_the_rfc() -> None:
    usual = Timeouts()
    assert (usual.banner, usual.command, usual.data, usual.block, usual.after_dot) == (300, 300, 120, 180, 600)


@pytest.mark.conf("SMT-21")
def test_the_dot_is_recorded_before_it_is_written() -> None:
    seen: list[int] = []
    with ScriptedSmtp() as server:
        told = send(opened(server), letters(1), lambda key: seen.append(len(server.contents)))
    assert told.replies[0].phase == "replied" and seen == [0] and len(server.contents) == 1


@pytest.mark.conf("SMT-21")
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("content", [LETTER, LARGE])
def test_what_cannot_be_recorded_is_not_sent(pipelining: bool, content: bytes) -> None:
    def fail(key: int) -> None:
        if key == 1:
            raise RuntimeError("the disk is full")

    told = Told()
    with ScriptedSmtp(pipelining=pipelining) as server, pytest.raises(RuntimeError):
        send(opened(server), letters(3, content), fail, told)
    assert [mail[0] for mail in server.mails] == ["net+0@netwerk.example"] and told.dots == [0]
    assert [(reply.phase, reply.code) for reply in told.replies] == [("replied", 250), ("in_data", None)] + [
        ("connect", None)
    ] * pipelining


@pytest.mark.conf("SMT-21")
@pytest.mark.parametrize("pipelining", [False, True])
def test_a_letter_that_is_not_ours_any_more_stops_no_other(pipelining: bool) -> None:
    def lose(key: int) -> None:
        if key in (1, 2):
            raise ClaimLost("taken")

    with ScriptedSmtp(pipelining=pipelining) as server:
        told = send(opened(server), letters(5), lose)
    assert [(reply.phase, reply.code) for reply in told.replies] == [
        ("in_data" if key in (1, 2) else "replied", None if key in (1, 2) else 250) for key in range(5)
    ]
    assert sorted(mail[0] for mail in server.mails) == [f"net+{key}@netwerk.example" for key in (0, 3, 4)]


@pytest.mark.conf("SMT-20")
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize(("answers", "in_data"), [({"RCPT": "550 No"}, ""), ({"DATA": DROP}, ""), ({}, DROP)])
def test_the_dot_is_not_recorded_where_it_is_not_written(
    answers: dict[str, str], in_data: str, pipelining: bool
) -> None:
    with ScriptedSmtp(answers, in_data, pipelining=pipelining) as server:
        told = send(opened(server), letters(1, LARGE if in_data else LETTER))
    assert len(told.ends) == 1 and not told.dots and not server.contents


@pytest.mark.conf("SMT-07")
@pytest.mark.parametrize("pipelining", [False, True])
def test_one_connection_serves_many_letters(pipelining: bool) -> None:
    with ScriptedSmtp(pipelining=pipelining) as server:
        assert [reply.code for reply in send(opened(server), letters(3)).replies] == [250] * 3
    assert server.connections == 1 and server.verbs.count("EHLO") == 1 and server.verbs[-1] == "QUIT"
    assert "RSET" not in server.verbs  # each accepted letter has ended its transaction (RFC 5321 §4.1.1.4)


@pytest.mark.conf("SMT-07")
@pytest.mark.parametrize("pipelining", [False, True])
def test_a_connection_is_renewed_after_a_hundred_letters_or_when_the_server_tires(pipelining: bool) -> None:
    with ScriptedSmtp(pipelining=pipelining) as server:
        assert {reply.code for reply in send(opened(server), letters(101)).replies} == {250}
    assert server.connections == 2 and len(server.contents) == 101
    with ScriptedSmtp(letters=7, pipelining=pipelining) as server:
        assert {reply.code for reply in send(opened(server), letters(22)).replies} == {250}
    assert server.connections == 4 and len(server.contents) == 22


@pytest.mark.conf("SMT-11")
@pytest.mark.parametrize("pipelining", [False, True])
def test_a_refused_recipient_does_not_harm_the_next(pipelining: bool) -> None:
    with ScriptedSmtp({"RCPT": "550 5.1.1 Unknown"}, pipelining=pipelining) as server:
        assert [reply.code for reply in send(opened(server), letters(2)).replies] == [550, 550]
    assert server.connections == 1 and server.verbs.count("RSET") == 1
    assert server.verbs.count("DATA") == (2 if pipelining else 0) and not server.contents


@pytest.mark.conf("SMT-11")
@pytest.mark.parametrize(
    "answers",
    [
        {"banner": "421 4.3.2 Busy"},
        {"banner": "554 No"},
        {"banner": DROP},
        {"EHLO": "550 No"},
        {"EHLO": DROP},
        {"banner": "x"},
    ],
)
def test_a_server_that_refuses_us_as_a_whole_blames_no_recipient(answers: dict[str, str]) -> None:
    told = Told()
    with ScriptedSmtp(answers) as server, pytest.raises(SubmissionUnavailable):
        send(opened(server), letters(3), told=told)
    assert [reply.phase for reply in told.replies] == ["connect"] and not told.dots


def test_nobody_listening_is_unavailable() -> None:
    with ScriptedSmtp() as server:
        account = server.account()
    with pytest.raises(SubmissionUnavailable):
        submit(opened(account))


@pytest.mark.conf("OUT-16")
def test_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    with ScriptedSmtp() as server:
        parcels = [Parcel(1, FROM, "zoë@vzw.example", LETTER), Parcel(2, FROM, TO, LETTER)]
        refused, taken = send(opened(server), parcels).replies
        assert refused == Reply("rcpt", 553, "5.6.7", "server lacks SMTPUTF8") and verdict(refused) == "refused"
        assert taken.code == 250
    with ScriptedSmtp({"EHLO": "250-relay.example\r\n250-8BITMIME\r\n250 SMTPUTF8"}) as server:
        content = b"To: <zo\xc3\xab@vzw.example>\r\n" + LETTER
        assert submit(server, "zoë@vzw.example", content).code == 250
        assert server.commands[1:3] == [f"MAIL FROM:<{FROM}> BODY=8BITMIME SMTPUTF8", "RCPT TO:<zoë@vzw.example>"]
        assert server.contents == [content]


@pytest.mark.conf("OUT-16")
def test_smtputf8_is_not_used_without_need() -> None:
    with ScriptedSmtp({"EHLO": "250-relay.example\r\n250 SMTPUTF8"}) as server:
        assert submit(server).code == 250
    assert "SMTPUTF8" not in server.commands[1]


@pytest.mark.conf("OUT-54")
def test_a_letter_that_is_too_large_is_not_begun() -> None:
    with ScriptedSmtp({"EHLO": "250-relay.example\r\n250 SIZE 20"}) as server:
        reply = submit(server)
    assert (reply.code, reply.enhanced, verdict(reply)) == (552, "5.3.4", "refused")
    assert "MAIL" not in server.verbs


HOSTILE = ["a@x.example,evil@x.example", "a b@x.example", "a@x.example\0", "a@x.example> NOTIFY=NEVER", "<a@x.example>"]
HOSTILE += [
    "a@x.example\r\nRCPT TO:<evil@x.example>",
    "@a.example:b@x.example",
    "a@[127.0.0.1]",
    "a",
    "",
    "a@",
    "@x.example",
]


@pytest.mark.conf("SEC-13")
@pytest.mark.parametrize("recipient", HOSTILE)
def test_an_address_that_is_not_one_never_reaches_a_server(recipient: str) -> None:
    with ScriptedSmtp() as server:
        reply = submit(server, recipient)
        assert (reply.phase, reply.enhanced, server.connections) == ("rcpt", "5.1.3", 0)


@pytest.mark.conf("SEC-13")
def test_a_return_path_that_is_not_one_is_our_fault() -> None:
    with ScriptedSmtp() as server:
        assert verdict(submit(server, return_path="a@x.example> SIZE=1")) == "our_fault"


@pytest.mark.conf("OUT-01")
@pytest.mark.parametrize("content", [b"a\n.\r\n", b"a\r.\r\n", b"a\r\n.\n", b"a", b""])
def test_bytes_that_smuggle_are_not_sent(content: bytes) -> None:
    with ScriptedSmtp() as server:
        assert submit(server, content=content).enhanced == "5.6.0"
        assert server.connections == 0


@pytest.mark.conf("SMT-10")
def test_the_relays_words_are_cleaned_and_cut() -> None:
    words = "550-5.1.1 \x1b[31mNo\t such\x07\r\n550-5.1.1 \udcff\r\n550 5.1.1 " + "x" * 2000
    with ScriptedSmtp({"RCPT": words}) as server:
        reply = submit(server)
    assert reply.code == 550 and reply.enhanced == "5.1.1" and len(reply.text) == 300
    assert reply.text.startswith("[31mNo such \ufffd xxx") and reply.text.isprintable()


@pytest.mark.conf("SMT-10")
def test_a_reply_without_an_end_is_left() -> None:
    for answer in ("550-" + "x" * 10_000, "550-x\r\n" * 200 + "550 x"):
        with ScriptedSmtp({"RCPT": answer}) as server:
            assert submit(server).code is None


class Sink:
    """Keeps what an independent server understood of the DATA."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.recipients: list[list[str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.contents.append(envelope.original_content)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[tuple[Sink, Account]]:
    handler = Sink()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield handler, Account("smtp", "127.0.0.1", port, "", Secret(""))
    finally:
        controller.stop()


@pytest.mark.conf("OUT-17")
@pytest.mark.conf("SMT-09")
def test_an_independent_server_gets_the_very_bytes(sink: tuple[Sink, Account]) -> None:
    handler, account = sink
    dots = [b".\r\n", b"..\r\n", b"...x\r\n", b"x.\r\n", b"\r\n", b". \r\n"]
    contents = [b"A: b\r\n\r\n" + b"".join(dots[:count]) * 3 for count in range(1, len(dots) + 1)]
    contents += [b"A: b\r\n\r\n" + b"x" * (65536 - 10 + shift) + b"\r\n.\r\nend\r\n" for shift in range(-2, 5, 2)]
    contents = [content for content in contents if max(map(len, content.split(b"\r\n"))) < 1000] + [
        b".A: b\r\n\r\n" + (b"x" * 62 + b"\r\n") * 1023 + b"y" * shift + b"\r\n.\r\n..\r\n" for shift in range(12)
    ]
    parcels = [Parcel(key, FROM, TO, content) for key, content in enumerate(contents)]
    assert {reply.code for reply in send(opened(account), parcels).replies} == {250}
    assert handler.contents == contents
    assert handler.recipients == [[TO]] * len(contents)

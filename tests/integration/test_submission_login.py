"""TLS and login of the submission client: verified, required where asked for, and never a password in clear."""

import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from mailer.account import Account, Secret
from mailer.errors import LoginRefused, SubmissionUnavailable
from mailer.outbound.submission import Parcel
from tests.integration.scripted_smtp import DROP, Answer, ScriptedSmtp
from tests.integration.submitting import LARGE, LETTER, TO, Told, letters, opened, send, submit
from tests.servers import certificate
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> certificate.Certificate:
    return certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serving(pem: certificate.Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.chain, pem.key)
    return context


@pytest.fixture
def trusting(pem: certificate.Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pem.chain))


@pytest.mark.conf("SMT-01")
def test_a_stripped_starttls_gets_neither_password_nor_letter() -> None:
    with (
        ScriptedSmtp({"EHLO": "250-relay.example\r\n250 AUTH PLAIN"}) as server,
        pytest.raises(SubmissionUnavailable),
    ):
        submit(opened(server, scheme="smtp+starttls", user="u", password="p"))
    assert server.commands == ["EHLO netwerk.example"]


@pytest.mark.conf("SMT-01")
@pytest.mark.conf("SMT-02")
def test_starttls_is_verified_and_the_offers_are_asked_again(serving: Any, trusting: Any) -> None:
    ehlo, after = "250-relay.example\r\n250 STARTTLS", "250-relay.example\r\n250-AUTH LOGIN PLAIN\r\n250 DSN"
    with ScriptedSmtp({"EHLO": ehlo}, context=serving, after_tls=after) as server:
        account = server.account("smtp+starttls", "u@netwerk.example", "pässword")
        assert submit(opened(account, tls=trusting), return_path="").code == 250
    assert server.contents == [LETTER]
    assert server.verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]
    assert server.commands[4:6] == ["MAIL FROM:<>", f"RCPT TO:<{TO}> NOTIFY=NEVER"]


@pytest.mark.conf("SMT-01")
@pytest.mark.parametrize("pipelining", [False, True])
def test_implicit_tls(serving: Any, trusting: Any, pipelining: bool) -> None:
    with ScriptedSmtp(context=serving, implicit=True, pipelining=pipelining) as server:
        told = send(opened(server, scheme="smtps", tls=trusting), letters(3))
    assert [reply.code for reply in told.replies] == [250] * 3
    assert server.contents == [parcel.content for parcel in letters(3)]


@pytest.mark.conf("SMT-20")
@pytest.mark.parametrize(("answers", "in_data", "phase"), [({}, DROP, "in_data"), ({".": DROP}, "", "dot_sent")])
def test_the_phases_are_known_under_tls_too(
    serving: Any, trusting: Any, answers: dict[str, str], in_data: str, phase: str
) -> None:
    with ScriptedSmtp(answers, in_data, context=serving, implicit=True) as server:
        relay = opened(server, scheme="smtps", tls=trusting)
        assert submit(relay, content=LARGE if in_data else LETTER).phase == phase


@pytest.mark.conf("SMT-02")
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_an_unknown_certificate_is_not_trusted(serving: Any, scheme: str) -> None:
    ehlo = {"EHLO": "250-relay.example\r\n250 STARTTLS"}
    with (
        ScriptedSmtp(ehlo, context=serving, implicit=scheme == "smtps") as server,
        pytest.raises(SubmissionUnavailable, match="self-signed"),
    ):
        submit(opened(server, scheme=scheme, user="u", password="p"))
    assert "AUTH" not in server.verbs and "MAIL" not in server.verbs


@pytest.mark.conf("SMT-02")
def test_a_certificate_for_another_name_is_not_trusted(serving: Any, pem: Any, tmp_path: Path) -> None:
    other = certificate.make(tmp_path, "127.0.0.9")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(other.chain, other.key)
    trusting = ssl.create_default_context(cafile=str(other.chain))
    with (
        ScriptedSmtp(context=context, implicit=True) as server,
        pytest.raises(SubmissionUnavailable, match="mismatch"),
    ):
        submit(opened(server, scheme="smtps", tls=trusting))


@pytest.mark.conf("SMT-03")
def test_words_slipped_in_before_the_handshake_are_an_attack(serving: Any, trusting: Any) -> None:
    answers = {"EHLO": "250-relay.example\r\n250 STARTTLS", "STARTTLS": "220 Go\r\n250-AUTH PLAIN"}
    with (
        ScriptedSmtp(answers, context=serving) as server,
        pytest.raises(SubmissionUnavailable, match="clear text"),
    ):
        submit(opened(server, scheme="smtp+starttls", user="u", password="p", tls=trusting))
    assert "AUTH" not in server.verbs


@pytest.mark.conf("SMT-04")
@pytest.mark.parametrize("offer", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_wrong_password_stops_everything_and_blames_nobody(offer: str) -> None:
    answers, told = {"EHLO": f"250-relay.example\r\n250 AUTH {offer}", "AUTH": "535 5.7.8 No"}, Told()
    with (
        ScriptedSmtp(answers) as server,
        pytest.raises(LoginRefused) as caught,
    ):
        send(opened(server, user="u", password="geheim"), letters(3), told=told)
    assert [reply.phase for reply in told.replies] == ["connect"]
    assert "MAIL" not in server.verbs and "geheim" not in str(caught.value)


@pytest.mark.conf("SMT-04")
def test_auth_login_answers_two_questions() -> None:
    questions = {"AUTH": "334 VXNlcm5hbWU6", "DQ==": "334 UGFzc3dvcmQ6", "CA==": "235 2.7.0 Welcome"}
    with ScriptedSmtp({"EHLO": "250-relay.example\r\n250 AUTH LOGIN", **questions}) as server:
        assert submit(opened(server, user="u", password="p")).code == 250
    assert server.commands[1:4] == ["AUTH LOGIN", "dQ==", "cA=="]


@pytest.mark.conf("SMT-04")
def test_a_login_that_fails_for_now_is_an_outage() -> None:
    answers = {"EHLO": "250-relay.example\r\n250 AUTH PLAIN", "AUTH": "454 4.7.0 Later"}
    with (
        ScriptedSmtp(answers) as server,
        pytest.raises(SubmissionUnavailable),
    ):
        submit(opened(server, user="u", password="p"))


@pytest.mark.conf("SMT-04")
def test_no_password_goes_over_an_open_line() -> None:
    with ScriptedSmtp({"EHLO": "250-relay.example\r\n250 AUTH PLAIN"}) as server:
        # This machine too, but not by a name that says so.
        account = Account("smtp", "127.000.000.001", server.account().port, "u", Secret("p"))
        with pytest.raises(SubmissionUnavailable, match="without TLS"):
            submit(opened(account))
    assert "AUTH" not in server.verbs


@pytest.mark.servers
@pytest.mark.conf("SMT-04")
@pytest.mark.parametrize("scheme", ["smtp+starttls"])
def test_a_real_server_takes_our_login(postfix: Postfix, dovecot: Dovecot, scheme: str) -> None:
    trusting = ssl.create_default_context(cafile=dovecot.certificate.chain)
    parcel = Parcel(1, postfix.new_address("verbinden.example"), postfix.new_address(), LETTER)
    assert [one.code for one in send(opened(postfix.account(scheme), tls=trusting), [parcel]).replies] == [250]
    wrong = postfix.account(scheme, password="fout")
    with pytest.raises(LoginRefused):
        send(opened(wrong, tls=trusting), [parcel])


@pytest.mark.conf("SMT-04")
@pytest.mark.parametrize("final", ["good", "bad", "none"])
def test_scram_is_preferred_and_the_server_must_prove_itself(final: str) -> None:
    first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    signature = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    last = {"good": signature, "bad": "v=" + "A" * 43 + "=", "none": ""}[final]
    turns: list[str] = []

    def proof(command: str) -> str:
        turns.append(command)
        return f"334 {b64encode(last.encode()).decode()}" if last else "235 2.7.0 Welcome"

    proof_line = (
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    answers: dict[str, Answer] = {
        "EHLO": "250-relay.example\r\n250 AUTH PLAIN LOGIN SCRAM-SHA-256",
        "AUTH": f"334 {b64encode(first.encode()).decode()}",
        b64encode(proof_line.encode()).decode().upper(): proof,
        "": "235 2.7.0 Welcome",
        "*": "501 5.7.0 Given up",
    }
    with ScriptedSmtp(answers) as server:
        relay = opened(server, user="user", password="pencil")
        if final == "good":
            assert submit(relay).code == 250
        else:
            with pytest.raises(SubmissionUnavailable):
                submit(relay)
    assert len(turns) == 1 and "pencil" not in " ".join(server.commands)
    assert ("MAIL" in server.verbs) == (final == "good")

"""Tokens from a provider on this machine, over TLS: cached, renewed in time, and once more when they are refused."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from mailer.account import Account, Secret
from mailer.errors import LoginRefused, SubmissionUnavailable
from mailer.outbound.oauth import Grant, Tokens
from mailer.outbound.submission import Submission
from tests.integration.scripted_smtp import ScriptedSmtp
from tests.integration.submitting import QUICK, letters, opened, send
from tests.servers import certificate


@dataclass
class Provider:
    """What it is asked, and what it answers: a token with a number, unless told otherwise."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    body: str = ""
    life: Any = 3600

    def answer(self, form: str) -> bytes:
        self.asked.append({name: values[0] for name, values in parse_qs(form).items()})
        usual = {"access_token": f"token-{len(self.asked)}", "expires_in": self.life, "refresh_token": "newer"}
        return (self.body or json.dumps(usual)).encode()


@pytest.fixture
def pem(tmp_path: Path) -> certificate.Certificate:
    return certificate.make(tmp_path)


@pytest.fixture
def provider(pem: certificate.Certificate) -> Iterator[Provider]:
    found = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = found.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.chain, pem.key)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        found.url = f"https://127.0.0.1:{server.server_address[1]}/token"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def trusting(pem: certificate.Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pem.chain))


def grant(provider: Provider, refresh: str = "first") -> Grant:
    return Grant(provider.url, "client", Secret("canary-secret"), Secret(refresh), "scope")


@pytest.mark.conf("SMT-05")
def test_a_token_is_kept_and_asked_for_again_before_it_ends(provider: Provider, trusting: ssl.SSLContext) -> None:
    now = [1000.0]
    tokens = Tokens(grant(provider), trusting, lambda: now[0])
    assert [asyncio.run(tokens.get()) for _ in range(3)] == ["token-1"] * 3
    now[0] += 3200
    assert asyncio.run(tokens.get()) == "token-1"
    now[0] += 200
    assert asyncio.run(tokens.get()) == "token-2"
    assert asyncio.run(tokens.get(True)) == "token-3"
    assert [form["refresh_token"] for form in provider.asked] == ["first", "newer", "newer"]
    assert {form["grant_type"] for form in provider.asked} == {"refresh_token"}


@pytest.mark.conf("SMT-05")
def test_many_connections_ask_once(provider: Provider, trusting: ssl.SSLContext) -> None:
    tokens = Tokens(grant(provider, ""), trusting)

    async def ask() -> list[str]:
        return await asyncio.gather(*(tokens.get() for _ in range(10)))

    assert set(asyncio.run(ask())) == {"token-1"}
    assert provider.asked == [
        {"grant_type": "client_credentials", "client_id": "client", "client_secret": "canary-secret", "scope": "scope"}
    ]


@pytest.mark.conf("SMT-05")
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, '{"error":"invalid_grant"}', LoginRefused), (401, "", LoginRefused), (500, "", SubmissionUnavailable),
        (200, "no json", SubmissionUnavailable), (200, "[]", SubmissionUnavailable), (200, "{}", SubmissionUnavailable),
        (200, '{"access_token": "a\\r\\nb"}', SubmissionUnavailable), (302, "", SubmissionUnavailable),
    ],
)  # fmt: skip
def test_what_is_no_token_is_told_without_secrets(
    provider: Provider, trusting: ssl.SSLContext, status: int, body: str, error: type[Exception]
) -> None:
    provider.status, provider.body = status, body or " "
    with pytest.raises(error) as caught:
        asyncio.run(Tokens(grant(provider), trusting).get())
    assert "canary" not in str(caught.value) and "first" not in str(caught.value)


@pytest.mark.conf("SMT-05")
def test_a_provider_that_is_not_the_right_one_gets_no_secret(provider: Provider) -> None:
    with pytest.raises(SubmissionUnavailable, match="SSLCertVerificationError"):
        asyncio.run(Tokens(grant(provider)).get())
    assert provider.asked == []


@pytest.mark.conf("SMT-05")
@pytest.mark.parametrize("life", [None, "soon", -5, 1e30, 60])
def test_a_strange_lifetime_is_no_trouble(provider: Provider, trusting: ssl.SSLContext, life: Any) -> None:
    provider.life = life
    assert asyncio.run(Tokens(grant(provider), trusting).get()) == "token-1"


@pytest.mark.conf("SMT-05")
@pytest.mark.parametrize("refused", [1, 2])
def test_a_token_that_the_server_refuses_is_renewed_once(
    provider: Provider, trusting: ssl.SSLContext, pem: certificate.Certificate, refused: int
) -> None:
    seen: list[str] = []

    def auth(command: str) -> str:
        seen.append(command)
        return "535 5.7.3 Authentication unsuccessful" if len(seen) <= refused else ""

    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem.chain, pem.key)
    ehlo = "250-relay.example\r\n250 AUTH LOGIN XOAUTH2"
    with ScriptedSmtp({"EHLO": ehlo, "AUTH": auth}, context=serving, implicit=True) as server:
        account = server.account("smtps", "u@x.example")
        account = Account(
            "smtps", account.host, account.port, account.user, Secret(""), Tokens(grant(provider), trusting).get
        )
        relay = Submission(account, "netwerk.example", 1, QUICK, trusting)
        if refused == 1:
            assert [reply.code for reply in send(relay, letters(2)).replies] == [250, 250]
        else:
            with pytest.raises(LoginRefused):
                send(relay, letters(2))
    assert len(provider.asked) == 2 and len(seen) == 2 and seen[0] != seen[1]


@pytest.mark.conf("SMT-04")
def test_a_token_goes_to_no_server_that_takes_none(provider: Provider, trusting: ssl.SSLContext) -> None:
    with ScriptedSmtp({"EHLO": "250-relay.example\r\n250 AUTH PLAIN LOGIN"}) as server:
        account = server.account("smtp", "u")
        account = Account("smtp", account.host, account.port, "u", Secret("p"), Tokens(grant(provider), trusting).get)
        with pytest.raises(LoginRefused, match="XOAUTH2"):
            send(opened(account), letters(1))
    assert "AUTH" not in server.verbs

"""A browser of thirty lines: calls the ASGI application itself, so that no socket is needed."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What came back: headers by lower-case name, and whether any name came twice."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    names: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Call:
    """One request; `chunks` is the body as it arrives."""

    method: str
    target: str
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Client:
    """Sends requests to one application, alone or at the same moment."""

    app: ASGIApp

    def send(self, call: Call) -> Answer:
        return asyncio.run(self._send(call))

    def together(self, calls: Iterable[Call]) -> list[Answer]:
        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(self._send(call) for call in calls))

        return asyncio.run(all_of_them())

    def get(self, target: str, **headers: str) -> Answer:
        return self.send(Call("GET", target, headers))

    def post(self, target: str, fields: Mapping[str, str] | bytes = b"", **headers: str) -> Answer:
        return self.send(posting(target, fields, **headers))

    async def _send(self, call: Call) -> Answer:
        sent: list[Message] = []
        waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in call.chunks]
        waiting.append({"type": "http.request", "body": b"", "more_body": False})

        async def receive() -> Message:
            return waiting.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(_scope(call), receive, send)
        pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], dict(pairs), body, tuple(name for name, _ in pairs))


def posting(target: str, fields: Mapping[str, str] | bytes = b"", **headers: str) -> Call:
    """A POST of fields as a form, or of bytes as they are; `content_type=` in `headers` overrules."""
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    return Call("POST", target, {"content_type": FORM, "content_length": str(len(body)), **headers}, (body,))


def _scope(call: Call) -> dict[str, Any]:
    path, _, query = call.target.partition("?")
    headers = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in call.headers.items()]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": call.method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
        "headers": [(b"host", b"mijn.netwerk.example"), *headers], "client": ("192.0.2.1", 5), "server": ("door", 80),
    }  # fmt: skip

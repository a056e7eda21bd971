"""What holds for every response, whatever happens inside: the headers that protect, and a calm page when we fail."""

import logging
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.door import Door

_log = logging.getLogger("verbinden.web")
_HOUSE = Path(__file__).parent.parent
_ROOMS = ("contacts", "mailer", "web")

#: On every response, errors included (conformance SEC-24, SEC-29).
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = "max-age=31536000"


def headers(door: Door) -> Mapping[str, str]:
    """The headers of every response; a year of https only, where our pages are on https (RFC 6797)."""
    secure = (door.origin or "").startswith("https:")
    return {**HEADERS, **({"Strict-Transport-Security": _HSTS} if secure else {})}


def is_same_origin(found: Headers, door: Door) -> bool:
    """Whether a form was sent from our own page, or by something that is no browser (Fetch Metadata; RFC 6454 §7).

    Our pages say `no-referrer`, so browsers write `Origin: null` on their own forms; Sec-Fetch-Site knows better where
    it exists, and where it does not, the token in the path, which no other site can know, has to do.
    """
    site, origin = found.get("sec-fetch-site"), found.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin is None or origin == "null" or origin.lower() == door.origin


class Guard:
    """ASGI middleware: adds the headers; an exception becomes a page with an id, and a log line without content."""

    def __init__(
        self, app: ASGIApp, headers: Mapping[str, str], new_id: Callable[[], str],
        failed: Callable[[Request, str], Response],
    ) -> None:  # fmt: skip
        self._app, self._headers, self._new_id, self._failed = app, headers, new_id, failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except ClientDisconnect:
            return
        except Exception as error:  # whatever it is: no trace of it may reach the page (SEC-33)
            number = self._new_id()[:8]
            _log_failure(number, error)
            if not started:
                await self._last_page(scope, number)(scope, receive, send_guarded)

    def _last_page(self, scope: Scope, number: str) -> Response:
        try:
            return self._failed(Request(scope), number)
        except Exception:  # even that page is broken: a bare line still says which number to ask about
            return PlainTextResponse(f"{number}\n", 500)


def _log_failure(number: str, error: Exception) -> None:
    """Where it went wrong, and nothing of what was said: messages of a database hold addresses, paths hold tokens."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [(file, line) for file, line in frames if any(file.is_relative_to(_HOUSE / room) for room in _ROOMS)]
    trail = " < ".join(f"{file.name}:{line}" for file, line in reversed(ours))
    _log.error("page failed: id=%s error=%s at=%s", number, type(error).__name__, trail)

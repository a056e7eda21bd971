"""The pages people reach from their mail: one address `/a/{token}`, where looking changes nothing and a button acts.

No cookies, no sessions, no access log; nothing is loaded from elsewhere and everything works without JavaScript.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from contacts.errors import RuleBroken
from mailer.links import CONFIRM, PREFERENCES, RSVP, UNSUBSCRIBE
from web import answering, forms, guard, joining, leaving, preferences
from web.door import Door
from web.forms import Form
from web.pages import Page, message, render
from web.visit import Visit
from web.words import Words, choose

__all__ = ["Door", "make_site"]

Handler = Callable[[Request, Exception], Response]
_STATIC = Path(__file__).parent / "static"
_SHOW: dict[str, Callable[[Visit], Page]] = {
    CONFIRM: joining.show, UNSUBSCRIBE: leaving.show, PREFERENCES: preferences.show, RSVP: answering.show,
}  # fmt: skip
_ACT: dict[str, Callable[[Visit, Form], Page]] = {
    CONFIRM: joining.act, UNSUBSCRIBE: leaving.act, PREFERENCES: preferences.act, RSVP: answering.act,
}  # fmt: skip
#: Which words a refusal gets, by its status; anything else is "wrong".
_WORDS_FOR = {403: "refused", 404: "missing", 410: "expired", 413: "too_big"}
_STATUS_OF = {"link_unknown": 404, "link_expired": 410, "not_asked": 410}


def make_site(door: Door) -> Starlette:
    """The ASGI application for one network; opens nothing."""
    reception = _Reception(door)
    routes = [
        Route("/", reception.home),
        Route("/healthz", reception.health),
        Route("/a/{token}", reception.receive, methods=["GET", "POST"]),
        Route("/a/{token}/", reception.receive, methods=["GET", "POST"]),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    guarded = Middleware(
        guard.Guard, headers=guard.headers(door), new_id=door.writer.new_key, failed=reception.failed
    )
    refusals: dict[type[Exception], Handler] = {HTTPException: reception.refuse, RuleBroken: reception.refuse}
    site = Starlette(routes=routes, middleware=[guarded], exception_handlers=refusals)
    site.router.redirect_slashes = False  # a redirect would break the one click (RFC 8058 §3.1)
    return site


class _Reception:
    """The handlers, around one door; only `receive` is asynchronous, because a body arrives in pieces."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def receive(self, request: Request) -> Response:
        """A link of ours: look (GET, HEAD) or act (POST)."""
        if request.method != "POST":
            return await run_in_threadpool(self._show, request)
        form = await forms.read(request)
        return await run_in_threadpool(self._act, request, form)

    def _show(self, request: Request) -> Response:
        """The page of a link, in a transaction that only reads."""
        door, now, token = self._door, self._door.now(), request.path_params["token"]
        purpose, key = _read(door, token, now)
        with door.database.read() as session:
            wanted = request.query_params.get("answer", "")
            return render(_SHOW[purpose](Visit(door, session, token, key, now, _accept(request), wanted)), door)

    def _act(self, request: Request, form: Form) -> Response:
        """What the button of that page does, whole or not at all: the page is made before the commit."""
        door, now, token = self._door, self._door.now(), request.path_params["token"]
        purpose, key = _read(door, token, now)
        asked_by_mail_program = purpose == UNSUBSCRIBE and form.is_one_click
        if not asked_by_mail_program and not guard.is_same_origin(request.headers, door):
            raise HTTPException(403)
        with door.database.begin() as session:
            return render(_ACT[purpose](Visit(door, session, token, key, now, _accept(request)), form), door)

    def home(self, request: Request) -> Response:
        """A page for who comes without a link; it does not say whose house this is."""
        return render(message("home", self._words(request)), self._door)

    def health(self, _request: Request) -> Response:
        """For whoever watches the machine: 200, or 503 with the names of the jobs that are late."""
        late = self._door.health()
        return PlainTextResponse(f"late: {', '.join(late)}\n" if late else "ok\n", 503 if late else 200)

    def refuse(self, request: Request, error: Exception) -> Response:
        """A page for what we cannot do; it says the same whoever asks (conformance SEC-33)."""
        status = error.status_code if isinstance(error, HTTPException) else _STATUS_OF.get(_code(error), 400)
        response = render(message(_WORDS_FOR.get(status, "wrong"), self._words(request), status), self._door)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    def failed(self, request: Request, number: str) -> Response:
        """The page for a mistake of ours, with the number that the log has too."""
        return render(message("failed", self._words(request), 500, number), self._door)

    def _words(self, request: Request) -> Words:
        return choose(self._door.network, None, _accept(request))


def _read(door: Door, token: str, now: datetime) -> tuple[str, str]:
    """The purpose and key of a link that has a page; raises RuleBroken for any other: a decision is a mail."""
    purpose, key = door.writer.links.read(token, now)
    if purpose not in _SHOW:
        raise RuleBroken("link_unknown", "This link has no page.")
    return purpose, key


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _code(error: Exception) -> str:
    return error.code if isinstance(error, RuleBroken) else ""

"""Access tokens for the submission server (OAuth 2, RFC 6749 §4.4 and §6): Microsoft 365 and Google.

A token is kept in memory, asked for again before it ends, and once more when the server refuses it. Nothing of it is
ever in a log or an error.
"""

import asyncio
import http.client
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

from mailer.account import Secret
from mailer.errors import LoginRefused, SubmissionUnavailable

#: Asked for again so many seconds before its end, so that no login happens with one that is just over.
_MARGIN = 300
_USUAL_LIFE = 3600
_LONGEST_ANSWER = 65536
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Grant:
    """What we ask a provider for a token with; without a refresh token we ask in the name of the application itself."""

    url: str
    client_id: str
    client_secret: Secret
    refresh_token: Secret
    scope: str = ""

    def form(self) -> dict[str, str]:
        """The fields of the request; whatever is empty is left out."""
        refresh = self.refresh_token.reveal()
        fields = {
            "grant_type": "refresh_token" if refresh else "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret.reveal(),
            "refresh_token": refresh,
            "scope": self.scope,
        }
        return {name: value for name, value in fields.items() if value}


def microsoft(tenant: str, client_id: str, client_secret: Secret, refresh_token: Secret) -> Grant:
    """Microsoft 365; `tenant` is the directory's ID or its domain. The permission is SMTP.Send, or SMTP.SendAsApp."""
    url = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    whole, one = "https://outlook.office365.com/.default", "https://outlook.office.com/SMTP.Send offline_access"
    return Grant(url, client_id, client_secret, refresh_token, one if refresh_token else whole)


def google(client_id: str, client_secret: Secret, refresh_token: Secret) -> Grant:
    """Google, whose refresh token says by itself what it is for: https://mail.google.com/."""
    return Grant("https://oauth2.googleapis.com/token", client_id, client_secret, refresh_token)


class Tokens:
    """The token of one grant. `get` may be called from any loop and thread; `tls` is for a pinned authority."""

    def __init__(
        self, grant: Grant, tls: ssl.SSLContext | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._grant = grant
        self._tls = tls
        self._clock = clock
        self._lock = threading.Lock()
        self._token = Secret("")
        self._ends_at = 0.0
        self._asked_at = float("-inf")

    async def get(self, anew: bool = False) -> str:
        """A token that is good for a while; with `anew` one that the provider makes now.

        Raises SubmissionUnavailable when the provider is away, LoginRefused when it does not accept our grant.
        """
        return await asyncio.to_thread(self._get, anew, self._clock())

    def _get(self, anew: bool, asked_at: float) -> str:
        with self._lock:  # many connections may ask at once: one request is enough for all of them
            is_newer = self._asked_at > asked_at
            if not self._token or self._clock() >= self._ends_at or (anew and not is_newer):
                self._renew()
            return self._token.reveal()

    def _renew(self) -> None:
        now = self._clock()
        answer = _ask(self._grant, self._tls)
        life = answer.get("expires_in")
        seconds = int(life) if isinstance(life, int | float) and 0 < life < 1e6 else _USUAL_LIFE
        self._token, self._asked_at = Secret(answer["access_token"]), now
        self._ends_at = now + max(seconds - _MARGIN, seconds / 2)
        if isinstance(newer := answer.get("refresh_token"), str) and self._grant.refresh_token:
            self._grant = replace(self._grant, refresh_token=Secret(newer))  # Microsoft gives a new one each time


def _ask(grant: Grant, tls: ssl.SSLContext | None) -> dict[str, Any]:
    """One request to the provider; its answer holds an access token that can stand in a header."""
    status, body = _post(grant, tls)
    if status in (400, 401, 403):
        raise LoginRefused(f"the provider gives no token for our client and its grant ({status})")
    try:
        answer = json.loads(body) if status == 200 else None
    except ValueError:
        answer = None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not (isinstance(answer, dict) and isinstance(token, str) and token.isascii() and token.isprintable() and token):
        raise SubmissionUnavailable(f"the provider of tokens answers nothing that can be used ({status})")
    return answer


def _post(grant: Grant, tls: ssl.SSLContext | None) -> tuple[int, bytes]:
    place = urlsplit(grant.url)
    context = tls or ssl.create_default_context()
    line = http.client.HTTPSConnection(place.hostname or "", place.port, timeout=_SECONDS, context=context)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        line.request("POST", place.path, urlencode(grant.form()), headers)
        answer = line.getresponse()
        return answer.status, answer.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise SubmissionUnavailable(f"no answer from the provider of tokens ({type(error).__name__})") from None
    finally:
        line.close()

"""An account on a mail server as a value, with a password that does not print itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_PORTS = {"imap": 143, "imaps": 993, "imap+starttls": 143, "smtp": 25, "smtps": 465, "smtp+starttls": 587}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Secret:
    """A value that is shown only when asked for by `reveal()`, never in a log, a repr or a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one line that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __bool__(self) -> bool:
        return bool(self._value)


@dataclass(frozen=True, slots=True)
class Account:
    """Where to log in: `scheme` says how the line is protected; plain schemes lead to loopback only.

    `token` gives an access token (OAuth 2) in the place of a password; with True a new one, whatever it still has.
    """

    scheme: str
    host: str
    port: int
    user: str
    password: Secret
    token: Callable[[bool], Awaitable[str]] | None = None

    @property
    def implicit_tls(self) -> bool:
        """TLS from the first byte on (RFC 8314 §3)."""
        return self.scheme in ("imaps", "smtps")

    @property
    def starttls(self) -> bool:
        """TLS that must be asked for, and is required (RFC 3207, RFC 9051 §6.2.1)."""
        return self.scheme.endswith("+starttls")

    @property
    def loopback(self) -> bool:
        """Whether the server is this very machine."""
        return self.host in _LOOPBACK


def parse(url: str, password: str, schemes: tuple[str, ...]) -> Account:
    """Read `imaps://user@host:993`; raises ValueError that says what is wrong, without showing the value."""
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        raise ValueError(f"must start with one of {', '.join(f'{scheme}://' for scheme in schemes)}")
    if parts.password:
        raise ValueError("must not hold the password: give it in its own variable")
    if not parts.hostname:
        raise ValueError("names no host: write it as scheme://user@host:port")
    port = parts.port or _PORTS[parts.scheme]
    account = Account(parts.scheme, parts.hostname, port, unquote(parts.username or ""), Secret(password))
    if not (account.implicit_tls or account.starttls or account.loopback):
        raise ValueError("is not encrypted: a plain line is allowed to this machine (127.0.0.1) only")
    return account

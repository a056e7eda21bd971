"""The configuration: every variable, read once from the environment and a `.env`, all problems told at once.

This is the only module that reads the environment. No variable has a default that leads to another machine.
"""

import io
import logging
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from contacts.address import Address
from contacts.errors import RuleBroken, ServiceError
from contacts.network import Network
from jobs import signing_keys
from mailer.account import Account, Secret, parse
from mailer.inbound import folders
from mailer.outbound import oauth
from mailer.outbound.signing import Signer

LANGUAGES = ("nl", "fr", "en", "de", "es", "tr", "ar")


class ConfigError(ServiceError):
    """The configuration cannot be used; `problems` names every variable and what to do about it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its default (None: required), whether it is a secret, and how its text becomes a value.

    `blank`: set to nothing is a value of its own, and not the same as not set.
    """

    name: str
    default: str | None
    read: Callable[[str], Any]
    secret: bool = False
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the service needs to know of where it runs."""

    network: Network
    imap: Account
    smtp: Account
    smtp_connections: int
    folders: folders.Folders
    database_url: str
    secret_key: Secret
    web_listen: tuple[str, int]
    data_dir: Path
    templates_dir: Path | None
    poll_seconds: int
    digest_at: time | None
    log_format: str
    signers: tuple[Signer, ...] = ()


def load(env_file: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read the configuration; the environment wins over the file. Raises ConfigError with every problem found."""
    problems: list[str] = []
    given = _gather(env_file or Path(".env"), os.environ if environment is None else environment, problems)
    values = {variable.name: _value(variable, given, problems) for variable in VARIABLES}
    imap = _account("IMAP", values, ("imaps", "imap", "imap+starttls"), problems)
    smtp = _account("SMTP", values, ("smtp+starttls", "smtps", "smtp"), problems)
    smtp = _with_token(smtp, values, problems)
    names, signers = _folders(values, problems), signing_keys.read(values, problems)
    if problems or imap is None or smtp is None or names is None:
        raise ConfigError(problems)
    return replace(_build(values, imap, smtp, names), signers=signers)


def _gather(env_file: Path, environment: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Our variables from both sources, unread; what the file holds beside them is a problem."""
    names = {variable.name for variable in VARIABLES} | {f"{v.name}_FILE" for v in VARIABLES if v.secret}
    written = _read_file(env_file, problems)
    problems += [
        f"{name}: {env_file} sets it, but there is no such variable; see .env.example for those there are"
        for name in written
        if name not in names
    ]
    set_outside = {name: value for name, value in environment.items() if name in names}
    blank = {variable.name for variable in VARIABLES if variable.blank}
    return {name: value for name, value in {**written, **set_outside}.items() if value.strip() or name in blank}


def _read_file(env_file: Path, problems: list[str]) -> dict[str, str]:
    if not env_file.exists():
        return {}
    if os.name == "posix" and stat.S_IMODE(env_file.stat().st_mode) & 0o077:
        problems.append(f"{env_file}: others on this machine can read it; say: chmod 600 {env_file}")
    try:
        text = env_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{env_file}: cannot be read ({type(error).__name__}); save it as UTF-8")
        return {}
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # we say it ourselves, with the line
    problems += [
        f"{env_file}, line {line.original.line}: is not a setting; write NAME=value, and close every quote"
        for line in parse_stream(io.StringIO(text))
        if line.error
    ]
    # interpolation off: a password with ${…} in it is a password
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items()}


def _value(variable: Variable, given: Mapping[str, str], problems: list[str]) -> Any:
    try:
        text = _text(variable, given)
        return variable.read(text)
    except (ValueError, RuleBroken) as error:
        problems.append(f"{variable.name}: {error}")
        return None


def _text(variable: Variable, given: Mapping[str, str]) -> str:
    """The text of a variable, its file or its default; raises ValueError where there is none."""
    file = given.get(f"{variable.name}_FILE") if variable.secret else None
    if file and variable.name in given:
        raise ValueError(f"is set twice: here and in {variable.name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{variable.name}_FILE cannot be read: {error.strerror}") from error
    text = given.get(variable.name, variable.default)
    if text is None:
        raise ValueError("is not set; write it in .env or in the environment (see .env.example)")
    return text


def _build(values: dict[str, Any], imap: Account, smtp: Account, names: folders.Folders) -> Config:
    data_dir: Path = values["DATA_DIR"]
    network = Network(
        name=values["NETWORK_NAME"],
        address=values["NETWORK_ADDRESS"],
        languages=values["NETWORK_LANGUAGES"],
        timezone=values["TIMEZONE"],
        web_url=values["WEB_URL"],
        authserv_id=values["AUTHSERV_ID"],
    )
    return Config(
        network=network,
        imap=imap,
        smtp=smtp,
        smtp_connections=values["SMTP_CONNECTIONS"],
        folders=names,
        secret_key=values["SECRET_KEY"],
        web_listen=values["WEB_LISTEN"],
        database_url=values["DATABASE_URL"] or f"sqlite:///{data_dir / 'verbinden.db'}",
        data_dir=data_dir,
        templates_dir=values["TEMPLATES_DIR"],
        poll_seconds=values["POLL_SECONDS"],
        digest_at=values["DIGEST_AT"],
        log_format=values["LOG_FORMAT"],
    )


def _account(name: str, values: dict[str, Any], schemes: tuple[str, ...], problems: list[str]) -> Account | None:
    url, password = values[f"{name}_URL"], values[f"{name}_PASSWORD"]
    if url is None:
        return None
    try:
        return parse(url, password.reveal() if password else "", schemes)
    except ValueError as error:
        problems.append(f"{name}_URL: {error}")
        return None


def _with_token(smtp: Account | None, values: dict[str, Any], problems: list[str]) -> Account | None:
    """The account with a token in the place of its password, where a provider is named."""
    provider, client = values["SMTP_OAUTH"], values["SMTP_OAUTH_CLIENT"]
    secret, refresh = values["SMTP_OAUTH_SECRET"], values["SMTP_OAUTH_REFRESH"]
    if not (smtp and provider) or None in (client, secret, refresh):
        return smtp
    if not client or not (refresh or secret) or (provider == "google" and not refresh):
        problems.append("SMTP_OAUTH: needs SMTP_OAUTH_CLIENT, and SMTP_OAUTH_REFRESH or (Microsoft) SMTP_OAUTH_SECRET")
        return smtp
    if not smtp.user or not (smtp.implicit_tls or smtp.starttls):
        problems.append("SMTP_OAUTH: SMTP_URL must name the user, and be smtp+starttls:// or smtps://")
        return smtp
    if provider == "google":
        return replace(smtp, token=oauth.Tokens(oauth.google(client, secret, refresh)).get)
    return replace(smtp, token=oauth.Tokens(oauth.microsoft(provider[10:], client, secret, refresh)).get)


def _folders(values: dict[str, Any], problems: list[str]) -> folders.Folders | None:
    languages, named = values["NETWORK_LANGUAGES"], values["MAILBOX_FOLDERS"]
    if languages is None or named is None:
        return None
    try:
        return folders.choose(languages, named)
    except ValueError as error:
        problems.append(f"MAILBOX_FOLDERS: {error}")
        return None


def _line(text: str) -> str:
    cleaned = " ".join(text.split())
    if not cleaned or len(cleaned) > 100:
        raise ValueError("must be one line of at most 100 characters")
    return cleaned


def _address(text: str) -> str:
    address = Address.parse(text)
    if re.fullmatch(r"(no|do-?not|niet)-?_?(reply|antwoorden)", address.local.casefold()):
        raise ValueError("must be a mailbox that people read, not one that refuses answers")
    return address.text


def _languages(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    wrong = [language for language in found if language not in LANGUAGES]
    if wrong or not found:
        raise ValueError(f"must be a list like nl,fr,en out of {', '.join(LANGUAGES)}")
    return found


def _timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is not a time zone; write it like Europe/Brussels") from error


def _secret_key(text: str) -> Secret:
    if len(text) < 32:
        raise ValueError("must have at least 32 characters; make one with: openssl rand -hex 32")
    return Secret(text)


def _web_url(text: str) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1"))
    if not secure or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must start with https:// and name a host (http:// only to this machine)")
    return text.rstrip("/")


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError("must be host:port, like 127.0.0.1:8025")
    return host.strip("[]"), int(port)


def _seconds(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 3600:
        raise ValueError("must be a whole number of seconds from 1 to 3600")
    return int(text)


def _connections(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 50:
        raise ValueError("must be a whole number from 1 to 50")
    return int(text)


def _oauth(text: str) -> str:
    if text and not re.fullmatch(r"google|microsoft:[A-Za-z0-9][A-Za-z0-9.-]{1,100}", text):
        raise ValueError("must be google, or microsoft:TENANT like microsoft:learning.example; or nothing")
    return text


def _hour(text: str) -> time | None:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text.strip())
    if text.strip() and not found:
        raise ValueError("must be an hour like 08:00, or nothing for no digest")
    return time(int(found[1]), int(found[2])) if found else None


def _database(text: str) -> str:
    if text and not re.match(r"(sqlite:///|postgresql(\+psycopg)?://).", text):
        raise ValueError("must start with sqlite:/// or postgresql://")
    try:
        if text:
            make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is no database address; write it like postgresql://user@host:5432/name") from None
    return text


def _folder(text: str) -> Path:
    if Path(text).exists() and not Path(text).is_dir():
        raise ValueError(f"{text} is not a folder")
    return Path(text)


def _templates(text: str) -> Path | None:
    if text and not Path(text).is_dir():
        raise ValueError(f"there is no folder {text}; lay one out with: verbinden init")
    return Path(text) if text else None


def _log_format(text: str) -> str:
    if text not in ("text", "json"):
        raise ValueError("must be text or json")
    return text


def plain_environment() -> dict[str, str]:
    """What a child process needs of the environment, and nothing that would configure another network."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}


def _folder_names(text: str) -> dict[str, str]:
    return folders.parse(text) if text else {}


def _authserv_id(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?", text):
        raise ValueError("must be one name, like mx.learning.example: the first word of Authentication-Results")
    return text.lower()


def _any(text: str) -> str:
    return text


VARIABLES = (
    Variable("NETWORK_NAME", None, _line),
    Variable("NETWORK_ADDRESS", None, _address),
    Variable("NETWORK_LANGUAGES", "nl,fr,en", _languages),
    Variable("TIMEZONE", "Europe/Brussels", _timezone),
    Variable("IMAP_URL", None, _any),
    Variable("IMAP_PASSWORD", None, Secret, secret=True),
    Variable("MAILBOX_FOLDERS", "", _folder_names),
    Variable("AUTHSERV_ID", "", _authserv_id),
    Variable("SMTP_URL", None, _any),
    Variable("SMTP_PASSWORD", "", Secret, secret=True),
    Variable("SMTP_OAUTH", "", _oauth),
    Variable("SMTP_OAUTH_CLIENT", "", _any),
    Variable("SMTP_OAUTH_SECRET", "", Secret, secret=True),
    Variable("SMTP_OAUTH_REFRESH", "", Secret, secret=True),
    Variable("SMTP_CONNECTIONS", "10", _connections),
    Variable("DKIM_DOMAIN", "", signing_keys.domain),
    Variable("DKIM_SELECTOR", "", signing_keys.selector),
    Variable("DKIM_KEY_FILE", "", _any),
    Variable("DKIM_SELECTOR_2", "", signing_keys.selector),
    Variable("DKIM_KEY_FILE_2", "", _any),
    Variable("DATABASE_URL", "", _database, secret=True),
    Variable("SECRET_KEY", None, _secret_key, secret=True),
    Variable("WEB_URL", "", _web_url),
    Variable("WEB_LISTEN", "127.0.0.1:8025", _listen),
    Variable("DATA_DIR", "data", _folder),
    Variable("TEMPLATES_DIR", "", _templates),
    Variable("POLL_SECONDS", "60", _seconds),
    Variable("DIGEST_AT", "08:00", _hour, blank=True),
    Variable("LOG_FORMAT", "text", _log_format),
)

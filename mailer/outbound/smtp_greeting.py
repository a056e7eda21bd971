"""From a connection to one on which MAIL may be said: banner, EHLO, TLS, EHLO again, AUTH.

RFC 5321 §3.1, RFC 3207 §4.2, RFC 4954.
"""

import base64
import binascii
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from mailer.account import Account
from mailer.errors import LoginRefused, SubmissionUnavailable
from mailer.outbound import sasl
from mailer.outbound.smtp_envelope import Offers
from mailer.outbound.smtp_line import Line, Timeouts, dial
from mailer.outbound.smtp_reply import Answer


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls whom: what every connection to one server has in common.

    `tls` is for a pinned certificate authority; `new_nonce` makes a fresh word for SCRAM, which is passed over without.
    """

    account: Account
    helo_name: str
    timeouts: Timeouts
    tls: ssl.SSLContext | None
    new_nonce: Callable[[], str] | None


async def call(caller: Caller) -> tuple[Line, Offers]:
    """A connection that is ready for MAIL, and the server's last offers. Raises SubmissionUnavailable, LoginRefused."""
    account = caller.account
    line = await dial(account, _context(caller) if account.implicit_tls else None, caller.timeouts.connect)
    try:
        _expect(await line.answer(caller.timeouts.banner), 220, "the banner")
        offers = await _hello(line, caller)
        if account.starttls:
            offers = await _secure(line, caller, offers)
        if account.user:
            await _log_in(line, caller, offers)
    except BaseException:
        line.break_off("given up")
        raise
    return line, offers


async def _hello(line: Line, caller: Caller) -> Offers:
    answer = await line.ask(f"EHLO {caller.helo_name}", caller.timeouts.command)
    _expect(answer, 250, "EHLO")
    return Offers.read(answer)


async def _secure(line: Line, caller: Caller, offers: Offers) -> Offers:
    """What was offered in clear text counts for nothing afterwards."""
    if "starttls" not in offers:
        raise SubmissionUnavailable("the submission server offers no STARTTLS, and without TLS nothing is sent")
    _expect(await line.ask("STARTTLS", caller.timeouts.command), 220, "STARTTLS")
    await line.secure(_context(caller), caller.account.host, caller.timeouts.connect)
    return await _hello(line, caller)


def _context(caller: Caller) -> ssl.SSLContext:
    return caller.tls or ssl.create_default_context()


async def _log_in(line: Line, caller: Caller, offers: Offers) -> None:
    account = caller.account
    if not (line.is_secure or account.loopback):
        raise SubmissionUnavailable("a password is not sent over a line without TLS")
    answer = await _exchange(line, caller, await _mechanism(caller, offers, anew=False))
    if answer.code == 535 and account.token:  # it may have been revoked before its time (SMT-05)
        answer = await _exchange(line, caller, await _mechanism(caller, offers, anew=True))
    if answer.code // 100 == 5:
        raise LoginRefused(f"the submission server does not accept our name and password ({answer.code})")
    _expect(answer, 235, "AUTH")


async def _mechanism(caller: Caller, offers: Offers, anew: bool) -> sasl.Mechanism:
    """The best that both sides know (SMT-04); a token, where there is one, or nothing."""
    account, offered = caller.account, offers.auth
    user = account.user
    if account.token:
        found = sasl.bearer(offered, user, account.host, account.port, await account.token(anew))
        if not found:
            raise LoginRefused("the submission server offers neither AUTH XOAUTH2 nor AUTH OAUTHBEARER")
        return found
    password = account.password.reveal()
    if "SCRAM-SHA-256" in offered and caller.new_nonce:
        return sasl.Scram(user, password, caller.new_nonce())
    if "PLAIN" in offered:
        return sasl.plain(user, password)
    if "LOGIN" in offered:
        return sasl.login(user, password)
    raise LoginRefused("the submission server offers none of AUTH SCRAM-SHA-256, PLAIN and LOGIN")


async def _exchange(line: Line, caller: Caller, mechanism: sasl.Mechanism) -> Answer:
    """AUTH and its challenges (RFC 4954 §4); the last answer."""
    opening, seconds = mechanism.opening, caller.timeouts.command
    words = f"AUTH {mechanism.name}" + (f" {_base64(opening) or '='}" if opening is not None else "")
    answer, turns = await line.ask(words, seconds), 0
    while answer.code == 334:
        turns += 1
        try:
            if turns > 5:
                raise sasl.NotSasl("no end of questions")
            words = _base64(mechanism.respond(_challenge(answer)))
        except sasl.NotSasl as error:
            await line.ask("*", seconds)
            raise SubmissionUnavailable(f"the login makes no sense: {error}") from None
        answer = await line.ask(words, seconds)
    if answer.code == 235 and not mechanism.is_complete:
        raise SubmissionUnavailable("the submission server did not prove that it knows our password")
    return answer


def _challenge(answer: Answer) -> bytes:
    try:
        return base64.b64decode(answer.raw[0].strip())
    except (binascii.Error, ValueError):
        raise sasl.NotSasl("a challenge that is no base64") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _expect(answer: Answer, code: int, what: str) -> None:
    if answer.code != code:
        raise SubmissionUnavailable(f"the submission server answers {answer.code} to {what}")

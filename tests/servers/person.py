"""What people do with the same mailbox in their own mail programs, over IMAP."""

import imaplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from mailer.account import Account


@contextmanager
def logged_in(account: Account, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
    """A person's own plain connection, with `folder` open."""
    with imaplib.IMAP4(account.host, account.port, 10) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # APPEND sends in small pieces
        client.login(account.user, account.password.reveal())
        client.select(folder)
        yield client


def put(account: Account, content: bytes, flags: str = "") -> None:
    """Lay a mail in INBOX with `flags` on it, such as "\\Seen"; line ends become CRLF."""
    with logged_in(account) as client:
        answer = client.append("INBOX", f"({flags})", "", content)
        assert answer[0] == "OK", answer


def flag(account: Account, uid: int, flags: str) -> None:
    """Set flags on one message in INBOX."""
    with logged_in(account) as client:
        answer = client.uid("STORE", str(uid), "+FLAGS", f"({flags})")
        assert answer[0] == "OK", answer


def contents(account: Account, folder: str = "INBOX") -> list[bytes]:
    """Every message in a folder, whole, oldest first."""
    with logged_in(account, folder) as client:
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        return [client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1] for uid in uids]


def flags(account: Account, uid: int) -> str:
    """The flags of one message in INBOX, as the server writes them."""
    with logged_in(account) as client:
        return str(client.uid("FETCH", str(uid), "(FLAGS)")[1][0])

"""A private Dovecot (IMAP): Maildir, IDLE, MOVE, TLS; every user of every domain exists and has one password."""

import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailer.account import Account, Secret
from tests.servers import HOST, certificate, do_without, find, free_port, need_root, process, settings, wait_for_port

PASSWORD = "dovecot-proef-7"
OWNER = "nobody"  # the user all the mailboxes belong to: Dovecot refuses to keep mail as root
# What Dovecot 2.3 tells after login, in short; to take something away, see `running`.
CAPABILITY = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ NAMESPACE UIDPLUS UNSELECT CHILDREN MOVE"


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server: `mailboxes`/<domain>/<local part> are the Maildirs; `auth` is its SASL socket."""

    port: int
    tls_port: int
    mailboxes: Path
    auth: Path
    certificate: certificate.Certificate
    process: subprocess.Popen[bytes]

    def account(self, user: str, password: str = PASSWORD, scheme: str = "imap") -> Account:
        """The account of any user, by full address."""
        port = self.tls_port if scheme == "imaps" else self.port
        return Account(scheme, HOST, port, user, Secret(password))


@contextmanager
def running(folder: Path, capability: str = "", prefix: str = "", more: Mapping[str, object] = {}) -> Iterator[Dovecot]:
    """Start Dovecot in `folder`, which every user can pass through, and stop it at the end.

    `capability` replaces what it says it can after login; `prefix` ("INBOX.") puts all the folders below it.
    """
    program = find("dovecot", package="dovecot-imapd")
    need_root("Dovecot")
    if not re.match(r"2\.3\.", _version(program)):
        do_without("Dovecot 2.3 (Debian 12) is needed: other versions read another configuration")
    port, tls_port = free_port(), free_port()
    mailboxes = folder / "mail"
    mailboxes.mkdir()
    shutil.chown(mailboxes, OWNER)
    made = certificate.make(folder)
    log, config = folder / "dovecot.log", folder / "dovecot.conf"
    config.write_text(
        _config(folder, mailboxes, port, tls_port, made, prefix) + _capability(capability) + settings(more)
    )
    with process([program, "-F", "-c", config], log) as child:
        wait_for_port(port, child, log)
        wait_for_port(tls_port, child, log)
        yield Dovecot(port, tls_port, mailboxes, folder / "dovecot" / "auth-client", made, child)


def _version(program: str) -> str:
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout


def _capability(capability: str) -> str:
    return f"imap_capability = {capability}\n" if capability else ""


def _config(folder: Path, mailboxes: Path, port: int, tls_port: int, made: certificate.Certificate, prefix: str) -> str:
    owner = pwd.getpwnam(OWNER)
    return f"""\
base_dir = {folder}/dovecot
state_dir = {folder}/dovecot
log_path = /dev/stderr
protocols = imap
listen = {HOST}
default_vsz_limit = 1G
auth_mechanisms = plain login
auth_failure_delay = 0
auth_worker_max_count = 2
disable_plaintext_auth = no
first_valid_uid = 1
ssl = yes
ssl_cert = <{made.chain}
ssl_key = <{made.key}
mail_location = maildir:{mailboxes}/%d/%n
mailbox_list_index = yes
mail_fsync = never
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={mailboxes}/%d/%n
}}
namespace inbox {{
  inbox = yes
  separator = {"." if prefix else "/"}
  prefix = {prefix}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
}}
"""

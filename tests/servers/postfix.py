"""A private Postfix: an SMTP server that delivers into Dovecot's Maildirs and never sends anything anywhere else."""

import grp
import itertools
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mailer.account import Account, Secret
from tests.servers import HOST, dovecot, find, free_port, need_root, process, settings, wait_for_port

DOMAINS = ("verbinden.example", "leden.example")
_POOL = 300  # addresses in each domain

# Services without a chroot: name, type, private, command.
_SERVICES = """\
{host}:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running server. `m001@…` to `m300@…` exist in each of DOMAINS; `bounce…@` is refused with 550 at RCPT; `gone…@`
    is accepted, and a notification then goes back to the return path."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    _unused: dict[str, Iterator[int]] = field(default_factory=lambda: {name: itertools.count(1) for name in DOMAINS})

    def new_address(self, domain: str = "leden.example") -> str:
        """An address that exists and that nobody was given before."""
        number = next(self._unused[domain])
        assert number <= _POOL
        return f"m{number:03}@{domain}"

    def account(self, scheme: str = "smtp", password: str = dovecot.PASSWORD) -> Account:
        """How to submit: any user of Dovecot's may log in, and on this machine nobody has to."""
        return Account(scheme, HOST, self.port, f"m001@{DOMAINS[0]}", Secret(password))


@contextmanager
def running(folder: Path, mailboxes: dovecot.Dovecot) -> Iterator[Postfix]:
    """Start Postfix in `folder`, which every user can pass through, and stop it and all its parts at the end."""
    program = find("postfix")
    need_root("Postfix")
    port, log = free_port(), folder / "postfix.log"
    config = folder / "postfix"
    for name in ("postfix", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (config / "main.cf").write_text(settings(_main(folder, mailboxes, log)))
    (config / "master.cf").write_text(_SERVICES.format(host=HOST, port=port))
    (config / "mailboxes").write_text("".join(_mailboxes()))
    (config / "access").write_text("/^gone/ OK\n")
    (config / "transport").write_text("/^gone/ error:5.1.1 No such recipient here any more\n")
    with process([program, "-c", config, "start-fg"], log) as child:
        try:
            wait_for_port(port, child, log)
            yield Postfix(port, child, log)
        finally:
            _stop(folder / "queue" / "pid" / "master.pid", child)


def _stop(pid_file: Path, child: subprocess.Popen[bytes]) -> None:
    # The child is a script; the master beside it leads a session of its own, and takes its parts with it.
    if child.poll() is None and pid_file.exists():
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGTERM)
        child.wait(20)


def _mailboxes() -> Iterator[str]:
    for domain in DOMAINS:
        for number in range(1, _POOL + 1):
            yield f"m{number:03}@{domain} {domain}/m{number:03}/\n"


def _main(folder: Path, mailboxes: dovecot.Dovecot, log: Path) -> dict[str, object]:
    owner = pwd.getpwnam(dovecot.OWNER)
    config = folder / "postfix"
    return {
        "compatibility_level": "3.6",
        "maillog_file": log,
        "maillog_file_prefixes": folder,
        "queue_directory": folder / "queue",
        "data_directory": folder / "data",
        "command_directory": _default("command_directory"),
        "daemon_directory": _default("daemon_directory"),
        "mail_owner": "postfix",
        "setgid_group": "postdrop" if _has_group("postdrop") else "postfix",
        "inet_interfaces": HOST,
        "inet_protocols": "ipv4",
        "myhostname": "mx.verbinden.example",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "alias_maps": "",
        "alias_database": "",
        "recipient_delimiter": "+",
        "message_size_limit": 52428800,
        "virtual_mailbox_limit": 0,
        # Nothing ever leaves this machine: there is no smtp(8) service, and every other destination is an error.
        "default_transport": "error:5.4.4 nothing leaves this machine",
        "relay_transport": "error:5.4.4 nothing leaves this machine",
        "local_transport": "error:5.1.1 no local mail here",
        "disable_dns_lookups": "yes",
        "smtpd_peername_lookup": "no",
        "notify_classes": "",
        "virtual_mailbox_domains": ", ".join(DOMAINS),
        "virtual_mailbox_base": mailboxes.mailboxes,
        "virtual_mailbox_maps": f"texthash:{config}/mailboxes",
        "virtual_uid_maps": f"static:{owner.pw_uid}",
        "virtual_gid_maps": f"static:{owner.pw_gid}",
        "transport_maps": f"regexp:{config}/transport",
        "smtpd_reject_unlisted_recipient": "no",
        "smtpd_relay_restrictions": "permit_mynetworks, reject",
        "smtpd_recipient_restrictions": f"check_recipient_access regexp:{config}/access, reject_unlisted_recipient",
        "smtpd_error_sleep_time": 0,
        "smtpd_soft_error_limit": 1000,
        "smtpd_hard_error_limit": 1000,
        "smtpd_tls_security_level": "may",
        "smtpd_tls_cert_file": mailboxes.certificate.chain,
        "smtpd_tls_key_file": mailboxes.certificate.key,
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": mailboxes.auth,
    }


def _default(name: str) -> str:
    return subprocess.run([find("postconf"), "-dh", name], check=True, capture_output=True, text=True).stdout.strip()


def _has_group(name: str) -> bool:
    return any(entry.gr_name == name for entry in grp.getgrall())

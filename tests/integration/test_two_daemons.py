"""Two daemons on one PostgreSQL and one mailbox: the work is shared, nothing is done twice, and one may die."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from contacts import roster
from mailer.inbound import register
from mailer.outbound import outbox
from tests.integration.daemon import Daemon, mails, running, until
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.servers

JOINS = "Bonjour,\n\nJe voudrais faire partie de votre réseau, pouvez-vous m'inscrire ?\n\nLuc\n"


@pytest.mark.conf("REL-02", "REL-11")
def test_two_daemons_share_the_work(tmp_path: Path, dovecot: Dovecot, postfix: Postfix, postgresql_url: str) -> None:
    address = postfix.new_address("verbinden.example")
    people = [postfix.new_address() for _ in range(10)]
    with ExitStack() as stack:
        daemons = []
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            settings = {"DATABASE_URL": postgresql_url}
            daemon = Daemon(folder, address, dovecot.account(address), postfix.account(), settings)
            daemons.append(stack.enter_context(running(daemon)))
            until(lambda daemon=daemon: "started" in daemon.log, what="the daemon is up")
        for person in people[:5]:
            daemons[0].write(person, JOINS)
        until(lambda: all(mails(dovecot.account(person)) for person in people[:5]), what="everybody is asked")
        daemons[0].process and daemons[0].process.kill()
        for person in people[5:]:
            daemons[1].write(person, JOINS)
        until(lambda: all(mails(dovecot.account(person)) for person in people[5:]), 40, "the other daemon goes on")
        time.sleep(1)
        with daemons[1].reading() as session:
            assert roster.counts(session) == {"pending": 10}
            assert register.requests(session) == []
            assert outbox.counts(session)["accepted"] == 10
        assert [len(mails(dovecot.account(person))) for person in people] == [1] * 10
        assert daemons[1].folder_mails("Quarantaine") == []

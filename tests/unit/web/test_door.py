"""The pages as the daemon opens them: over its own network and database, with the health of its jobs."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs import app as composition
from jobs import config, heartbeat
from jobs.door import WATCHED, site
from tests.unit.web.client import Client

ENVIRONMENT = {
    "NETWORK_NAME": "Leernetwerk", "NETWORK_ADDRESS": "hallo@netwerk.example", "SECRET_KEY": "s" * 40,
    "WEB_URL": "https://mijn.netwerk.example", "IMAP_URL": "imap://hallo@127.0.0.1:143", "IMAP_PASSWORD": "x",
    "SMTP_URL": "smtp://hallo@127.0.0.1:25", "SMTP_PASSWORD": "x",
}  # fmt: skip


@pytest.mark.conf("SEC-33")
def test_health_follows_the_sign_of_life_of_every_job_that_is_often_due(tmp_path: Path):
    found = composition.build(config.load(tmp_path / ".env", {**ENVIRONMENT, "DATA_DIR": str(tmp_path)}))
    client = Client(site(found))
    assert set(WATCHED) == {"read_mailbox", "send_outbox", "release_due", "send_digest"}
    assert client.get("/healthz").status == 503
    for job in WATCHED:
        heartbeat.beat(tmp_path, job, found.now())
    assert client.get("/healthz").text == "ok\n"
    heartbeat.beat(tmp_path, "send_outbox", found.now() - timedelta(hours=1))
    assert client.get("/healthz").text == "late: send_outbox\n"
    assert client.get("/").status == 200
    found.close()

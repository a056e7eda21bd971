"""A certificate for this machine that only the tests trust."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers import HOST, find


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files; a client trusts it with SSL_CERT_FILE=`chain` in its environment."""

    chain: Path
    key: Path


def make(folder: Path, host: str = HOST) -> Certificate:
    """A self-signed certificate for `host` (an IP address) and localhost, good for two days."""
    made = Certificate(folder / "certificate.pem", folder / "certificate.key")
    names = f"subjectAltName=IP:{host},DNS:localhost"
    command: list[str | Path] = [
        find("openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", names, "-keyout", made.key, "-out", made.chain]
    subprocess.run(command, check=True, capture_output=True)
    return made

"""The configuration: everything wrong is told at once, secrets stay secret, and no default leads to another machine."""

import os
from datetime import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jobs.config import VARIABLES, Config, ConfigError, load
from mailer.outbound.oauth import Grant
from tests.structure.house import ROOT

GOOD = {
    "NETWORK_NAME": "Lerend netwerk",
    "NETWORK_ADDRESS": "netwerk@verbinden.example",
    "IMAP_URL": "imaps://netwerk@mail.verbinden.example",
    "IMAP_PASSWORD": "canary-imap",
    "SMTP_URL": "smtp+starttls://netwerk@mail.verbinden.example:587",
    "SMTP_PASSWORD": "canary-smtp",
    "SECRET_KEY": "canary-key-0123456789abcdef0123456789",
}
OAUTH = {
    "SMTP_OAUTH": "microsoft:verbinden.example",
    "SMTP_OAUTH_CLIENT": "client",
    "SMTP_OAUTH_SECRET": "canary-secret",
    "SMTP_OAUTH_REFRESH": "canary-refresh",
}


def read(tmp_path: Path, environment: dict[str, str], text: str | None = None, mode: int = 0o600) -> Config:
    """Load a .env with this text (none: no file) under this environment."""
    file = tmp_path / ".env"
    if text is not None:
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
    return load(file, environment)


def problems(tmp_path: Path, environment: dict[str, str], text: str | None = None, mode: int = 0o600) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, environment, text, mode)
    return caught.value.problems


def test_the_environment_alone_is_enough(tmp_path: Path):
    config = read(tmp_path, GOOD)
    assert config.network.address == "netwerk@verbinden.example"
    assert config.network.languages == ("nl", "fr", "en")
    assert (config.imap.port, config.imap.user) == (993, "netwerk")
    assert config.smtp.starttls
    assert config.database_url == "sqlite:///data/verbinden.db"


def test_a_file_alone_is_enough(tmp_path: Path):
    config = read(tmp_path, {}, "".join(f"{name}={value}\n" for name, value in GOOD.items()))
    assert config.imap.password.reveal() == "canary-imap"


def test_the_environment_wins_over_the_file(tmp_path: Path):
    config = read(tmp_path, {**GOOD, "POLL_SECONDS": "5"}, "POLL_SECONDS=7\n")
    assert config.poll_seconds == 5


def test_every_problem_is_told_at_once(tmp_path: Path):
    found = problems(tmp_path, {"TIMEZONE": "Europe/Nowhere", "POLL_SECONDS": "soon", "LOG_FORMAT": "xml"})
    named = [line.partition(":")[0] for line in found]
    assert named == [
        "NETWORK_NAME", "NETWORK_ADDRESS", "TIMEZONE", "IMAP_URL", "IMAP_PASSWORD", "SMTP_URL", "SECRET_KEY",
        "POLL_SECONDS", "LOG_FORMAT",
    ]  # fmt: skip


@pytest.mark.conf("SEC-40")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int):
    (found,) = problems(tmp_path, GOOD, "POLL_SECONDS=7\n", mode)
    assert "chmod 600" in found


@pytest.mark.conf("SEC-40")
def test_an_unknown_variable_in_the_file_is_a_problem(tmp_path: Path):
    (found,) = problems(tmp_path, GOOD, "IMAP_PASWORD=oops-canary\n")
    assert found.startswith("IMAP_PASWORD:")
    assert "oops-canary" not in found


@pytest.mark.parametrize(
    ("text", "at"),
    [(None, time(8)), ("DIGEST_AT=\n", None), ("DIGEST_AT='  '\n", None), ("DIGEST_AT=17:30\n", time(17, 30))],
)
def test_the_hour_of_the_digest_may_be_none(tmp_path: Path, text: str | None, at: time | None):
    assert read(tmp_path, GOOD, text).digest_at == at


@pytest.mark.parametrize("hour", ["8", "24:00", "08:60", "8:00", "acht uur", "08:00:00", "-1:00"])
def test_anything_else_is_no_hour(tmp_path: Path, hour: str):
    (found,) = problems(tmp_path, {**GOOD, "DIGEST_AT": hour})
    assert found == "DIGEST_AT: must be an hour like 08:00, or nothing for no digest"


def test_nothing_in_a_value_is_replaced(tmp_path: Path):
    password = "pa${HOME}$$x"
    config = read(tmp_path, {name: value for name, value in GOOD.items() if name != "IMAP_PASSWORD"},
                  f"IMAP_PASSWORD='{password}'\n")  # fmt: skip
    assert config.imap.password.reveal() == password


def _grant(config: Config) -> Grant:
    """What its token would be asked for with."""
    found: Grant = config.smtp.token.__self__._grant  # type: ignore[union-attr]
    return found


def _oauth_fields(config: Config) -> dict[str, str]:
    form = _grant(config).form()
    return {"SMTP_OAUTH_SECRET": form["client_secret"], "SMTP_OAUTH_REFRESH": form["refresh_token"]}


@pytest.mark.conf("SMT-05")
def test_a_token_takes_the_place_of_the_password(tmp_path: Path):
    assert read(tmp_path, GOOD).smtp.token is None
    grant = _grant(read(tmp_path, {**GOOD, **OAUTH}))
    assert grant.url == "https://login.microsoftonline.com/verbinden.example/oauth2/v2.0/token"
    assert grant.form()["grant_type"] == "refresh_token"
    whole = _grant(read(tmp_path, {**GOOD, **OAUTH, "SMTP_OAUTH_REFRESH": ""}))
    assert whole.form()["grant_type"] == "client_credentials"
    assert whole.form()["scope"].endswith("/.default")
    assert _grant(read(tmp_path, {**GOOD, **OAUTH, "SMTP_OAUTH": "google"})).url.startswith("https://oauth2.google")


@pytest.mark.conf("SMT-05")
@pytest.mark.parametrize(
    "change",
    [
        {"SMTP_OAUTH": "yahoo"},
        {"SMTP_OAUTH": "microsoft:"},
        {"SMTP_OAUTH_CLIENT": ""},
        {"SMTP_OAUTH_SECRET": "", "SMTP_OAUTH_REFRESH": ""},
        {"SMTP_OAUTH": "google", "SMTP_OAUTH_REFRESH": ""},
        {"SMTP_URL": "smtps://mail.verbinden.example"},
        {"SMTP_URL": "smtp://netwerk@127.0.0.1"},
    ],
)
def test_a_token_that_cannot_be_is_told(tmp_path: Path, change: dict[str, str]):
    (found,) = problems(tmp_path, {**GOOD, **OAUTH, **change})
    assert found.startswith("SMTP_OAUTH: ")
    assert "canary" not in found


@pytest.mark.parametrize("value", ["0", "51", "ten", "-1"])
def test_connections_are_a_small_number(tmp_path: Path, value: str):
    assert read(tmp_path, GOOD).smtp_connections == 10
    (found,) = problems(tmp_path, {**GOOD, "SMTP_CONNECTIONS": value})
    assert found.startswith("SMTP_CONNECTIONS: ")


@pytest.mark.conf("SEC-40")
@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES if variable.secret])
def test_every_secret_may_stand_in_a_file_of_its_own(tmp_path: Path, name: str):
    value = (
        "postgresql://db.verbinden.example/x" if name == "DATABASE_URL" else "from-a-file-0123456789abcdef0123456789"
    )
    secret = tmp_path / "secret"
    secret.write_text(f"{value}\n", encoding="utf-8")
    environment = {key: kept for key, kept in {**GOOD, **OAUTH}.items() if key != name}
    config = read(tmp_path, {**environment, f"{name}_FILE": str(secret)})
    given = {
        "IMAP_PASSWORD": config.imap.password.reveal(), "SMTP_PASSWORD": config.smtp.password.reveal(),
        "SECRET_KEY": config.secret_key.reveal(), "DATABASE_URL": config.database_url, **_oauth_fields(config),
    }  # fmt: skip
    assert given[name] == value


def test_a_secret_given_twice_is_a_problem(tmp_path: Path):
    (found,) = problems(tmp_path, {**GOOD, "SECRET_KEY_FILE": str(tmp_path / "key")})
    assert found.startswith("SECRET_KEY: is set twice")


def test_a_missing_secret_file_is_a_problem(tmp_path: Path):
    environment = {key: kept for key, kept in GOOD.items() if key != "SECRET_KEY"}
    (found,) = problems(tmp_path, {**environment, "SECRET_KEY_FILE": str(tmp_path / "nowhere")})
    assert found.startswith("SECRET_KEY: SECRET_KEY_FILE cannot be read")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("IMAP_URL", "imap://netwerk@mail.verbinden.example"),
        ("SMTP_URL", "smtp://mail.verbinden.example:25"),
        ("SMTP_URL", "smtp://10.0.0.7:25"),
        ("IMAP_URL", "https://mail.verbinden.example"),
        ("IMAP_URL", "imaps://netwerk:canary-word@mail.verbinden.example"),
        ("SMTP_URL", "smtps://"),
        ("WEB_URL", "http://verbinden.example"),
        ("NETWORK_ADDRESS", "no-reply@verbinden.example"),
        ("NETWORK_LANGUAGES", "nl,xx"),
        ("WEB_LISTEN", "everywhere"),
        ("DATABASE_URL", "mysql://x"),
        ("TEMPLATES_DIR", "nowhere/at/all"),
        ("SECRET_KEY", "short"),
    ],
)
def test_a_bad_value_is_named_and_not_shown(tmp_path: Path, name: str, url: str):
    (found,) = problems(tmp_path, {**GOOD, name: url})
    assert found.startswith(f"{name}: ")
    assert "canary-word" not in found


def test_a_plain_line_to_this_machine_is_allowed(tmp_path: Path):
    config = read(tmp_path, {**GOOD, "IMAP_URL": "imap://u@127.0.0.1:1143", "SMTP_URL": "smtp://localhost:25"})
    assert (config.imap.port, config.smtp.port) == (1143, 25)


@pytest.mark.conf("SEC-41")
def test_a_printed_configuration_shows_no_secret(tmp_path: Path):
    assert "canary" not in repr(read(tmp_path, {**GOOD, **OAUTH}))


def test_the_example_has_no_secret_and_leads_nowhere(tmp_path: Path):
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    found = problems(tmp_path, {}, example)
    assert [line.partition(":")[0] for line in found] == [
        "NETWORK_NAME", "NETWORK_ADDRESS", "IMAP_URL", "IMAP_PASSWORD", "SMTP_URL", "SECRET_KEY",
    ]  # fmt: skip


def test_the_shipped_example_is_the_same():
    assert (ROOT / ".env.example").read_bytes() == (ROOT / "jobs" / "env.example").read_bytes()


def test_the_example_says_the_defaults(tmp_path: Path):
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    written = dict(line.split("=", 1) for line in lines if line[:1].isalpha())
    assert {name: written[name] for name in written if written[name]} == {
        variable.name: variable.default for variable in VARIABLES if variable.default
    }


def test_only_the_configuration_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "environ", {**GOOD, "NETWORK_NAME": "From outside"})
    assert load(tmp_path / ".env").network.name == "From outside"


def test_the_folders_are_called_in_the_first_language(tmp_path: Path):
    config = read(tmp_path, {**GOOD, "NETWORK_LANGUAGES": "fr,nl"})
    assert [names[0] for names in config.folders.values()] == ["Traités", "À examiner", "Ignorés", "Quarantaine"]


def test_folders_can_be_named(tmp_path: Path):
    config = read(tmp_path, {**GOOD, "MAILBOX_FOLDERS": "review=Voor ons"})
    assert (config.folders["review"], config.folders["handled"][0]) == (("Voor ons",), "Afgehandeld")


@pytest.mark.parametrize("value", ["review=INBOX,handled=a/b,done=x", "review=Genegeerd"])
def test_folders_that_cannot_be_are_told_with_every_other_problem(tmp_path: Path, value: str):
    first, second = problems(tmp_path, {**GOOD, "MAILBOX_FOLDERS": value, "LOG_FORMAT": "xml"})
    assert {first.partition(":")[0], second.partition(":")[0]} == {"MAILBOX_FOLDERS", "LOG_FORMAT"}


@pytest.mark.conf("INB-20")
def test_nobody_is_believed_unless_we_are_told_whom(tmp_path: Path):
    assert read(tmp_path, GOOD).network.authserv_id == ""
    assert read(tmp_path, {**GOOD, "AUTHSERV_ID": "MX.Google.com"}).network.authserv_id == "mx.google.com"


@pytest.mark.parametrize("value", ["mx.google.com; dmarc=pass", "two words", "-x", "x" * 256])
def test_what_is_no_name_of_a_server_is_refused(tmp_path: Path, value: str):
    (found,) = problems(tmp_path, {**GOOD, "AUTHSERV_ID": value})
    assert found.startswith("AUTHSERV_ID: must be one name")


def key_file(folder: Path, bits: int = 2048, mode: int = 0o600, name: str = "dkim.pem") -> Path:
    """An RSA key as a file; no bits: an Ed25519 one."""
    key = generate_private_key(65537, bits) if bits else Ed25519PrivateKey.generate()
    file = folder / name
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(mode)
    return file


@pytest.mark.conf("OUT-44")
def test_two_keys_sign_under_two_selectors(tmp_path: Path):
    keys = {"DKIM_SELECTOR": "r2026", "DKIM_KEY_FILE": str(key_file(tmp_path)), "DKIM_SELECTOR_2": "E2026"}
    keys["DKIM_KEY_FILE_2"] = str(key_file(tmp_path, 0, name="second.pem"))
    first, second = read(tmp_path, {**GOOD, **keys}).signers
    assert (first.name, first.algorithm) == ("r2026._domainkey.verbinden.example", "rsa-sha256")
    assert (second.name, second.algorithm) == ("e2026._domainkey.verbinden.example", "ed25519-sha256")
    assert first.record.startswith("v=DKIM1; k=rsa; p=MII") and second.record.startswith("v=DKIM1; k=ed25519; p=")


def test_without_a_key_nothing_is_signed(tmp_path: Path):
    assert read(tmp_path, GOOD).signers == ()


@pytest.mark.conf("OUT-42")
def test_a_domain_above_ours_may_sign(tmp_path: Path):
    keys = {"DKIM_SELECTOR": "s", "DKIM_KEY_FILE": str(key_file(tmp_path, 0)), "DKIM_DOMAIN": "Verbinden.example"}
    given = {**GOOD, **keys, "NETWORK_ADDRESS": "netwerk@post.verbinden.example"}
    assert [signer.domain for signer in read(tmp_path, given).signers] == ["verbinden.example"]


@pytest.mark.conf("OUT-42", "OUT-45")
@pytest.mark.parametrize(
    ("changes", "variable", "words"),
    [
        ({"DKIM_SELECTOR": "s"}, "DKIM_KEY_FILE", "is not set, but DKIM_SELECTOR is"),
        ({"DKIM_KEY_FILE": "x"}, "DKIM_SELECTOR", "is not set, but DKIM_KEY_FILE is"),
        ({"DKIM_SELECTOR": "s", "DKIM_KEY_FILE": "missing"}, "DKIM_KEY_FILE", "cannot be read"),
        ({"DKIM_SELECTOR": "s s"}, "DKIM_SELECTOR", "one word"),
        ({"DKIM_DOMAIN": "learning"}, "DKIM_DOMAIN", "must be a domain"),
        ({"DKIM_DOMAIN": "other.example"}, "DKIM_DOMAIN", "must be verbinden.example"),
        ({"DKIM_DOMAIN": "inden.example"}, "DKIM_DOMAIN", "must be verbinden.example"),
    ],
)
def test_wrong_settings_for_signing_are_told(tmp_path: Path, changes: dict[str, str], variable: str, words: str):
    (found,) = [line for line in problems(tmp_path, {**GOOD, **changes}) if line.startswith(f"{variable}:")]
    assert words in found


@pytest.mark.conf("OUT-45")
def test_a_key_that_others_can_read_stops_the_start(tmp_path: Path):
    keys = {"DKIM_SELECTOR": "s", "DKIM_KEY_FILE": str(key_file(tmp_path, mode=0o640))}
    (found,) = problems(tmp_path, {**GOOD, **keys})
    assert found.startswith("DKIM_KEY_FILE:") and "chmod 600" in found


def test_two_keys_need_two_selectors(tmp_path: Path):
    file = str(key_file(tmp_path, 0))
    keys = {"DKIM_SELECTOR": "s", "DKIM_KEY_FILE": file, "DKIM_SELECTOR_2": "s", "DKIM_KEY_FILE_2": file}
    (found,) = problems(tmp_path, {**GOOD, **keys})
    assert found.startswith("DKIM_SELECTOR_2:")


@pytest.mark.conf("OUT-42")
def test_a_key_of_1024_bits_is_not_used_and_the_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    keys = {"DKIM_SELECTOR": "s", "DKIM_KEY_FILE": str(key_file(tmp_path, 1024))}
    assert read(tmp_path, {**GOOD, **keys}).signers == ()
    (warned,) = caplog.records
    assert warned.levelname == "WARNING" and "1024 bits" in warned.getMessage()

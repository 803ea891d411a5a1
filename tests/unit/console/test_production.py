"""Nothing starts in production with a secret that is missing or well known, or a certificate that does not fit."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
import yaml

from collectors.registry import SOURCES
from console.production import certificates, secrets
from console.production.secrets import NO_SECRETS, SECRETS, Secret
from ops.local import dotenv
from ops.local.binaries import ROOT

REQUIRED = [secret for secret in SECRETS if secret.required]
OVERLAY = (ROOT / "compose.prod.yml").read_text()
SECRETIVE = re.compile(r"SECRET|PASSWORD|TOKEN$|KEYS?$|_URL$|HEADERS$")
"""How variables are called that hold a secret, or may."""


@pytest.fixture
def good() -> dict[str, str]:
    return dict(secrets.fresh())


def named(environ: Mapping[str, str]) -> set[str]:
    """The variables in which there are faults. No value is ever in what is said of them."""
    said = list(secrets.faults(environ))
    for line in said:
        assert not any(value in line for value in environ.values() if len(value) > 7), line
    return {line.partition(":")[0] for line in said}


def ids(secret: Secret) -> str:
    return secret.name


def test_fresh_ones_are_good(good: dict[str, str]) -> None:
    assert named(good) == set()


@pytest.mark.parametrize("secret", REQUIRED, ids=ids)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_none_may_be_missing(secret: Secret, value: str | None, good: dict[str, str]) -> None:
    del good[secret.name]
    assert named(good | ({secret.name: value} if value is not None else {})) == {secret.name}


@pytest.mark.parametrize("secret", SECRETS, ids=ids)
@pytest.mark.parametrize(
    "value",
    [
        "sluice",
        "changeme",
        "password",
        "fifteen-letters",
        "changeme-changeme",
        "a" * 40,
        "sluice-secret-password",
    ],
)
def test_none_may_be_well_known_or_short(secret: Secret, value: str, good: dict[str, str]) -> None:
    assert named(good | {secret.name: value}) == {secret.name}
    if secret.several:
        assert named(good | {secret.name: f"{good[secret.name]},{value}"}) == {secret.name}


@pytest.mark.parametrize("secret", REQUIRED, ids=ids)
def test_none_may_open_two_doors(secret: Secret, good: dict[str, str]) -> None:
    other = REQUIRED[REQUIRED.index(secret) - 1]
    shared = other.values(good)[0]
    assert named(good | {secret.name: f"name:{shared}" if secret.name == "WEBHOOK_SECRETS" else shared}) <= {
        secret.name,
        other.name,
    }
    assert named(good | {secret.name: shared})


@pytest.mark.parametrize("secret", [secret for secret in SECRETS if secret.in_url], ids=ids)
def test_what_becomes_part_of_an_address_needs_no_quoting(secret: Secret, good: dict[str, str]) -> None:
    assert named(good | {secret.name: "long/enough@but:with#marks9"}) == {secret.name}


@pytest.mark.parametrize("secret", [secret for secret in SECRETS if secret.several], ids=ids)
def test_two_at_once_are_how_one_is_rotated(secret: Secret, good: dict[str, str]) -> None:
    assert named(good | {secret.name: f"{good[secret.name]},{secret.make()}"}) == set()


def test_every_variable_that_may_hold_a_secret_is_on_the_list() -> None:
    known = {secret.name for secret in SECRETS} | NO_SECRETS.keys()
    addresses = {"EVENT_ENDPOINT", "REPORTER_URL", "GATEWAY_URL", "NATS_MONITOR_URL", "ALERT_WEBHOOK_URL"}
    found = {name for name in dotenv.names(ROOT / ".env.example") if SECRETIVE.search(name)}
    assert found - known - addresses == set()


def test_every_default_of_the_compose_file_is_on_the_list() -> None:
    base = (ROOT / "docker-compose.yml").read_text()
    defaults = set(re.findall(r"\$\{([A-Z_]*(?:PASSWORD|SECRET|TOKEN|KEY)[A-Z_]*):-", base))
    assert defaults <= {secret.name for secret in SECRETS} | NO_SECRETS.keys()


def test_compose_itself_refuses_to_start_without_any_of_them() -> None:
    checked = yaml.safe_load(OVERLAY)["services"]["check-secrets"]["environment"]
    assert checked.keys() == {secret.name for secret in SECRETS}
    for secret in SECRETS:
        assert checked[secret.name].startswith(f"${{{secret.name}:{'?' if secret.required else '-'}")


def test_the_overlay_has_no_default_for_a_secret() -> None:
    optional = {secret.name for secret in SECRETS if not secret.required}
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", OVERLAY))
    assert {name: text for name, text in defaults.items() if text} == {
        "SLUICE_VERSION": "dev",
        "CERTIFICATES_DIR": "./certs",
    }
    assert {name for name, text in defaults.items() if not text} == optional


def test_everything_waits_for_the_check() -> None:
    """Directly, or behind somebody who does."""
    base = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    overlay = yaml.safe_load(OVERLAY)["services"]
    awaited = {
        name: {
            **base.get(name, {}).get("depends_on", {}),
            **overlay.get(name, {}).get("depends_on", {}),
        }
        for name in {*base, *overlay}
    }

    def waits(name: str) -> bool:
        return name == "check-secrets" or any(waits(other) for other in awaited[name])

    started_by_hand = {"console"}
    assert {name for name in awaited if not waits(name)} <= started_by_hand


def test_servers_are_on_a_network_that_leads_nowhere() -> None:
    overlay = yaml.safe_load(OVERLAY)
    assert overlay["networks"]["servers"] == {"internal": True}
    for server in ("nats", "postgres", "redis"):
        assert overlay["services"][server]["networks"] == ["servers"], "else its port were published"


class Folder:
    """A folder of certificates, as ops/certificates.sh makes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authority = trustme.CA()
        for name in (*certificates.SERVERS, *certificates.PROGRAMS):
            self.issue(name)
        (path / "clients").mkdir()
        self.authority.cert_pem.write_to_path(path / "clients" / "ca.crt")

    def issue(self, folder: str, name: str = "", expires: datetime | None = None) -> None:
        own = self.path / folder
        own.mkdir(exist_ok=True)
        issued = self.authority.issue_cert(name or folder, not_after=expires)
        (own / "tls.crt").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(own / "tls.key")
        (own / "tls.key").chmod(0o600)
        self.authority.cert_pem.write_to_path(own / "ca.crt")

    @property
    def faults(self) -> list[str]:
        return [fault.removeprefix(f"{self.path}/") for fault in certificates.faults(self.path)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_certificates_that_fit_are_good(folder: Folder) -> None:
    assert folder.faults == []
    assert {f"{source}-collector" for source in SOURCES} <= set(certificates.PROGRAMS)


def test_a_file_that_is_missing_or_something_else_is_named(folder: Folder) -> None:
    (folder.path / "nats" / "tls.key").unlink()
    (folder.path / "redis" / "tls.crt").write_text("no certificate")
    (folder.path / "clients" / "ca.crt").unlink()
    assert folder.faults == [
        "nats/tls.key: No such file or directory",
        "redis/tls.crt: holds no certificate",
        "clients/ca.crt: No such file or directory",
    ]


def test_a_key_of_another_certificate_or_for_everybody_is_refused(folder: Folder) -> None:
    other, key = folder.path / "alerts" / "tls.key", folder.path / "gateway" / "tls.key"
    key.write_bytes(other.read_bytes())
    other.chmod(0o644)
    assert folder.faults == [
        "gateway/tls.key: does not belong to the certificate beside it",
        "alerts/tls.key: others can read it; chmod 600",
    ]


def test_another_name_another_authority_and_an_end_that_is_near_are_refused(folder: Folder) -> None:
    folder.issue("gateway", name="console")
    folder.issue("backup", expires=datetime.now(UTC) + timedelta(hours=2))
    trustme.CA().cert_pem.write_to_path(folder.path / "postgres" / "ca.crt")
    assert [fault.partition(":")[0] for fault in folder.faults] == [
        "postgres/tls.crt",
        "gateway/tls.crt",
        "backup/tls.crt",
    ]

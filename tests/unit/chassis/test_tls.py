"""A file of certificates that is missing or does not fit stops the start, with the variable's name."""

import ssl
from pathlib import Path

import pytest
import trustme

from pipeline.chassis.settings import load_settings
from pipeline.chassis.tls import client_context
from pipeline.errors import ConfigurationError
from pipeline.live import LiveConnection, LiveSettings
from pipeline.store import Database, StoreSettings
from pipeline.stream import StreamConnection, StreamSettings


@pytest.fixture
def files(tmp_path: Path) -> Path:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    for name in ("own", "other"):
        issued = authority.issue_cert(name)
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.crt")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    (tmp_path / "text").write_text("no certificate")
    return tmp_path


def test_servers_are_verified_with_their_names(files: Path) -> None:
    context = client_context("NATS_TLS", f"{files}/ca.crt", f"{files}/own.crt", f"{files}/own.key")
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert [each["issuer"] for each in context.get_ca_certs()], "and by this authority"


@pytest.mark.parametrize(
    ("authority", "certificate", "key", "said"),
    [
        ("nowhere", "", "", "NATS_TLS_CA: .*nowhere: No such file"),
        ("text", "", "", "NATS_TLS_CA: .*text: holds no certificate"),
        ("ca.crt", "nowhere", "own.key", "NATS_TLS_CERT: .*nowhere: No such file"),
        ("ca.crt", "own.crt", "nowhere", "NATS_TLS_KEY: .*nowhere: No such file"),
        ("ca.crt", "own.crt", "other.key", "NATS_TLS_KEY: .*other.key: does not belong to the certificate"),
        ("ca.crt", "own.crt", "text", "NATS_TLS_KEY: .*text: not usable"),
        ("ca.crt", "own.crt", "", "NATS_TLS_CERT: set it together with NATS_TLS_KEY"),
    ],
)
def test_what_does_not_fit_is_named(
    files: Path, authority: str, certificate: str, key: str, said: str
) -> None:
    def path(name: str) -> str:
        return f"{files}/{name}" if name else ""

    with pytest.raises(ConfigurationError, match=said):
        client_context("NATS_TLS", path(authority), path(certificate), path(key))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"NATS_TLS_CA": "/nowhere"}, "NATS_TLS_CA: /nowhere"),
        ({"NATS_TLS_CERT": "/nowhere", "NATS_TLS_KEY": "/nowhere"}, "NATS_TLS_CA: set it together"),
        ({"NATS_URL": "tls://nats:4222"}, "NATS_TLS_CA: required by the tls://"),
    ],
)
def test_a_connection_to_nats_says_so_at_the_start(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        StreamConnection(load_settings(StreamSettings, environ), "test")


@pytest.mark.parametrize(
    ("url", "authority", "said"),
    [
        ("rediss://redis", "/nowhere", "REDIS_TLS_CA: /nowhere: No such file"),
        ("redis://redis", "/nowhere", "REDIS_TLS_CA: REDIS_URL must begin with rediss://"),
    ],
)
def test_a_connection_to_redis_does_too(url: str, authority: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        LiveConnection(LiveSettings(redis_url=url, redis_tls_ca=authority), "test")


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey", "sslidentity"])
def test_a_database_does_too(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DATABASE_URL: {name}: /nowhere: No such file"):
        Database(
            StoreSettings(
                database_url=f"postgresql://u:p@postgres/sluice?sslmode=verify-full&{name}=/nowhere"
            )
        )

"""Settings of canaries and probes: what is refused, by the variable's name."""

import msgspec
import pytest

from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError
from reporter.canary.settings import CanarySettings
from reporter.probes.settings import ProbeSettings


def test_a_canary_shows_its_own_key_or_else_the_first_that_events_show() -> None:
    assert CanarySettings().key == ""
    assert CanarySettings(ingest_api_keys=("a", "b")).key == "a"
    assert CanarySettings(canary_keys=("new", "old"), ingest_api_keys=("a",)).key == "new"


def test_no_interval_means_no_canaries() -> None:
    assert CanarySettings().is_on
    assert not load_settings(CanarySettings, {"CANARY_INTERVAL_SECONDS": "0"}).is_on


@pytest.mark.parametrize(
    ("kind", "variable", "value"),
    [
        (CanarySettings, "CANARY_INTERVAL_SECONDS", "-1"),
        (CanarySettings, "CANARY_STALE_SECONDS", "10"),
        (CanarySettings, "GATEWAY_URL", "gateway:3001"),
        (CanarySettings, "GATEWAY_URL", "http://gateway:3001,http://"),
        (CanarySettings, "GATEWAY_URL", "http://gateway:99999"),
        (CanarySettings, "GATEWAY_URL", "http://[gateway"),
        (ProbeSettings, "PROBE_INTERVAL_SECONDS", "0"),
        (ProbeSettings, "NATS_MONITOR_URL", "nats://127.0.0.1:8222"),
        (ProbeSettings, "SERVER_PROBES", "perhaps"),
        (ProbeSettings, "DISK_PATHS", "/var/lib"),
        (ProbeSettings, "DISK_PATHS", "data="),
        (ProbeSettings, "DISK_PATHS", "data=/a,data=/b"),
        (ProbeSettings, "CERTIFICATE_FILES", "a name=/a.pem"),
        (ProbeSettings, "SECRET_EXPIRIES", "JWT_SECRET=soon"),
        (ProbeSettings, "SECRET_EXPIRIES", "JWT_SECRET=2027-02-30"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(
    kind: type[msgspec.Struct], variable: str, value: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable}: "):
        load_settings(kind, {variable: value})


def test_lists_of_names_and_values_are_read() -> None:
    settings = load_settings(
        ProbeSettings,
        {
            "DISK_PATHS": "data=/var/lib/sluice, wal=/mnt/a=b",
            "CERTIFICATE_FILES": "nats=/etc/nats.pem",
            "SECRET_EXPIRIES": "JWT_SECRET=2027-01-31",
            "SERVER_PROBES": "false",
        },
    )

    assert settings.disks == {"data": "/var/lib/sluice", "wal": "/mnt/a=b"}
    assert settings.certificates == {"nats": "/etc/nats.pem"}
    assert {name: day.isoformat() for name, day in settings.secrets.items()} == {"JWT_SECRET": "2027-01-31"}
    assert not settings.server_probes

"""What services, the publisher and the console are told of each other."""

from pathlib import Path

from ops.local import servers, settings
from ops.local.binaries import ROOT
from ops.local.services import GATEWAY, REPORTER, SERVICES, environment


def read(folder: Path, **values: str) -> settings.LocalSettings:
    return settings.read({"SLUICE_DATA_DIR": str(folder), **values})


def test_every_service_is_given_its_own_port_and_the_addresses_of_the_others(tmp_path: Path) -> None:
    local = read(tmp_path, GATEWAY_PORT="4001", TIKTOK_COLLECTOR_PORT="4003")

    values = environment(REPORTER, local, [])

    assert values["PORT"] == "3004"
    assert values["EVENT_ENDPOINT"] == "http://127.0.0.1:4001/events"
    assert values["GATEWAY_URL"] == "http://127.0.0.1:4001"
    assert values["REPORTER_URL"] == "http://127.0.0.1:3004"
    assert "facebook=http://127.0.0.1:3002" in values["COLLECTOR_URLS"].split(",")
    assert "tiktok=http://127.0.0.1:4003" in values["COLLECTOR_URLS"].split(",")


def test_the_addresses_of_all_collectors_follow_from_the_table(tmp_path: Path) -> None:
    urls = environment(GATEWAY, read(tmp_path), [])["COLLECTOR_URLS"]

    sources = [service.arguments[1] for service in SERVICES if service.arguments[0] == "collectors"]
    assert [each.partition("=")[0] for each in urls.split(",")] == sources
    assert len(sources) >= 2


def test_the_console_is_told_where_nats_answers_for_its_monitoring_and_where_things_are_kept(
    tmp_path: Path,
) -> None:
    nats = servers.nats(tmp_path)

    values = environment(GATEWAY, read(tmp_path), [nats])

    assert values["NATS_MONITOR_URL"] == nats.monitor_url
    assert nats.monitor_url.rpartition(":")[2] == nats.command[nats.command.index("--http_port") + 1]
    assert values["SLUICE_DATA_DIR"] == str(tmp_path)
    assert values["SLUICE_ENV_FILE"] == str(ROOT / ".env")


def test_another_env_file_is_named_to_the_console_as_well(tmp_path: Path) -> None:
    local = read(tmp_path, SLUICE_ENV_FILE=str(tmp_path / "other.env"))

    assert environment(GATEWAY, local, [])["SLUICE_ENV_FILE"] == str(tmp_path / "other.env")


def test_the_disk_of_the_data_is_looked_at_unless_others_are_named(tmp_path: Path) -> None:
    assert environment(REPORTER, read(tmp_path), [])["DISK_PATHS"] == f"data={tmp_path}"
    named = read(tmp_path, DISK_PATHS="wal=/mnt")
    assert environment(REPORTER, named, [])["DISK_PATHS"] == "wal=/mnt"
    (comma := tmp_path / "a,b").mkdir()
    assert "DISK_PATHS" not in environment(REPORTER, read(comma), [])

"""Settings of local operation."""

import os
from pathlib import Path

import pytest

from ops.local import settings


def read(folder: Path, **values: str) -> settings.LocalSettings:
    return settings.read({"SLUICE_DATA_DIR": str(folder), **values})


def test_a_wrong_port_is_refused_by_the_variables_name(tmp_path: Path) -> None:
    local = read(tmp_path, GATEWAY_PORT="70000")
    with pytest.raises(settings.SettingsError, match=r"^GATEWAY_PORT=70000: must be 1 to 65535"):
        local.port("GATEWAY_PORT", 3001)


def test_a_port_that_is_not_set_is_the_default(tmp_path: Path) -> None:
    assert read(tmp_path, GATEWAY_PORT="").port("GATEWAY_PORT", 3001) == 3001


def test_a_postgres_that_is_not_in_the_wheel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match="SLUICE_POSTGRES_VERSION=17"):
        read(tmp_path, SLUICE_POSTGRES_VERSION="17")


def test_the_socket_is_in_the_data_folder_where_its_path_fits() -> None:
    local = settings.LocalSettings(Path("/srv/sluice"), 18, {})
    assert local.socket == Path("/srv/sluice/supervisor.sock")


def test_a_long_data_folder_gets_a_short_private_place_for_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/tmp")  # noqa: S108 - as on most machines
    local = read(tmp_path / ("long" * 30))
    assert len(os.fsencode(local.socket)) <= settings.SOCKET_PATH_BYTES
    assert local.socket == local.socket
    assert local.socket.parent.stat().st_mode & 0o077 == 0
    local.socket.parent.rmdir()


def test_a_folder_that_others_can_enter_is_not_used_for_the_socket(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(settings.SettingsError, match="not ours alone"):
        settings.private_folder(tmp_path / "open")

"""What is written down for the process manager."""

import configparser
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from ops.local import settings, supervision, supervisor_config
from ops.local.supervisor_config import Program


@pytest.fixture
def local(tmp_path: Path) -> settings.LocalSettings:
    return settings.read({"SLUICE_DATA_DIR": str(tmp_path)})


def program(**environment: str) -> Program:
    return Program(name="gateway", command=("/a b/python", "-m", "x%y"), environment=environment, priority=1)


def test_the_process_manager_reads_back_what_was_meant(local: settings.LocalSettings) -> None:
    path = local.data / "supervisord.conf"
    path.write_text(
        supervisor_config.configuration(local, [program(SECRET="50%,a=b;c", URL="redis://:p@h:1/0")])
    )
    options = ServerOptions()
    options.realize(["-c", str(path)])
    [group] = options.process_group_configs
    [read] = group.process_configs
    assert read.environment["SECRET"] == "50%,a=b;c"
    assert read.environment["URL"] == "redis://:p@h:1/0"
    assert read.command == "'/a b/python' -m x%y"
    assert read.startretries == 1_000_000
    assert read.autorestart is not False


@pytest.mark.parametrize("value", ['say "yes"', "it's", "two\nlines", "cut ;here", "cut #here"])
def test_a_value_that_would_be_misread_is_refused_by_name(local: settings.LocalSettings, value: str) -> None:
    with pytest.raises(settings.SettingsError, match=r"^JWT_SECRET:"):
        supervisor_config.configuration(local, [program(JWT_SECRET=value)])


def test_every_process_is_marked_with_its_data_folder(local: settings.LocalSettings) -> None:
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor_config.configuration(local, [program()]))
    assert parser["program:gateway"]["environment"] == f'{supervisor_config.MARKER}="{local.data}"'


def test_a_process_manager_that_is_not_there_runs_nothing(local: settings.LocalSettings) -> None:
    supervisor = supervision.Supervisor(local)
    assert not supervisor.is_up()
    assert supervisor.states() == {}

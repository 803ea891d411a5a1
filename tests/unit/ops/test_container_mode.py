"""Containers or not: who decides, and that it is remembered."""

from pathlib import Path

import pytest

from ops.container import configuration, mode
from ops.container.compose import without_profile
from ops.container.healthcheck import ask
from ops.local import dotenv


def no_engine() -> str:
    return "no container engine answers"


def an_engine() -> str:
    return ""


def must_not_be_asked() -> str:
    raise AssertionError("the engine was asked")


@pytest.mark.parametrize(("flag", "chosen"), [("--docker", mode.DOCKER), ("--local", mode.LOCAL)])
@pytest.mark.parametrize("last", ["", mode.DOCKER, mode.LOCAL])
def test_what_is_said_counts(flag: str, chosen: str, last: str) -> None:
    assert mode.choose(["start", flag], last, must_not_be_asked).mode == chosen


@pytest.mark.parametrize("last", [mode.DOCKER, mode.LOCAL])
def test_a_later_start_is_like_the_last_because_its_data_is_there(last: str) -> None:
    assert mode.choose([], last, must_not_be_asked).mode == last


def test_the_first_start_is_in_containers_where_an_engine_answers() -> None:
    assert mode.choose([], "", an_engine).mode == mode.DOCKER


def test_without_an_engine_the_first_start_is_local_and_says_why() -> None:
    assert mode.choose([], "", no_engine) == mode.Choice(mode.LOCAL, "no container engine answers")


def test_the_mode_is_remembered_in_the_data_folder(tmp_path: Path) -> None:
    assert mode.remembered(tmp_path / "data") == ""
    mode.remember(tmp_path / "data", mode.DOCKER)
    assert mode.remembered(tmp_path / "data") == mode.DOCKER


def test_data_of_a_local_start_from_before_counts_as_local(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")
    assert mode.remembered(tmp_path) == mode.LOCAL


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# A=comment\nGATEWAY_PORT=4001\nREPORTER_PORT='4004'\nEMPTY=\n")
    found = configuration.read({"SLUICE_ENV_FILE": str(path), "GATEWAY_PORT": "5001"})
    assert found.get("GATEWAY_PORT", "3001") == "5001"
    assert found.get("REPORTER_PORT", "3004") == "4004"
    assert found.get("EMPTY", "default") == "default"
    assert found.get("A", "default") == "default"


def test_services_of_a_profile_are_left_out() -> None:
    text = "services:\n  a:\n    image: x\n  b:\n    profiles:\n    - tools\n  c:\n    image: y\nvolumes:\n  d: {}\n"
    assert without_profile(text) == ["a", "c"]


def test_missing_secrets_are_added_and_given_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("NATS_PASSWORD=mine\nREDIS_PASSWORD=\nOTHER=1\n")
    assert dotenv.add_missing(path, dotenv.SERVER_SECRETS) == [
        name for name in dotenv.SERVER_SECRETS if name != "NATS_PASSWORD"
    ]
    found = dotenv.load(path, path, {})
    assert found["NATS_PASSWORD"] == "mine"
    assert found["OTHER"] == "1"
    assert all(found[name] for name in dotenv.SERVER_SECRETS)
    assert dotenv.add_missing(path, dotenv.SERVER_SECRETS) == []


def test_a_health_check_without_a_service_says_so() -> None:
    with pytest.raises(OSError, match=r"refused|answer"):
        ask(1)

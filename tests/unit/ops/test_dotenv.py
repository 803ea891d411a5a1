"""`.env` and the variables that services get from it."""

import base64
import stat
from pathlib import Path

import pytest

from ops.local import dotenv
from ops.local.system import EXAMPLE as REAL_EXAMPLE

EXAMPLE = "# A comment.\n# LOG_LEVEL=info\nJWT_SECRET=\nINGEST_API_KEYS=\nGATEWAY_PORT=3001\n"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / ".env.example"
    path.write_text(EXAMPLE)
    return path


def test_secrets_are_filled_in_and_everything_else_stays(example: Path, tmp_path: Path) -> None:
    assert dotenv.ensure(tmp_path / ".env", example)
    values = dotenv.load(tmp_path / ".env", example, {})
    assert len(values["JWT_SECRET"]) == 48
    assert "INGEST_API_KEYS" not in values
    assert values["GATEWAY_PORT"] == "3001"


def test_every_secret_of_the_example_but_the_api_keys_is_filled_in(tmp_path: Path) -> None:
    dotenv.ensure(tmp_path / ".env", REAL_EXAMPLE)
    values = dotenv.load(tmp_path / ".env", REAL_EXAMPLE, {})
    assert set(values) == set(dotenv.SECRETS)
    assert len(set(values.values())) == len(values)


def test_one_sender_of_webhooks_is_known_from_the_start(tmp_path: Path) -> None:
    dotenv.ensure(tmp_path / ".env", REAL_EXAMPLE)
    entry = dotenv.load(tmp_path / ".env", REAL_EXAMPLE, {})["WEBHOOK_SECRETS"]
    name, secret = entry.split(":")
    assert name == dotenv.DEMO_SENDER
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 30


def test_two_machines_get_different_secrets(example: Path, tmp_path: Path) -> None:
    dotenv.ensure(tmp_path / "one", example)
    dotenv.ensure(tmp_path / "two", example)
    assert (tmp_path / "one").read_text() != (tmp_path / "two").read_text()


def test_only_its_owner_can_read_it(example: Path, tmp_path: Path) -> None:
    dotenv.ensure(tmp_path / ".env", example)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_left_alone(example: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("JWT_SECRET=mine\n")
    assert not dotenv.ensure(tmp_path / ".env", example)
    assert (tmp_path / ".env").read_text() == "JWT_SECRET=mine\n"


def test_the_environment_wins_for_variables_that_we_know(example: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATEWAY_PORT=1\nMINE=kept\n")
    environ = {"GATEWAY_PORT": "2", "LOG_LEVEL": "debug", "AWS_SECRET": "not ours"}
    values = dotenv.load(tmp_path / ".env", example, environ)
    assert values == {"GATEWAY_PORT": "2", "LOG_LEVEL": "debug", "MINE": "kept"}


def test_without_a_file_the_environment_alone_counts(example: Path, tmp_path: Path) -> None:
    assert dotenv.load(tmp_path / ".env", example, {"GATEWAY_PORT": "5"}) == {"GATEWAY_PORT": "5"}

"""Settings, variables, permissions, secrets."""

from collections.abc import Iterable

import pytest

from console.doctor.configuration import EXAMPLE, known_variables, misspelt, private, settings_errors
from console.doctor.discovery import settings_structs
from console.doctor.result import Result
from console.doctor.secrets import is_guessable, judge_secrets
from console.doctor.surroundings import ROOT

KNOWN = known_variables(EXAMPLE.read_text())
GOOD = "b7c0d2f1e4a85936c1d2e3f4a5b6c7d8"


def told(results: Iterable[Result]) -> list[tuple[str, str]]:
    return [(result.status, result.found) for result in results]


def test_the_settings_of_every_program_are_found() -> None:
    names = {struct.__name__ for struct in settings_structs(ROOT)}

    assert {"GatewaySettings", "CollectorSettings", "ReporterSettings", "StreamSettings"} <= names
    assert {"ServerSettings", "StoreSettings", "LoggingSettings", "LiveSettings"} <= names


def test_each_wrong_setting_is_told_once_by_its_name() -> None:
    environ = {
        "PORT": "1",
        "DATABASE_URL": "postgresql://",
        "BODY_SIZE_LIMIT": "a lot",
        "NATS_PING_INTERVAL_SECONDS": "soon",
    }

    errors = list(settings_errors(settings_structs(ROOT), environ))

    assert [error.partition(":")[0] for error in sorted(errors)] == [
        "BODY_SIZE_LIMIT",
        "NATS_PING_INTERVAL_SECONDS",
    ]


def test_a_setting_that_is_required_is_missed() -> None:
    assert list(settings_errors(settings_structs(ROOT), {"PORT": "1"})) == [
        "DATABASE_URL: required, but not set"
    ]


def test_a_misspelt_variable_is_told_with_the_one_that_was_meant() -> None:
    (result,) = misspelt(["GATEWAY_PORT", "EVENT_MAX_BYTES"], KNOWN, ".env")

    assert (result.status, result.found) == ("failed", "EVENT_MAX_BYTES in .env is read by nobody")
    assert "EVENTS_MAX_BYTES" in result.advice


def test_a_variable_like_no_other_is_only_unknown() -> None:
    assert told(misspelt(["COMPOSE_PROJECT"], KNOWN, ".env")) == [
        ("warning", "COMPOSE_PROJECT in .env is not known")
    ]


def test_every_variable_of_the_example_is_known() -> None:
    assert told(misspelt(KNOWN, KNOWN, ".env")) == [("ok", "every variable in .env is known")]


@pytest.mark.parametrize(
    ("mode", "status"), [(0o100600, "ok"), (0o100400, "ok"), (0o100640, "failed"), (0o100644, "failed")]
)
def test_the_file_with_the_secrets_is_its_owners_alone(mode: int, status: str) -> None:
    (result,) = private(".env", mode)

    assert result.status == status


def test_what_a_missing_secret_disables_is_told() -> None:
    results = told(judge_secrets({"FACEBOOK_APP_SECRETS": GOOD}, ["JWT_SECRET", "FACEBOOK_APP_SECRETS"]))

    assert results == [
        ("warning", "JWT_SECRET is empty: social actions and notifications answer 503"),
        ("ok", "none that is set can be guessed"),
    ]


def test_a_door_that_not_everybody_needs_may_stay_shut() -> None:
    assert {status for status, _ in told(judge_secrets({}, ["OPERATOR_API_KEYS", "WEBHOOK_SECRETS"]))} == {
        "ok"
    }


def test_an_open_gateway_is_fine_on_this_machine_only() -> None:
    assert {status for status, _ in told(judge_secrets({"HOST": "127.0.0.1"}, []))} == {"ok"}
    assert ("warning", "INGEST_API_KEYS is empty: whoever reaches POST /events may send") in told(
        judge_secrets({"HOST": "0.0.0.0"}, [])  # noqa: S104 - that is the point
    )


def test_a_secret_that_can_be_guessed_is_told_and_not_shown() -> None:
    results = list(judge_secrets({"JWT_SECRET": "changeme-changeme", "INGEST_API_KEYS": f"{GOOD},short"}, []))

    assert [(result.status, result.found) for result in results] == [
        ("failed", "JWT_SECRET can be guessed"),
        ("failed", "INGEST_API_KEYS can be guessed"),
    ]
    assert "short" not in str(results)


@pytest.mark.parametrize(
    "value", ["secret", "changeme", "0123456789", "aaaaaaaaaaaaaaaaaaaaaaaa", "changeme123456789"]
)
def test_secrets_that_can_be_guessed(value: str) -> None:
    assert is_guessable(value)


@pytest.mark.parametrize("value", ["", GOOD, f"{GOOD}, {GOOD}x", f"shop:whsec_{GOOD},shop:{GOOD}"])
def test_secrets_that_cannot(value: str) -> None:
    assert not is_guessable(value)


def test_a_database_with_a_password_of_those_tried_first() -> None:
    environ = {"DATABASE_URL": "postgresql://sluice:password@db/sluice"}

    assert ("warning", "the password in DATABASE_URL is one of those tried first") in told(
        judge_secrets(environ, [])
    )

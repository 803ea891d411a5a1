"""`sluice token`: what it signs, and what it writes where."""

import time

import pytest
from click.testing import CliRunner, Result

from console.__main__ import sluice
from console.context import Context
from pipeline.chassis.tokens import TokenSettings, TokenVerifier

SECRET = "a-secret-of-at-least-thirty-two-bytes"
OLD = "an-older-secret-of-at-least-thirty-two-bytes"


def run(*arguments: str, **environ: str) -> Result:
    context = Context({"JWT_SECRET": f"{SECRET},{OLD}", **environ})
    return CliRunner().invoke(sluice, ["token", *arguments], obj=context)


def test_only_the_token_is_on_standard_output() -> None:
    result = run("--user", "u-17", "--scope", "events:write:any", "--scope", "one two", "--ttl", "15m")

    assert result.exit_code == 0, result.output
    [line] = result.stdout.splitlines()
    bearer = TokenVerifier(TokenSettings(jwt_secret=(SECRET,))).verify(line)
    assert (bearer.user_id, bearer.scopes) == ("u-17", {"events:write:any", "one", "two"})
    assert bearer.expires_at == pytest.approx(time.time() + 900, abs=5)
    assert "trying things out" in result.stderr
    assert line not in result.stderr


def test_audience_and_issuer_are_those_of_the_settings() -> None:
    result = run("--user", "u-17", JWT_AUDIENCE="app", JWT_ISSUER="us")

    settings = TokenSettings(jwt_secret=(SECRET,), jwt_audience="app", jwt_issuer="us")
    assert TokenVerifier(settings).verify(result.stdout.strip()).scopes == frozenset()


@pytest.mark.parametrize("ttl", ["0", "-1", "forever", "1y", "9999d", ""])
def test_a_time_that_makes_no_sense(ttl: str) -> None:
    result = run("--user", "u-17", "--ttl", ttl)

    assert result.exit_code == 2
    assert "write 90, 15m, 1h or 7d" in result.stderr


@pytest.mark.parametrize("user", ["", "u" * 129])
def test_a_user_that_no_action_could_have(user: str) -> None:
    assert run("--user", user).exit_code == 2


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_secret_there_is_nothing_to_sign_with(secret: str) -> None:
    result = run("--user", "u-17", JWT_SECRET=secret)

    assert result.exit_code == 2
    assert "JWT_SECRET" in result.stderr
    assert result.stdout == ""

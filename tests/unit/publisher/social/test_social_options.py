"""The command line of a run as a society."""

import pytest

from publisher.options import Options, parse
from publisher.social.settings import AttackSettings, SocialSettings
from tests.unit.publisher.social.societies import SECRET

ENVIRON = {"JWT_SECRET": f"{SECRET},an older secret that has 32 bytes too"}


def parsed(*arguments: str, **environ: str) -> tuple[Options, SocialSettings]:
    options = parse(["--as", "social", *arguments], ENVIRON | environ)
    assert options.social is not None
    return options, options.social


def test_it_goes_to_the_door_of_actions_beside_post_events():
    options, _ = parsed(EVENT_ENDPOINT="https://gateway.example:8443/sluice/events")
    assert options.settings.endpoint == "https://gateway.example:8443/sluice/api/events"
    assert parsed()[0].settings.endpoint == "http://127.0.0.1:3001/api/events"
    assert options.settings.batch_size == 20


def test_tokens_are_made_as_the_gateway_is_told():
    _, social = parsed(JWT_AUDIENCE="the-app", JWT_ISSUER="us")
    assert social.tokens.jwt_secret[0] == SECRET
    assert (social.tokens.jwt_audience, social.tokens.jwt_issuer) == ("the-app", "us")


def test_with_addresses_everybody_sends_for_themselves_unless_said():
    assert parsed()[1].own_tokens == 0.1
    assert parsed("--forwarded-for")[1].own_tokens == 1.0
    assert parsed("--forwarded-for", "--own-tokens", "0.5")[1].own_tokens == 0.5


def test_an_attack_has_its_time():
    options, social = parsed("--bot-attack")
    assert social.attack == AttackSettings()
    assert options.settings.duration_seconds == 30
    options, social = parsed("--bot-attack", "p-42", "--bots", "70", "--count", "500")
    assert social.attack == AttackSettings(post="p-42", bots=70)
    assert options.settings.duration_seconds is None
    assert parsed()[1].attack is None


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        ((), {"JWT_SECRET": ""}, "JWT_SECRET: needed to sign the tokens of users"),
        ((), {"JWT_SECRET": "short"}, "JWT_SECRET: a secret has at least 32 bytes"),
        (("--users", "10"), {}, "--users: at least 50"),
        (("--own-tokens", "2"), {}, "--own-tokens: a ratio"),
        (("--batch-size", "1001"), {}, "--batch-size: the gateway takes at most 1000"),
        (("--bot-attack", "--start", "2026-05-14"), {}, "--start: not to be used with --bot-attack"),
        (("--bots", "0"), {}, "--bots: must be above 0"),
        (("--firehose",), {}, "argument --firehose: not to be used with --as social"),
        (("--sender", "demo"), {}, "argument --sender: not to be used with --as social"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    arguments: tuple[str, ...], environ: dict[str, str], told: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments, **environ)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"publisher: {told}")


@pytest.mark.parametrize(
    "arguments", [("--bot-attack",), ("--users", "60"), ("--as", "tiktok-shop", "--bots", "9")]
)
def test_elsewhere_its_options_mean_nothing(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parse(arguments, ENVIRON)
    assert "only with --as social" in capsys.readouterr().err

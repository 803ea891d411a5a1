"""The command line of a run in the part of a provider."""

import pytest

from publisher.options import parse
from publisher.senders.providers import PROVIDERS
from tests.unit.publisher.senders.deliveries import ENVIRON, KEY, SECRET


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("facebook-webhook", "facebook"),
        ("tiktok-webhook", "tiktok"),
        ("tiktok-shop", "tiktok-shop"),
        ("standard-webhooks", "demo"),
    ],
)
def test_each_goes_to_its_own_door_beside_post_events(provider: str, path: str):
    environ = ENVIRON | {"EVENT_ENDPOINT": "https://gateway.example:8443/sluice/events"}
    options = parse(["--as", provider], environ)
    assert options.settings.endpoint == f"https://gateway.example:8443/sluice/webhooks/{path}"
    assert parse(["--as", provider], ENVIRON).settings.endpoint == f"http://127.0.0.1:3001/webhooks/{path}"
    assert options.settings.batch_size == PROVIDERS[provider].max_updates


def test_the_first_secret_signs():
    for provider in ("facebook-webhook", "tiktok-webhook", "tiktok-shop"):
        sender = parse(["--as", provider], ENVIRON).sender
        assert sender is not None
        assert sender.credentials.secret == SECRET
        assert sender.credentials.name == ("the-key" if provider == "tiktok-shop" else "")


def test_a_sender_is_chosen_by_name_or_is_the_first_that_signs():
    first = parse(["--as", "standard-webhooks"], ENVIRON).sender
    named = parse(["--as", "standard-webhooks", "--sender", "acme"], ENVIRON)
    assert first is not None
    assert named.sender is not None
    assert (first.credentials.name, first.credentials.secret) == ("demo", KEY)
    assert named.settings.endpoint.endswith("/webhooks/acme")


def test_delays_and_attempts_are_the_providers_own_unless_said():
    own = parse(["--as", "tiktok-shop"], ENVIRON).sender
    said = parse(["--as", "tiktok-shop", "--retry-delays", "0.1,2", "--attempts", "7"], ENVIRON).sender
    only_delays = parse(["--as", "tiktok-shop", "--retry-delays", "0.1,2"], ENVIRON).sender
    assert own is not None
    assert said is not None
    assert only_delays is not None
    assert (own.effective_attempts, len(own.effective_delays)) == (5, 4)
    assert (said.effective_attempts, said.effective_delays) == (7, (0.1, 2.0))
    assert only_delays.effective_attempts == 3


def test_some_updates_are_odd_unless_said():
    sender = parse(["--as", "facebook-webhook"], ENVIRON).sender
    plain = parse(
        [
            "--as",
            "facebook-webhook",
            *("--malformed-ratio", "0", "--duplicate-ratio", "0", "--unknown-ratio", "0"),
        ],
        ENVIRON,
    ).sender
    assert sender is not None
    assert plain is not None
    assert min(sender.ratios.unknown, sender.ratios.malformed, sender.ratios.duplicate) > 0
    assert plain.ratios.unknown == plain.ratios.malformed == plain.ratios.duplicate == 0


def test_secrets_are_not_shown():
    assert SECRET not in repr(parse(["--as", "facebook-webhook"], ENVIRON))


@pytest.mark.parametrize(
    ("arguments", "missing", "named"),
    [
        (["--as", "facebook-webhook"], "FACEBOOK_APP_SECRETS", "FACEBOOK_APP_SECRETS"),
        (["--as", "tiktok-webhook"], "TIKTOK_CLIENT_SECRETS", "TIKTOK_CLIENT_SECRETS"),
        (["--as", "tiktok-shop"], "TIKTOK_SHOP_APP_KEY", "TIKTOK_SHOP_APP_KEY"),
        (["--as", "tiktok-shop"], "TIKTOK_SHOP_APP_SECRETS", "TIKTOK_SHOP_APP_SECRETS"),
        (["--as", "standard-webhooks"], "WEBHOOK_SECRETS", "WEBHOOK_SECRETS"),
        (["--as", "standard-webhooks", "--sender", "other"], "", "WEBHOOK_SECRETS"),
        (["--as", "standard-webhooks", "--sender", "nobody"], "", "nobody"),
        (["--as", "facebook-webhook", "--batch-size", "1001"], "", "--batch-size"),
        (["--as", "tiktok-webhook", "--batch-size", "2"], "", "--batch-size"),
        (["--as", "facebook-webhook", "--attempts", "0"], "", "--attempts"),
        (["--as", "facebook-webhook", "--retry-delays", "soon"], "", "--retry-delays"),
        (["--as", "facebook-webhook", "--retry-delays", "-1"], "", "--retry-delays"),
        (["--as", "facebook-webhook", "--unknown-ratio", "2"], "", "--unknown-ratio"),
        (["--as", "facebook-webhook", "--malformed-ratio", "2"], "", "--malformed-ratio"),
        (["--as", "facebook-webhook", "--sender", "acme"], "", "--sender"),
        (["--as", "facebook-webhook", "--firehose"], "", "--firehose"),
        (["--as", "facebook-webhook", "--min", "5"], "", "--min"),
        (["--as", "facebook-webhook", "--compare-reports"], "", "--compare-reports"),
        (["--as", "facebook-webhook", "--verify"], "", "--verify"),
        (["--as", "myspace"], "", "--as"),
    ],
)
def test_what_is_wrong_or_missing_is_one_line_that_names_it(
    arguments: list[str], missing: str, named: str, capsys: pytest.CaptureFixture[str]
):
    environ = {name: value for name, value in ENVIRON.items() if name != missing}
    with pytest.raises(SystemExit) as ended:
        parse(arguments, environ)
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert named in output.err
    assert output.err.count("\n") == 1
    assert SECRET not in output.err

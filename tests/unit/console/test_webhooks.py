"""`sluice webhooks`: what it says of a delivery, and that it never says a secret."""

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import click.testing
import pytest
from click.testing import CliRunner

from collectors.registry import SOURCES
from console.context import Context
from console.webhooks.command import webhooks
from console.webhooks.rules import RULES
from console.webhooks.signing import SIGNERS

NEW, OLD = "0123456789abcdef-new-app-secret", "0123456789abcdef-old-app-secret"
CLIENT_SECRET = "fedcba9876543210-client-secret"
SHOP_SECRET = "fedcba9876543210-shop-secret"
KEY = bytes(range(32))
TOKEN = "a-long-token-of-somebody"
ENVIRON = {
    "FACEBOOK_APP_SECRETS": f"{NEW},{OLD}",
    "FACEBOOK_VERIFY_TOKEN": "0123456789abcdef-verify-token",
    "TIKTOK_CLIENT_SECRETS": CLIENT_SECRET,
    "TIKTOK_SHOP_APP_KEY": "app-key",
    "TIKTOK_SHOP_APP_SECRETS": SHOP_SECRET,
    "WEBHOOK_SECRETS": f"demo:whsec_{b64encode(KEY).decode()},shop:{TOKEN}",
}
SECRETS = (
    NEW,
    OLD,
    ENVIRON["FACEBOOK_VERIFY_TOKEN"],
    CLIENT_SECRET,
    SHOP_SECRET,
    TOKEN,
    b64encode(KEY).decode(),
)
BODY = (
    b'{"object":"page","entry":[{"id":"1","time":1789999990,"changes":[{"field":"feed","value":{"item":"like",\
"verb":"add","post_id":"1_2","from":{"id":"7","name":"Zo\\u00eb"},"created_time":1789999980}}]}]}'
)


@pytest.fixture
def run():
    """Runs the command, and looks that no secret is in what it says."""

    def run(
        *arguments: str, body: bytes = BODY, environ: Mapping[str, str] = ENVIRON
    ) -> click.testing.Result:
        result = CliRunner().invoke(webhooks, arguments, input=body, obj=Context(environ))
        for secret in SECRETS:
            assert secret not in result.output
        return result

    return run


def hexadecimal(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), message, algorithm).hexdigest()


def facebook(body: bytes = BODY, secret: str = NEW) -> list[str]:
    return [
        "verify",
        "--provider",
        "facebook",
        "-H",
        f"X-Hub-Signature-256: sha256={hexadecimal(secret, body)}",
    ]


def tiktok(seconds_ago: int, body: bytes = BODY) -> list[str]:
    at = int(time.time()) - seconds_ago
    signature = hexadecimal(CLIENT_SECRET, b"%d.%b" % (at, body))
    return ["verify", "--provider", "tiktok", "-H", f"TikTok-Signature: t={at},s={signature}"]


def standard(body: bytes, key: bytes = KEY, at: int | None = None) -> list[str]:
    at = int(time.time()) if at is None else at
    signature = b64encode(hmac.new(key, b"msg_1.%d.%b" % (at, body), "sha256").digest()).decode()
    headers = ("webhook-id: msg_1", f"webhook-timestamp: {at}", f"webhook-signature: v1,{signature}")
    return ["verify", "--provider", "demo", *(part for each in headers for part in ("-H", each))]


@pytest.mark.parametrize(("secret", "number"), [(NEW, 1), (OLD, 2)])
def test_a_valid_delivery_is_told_with_the_number_of_its_secret_and_what_it_holds(
    run, secret: str, number: int
):
    said = run(*facebook(secret=secret))
    assert said.exit_code == 0
    assert f"secret {number} of 2 in FACEBOOK_APP_SECRETS" in said.output
    assert "1 feed.like.add" in said.output


def test_what_would_become_a_dead_letter_is_told_before_it_does(run):
    body = BODY.replace(b'"changes":[', b'"changes":["\x1b[31m",')
    said = run(*facebook(body), body=body)
    assert said.exit_code == 0
    assert "1 would become a dead letter: " in said.output
    assert "\x1b" not in said.output


@pytest.mark.parametrize(
    ("signed", "arrived", "found"),
    [
        (BODY, BODY + b"\n", "newline at its end that was not signed"),
        (BODY, BODY + b"\r\n", "newline at its end that was not signed"),
        (BODY + b"\n", BODY, "curl --data drops it"),
        (BODY, json.dumps(json.loads(BODY)).encode(), "parsed and written anew"),
        (
            BODY,
            json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":")).encode(),
            "written anew",
        ),
        (json.dumps(json.loads(BODY), indent=2).encode() + b"\n", BODY, "written anew"),
        (b"a\nb", b"a\r\nb", "from LF to CRLF"),
        (b"a\r\nb", b"a\nb", "from CRLF to LF"),
        (b"{}", b"\xef\xbb\xbf{}", "byte order mark"),
        (b"", BODY, "empty body"),
    ],
)
def test_the_usual_changes_of_a_body_are_found(run, signed: bytes, arrived: bytes, found: str):
    said = run(*facebook(signed), body=arrived)
    assert said.exit_code == 1
    assert "Found it: " in said.output
    assert found in said.output


@pytest.mark.parametrize(
    ("configured", "found"),
    [
        (f'"{NEW}"', "quotes around it"),
        (NEW.removesuffix("\n"), "newline"),
    ],
)
def test_the_usual_mistakes_with_a_secret_are_found(run, configured: str, found: str):
    signed_with = NEW + "\n" if found == "newline" else NEW
    said = run(*facebook(secret=signed_with), environ=ENVIRON | {"FACEBOOK_APP_SECRETS": configured})
    assert said.exit_code == 1
    assert found in said.output


def test_the_secret_of_another_webhook_is_named_by_its_variable(run):
    assert (
        "it was signed with the value of TIKTOK_CLIENT_SECRETS" in run(*facebook(secret=CLIENT_SECRET)).output
    )
    verify_token = ENVIRON["FACEBOOK_VERIFY_TOKEN"]
    assert "the value of FACEBOOK_VERIFY_TOKEN" in run(*facebook(secret=verify_token)).output


def test_a_key_that_was_not_decoded_is_found(run):
    said = run(*standard(b"{}", b64encode(KEY)), body=b"{}")
    assert said.exit_code == 1
    assert "the key is what its base64 decodes to" in said.output


def test_a_signature_that_nothing_explains_is_told_with_what_to_look_at(run):
    said = run(*facebook(secret="somebody else's"))
    assert said.exit_code == 1
    assert "none of the 2 secrets in FACEBOOK_APP_SECRETS" in said.output
    assert "another app" in said.output
    assert "Found it" not in said.output


def test_sha1_alone_is_not_enough_but_says_that_the_secret_is_right(run):
    sha1 = f"X-Hub-Signature: sha1={hexadecimal(OLD, BODY, 'sha1')}"
    said = run("verify", "--provider", "facebook", "-H", sha1)
    assert said.exit_code == 1
    assert "X-Hub-Signature-256 is missing" in said.output
    assert "SHA-1 and never enough" in said.output
    assert "the secret and the body are" in said.output
    wrong = run("verify", "--provider", "facebook", "-H", "X-Hub-Signature: sha1=é")
    assert "the secret and the body are" not in wrong.output


def test_a_header_that_came_twice_counts_as_missing(run):
    said = run(*facebook(), *facebook()[3:])
    assert said.exit_code == 1
    assert "is missing" in said.output
    assert "came more than once" in said.output


@pytest.mark.parametrize(
    ("provider", "header", "said"),
    [
        ("facebook", "X-Hub-Signature-256: sha1=abc", "SHA-1"),
        ("facebook", f"X-Hub-Signature-256: SHA256={'A' * 64}", "capitals"),
        ("facebook", f"X-Hub-Signature-256: 'sha256={'a' * 64}'", "quotes"),
        ("tiktok", "TikTok-Signature: s=1", "t=, seconds since 1970"),
        ("tiktok-shop", f"Authorization: Bearer {'a' * 64}", "begins with Bearer"),
        ("shop", "Authorization: Basic abc", "Bearer, one blank"),
    ],
)
def test_a_wrong_form_is_told_beside_the_right_one(run, provider: str, header: str, said: str):
    result = run("verify", "--provider", provider, "-H", header)
    assert result.exit_code == 1
    assert "has not the form" in result.output
    assert said in result.output


def test_a_stale_signature_is_told_by_how_much(run):
    said = run(*tiktok(seconds_ago=3_725))
    assert said.exit_code == 1
    assert "1 h 2 min old" in said.output
    assert "TIKTOK_SIGNATURE_TOLERANCE_SECONDS allows 300 s" in said.output
    assert "The signature is right" in said.output
    ahead = run(*tiktok(seconds_ago=-1_000))
    assert "ahead of this clock" in ahead.output


def test_a_recorded_delivery_is_judged_as_when_it_came(run):
    arguments = standard(b'{"type":"ping"}', at=1_789_999_990)
    assert run(*arguments, body=b'{"type":"ping"}').exit_code == 1
    said = run(*arguments, "--received-at", "2026-09-21T14:13:20Z", body=b'{"type":"ping"}')
    assert said.exit_code == 0
    assert "secret 1 of 1 for demo" in said.output


def test_a_token_is_right_or_not(run):
    assert (
        CliRunner()
        .invoke(
            webhooks,
            ["verify", "--provider", "shop", "-H", f"Authorization: Bearer {TOKEN}"],
            input=b"{}",
            obj=Context(ENVIRON),
        )
        .exit_code
        == 0
    )
    said = run("verify", "--provider", "shop", "-H", "Authorization: Bearer nope")
    assert said.exit_code == 1
    assert "not the one secret of shop in WEBHOOK_SECRETS is this token" in said.output


def test_a_door_without_a_secret_is_told_with_the_variables(run):
    said = run("verify", "--provider", "tiktok-shop", environ={"TIKTOK_SHOP_APP_KEY": "app-key"})
    assert said.exit_code == 1
    assert "Without a value: TIKTOK_SHOP_APP_SECRETS." in said.output
    assert "503" in said.output


def test_a_compressed_delivery_is_told_as_that(run):
    said = run(*facebook(), "-H", "Content-Encoding: gzip")
    assert said.exit_code == 1
    assert "415" in said.output


def test_json_is_for_programs(run):
    told = json.loads(run(*facebook(), "--json").output)
    assert told["diagnosis"]["valid"]
    assert told["contents"]["event_types"] == {"feed.like.add": 1}
    told = json.loads(run("verify", "--provider", "facebook", "--json").output)
    assert (told["diagnosis"]["valid"], told["diagnosis"]["reason"]) == (False, "signature_missing")
    assert told["contents"] is None


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["verify", "--provider", "nobody"], "nobody"),
        (["verify", "--provider", "facebook", "-H", "no colon"], "--header"),
        (["verify", "--provider", "facebook", "--received-at", "soon"], "--received-at"),
        (["verify"], "--provider"),
    ],
)
def test_a_wrong_call_ends_with_status_2(run, arguments: list[str], named: str):
    said = run(*arguments)
    assert said.exit_code == 2
    assert named in said.output


def test_a_wrong_setting_ends_with_status_2(run):
    said = run("list", environ={"WEBHOOK_SECRETS": "demo"})
    assert said.exit_code == 2
    assert "WEBHOOK_SECRETS" in said.output


def test_the_list_tells_what_is_configured_and_no_secret(run):
    listed = json.loads(run("list", "--json").output)
    assert [(each["path"], each["configured"], each["secrets"]) for each in listed] == [
        ("/webhooks/facebook", True, 2),
        ("/webhooks/tiktok", True, 1),
        ("/webhooks/tiktok-shop", True, 1),
        ("/webhooks/demo", True, 1),
        ("/webhooks/shop", True, 1),
    ]
    bare = json.loads(run("list", "--json", environ={}).output)
    assert [each["configured"] for each in bare] == [False, False, False]
    assert bare[2]["missing"] == ["TIKTOK_SHOP_APP_KEY", "TIKTOK_SHOP_APP_SECRETS"]
    shown = run("list", environ={}).output
    assert "FACEBOOK_VERIFY_TOKEN" in shown


@pytest.mark.parametrize("provider", ["facebook", "tiktok", "tiktok-shop", "demo"])
def test_what_is_signed_here_is_valid(run, provider: str, tmp_path: Path):
    path = tmp_path / "a body.json"
    path.write_bytes(BODY)
    command = run(
        "sign", "--provider", provider, str(path), environ=ENVIRON | {"GATEWAY_URL": "http://gw:1/"}
    )
    assert command.exit_code == 0
    assert f"http://gw:1/webhooks/{provider} " in command.output
    assert f"--data-binary '@{path}'" in command.output
    headers = [part for part in command.output.split("'") if ": " in part]
    said = run("verify", "--provider", provider, *(part for each in headers for part in ("-H", each)))
    assert said.exit_code == 0, said.output


def test_nobody_signs_with_a_token_or_a_secret_that_is_not_there(run):
    assert run("sign", "--provider", "shop", "-").exit_code == 1
    assert run("sign", "--provider", "facebook", "--secret", "3", "-").exit_code == 1
    assert run("sign", "--provider", "facebook", "/nowhere").exit_code == 2


def test_every_registered_webhook_can_be_explained_and_signed():
    names = {webhook.name for source in SOURCES.values() for webhook in source.webhooks}
    assert names <= set(RULES)
    assert names <= set(SIGNERS)

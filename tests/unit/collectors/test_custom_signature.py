"""Who signs as Standard Webhooks has it, or shows the token, is believed. The package `standardwebhooks` is the oracle;
where we are stricter, or it raises, stands in two tables."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Oracle
from standardwebhooks.webhooks import WebhookVerificationError

from collectors.custom.credentials import CustomCredentials
from collectors.custom.signature import knows, verify
from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError
from pipeline.events.webhook import Refusal, WebhookRequest
from tests.unit.collectors.webhook_vectors import request_of, vectors_of

NOW = datetime.fromtimestamp(1_790_000_000, UTC)
BODY = '{"type":"greeting","data":"Grüße 🎉"}'.encode()
OLD = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEW = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
TOKEN = "made-up:token/with=signs"
CREDENTIALS = CustomCredentials((f"signing:{OLD}", f"signing:{NEW}", f"showing:{TOKEN}", "showing:second"))


def signature(
    identity: str = "msg_1", seconds: str = "1789999995", body: bytes = BODY, secret: str = OLD
) -> str:
    """The base64 of the signature over these very texts."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b"%b.%b.%b" % (identity.encode(), seconds.encode(), body)
    return base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()


def headers(
    signatures: str | None = None, identity: str = "msg_1", seconds: str = "1789999995"
) -> dict[str, str]:
    given = f"v1,{signature(identity, seconds)}" if signatures is None else signatures
    return {"webhook-id": identity, "webhook-timestamp": seconds, "webhook-signature": given}


def verdict(
    given: dict[str, str],
    sender: str = "signing",
    now: datetime = NOW,
    credentials: CustomCredentials = CREDENTIALS,
) -> Refusal | None:
    return verify(credentials, WebhookRequest(sender, given, BODY, now))


@pytest.mark.parametrize("case", vectors_of("standard_webhooks"))
def test_every_vector_gets_its_verdict(case: dict[str, Any]) -> None:
    entries = tuple(f"acme:{secret}" for secret in case.get("secrets", [case["secret"]]))
    refusal = verify(CustomCredentials(entries, case["tolerance_s"]), request_of(case, "acme"))
    assert (refusal is None) == case["valid"], case["why"]
    assert (refusal is Refusal.SIGNATURE_STALE) == bool(case.get("signature_matches"))


def test_two_secrets_of_a_sender_are_valid_at_once_and_those_of_another_are_not() -> None:
    for secret in (OLD, NEW):
        assert verdict(headers(f"v1,{signature(secret=secret)}")) is None
    others = CustomCredentials((f"signing:{OLD}", f"other:{NEW}"))
    stolen = headers(f"v1,{signature(secret=NEW)}")
    assert verdict(stolen, credentials=others) is Refusal.SIGNATURE_INVALID
    assert verdict(stolen, "other", credentials=others) is None


@pytest.mark.parametrize(
    "signatures",
    [
        *("v1,{s}", "v1,AAAA v1,{s}", "v1,{s} v1,AAAA", "v1a,xyz v1,{s}", "  v1,{s}  ", "v2,{s} v1,{s}"),
        *("garbage v1,{s}", "v1 v1,{s}", ", v1,{s}", "v1,é v1,{s}"),
    ],
)
def test_one_right_signature_among_others_is_enough(signatures: str) -> None:
    assert verdict(headers(signatures.format(s=signature()))) is None


def test_a_header_of_hundreds_of_signatures_is_not_looked_through() -> None:
    for count, refusal in ((40, None), (1000, Refusal.SIGNATURE_MALFORMED)):
        assert verdict(headers("v1,AAAA " * count + f"v1,{signature()}")) is refusal


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_not_there_or_empty_is_a_missing_signature(name: str) -> None:
    without = {key: text for key, text in headers().items() if key != name}
    assert verdict(without) is Refusal.SIGNATURE_MISSING
    assert verdict(without | {name: ""}) is Refusal.SIGNATURE_MISSING


@pytest.mark.parametrize(
    ("age_seconds", "refusal"),
    [
        *((0, None), (300, None), (300.9, None), (301, Refusal.SIGNATURE_STALE)),
        *((-300, None), (-301, Refusal.SIGNATURE_STALE), (86_400, Refusal.SIGNATURE_STALE)),
    ],
)
def test_the_tolerance_counts_in_both_directions(age_seconds: float, refusal: Refusal | None) -> None:
    signed_at = datetime.fromtimestamp(1_789_999_995, UTC)
    assert verdict(headers(), now=signed_at + timedelta(seconds=age_seconds)) is refusal


def test_the_tolerance_is_a_setting_and_a_forgery_is_never_called_stale() -> None:
    strict = CustomCredentials((f"signing:{OLD}",), webhook_tolerance_seconds=4)
    assert verdict(headers(), credentials=strict) is Refusal.SIGNATURE_STALE
    assert verdict(headers(seconds="1"), now=NOW) is Refusal.SIGNATURE_STALE
    assert verdict(headers("v1,AAAA", seconds="1")) is Refusal.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", f" BEARER {TOKEN} ", "Bearer second"]
)
def test_a_token_opens_the_door_of_its_sender(header: str) -> None:
    assert verdict({"authorization": header}, "showing") is None
    assert verdict({"authorization": header}, "signing") is not None


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        *(("", Refusal.SIGNATURE_MISSING), (TOKEN, Refusal.SIGNATURE_MALFORMED)),
        *((f"Basic {TOKEN}", Refusal.SIGNATURE_MALFORMED), (f"Bearer{TOKEN}", Refusal.SIGNATURE_MALFORMED)),
        *(("Bearer", Refusal.SIGNATURE_INVALID), ("Bearer ", Refusal.SIGNATURE_INVALID)),
        *(
            (f"Bearer {TOKEN}x", Refusal.SIGNATURE_INVALID),
            (f"Bearer {TOKEN} {TOKEN}", Refusal.SIGNATURE_INVALID),
        ),
        *(("Bearer é", Refusal.SIGNATURE_INVALID), ("Bearer \ud800", Refusal.SIGNATURE_INVALID)),
    ],
)
def test_any_other_token_does_not(header: str, refusal: Refusal) -> None:
    assert verdict({"authorization": header}, "showing") is refusal


def test_a_sender_on_its_way_from_token_to_signature_may_use_either() -> None:
    both = CustomCredentials((f"acme:{OLD}", "acme:token"))
    assert verdict({"authorization": "Bearer token"}, "acme", credentials=both) is None
    assert verdict(headers(), "acme", credentials=both) is None
    assert verdict({}, "acme", credentials=both) is Refusal.SIGNATURE_MISSING
    assert verdict({"authorization": "Bearer x"}, "acme", credentials=both) is Refusal.SIGNATURE_INVALID
    assert verdict(headers("v1,AAAA"), "acme", credentials=both) is Refusal.SIGNATURE_INVALID


def test_a_signing_secret_is_no_token() -> None:
    assert verdict({"authorization": f"Bearer {OLD}"}) is Refusal.SIGNATURE_MISSING


def test_only_senders_with_a_secret_are_known() -> None:
    assert knows(CREDENTIALS, "signing")
    assert knows(CREDENTIALS, "showing")
    for name in ("", "Signing", "sign", "signing ", "signing:", "custom"):
        assert not knows(CREDENTIALS, name)
        assert verdict(headers(), name) is Refusal.SIGNATURE_INVALID
    assert not knows(CustomCredentials(), "signing")


# --- the oracle -------------------------------------------------------------------------------------------------------


def oracle_says(given: dict[str, str], body: bytes) -> str:
    """`accepts`, `refuses`, or the name of what it raises."""
    try:
        Oracle(OLD).verify(body, given, json_parse=False)
    except WebhookVerificationError:
        return "refuses"
    except Exception as error:
        return type(error).__name__
    return "accepts"


def compared(given: dict[str, str], body: bytes) -> tuple[str, Refusal | None]:
    """Both verdicts now: the oracle knows no other time."""
    request = WebhookRequest("signing", given, body, datetime.now(UTC))
    return oracle_says(given, body), verify(CustomCredentials((f"signing:{OLD}",)), request)


def now_seconds() -> str:
    return str(int(datetime.now(UTC).timestamp()))


@given(
    identity=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60),
    body=st.text().map(str.encode),
    others=st.lists(st.sampled_from(["v1,AAAA", "v1a,AAAA", "v2,whatever"]), max_size=3),
    offset_seconds=st.integers(-290, 290),
)
def test_what_the_oracle_signs_we_believe(
    identity: str, body: bytes, others: list[str], offset_seconds: int
) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=offset_seconds)
    signed = Oracle(OLD).sign(identity, moment, body.decode())
    given = headers(" ".join([*others, signed]), identity, str(int(moment.timestamp())))
    assert compared(given, body) == ("accepts", None)


@given(
    body=st.text().map(str.encode),
    change=st.sampled_from(["webhook-id", "webhook-timestamp", "body", "webhook-signature"]),
)
def test_what_was_changed_after_signing_neither_believes(body: bytes, change: str) -> None:
    seconds = now_seconds()
    given = headers(f"v1,{signature('msg_1', seconds, body)}", seconds=seconds)
    if change == "body":
        body += b" "
    elif change == "webhook-timestamp":
        given[change] = str(int(seconds) - 1)
    elif change == "webhook-id":
        given[change] += "x"
    else:
        given[change] = f"v1,{signature('msg_2', seconds, body)}"
    said, refusal = compared(given, body)
    assert (said, refusal) == ("refuses", Refusal.SIGNATURE_INVALID)


STRICTER = {
    "a fraction in the time": lambda seconds: (f"{seconds}.9", "{s}"),
    "underscores in the time": lambda seconds: (f"{seconds[0]}_{seconds[1:]}", "{s}"),
    "a sign before the time": lambda seconds: (f"+{seconds}", "{s}"),
    "a blank before the time": lambda seconds: (f" {seconds}", "{s}"),
    "zeros before the time": lambda seconds: (f"00{seconds}", "{s}"),
    "an exponent in the time": lambda seconds: (f"{seconds}e0", "{s}"),
    "the time in other digits": lambda seconds: (
        seconds.translate({48 + n: 0x660 + n for n in range(10)}),
        "{s}",
    ),
    "junk in the base64": lambda seconds: (seconds, "!{s}"),
    "a line end after the base64": lambda seconds: (seconds, "{s}\n"),
    "more padding than needed": lambda seconds: (seconds, "{s}="),
}
"""What the oracle accepts with a signature over the plain time, and we do not: nobody signs like that by the book."""


@pytest.mark.parametrize("case", STRICTER)
def test_we_are_stricter_than_the_oracle(case: str) -> None:
    plain = now_seconds()
    seconds, shape = STRICTER[case](plain)
    given = headers("v1," + shape.format(s=signature("msg_1", plain)), seconds=seconds)
    said, refusal = compared(given, BODY)
    assert said == "accepts"
    assert refusal in {Refusal.SIGNATURE_MALFORMED, Refusal.SIGNATURE_INVALID}


def test_an_id_beyond_visible_ascii_is_refused_because_no_header_carries_it_safely() -> None:
    for identity in ("msg_é", "msg\t1", "x" * 257):
        seconds = now_seconds()
        given = headers(f"v1,{signature(identity, seconds)}", identity, seconds)
        assert compared(given, BODY) == ("accepts", Refusal.SIGNATURE_MALFORMED)


ORACLE_RAISES = {
    "no comma": ("garbage", Refusal.SIGNATURE_MALFORMED),
    "two blanks before a right one": ("v1,AAAA  v1,{s}", None),
    "base64 of a wrong length": ("v1,abc", Refusal.SIGNATURE_INVALID),
    "two commas": ("v1,{s},{s}", Refusal.SIGNATURE_INVALID),
    "no ASCII": ("v1,é", Refusal.SIGNATURE_INVALID),
    "half a surrogate pair": ("v1,\ud800", Refusal.SIGNATURE_INVALID),
}


@pytest.mark.parametrize("case", ORACLE_RAISES)
def test_what_makes_the_oracle_raise_gets_a_verdict(case: str) -> None:
    shape, expected = ORACLE_RAISES[case]
    seconds = now_seconds()
    given = headers(shape.format(s=signature("msg_1", seconds)), seconds=seconds)
    said, refusal = compared(given, BODY)
    assert said not in {"accepts", "refuses"}
    assert refusal is expected


def test_a_body_that_is_not_utf_8_is_believed_when_its_bytes_are_signed() -> None:
    seconds = now_seconds()
    body = b"\xff\xfe{}"
    given = headers(f"v1,{signature('msg_1', seconds, body)}", seconds=seconds)
    assert compared(given, body) == ("UnicodeDecodeError", None)


@given(
    given=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "authorization"]),
        st.text(max_size=100)
        | st.sampled_from(["msg_1", "1789999995", "v1,AAAA", "9" * 5000, "Bearer x", " ", ","]),
    )
)
def test_no_headers_raise_or_are_believed(given: dict[str, str]) -> None:
    for sender in ("signing", "showing", "nobody"):
        assert isinstance(verdict(given, sender), Refusal)


# --- settings ---------------------------------------------------------------------------------------------------------


def loaded(text: str) -> CustomCredentials:
    return load_settings(CustomCredentials, {"WEBHOOK_SECRETS": text})


def test_entries_are_read_from_one_variable() -> None:
    credentials = loaded(f" acme:{OLD} , acme : {NEW},shop-1:to:ken,")
    assert knows(credentials, "acme")
    assert verdict(headers(f"v1,{signature(secret=NEW)}"), "acme", credentials=credentials) is None
    assert verdict({"authorization": "Bearer to:ken"}, "shop-1", credentials=credentials) is None


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        *(("acme", "expected name:secret"), ("acme:", "expected name:secret"), (":secret", "a name is")),
        *(("a/b:secret", "a name is"), ("a b:secret", "a name is"), ("-a:secret", "a name is")),
        *(("x" * 65 + ":secret", "a name is"), ("ä:secret", "a name is"), ("acme:whsec_", "fewer than 24")),
        *(
            ("acme:whsec_c2VjcmV0", "fewer than 24"),
            ("acme:whsec_%%%", "no base64"),
            ("acme:whsec_abc", "no base64"),
        ),
        *(("acme:two words", "visible ASCII"), ("acme:schlüssel", "visible ASCII")),
    ],
)
def test_a_wrong_entry_stops_the_start_and_is_named_without_its_secret(entry: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^WEBHOOK_SECRETS: entry 2: .*{complaint}") as raised:
        loaded(f"good:secret-of-good,{entry}")
    secret = entry.partition(":")[2]
    assert "secret-of-good" not in str(raised.value)
    assert len(secret) < 6 or secret in {"secret", "whsec_"} or secret not in str(raised.value)


def test_a_tolerance_below_zero_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^WEBHOOK_TOLERANCE_SECONDS: "):
        load_settings(CustomCredentials, {"WEBHOOK_TOLERANCE_SECONDS": "-1"})

"""What TikTok's two platforms sign is believed, and nothing else; nothing that a stranger writes raises."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.tiktok.webhook.signature import (
    TikTokCredentials,
    TikTokShopCredentials,
    knows,
    knows_shop,
    verify,
    verify_shop,
)
from pipeline.events.webhook import Refusal, WebhookRequest
from tests.unit.collectors.webhook_vectors import request_of, vectors_of

NOW = datetime.fromtimestamp(1_790_000_000, UTC)
BODY = '{"event":"video.publish.completed","text":"Xin chào 🎉"}'.encode()
OLD, NEW = "old client secret", "neues Geheimnis ü"
BOTH = TikTokCredentials(tiktok_client_secrets=(OLD, NEW))
SHOP = TikTokShopCredentials(tiktok_shop_app_key="68xu9ks5p4i8", tiktok_shop_app_secrets=(OLD, NEW))


def digest(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, "sha256").hexdigest()


def signed(seconds: str = "1789999995", secret: str = OLD, body: bytes = BODY) -> str:
    """The hex part of the header over this very text of `t`."""
    return digest(secret, seconds.encode() + b"." + body)


def verdict(header: str | None, now: datetime = NOW, credentials: TikTokCredentials = BOTH) -> Refusal | None:
    headers = {} if header is None else {"tiktok-signature": header}
    return verify(credentials, WebhookRequest("tiktok", headers, BODY, now))


def shop_verdict(header: str | None, credentials: TikTokShopCredentials = SHOP) -> Refusal | None:
    headers = {} if header is None else {"authorization": header}
    return verify_shop(credentials, WebhookRequest("tiktok-shop", headers, BODY, NOW))


@pytest.mark.parametrize("case", vectors_of("tiktok"))
def test_every_vector_gets_its_verdict(case: dict[str, Any]) -> None:
    credentials = TikTokCredentials((case["secret"],), case["tolerance_s"])
    refusal = verify(credentials, request_of(case, "tiktok"))
    assert (refusal is None) == case["valid"], case["why"]
    # A right signature at a wrong time is the only one that is called stale.
    assert (refusal is Refusal.SIGNATURE_STALE) == bool(case.get("signature_matches"))


@pytest.mark.parametrize("case", vectors_of("tiktok_shop"))
def test_every_vector_of_the_shop_gets_its_verdict(case: dict[str, Any]) -> None:
    credentials = TikTokShopCredentials(case["app_key"], (case["secret"],))
    refusal = verify_shop(credentials, request_of(case, "tiktok-shop"))
    assert (refusal is None) == case["valid"], case["why"]


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_two_secrets_are_valid_at_once(secret: str) -> None:
    assert verdict(f"t=1789999995,s={signed(secret=secret)}") is None
    assert shop_verdict(digest(secret, b"68xu9ks5p4i8" + BODY)) is None


@pytest.mark.parametrize(
    "header",
    [
        "s={s},t=1789999995",
        " t=1789999995 , s={s} ",
        "t=1789999995,\ts={s}",
        "t=1789999995,,s={s},",
        "t=1789999995,s={s},v=2",
        "t=1789999995,s={s},scheme=a=b",
    ],
)
def test_what_says_the_same_in_another_way_is_accepted(header: str) -> None:
    assert verdict(header.format(s=signed())) is None


def test_leading_zeros_are_signed_as_they_are_written() -> None:
    assert verdict(f"t=001789999995,s={signed('001789999995')}") is None
    assert verdict(f"t=001789999995,s={signed()}") is Refusal.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "seconds",
    [
        *("", " 1789999995", "1789999995 ", "+1789999995", "-1789999995", "1_789_999_995", "1789999995.0"),
        *(
            "1789999995.9",
            "0x6AB13B80",
            "1e9",
            "nan",
            "inf",
            "1" * 13,
            "9" * 5000,
            "١٧٨٩٩٩٩٩٩٥",
            "²",
            "1789999995\n",
        ),
    ],
)
def test_a_time_that_is_not_plain_digits_is_malformed_even_if_it_is_signed(seconds: str) -> None:
    # A blank at the end is the element's, not the number's, but a line end is no blank.
    expected = None if seconds == "1789999995 " else Refusal.SIGNATURE_MALFORMED
    assert verdict(f"t={seconds},s={signed(seconds.strip(' '))}") is expected


@pytest.mark.parametrize(
    "header",
    [
        *("garbage", "=", ",", "t", "s", "t=,s=", "t=1789999995", "s={s}", "t=1789999995;s={s}", "{s}"),
        *(
            "t=1789999995,t=1789999995,s={s}",
            "t=1789999995,s={s},s={s}",
            "t=1789999995,s={s},t=1789999995,s={s}",
        ),
        *("T=1789999995,S={s}", "t=1789999995,s={s}0", "t=1789999995,s=0x{s}", "t =1789999995,s={s}"),
        *("t=1789999995,s={s},garbage", "t=1789999995,s=" + "é" * 64, "t=1789999995,s=" + "٣" * 64),
        "t=1789999995,s=\ud800",
        "t=1789999995,s={s}" + "," * 2000,
    ],
)
def test_a_header_of_another_shape_is_malformed(header: str) -> None:
    assert verdict(header.replace("{s}", signed())) is Refusal.SIGNATURE_MALFORMED


def test_a_digest_in_capitals_is_not_the_one_that_is_documented() -> None:
    assert verdict(f"t=1789999995,s={signed().upper()}") is Refusal.SIGNATURE_MALFORMED
    assert shop_verdict(digest(OLD, b"68xu9ks5p4i8" + BODY).upper()) is Refusal.SIGNATURE_MALFORMED


@pytest.mark.parametrize("header", [None, ""])
def test_no_header_is_a_missing_signature(header: str | None) -> None:
    assert verdict(header) is Refusal.SIGNATURE_MISSING
    assert shop_verdict(header) is Refusal.SIGNATURE_MISSING


@pytest.mark.parametrize(
    ("age_seconds", "refusal"),
    [
        *((0, None), (300, None), (300.9, None), (301, Refusal.SIGNATURE_STALE)),
        *((-300, None), (-301, Refusal.SIGNATURE_STALE), (86_400, Refusal.SIGNATURE_STALE)),
    ],
)
def test_the_tolerance_counts_in_both_directions_from_the_arrival(
    age_seconds: float, refusal: Refusal | None
) -> None:
    signed_at = datetime.fromtimestamp(1_789_999_995, UTC)
    assert verdict(f"t=1789999995,s={signed()}", signed_at + timedelta(seconds=age_seconds)) is refusal


def test_the_tolerance_is_a_setting() -> None:
    strict = TikTokCredentials((OLD,), tiktok_signature_tolerance_seconds=4)
    assert verdict(f"t=1789999995,s={signed()}", credentials=strict) is Refusal.SIGNATURE_STALE
    assert verdict(f"t=1789999996,s={signed('1789999996')}", credentials=strict) is None


def test_a_forged_signature_is_never_called_stale() -> None:
    assert verdict(f"t=1,s={'0' * 64}") is Refusal.SIGNATURE_INVALID


def test_the_shop_wants_the_bare_digest() -> None:
    right = digest(OLD, b"68xu9ks5p4i8" + BODY)
    assert shop_verdict(f" {right}\t") is None
    for wrong in (f"Bearer {right}", f"sha256={right}", f"{right}, {right}", right[:-1], "é" * 64, "\ud800"):
        assert shop_verdict(wrong) is Refusal.SIGNATURE_MALFORMED, wrong
    assert shop_verdict(digest(OLD, BODY)) is Refusal.SIGNATURE_INVALID
    assert shop_verdict(digest("another", b"68xu9ks5p4i8" + BODY)) is Refusal.SIGNATURE_INVALID


def test_without_a_secret_nobody_is_known_and_nothing_believed() -> None:
    for secrets in ((), ("",), ("", "")):
        nobody = TikTokCredentials(secrets)
        assert not knows(nobody, "tiktok")
        assert verdict(f"t=1789999995,s={signed(secret='')}", credentials=nobody) is Refusal.SIGNATURE_INVALID
        shop = TikTokShopCredentials("key", secrets)
        assert not knows_shop(shop, "tiktok-shop")
        assert shop_verdict(digest("", b"key" + BODY), shop) is Refusal.SIGNATURE_INVALID
    keyless = TikTokShopCredentials("", (OLD,))
    assert not knows_shop(keyless, "tiktok-shop")
    assert shop_verdict(digest(OLD, BODY), keyless) is Refusal.SIGNATURE_INVALID
    assert knows(BOTH, "tiktok")
    assert knows_shop(SHOP, "tiktok-shop")


@given(header=st.text(max_size=300), body=st.binary(max_size=100))
def test_no_header_raises_or_is_believed(header: str, body: bytes) -> None:
    request = WebhookRequest("tiktok", {"tiktok-signature": header, "authorization": header}, body, NOW)
    assert isinstance(verify(BOTH, request), Refusal)
    assert isinstance(verify_shop(SHOP, request), Refusal)


@given(seconds=st.text(max_size=20), digits=st.text(alphabet="0123456789abcdefABCDEF=, ", max_size=80))
def test_no_header_of_nearly_the_right_shape_is_believed(seconds: str, digits: str) -> None:
    assert isinstance(verdict(f"t={seconds},s={digits}"), Refusal)


@given(body=st.binary(max_size=200), bit=st.integers(min_value=0))
def test_one_bit_of_the_body_makes_it_a_forgery(body: bytes, bit: int) -> None:
    if not body:
        return
    index = bit % (len(body) * 8)
    flipped = bytearray(body)
    flipped[index // 8] ^= 1 << index % 8
    header = f"t=1789999995,s={signed(body=body)}"
    request = WebhookRequest("tiktok", {"tiktok-signature": header}, bytes(flipped), NOW)
    assert verify(BOTH, request) is Refusal.SIGNATURE_INVALID

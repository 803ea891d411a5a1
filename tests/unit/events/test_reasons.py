"""What went wrong with an event is told as a reason of the closed set, a path and a readable detail."""

from typing import Annotated, Literal

import msgspec
import pytest

from pipeline.events.reasons import Reason, Rejected, Rejection, rejection_of


class Inner(msgspec.Struct):
    age: Annotated[int, msgspec.Meta(ge=0)]
    kind: Literal["a", "b"] = "a"


class Outer(msgspec.Struct):
    id: str
    inner: Inner
    many: list[Inner] = []


def rejection_while_decoding(text: bytes) -> Rejection:
    with pytest.raises((msgspec.MsgspecError, RecursionError)) as caught:
        msgspec.json.decode(text, type=Outer)
    return rejection_of(caught.value)


@pytest.mark.parametrize(
    ("text", "path", "detail"),
    [
        (b'{"inner":{"age":1}}', "$", "Object missing required field `id`"),
        (b"[]", "$", "Expected `object`, got `array`"),
        (b'{"id":1,"inner":{"age":1}}', "$.id", "Expected `str`, got `int`"),
        (b'{"id":"1","inner":{}}', "$.inner", "Object missing required field `age`"),
        (b'{"id":"1","inner":{"age":-1}}', "$.inner.age", "Expected `int` >= 0"),
        (b'{"id":"1","inner":{"age":1},"many":[{"age":"x"}]}', "$.many[0].age", "Expected `int`, got `str`"),
        (b'{"id":"1","inner":{"age":1,"kind":"c"}}', "$.inner.kind", "Invalid enum value 'c'"),
    ],
)
def test_a_schema_violation_tells_where_and_what(text: bytes, path: str, detail: str) -> None:
    assert rejection_while_decoding(text) == Rejection(Reason.SCHEMA_VIOLATION, path, detail)


def test_a_value_that_imitates_a_path_is_not_taken_for_one() -> None:
    rejection = rejection_while_decoding(b'{"id":"1","inner":{"age":1,"kind":"x - at `$.forged`"}}')
    assert rejection.path == "$.inner.kind"


def test_a_detail_never_carries_the_whole_value_back() -> None:
    rejection = rejection_while_decoding(b'{"id":"1","inner":{"age":1,"kind":"%b"}}' % (b"x" * 1_000_000))
    assert rejection.path == "$.inner.kind"
    assert rejection.detail.startswith("Invalid enum value 'xxx")
    assert len(rejection.detail) < 1_000


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"nothing", b'{"id":"1"', b'{"id":"1",}', b'{"id":"1","inner":{"age":1}} {}', b'{"id":NaN}'],
)
def test_what_is_no_json_is_malformed(text: bytes) -> None:
    rejection = rejection_while_decoding(text)
    assert (rejection.reason, rejection.path) == (Reason.MALFORMED_JSON, "$")
    assert rejection.detail


def test_what_is_nested_too_deeply_is_malformed() -> None:
    rejection = rejection_while_decoding(b'{"unknown":' + b"[" * 100_000)
    assert rejection == Rejection(Reason.MALFORMED_JSON, "$", "nested too deeply")


def test_a_format_says_itself_why_it_refuses() -> None:
    error = Rejected(Reason.TOO_LARGE, "$.text", "too long")
    assert rejection_of(error) == Rejection(Reason.TOO_LARGE, "$.text", "too long")


def test_the_reasons_are_those_that_the_dead_letters_know() -> None:
    assert {reason.value for reason in Reason} == {
        "malformed_json",
        "schema_violation",
        "unstorable_text",
        "timestamp_out_of_range",
        "too_large",
        "unsupported_format",
        "storage_rejected",
    }

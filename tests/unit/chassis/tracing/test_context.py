"""What a stranger writes into traceparent and tracestate is read exactly, or it is no trace."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.chassis.tracing.context import TraceContext, message_context, read_context, request_context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_what_is_carried_comes_out_again() -> None:
    context = TraceContext(int(TRACE, 16), int(SPAN, 16), True, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    assert context.headers() == {"traceparent": GOOD, "tracestate": context.state}
    assert message_context(context.headers()) == context
    assert (
        request_context([(name.encode(), text.encode()) for name, text in context.headers().items()])
        == context
    )


@pytest.mark.parametrize(
    "parent",
    [
        f"cc-{TRACE}-{SPAN}-01-what-the-future-brings",
        f"01-{TRACE}-{SPAN}-09",
        f"  {GOOD}\t",
    ],
)
def test_a_later_version_says_at_least_what_the_first_does(parent: str) -> None:
    assert read_context(parent) == TraceContext(int(TRACE, 16), int(SPAN, 16), True)


@pytest.mark.parametrize("flags", ["00", "02", "fe"])
def test_only_the_lowest_flag_says_that_it_is_sampled(flags: str) -> None:
    context = read_context(f"00-{TRACE}-{SPAN}-{flags}")
    assert context is not None
    assert not context.sampled


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        GOOD.upper(),
        GOOD + "-more",
        GOOD + "\n",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01" + " " * 300,
        f"cc-{TRACE}-{SPAN}-01-" + "x" * 1_000_000,
        f"00-{'٣' * 32}-{SPAN}-01",
    ],
)
def test_what_is_not_exactly_right_is_no_trace(parent: str) -> None:
    assert read_context(parent) is None


def test_two_parents_are_none_and_several_states_are_one() -> None:
    parent = (b"traceparent", GOOD.encode())
    assert request_context([parent, parent]) is None
    context = request_context([(b"tracestate", b"a=1"), parent, (b"tracestate", b"b=2")])
    assert context is not None
    assert context.state == "a=1,b=2"
    assert request_context([(b"tracestate", b"a=1")]) is None


@pytest.mark.parametrize(
    "state",
    [
        "no-equals-sign",
        "a=1,a=2",
        "UPPER=1",
        "a=1\r\nInjected: yes",
        "a=é",
        ",".join(f"k{number}=v" for number in range(33)),
        "a=" + "x" * 600,
    ],
)
def test_a_bad_state_is_left_out_and_the_parent_stays(state: str) -> None:
    assert read_context(GOOD, state) == TraceContext(int(TRACE, 16), int(SPAN, 16), True)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"traceparent", b"tracestate", b"accept"]),
            st.one_of(
                st.binary(max_size=700),
                st.from_regex(re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.*")),
                st.from_regex(re.compile(rb"([a-z][a-z0-9]*=[ -~]*,?){1,40}")),
            ),
        ),
        max_size=6,
    )
)
def test_no_header_breaks_anything_and_what_is_passed_on_is_right(headers: list[tuple[bytes, bytes]]) -> None:
    context = request_context(headers)
    if context is None:
        return
    passed_on = context.headers()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", passed_on["traceparent"])
    assert all(text.isascii() and text.isprintable() and len(text) <= 512 for text in passed_on.values())
    assert message_context(passed_on) == context

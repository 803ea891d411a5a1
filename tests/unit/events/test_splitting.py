"""A body is cut into its elements in small steps, and an element that lies about its end deceives nobody."""

import json
import resource
import sys
from collections.abc import Iterable
from itertools import chain

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.events.splitting import STEP_BYTES, MalformedArray, split_array, split_lines


def elements_of(parts: Iterable[list[msgspec.Raw]]) -> list[bytes]:
    return [bytes(raw) for raw in chain.from_iterable(parts)]


def values_of(text: bytes) -> list[object]:
    return [json.loads(raw) for raw in elements_of(split_array(text))]


@pytest.mark.parametrize(
    ("text", "complaint", "position"),
    [
        (b"", "expected an array", 0),
        (b"   \n", "expected an array", 4),
        (b"{}", "expected an array", 0),
        (b"hello", "expected an array", 0),
        (b"\xef\xbb\xbf[]", "expected an array", 0),
        (b"[", "does not end", 1),
        (b"  [  ", "does not end", 3),
        (b'[{"a":1}', "does not end", 8),
        (b'[{"a":1},', "does not end", 9),
        (b'[{"a":1},{"b":', "does not end", 14),
        (b'[{"a":1},{"b":[1,2]', "does not end", 19),
        (b"[,]", "missing between two commas", 1),
        (b'[{"a":1},]', "missing between two commas", 9),
        (b'[,{"a":1}]', "missing between two commas", 1),
        (b'[{"a":1},,{"b":1}]', "missing between two commas", 9),
        (b'[{"a":1} , \t , {"b":1}]', "missing between two commas", 10),
        (b'[{"a":1}]]', "trailing characters", 9),
        (b'[{"a":1}],[{"b":1}]', "trailing characters", 9),
        (b'[{"a":1}}]', "unbalanced", 8),
        (b'[{"a":"never closed]', "a string does not end", 6),
        (b'[{"a":"closed only by an escape\\"}]', "a string does not end", 6),
    ],
)
def test_what_is_no_array_is_refused_with_the_place_where_it_breaks(
    text: bytes, complaint: str, position: int
) -> None:
    with pytest.raises(MalformedArray, match=complaint) as caught:
        list(split_array(text))
    assert caught.value.position == position


def test_an_array_that_breaks_late_still_gives_what_came_before() -> None:
    good = b'{"text":"%b"}' % (b"x" * 400)
    parts = split_array(b"[" + b",".join([good] * 1000) + b",,]")
    assert bytes(next(parts)[0]) == good
    with pytest.raises(MalformedArray):
        list(parts)


@pytest.mark.parametrize("text", [b"[]", b" [ ] ", b"[\r\n\t]\n"])
def test_an_empty_array_has_no_elements(text: bytes) -> None:
    assert elements_of(split_array(text)) == []


LIARS = [
    {"text": "},{"},
    {"text": '"},{"eventId":"forged"},{"'},
    {"text": "]"},
    {"text": "}]"},
    {"text": '\\"},{\\"'},
    {"text": "\\"},
    {"text": "\\\\"},
    {"},{": "in a key"},
    {"nested": [{"a": 1}, {"b": 2}, [{"c": 3}]]},
    {"nested": {"},{": [[], {}, "[{"]}},
]


@pytest.mark.parametrize("liar", LIARS)
@pytest.mark.parametrize("indent", [None, 1])
def test_an_element_that_looks_like_a_boundary_stays_whole(liar: object, indent: int | None) -> None:
    expected = [{"id": 1}, liar, {"id": 2}]
    assert values_of(json.dumps(expected, indent=indent).encode()) == expected


@pytest.mark.parametrize("liar", LIARS)
def test_boundaries_inside_elements_do_not_mislead_at_the_edge_of_a_part(liar: object) -> None:
    # So many of them that each guess of a part's end falls among them.
    filler = {"text": "x" * 200}
    expected = [liar, filler] * (3 * STEP_BYTES // 240)
    assert values_of(json.dumps(expected, separators=(",", ":")).encode()) == expected


def test_an_element_full_of_boundaries_longer_than_a_part_stays_whole() -> None:
    expected = [{"id": 1}, {"text": "},{" * STEP_BYTES}, {"nested": [{"a": 1}] * STEP_BYTES}, {"id": 2}]
    assert values_of(json.dumps(expected, separators=(",", ":")).encode()) == expected


@pytest.mark.parametrize("indent", [None, 0, 4])
@pytest.mark.parametrize("separators", [(",", ":"), (" ,\r\n\t", " : ")])
def test_formatting_makes_no_difference(indent: int | None, separators: tuple[str, str]) -> None:
    expected = [{"id": number, "nested": {"list": [number, {"a": "b"}]}} for number in range(5_000)]
    assert values_of(json.dumps(expected, indent=indent, separators=separators).encode()) == expected


BAD_ELEMENTS = {
    "a lone surrogate": b'{"text":"\\ud83d"}',
    "10,000 brackets": b'{"deep":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "no JSON inside": b'{"a":nonsense}',
    "bytes that are no UTF-8": b'{"text":"\xff\xfe"}',
    "an unquoted word": b"nothing",
}


@pytest.mark.parametrize("bad", BAD_ELEMENTS.values(), ids=BAD_ELEMENTS)
@pytest.mark.parametrize("neighbours", [1, 2_000])
def test_one_bad_element_is_given_out_like_its_good_neighbours(bad: bytes, neighbours: int) -> None:
    good = b'{"text":"%b"}' % (b"x" * 200)
    elements = [good] * neighbours + [bad] + [good] * neighbours
    assert elements_of(split_array(b"[" + b",".join(elements) + b"]")) == elements


def test_no_step_over_a_body_of_20_mb_takes_much_more_than_a_part() -> None:
    event = b'{"eventId":"fb-1","data":{"text":"%b"}}' % (b"x" * 400)
    body = b"[" + b",".join([event] * (20_000_000 // len(event))) + b"]"
    parts = list(split_array(body))
    assert max(sum(map(_size, part)) for part in parts) <= STEP_BYTES
    assert sum(map(len, parts)) == 20_000_000 // len(event)


@pytest.mark.parametrize(
    "element",
    [b'{"text":"%b"}' % (b"x" * 6_000), b'{"text":"%b"}' % (b"},{" * 2_000), b'"%b"' % (b"x" * 400), b"17"],
    ids=["larger than where an end is looked for", "full of false ends", "strings", "numbers"],
)
@pytest.mark.exhaustive
def test_steps_stay_small_when_every_element_has_to_be_found_by_its_brackets(element: bytes) -> None:
    count = 6_000_000 // (len(element) + 1)
    parts = list(split_array(b"[" + b",".join([element] * count) + b"]"))
    assert max(sum(map(_size, part)) for part in parts) <= STEP_BYTES
    assert sum(map(len, parts)) == count


def test_a_huge_element_of_many_brackets_lets_others_run_while_it_is_scanned() -> None:
    huge = b'{"nested":[' + b",".join([b"{}"] * 200_000) + b"]}"
    parts = list(split_array(b"[" + huge + b',{"id":2}]'))
    assert [bytes(raw) for part in parts for raw in part] == [huge, b'{"id":2}']
    assert sum(1 for part in parts if not part) >= 100


def test_a_string_of_20_mb_costs_no_memory_but_its_own() -> None:
    huge = b'{"text":"%b"}' % (b"x" * 20_000_000)
    body = b"[" + huge + b',{"id":2}]'
    before = largest_size_so_far()
    assert elements_of(split_array(body)) == [huge, b'{"id":2}']
    assert largest_size_so_far() - before < 200_000_000


def largest_size_so_far() -> int:
    """Bytes of the process. What the regex engine allocates is invisible to Python's own tracing."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["},{", "}]", '"', "\\", '\\"},{', "[{", "\x1f", "\ud83d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(st.text(max_size=6), json_values, max_size=4)
blanks = st.text(alphabet=" \t\r\n", max_size=3)


@given(
    elements=st.lists(json_objects, max_size=6),
    indent=st.none() | st.integers(0, 3),
    ascii_only=st.booleans(),
    around=st.tuples(blanks, blanks),
    between=st.tuples(blanks, blanks),
)
@example([{"a": "},{"}, {}], None, True, ("", ""), ("", ""))
def test_parts_together_are_what_json_says_the_array_holds(
    elements: list[dict[str, object]],
    indent: int | None,
    ascii_only: bool,
    around: tuple[str, str],
    between: tuple[str, str],
) -> None:
    text = json.dumps(
        elements, indent=indent, ensure_ascii=ascii_only, separators=(between[0] + "," + between[1], ":")
    )
    body = (around[0] + text + around[1]).encode("utf-8", "surrogatepass")
    found = [json.loads(raw.decode("utf-8", "surrogatepass")) for raw in elements_of(split_array(body))]
    assert found == json.loads(text)


json_like = st.lists(
    st.sampled_from([b"[", b"]", b"{", b"}", b",", b'"', b"\\", b":", b" ", b"1", b"a", b"\xff", b'{"a":1}'])
).map(b"".join)


def is_array(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text.decode("utf-8", "surrogateescape")), list)
    except ValueError:
        return False


@given(st.binary() | json_like | json_like.map(lambda text: b"[" + text + b"]"))
def test_arbitrary_bytes_are_split_or_called_malformed(text: bytes) -> None:
    try:
        elements = elements_of(split_array(text))
    except MalformedArray:
        assert not is_array(text)
    else:
        assert all(element.strip(b" \t\r\n") == element != b"" for element in elements)


@given(st.lists(json_like.map(bytes.strip).filter(bool), max_size=20), st.booleans())
def test_lines_are_given_out_one_by_one_without_blank_ones(lines: list[bytes], windows: bool) -> None:
    text = (b"\r\n" if windows else b"\n").join([b"", *lines, b"  ", b""])
    assert elements_of(split_lines(text)) == lines


def test_lines_are_split_in_small_steps_and_the_last_one_needs_no_end() -> None:
    line = b'{"text":"%b"}' % (b"x" * 400)
    parts = list(split_lines(b"\n".join([line] * 20_000)))
    assert max(sum(map(_size, part)) for part in parts) <= STEP_BYTES + len(line)
    assert [bytes(raw) for part in parts for raw in part] == [line] * 20_000


def _size(raw: msgspec.Raw) -> int:
    return len(memoryview(raw))

"""Settings come out of the environment with their types, or the variable that is wrong is named."""

from typing import Literal

import msgspec
import pytest

from pipeline.chassis.settings import ByteSize, load_settings
from pipeline.errors import ConfigurationError


class Example(msgspec.Struct, frozen=True):
    database_url: str
    port: int = 3001
    pause_seconds: float = 1.5
    verbose: bool = False
    level: Literal["low", "high"] = "low"
    body_limit: ByteSize = ByteSize(1024)
    keys: tuple[str, ...] = ()
    note: str = "none"


class Range(msgspec.Struct, frozen=True):
    lowest: int = 1
    highest: int = 10

    def __post_init__(self) -> None:
        if self.lowest > self.highest:
            raise ValueError("LOWEST: greater than HIGHEST")


REQUIRED = {"DATABASE_URL": "postgresql://localhost/sluice"}


def load(**environ: str) -> Example:
    return load_settings(Example, {**REQUIRED, **environ})


def test_what_is_not_set_has_its_default() -> None:
    assert load() == Example(database_url="postgresql://localhost/sluice")


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("PORT", "8080", 8080),
        ("PORT", " 8080 ", 8080),
        ("PAUSE_SECONDS", "0.25", 0.25),
        ("PAUSE_SECONDS", "3", 3.0),
        ("VERBOSE", "true", True),
        ("VERBOSE", "1", True),
        ("VERBOSE", "false", False),
        ("LEVEL", "high", "high"),
        ("NOTE", "8080", "8080"),
        ("NOTE", "a = b # c", "a = b # c"),
        ("BODY_LIMIT", "50mb", 50 * 1024 * 1024),
        ("BODY_LIMIT", "50MB", 50 * 1024 * 1024),
        ("BODY_LIMIT", "50 Mb", 50 * 1024 * 1024),
        ("BODY_LIMIT", "512kb", 512 * 1024),
        ("BODY_LIMIT", "2gb", 2 * 1024**3),
        ("BODY_LIMIT", "17b", 17),
        ("BODY_LIMIT", "17", 17),
        ("KEYS", "one", ("one",)),
        ("KEYS", "one,two", ("one", "two")),
        ("KEYS", " one , two ,, ", ("one", "two")),
        ("KEYS", ",", ()),
    ],
)
def test_a_variable_is_read_as_the_type_of_its_field(variable: str, text: str, value: object) -> None:
    loaded = getattr(load(**{variable: text}), variable.lower())
    assert loaded == value
    assert type(loaded) is type(value) or isinstance(loaded, ByteSize)


@pytest.mark.parametrize(
    "variable", ["PORT", "PAUSE_SECONDS", "VERBOSE", "LEVEL", "BODY_LIMIT", "KEYS", "NOTE"]
)
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_value_means_the_default(variable: str, empty: str) -> None:
    assert load(**{variable: empty}) == load()


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("PORT", text) for text in ("http", "80.5", "0x50", "8080/tcp")),
        *(("PAUSE_SECONDS", text) for text in ("soon", "1s", "1,5")),
        ("VERBOSE", "maybe"),
        ("LEVEL", "medium"),
        *(("BODY_LIMIT", text) for text in ("large", "50 apples", "-1", "1.5mb", "mb", "50mib", "5 0mb")),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_variable(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable}: .+"):
        load(**{variable: text})


@pytest.mark.parametrize("environ", [{}, {"DATABASE_URL": ""}, {"DATABASE_URL": "  "}])
def test_a_required_variable_that_is_not_set_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL: required"):
        load_settings(Example, environ)


def test_a_struct_that_checks_its_values_together_names_the_variable_itself() -> None:
    assert load_settings(Range, {"LOWEST": "2"}) == Range(2, 10)
    with pytest.raises(ConfigurationError, match=r"^LOWEST: greater than HIGHEST$"):
        load_settings(Range, {"LOWEST": "11"})
    with pytest.raises(ConfigurationError, match=r"^LOWEST: Expected"):
        load_settings(Range, {"LOWEST": "low"})


def test_variables_of_others_are_ignored() -> None:
    assert load(PATH="/bin", UNRELATED="x") == load()


def test_a_size_is_no_float_and_shows_as_a_number_of_bytes() -> None:
    assert f"{load(BODY_LIMIT='1kb').body_limit}" == "1024"

import pytest

from publisher.options import parse

NOTHING: dict[str, str] = {}


def test_without_options_it_is_the_unlimited_firehose():
    settings = parse([], NOTHING).settings
    assert settings.is_firehose
    assert (settings.minimum, settings.maximum) == (1_000, 50_000)
    assert settings.effective_malformed_ratio == 0.1
    assert settings.effective_retry_deadline_seconds == 0
    assert (settings.count, settings.duration_seconds) == (None, None)
    assert settings.endpoint == "http://127.0.0.1:3001/events"


def test_without_a_seed_two_runs_send_different_events():
    assert parse([], NOTHING).settings.seed != parse([], NOTHING).settings.seed


def test_a_rate_sends_no_malformed_events_unless_asked_to():
    assert parse(["--rate", "50"], NOTHING).settings.effective_malformed_ratio == 0
    asked = parse(["--rate", "50", "--malformed-ratio", "0.2"], NOTHING)
    assert asked.settings.effective_malformed_ratio == 0.2


def test_verify_tries_again_unless_told_otherwise():
    database = {"DATABASE_URL": "postgresql://db"}
    assert parse(["--verify"], database).settings.effective_retry_deadline_seconds == 120
    told = parse(["--verify", "--retry-deadline", "5"], database)
    assert told.settings.effective_retry_deadline_seconds == 5


def test_the_environment_names_the_other_side():
    environ = {
        "EVENT_ENDPOINT": "https://gateway.example/events",
        "INGEST_API_KEYS": " new , old ",
        "REPORTER_URL": "http://reporter:3004/",
        "DATABASE_URL": "postgresql://db",
    }
    settings = parse([], environ).settings
    assert settings.endpoint == "https://gateway.example/events"
    assert settings.api_key == "new"
    assert settings.reporter == "http://reporter:3004"
    assert settings.database_url == "postgresql://db"


def test_an_empty_variable_means_the_default():
    settings = parse([], {"EVENT_ENDPOINT": "", "INGEST_API_KEYS": "", "REPORTER_URL": ""}).settings
    assert (settings.endpoint, settings.api_key) == ("http://127.0.0.1:3001/events", None)


def test_the_option_wins_over_the_environment():
    settings = parse(["--endpoint", "http://here/events"], {"EVENT_ENDPOINT": "http://there/events"}).settings
    assert settings.endpoint == "http://here/events"


def test_a_start_is_utc_unless_it_says_otherwise():
    assert parse(["--start", "2026-05-14T12:00:00"], NOTHING).settings.start_ms == 1_778_760_000_000
    assert parse(["--start", "2026-05-14T14:00:00+02:00"], NOTHING).settings.start_ms == 1_778_760_000_000


@pytest.mark.parametrize(
    ("option", "expected"), [([], None), (["--compare-reports"], True), (["--no-compare-reports"], False)]
)
def test_comparing_reports_is_decided_by_the_run_unless_said(option: list[str], expected: bool | None):
    assert parse(option, NOTHING).settings.compare_reports is expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--rate", "fast"], "--rate"),
        (["--malformed-ratio", "1.01"], "--malformed-ratio"),
        (["--out-of-order", "nan"], "--out-of-order"),
        (["--min", "0"], "--min"),
        (["--min", "10", "--max", "5"], "--max"),
        (["--count", "-1"], "--count"),
        (["--start", "yesterday"], "--start"),
        (["--firehose", "--rate", "5"], "--firehose"),
        (["--verify"], "--verify"),
        (["--speed", "9"], "--speed"),
        (["--endpoint", "gateway:3001"], "EVENT_ENDPOINT"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it_and_status_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as ended:
        parse(arguments, NOTHING)
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert named in output.err
    assert output.err.count("\n") == 1

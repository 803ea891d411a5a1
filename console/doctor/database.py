"""Does Postgres keep what it is given?"""

from collections.abc import Iterable, Iterator, Mapping

from console.doctor.result import Result, failed, ok, warning
from console.doctor.surroundings import Surroundings

_SETTINGS = """
SELECT current_setting('server_encoding') AS server_encoding,
       current_setting('TimeZone') AS timezone,
       current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes,
       current_setting('synchronous_commit') AS synchronous_commit,
       (SELECT count(*) FROM pg_extension WHERE extname = 'plpgsql')::int AS plpgsql
"""


async def postgres_settings(surroundings: Surroundings) -> Iterable[Result]:
    """Encoding, time zone, durability, and the one extension that is needed."""
    (row,) = await surroundings.query(_SETTINGS)
    return judge_settings(row)


def judge_settings(settings: Mapping[str, object]) -> Iterator[Result]:
    """The settings by their names; `plpgsql` is how often that extension is there."""
    name, wrong = "Postgres", False
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        if settings[setting] == "off":
            wrong = True
            advice = f"Set {setting} = on: collectors acknowledge what Postgres committed, and the stream forgets it."
            yield Result(name, "warning", f"{setting} is off: a power cut may lose stored events", advice)
    if settings["server_encoding"] != "UTF8":
        wrong = True
        advice = "Make the database anew with ENCODING 'UTF8': others refuse some events."
        yield from failed(name, f"the encoding is {settings['server_encoding']}", advice)
    if settings["timezone"] not in ("UTC", "Etc/UTC", "GMT"):
        wrong = True
        advice = (
            "ALTER DATABASE … SET timezone = 'UTC', so that what people query by hand is what reports say."
        )
        yield from warning(name, f"the time zone is {settings['timezone']}", advice)
    if not settings["plpgsql"]:
        wrong = True
        advice = "CREATE EXTENSION plpgsql: partitions are made by it."
        yield from failed(name, "the extension plpgsql is missing", advice)
    if not wrong:
        yield from ok(name, "UTF8, UTC, and what is committed is on disk")

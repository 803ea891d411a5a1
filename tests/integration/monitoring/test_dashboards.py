"""Every query of every dashboard has an answer: PromQL from a real Prometheus over a busy pipeline, SQL from its
Postgres by the role that can only read, Redis commands from its Redis."""

import math
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import trustme
from redis import Redis

from ops.grafana.generating import FOLDER
from ops.local import binaries, database
from ops.local.postgres_server import DEFAULT_VERSION
from ops.local.servers import RunningServer
from pipeline.chassis.tokens import mint
from tests.busy_pipeline import TOKENS, busy_pipeline
from tests.grafana import Target, expanded, replaced, targets, variable_queries
from tests.processes import Process, eventually
from tests.prometheus import Prometheus, needs_program, running

READER, PASSWORD = "grafana_reader", "it's read-only"
ALERT_RULES = '[[rule]]\nname = "liked"\nkind = "milestone"\nsteps = [1]\n'
SOURCES = ("facebook", "tiktok", "social", "custom")
PATTERNS = {"source": ".+", "service": ".+", "__rate_interval": "15s"}
"""What a dashboard makes of *All*, and of an interval that is long enough for our scrapes."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Watched:
    """A busy pipeline and what Grafana asks."""

    prometheus: Prometheus
    database_url: str
    redis_url: str


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: RunningServer, migrated_template: str
) -> Iterator[Watched]:
    needs_program()
    folder = tmp_path_factory.mktemp("dashboards")
    (folder / "rules.toml").write_text(ALERT_RULES)
    trustme.CA().cert_pem.write_to_path(folder / "ca.pem")
    settings = {
        "ALERT_RULES_FILE": str(folder / "rules.toml"),
        "CERTIFICATE_FILES": f"ca={folder / 'ca.pem'}",
        "SECRET_EXPIRIES": "JWT_SECRET=2099-12-31",
        "DISK_PATHS": f"data={folder}",
    }
    database_url = database.clone(migrated_template, "dashboards")
    admit_reader(database_url)
    with (
        busy_pipeline(folder, database_url, **settings) as processes,
        running(folder, processes) as prometheus,
    ):
        [gateway] = processes["gateway"]
        share_what_is_liked(gateway)
        yield Watched(prometheus, database_url, gateway.setting("REDIS_URL"))
    database.drop(database_url)


def admit_reader(database_url: str) -> None:
    """As ops/grafana/reader.sql says, by the owner of the database; twice, as after a change of the password."""
    owner = httpx.URL(database_url)
    connection = {
        "PGHOST": owner.host,
        "PGPORT": str(owner.port),
        "PGUSER": owner.username,
        "PGPASSWORD": owner.password,
        "PGDATABASE": owner.path.lstrip("/"),
    }
    psql = binaries.postgres(DEFAULT_VERSION, "psql")
    for password in ("another", PASSWORD):
        subprocess.run(
            [psql, "-qX", f"--file={FOLDER / 'reader.sql'}"],
            env={**os.environ, **connection, "GRAFANA_POSTGRES_PASSWORD": password},
            check=True,
            timeout=30,
        )


def share_what_is_liked(gateway: Process) -> None:
    """The traffic has posts, likes and comments. Of every kind there must be one."""
    body = [{"userId": "cyd", "postId": "p-shared", "type": kind} for kind in ("post", "like", "share")]
    body += [{"userId": "cyd", "postId": "p-shared", "type": "comment", "text": "look"}]
    shown = {"Authorization": f"Bearer {mint(TOKENS, 'cyd', (), 60)}"}
    answer = httpx.post(f"{gateway.url}/api/events", json=body, headers=shown, trust_env=False)
    assert answer.json()["accepted"] == 4, answer.text


# Prometheus


def series(prometheus: Prometheus, target: Target) -> Sequence[tuple[Mapping[str, str], Sequence[float]]]:
    """Labels and finite values of every series that the panel would get."""
    expression = replaced(target.words["expr"], PATTERNS, datetime.now(UTC))
    if target.words.get("range"):
        end = datetime.now(UTC)
        span = {"start": str((end - timedelta(minutes=2)).timestamp()), "end": str(end.timestamp())}
        found = prometheus.get("query_range", query=expression, step="1s", **span)["result"]
        values = [(each["metric"], [float(value) for _, value in each["values"]]) for each in found]
    else:
        values = [(labels, [value]) for labels, value in prometheus.query(expression)]
    return [(labels, [each for each in numbers if math.isfinite(each)]) for labels, numbers in values]


@pytest.mark.parametrize("target", targets("prometheus"), ids=str)
async def test_promql_has_data(watched: Watched, target: Target) -> None:
    names = re.findall(r"\{\{(\w+)\}\}", target.words.get("legendFormat", ""))
    gives_zero = "or on() vector(0)" in target.words["expr"]

    async def has_data() -> None:
        found = [(labels, numbers) for labels, numbers in series(watched.prometheus, target) if numbers]
        assert found, f"no data: {target.words['expr']}"
        if not gives_zero:
            nameless = [labels for labels, _ in found if not labels.keys() >= {*names}]
            assert nameless == [], f"the legend names {names}"

    await eventually(has_data, within_seconds=60)


@pytest.mark.parametrize("variable", variable_queries("prometheus"), ids=str)
def test_variables_of_prometheus_have_choices(watched: Watched, variable: Target) -> None:
    asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable.words["query"])
    assert asked is not None
    assert len(watched.prometheus.get(f"label/{asked[2]}/values", **{"match[]": asked[1]})) >= 4


# Postgres


@pytest.fixture
async def reader(watched: Watched) -> Any:
    url = httpx.URL(watched.database_url)
    connection = await asyncpg.connect(
        host=url.host, port=url.port, database=url.path.lstrip("/"), user=READER, password=PASSWORD
    )
    yield connection
    await connection.close()


async def rows_of(reader: asyncpg.Connection, statement: str) -> list[asyncpg.Record]:
    """Of a month that ends now, for all sources."""
    end = datetime.now(UTC)
    text = replaced(statement, {"source": ",".join(f"'{source}'" for source in SOURCES)}, end)
    return await reader.fetch(expanded(text, end - timedelta(days=30), end))


@pytest.mark.parametrize("target", targets("postgres"), ids=str)
async def test_sql_has_rows(watched: Watched, reader: asyncpg.Connection, target: Target) -> None:
    async def has_rows() -> None:
        found = await rows_of(reader, target.words["rawSql"])
        assert found, target.words["rawSql"]
        numbers = [
            value for row in found for value in row.values() if not isinstance(value, str | datetime | None)
        ]
        assert numbers or "Latest" in target.panel, "a figure is a number"
        if target.words["format"] == "time_series":
            assert [*found[0].keys()] == ["time", "metric", "value"]
            assert found == sorted(found, key=lambda row: row["time"])

    await eventually(has_rows, within_seconds=60)


@pytest.mark.parametrize("variable", variable_queries("postgres"), ids=str)
async def test_variables_of_postgres_have_choices(
    watched: Watched, reader: asyncpg.Connection, variable: Target
) -> None:
    async def all_sources() -> None:
        found = await reader.fetch(variable.words["query"])
        assert [row[0] for row in found] == sorted(SOURCES)

    await eventually(all_sources, within_seconds=30)


async def test_the_reader_can_read_what_dashboards_show_and_nothing_else(reader: asyncpg.Connection) -> None:
    for table in ("events", "event_ledger", "social_likes", "alert_deliveries"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch(f"SELECT * FROM {table} LIMIT 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetch("SELECT text FROM social_posts")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await reader.execute("CREATE TABLE mine (id integer)")
    await reader.execute("SET default_transaction_read_only = off")
    for statement in (
        "DELETE FROM alerts",
        "UPDATE event_rollups SET events = 0",
        "CREATE TABLE mine (id integer)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(statement)


async def test_the_top_posts_of_the_month_are_those_of_the_report(
    watched: Watched, reader: asyncpg.Connection
) -> None:
    """By another statement, over many posts in all shards: every one of them summed."""
    [target] = [each for each in targets("postgres") if each.panel.startswith("Top 10 posts")]
    owner = await asyncpg.connect(watched.database_url)
    month = datetime.now(UTC).date().replace(day=1)
    await owner.execute(
        "INSERT INTO social_post_totals (post_id, month, shard, likes, comments, shares) "
        "SELECT 'many-' || post, $1, shard, (post * 7919 + shard * 104729) % 400, 1, 1 "
        "FROM generate_series(1, 3000) AS post, generate_series(0, 15) AS shard",
        month,
    )
    try:
        summed = await owner.fetch(
            "SELECT post_id, sum(likes)::bigint AS likes FROM social_post_totals WHERE month = $1 "
            "GROUP BY post_id ORDER BY 2 DESC, 1 LIMIT 10",
            month,
        )
        found = await rows_of(reader, target.words["rawSql"])
        assert [(row["Post"], row["Likes"]) for row in found] == [
            (row["post_id"], row["likes"]) for row in summed
        ]
    finally:
        await owner.execute("DELETE FROM social_post_totals WHERE post_id LIKE 'many-%'")
        await owner.close()


# Redis


@pytest.fixture
def redis(watched: Watched) -> Iterator[Any]:
    with Redis.from_url(watched.redis_url, decode_responses=True) as connection:
        yield connection


def commands(words: Mapping[str, Any], chosen: Mapping[str, str]) -> list[str]:
    """The command that the plug-in makes of a query."""
    key = replaced(words["keyName"], chosen, datetime.now(UTC))
    if words["command"] == "zrange":
        return ["ZRANGE", key, words["min"], words["max"], words["zrangeQuery"], "WITHSCORES"]
    return [words["command"].upper(), key]


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (target, source)
        for target in targets("redis")
        for source in (SOURCES if "$source" in target.words["keyName"] else ("",))
    ],
    ids=str,
)
async def test_redis_has_an_answer(watched: Watched, redis: Any, target: Target, source: str) -> None:
    async def answers() -> None:
        found = redis.execute_command(*commands(target.words, {"source": source, "post": "p-shared"}))
        assert found, target.words
        match target.words["command"]:
            case "hgetall":
                assert all(int(value) > 0 for value in found.values())
            case "zrange":
                scores = [float(score) for _, score in found]
                assert scores == sorted(scores, reverse=True)
                assert len(scores) <= 10
            case _:
                assert int(found) == 1

    await eventually(answers, within_seconds=30)


@pytest.mark.parametrize("variable", variable_queries("redis"), ids=str)
async def test_variables_of_redis_have_choices(watched: Watched, redis: Any, variable: Target) -> None:
    async def posts() -> None:
        assert "p-shared" in redis.execute_command(*shlex.split(variable.words["query"]))

    await eventually(posts, within_seconds=30)

"""Questions to the data sources. The SDK has a builder for Prometheus; those for Postgres and Redis are ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from ops.grafana.sources import POSTGRES, PROMETHEUS, REDIS


@dataclass(frozen=True)
class Query:
    """What is asked, and of whom."""

    source: DataSourceRef
    builder: Builder[Dataquery]


class PluginQuery(Dataquery):
    """A query in the words of its data source. `ref_id` is the panel's business."""

    def __init__(self, source: DataSourceRef, words: Mapping[str, object]) -> None:
        self.source = source
        self.words = words
        self.ref_id = ""

    def to_json(self) -> dict[str, object]:
        """As the dashboard's JSON has it."""
        return {"datasource": self.source, "refId": self.ref_id, **self.words}


class PluginQueryBuilder(Builder[Dataquery]):
    """What the SDK wants to be given."""

    def __init__(self, source: DataSourceRef, words: Mapping[str, object]) -> None:
        self._query = PluginQuery(source, words)

    def build(self) -> Dataquery:
        """The query."""
        return self._query


def over_time(expression: str, legend: str) -> Query:
    """PromQL, a value for each step of the dashboard's range. `legend` may name labels: `{{source}}`."""
    return Query(PROMETHEUS, _promql(expression).legend_format(legend).range())


def now(expression: str, legend: str) -> Query:
    """PromQL, one value for each series, at the end of the dashboard's range."""
    return Query(PROMETHEUS, _promql(expression).legend_format(legend).instant())


def rows_now(expression: str) -> Query:
    """PromQL at the end of the range, a row for each series, its labels in columns."""
    return Query(PROMETHEUS, _promql(expression).instant().format(PromQueryFormat.TABLE))


def sql(statement: str, form: Literal["table", "time_series"] = "table") -> Query:
    """SQL with Grafana's macros. A time series needs the columns `time` and `value`, and `metric` for its name."""
    words = {"editorMode": "code", "format": form, "rawQuery": True, "rawSql": statement.strip()}
    return _plugin(POSTGRES, words)


def redis_hash(key: str) -> Query:
    """HGETALL: rows of Field and Value, both text."""
    return _plugin(REDIS, {"type": "redis", "command": "hgetall", "keyName": key})


def redis_number(key: str) -> Query:
    """GET: the number in `Value`."""
    return _plugin(REDIS, {"type": "redis", "command": "get", "keyName": key})


def redis_best(key: str, members: int) -> Query:
    """ZRANGE … REV WITHSCORES: one row, a column for each of the members with the largest scores, the largest first."""
    words = {"min": "0", "max": str(members - 1), "zrangeQuery": "REV"}
    return _plugin(REDIS, {"type": "redis", "command": "zrange", "keyName": key, **words})


def _promql(expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).datasource(PROMETHEUS)


def _plugin(source: DataSourceRef, words: Mapping[str, object]) -> Query:
    return Query(source, PluginQueryBuilder(source, words))

"""The events table as a list, answering the three statements of `publisher/stored.py`."""

from collections import Counter
from datetime import datetime
from typing import Any

from pipeline.errors import StoreUnavailable


class FakeDatabase:
    """`failures`: how many of the next queries fail as if Postgres were away. `slices`: rows of each slice read."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, str]] = []
        self.slices: list[int] = []
        self.failures = 0

    def store(self, at_ms: int, source: str, event_id: str) -> None:
        self.rows.append((at_ms, source, event_id))

    async def query(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the database system is starting up")
        start = _ms(parameters[0])
        if "LIMIT 1" in sql:
            sources = parameters[1].split(",")
            return [{"one": 1} for at, source, _ in self.rows if at >= start and source in sources][:1]
        chosen = [row for row in self.rows if start <= row[0] < _ms(parameters[1])]
        if "extract(epoch" in sql:
            seconds = Counter(at // 1000 for at, _, _ in chosen)
            return [{"second": str(second), "rows": str(seconds[second])} for second in sorted(seconds)]
        self.slices.append(len(chosen))
        return [
            {
                "source": name,
                "rows": str(sum(source == name for _, source, _ in chosen)),
                "ids": " ".join(id_ for _, source, id_ in chosen if source == name and len(id_) in (39, 40)),
            }
            for name in {source for _, source, _ in chosen}
        ]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)

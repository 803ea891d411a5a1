"""What operators did over HTTP: one function per fact, logging and counting at once."""

import structlog
from prometheus_client import CollectorRegistry, Counter

log = structlog.get_logger()


class OperatorTelemetry:
    """Counts the dead letters that operators have settled."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._settled = Counter(
            "dead_letters_settled",
            "Dead letters replayed or discarded over HTTP",
            ["outcome"],
            registry=registry,
        )

    def replayed(self, replayed: int, rejected: int, left: int) -> None:
        self._settled.labels("replayed").inc(replayed)
        self._settled.labels("rejected").inc(rejected)
        log.info("dead_letters_replayed", replayed=replayed, rejected=rejected, left=left)

    def discarded(self, letters: int, left: int) -> None:
        self._settled.labels("discarded").inc(letters)
        log.info("dead_letters_discarded", letters=letters, left=left)

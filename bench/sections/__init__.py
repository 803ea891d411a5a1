"""What can be measured, by name. Each section has a system of its own and leaves nothing behind."""

from collections.abc import Awaitable, Callable, Mapping

from bench.options import Options
from bench.outcome import Outcome
from bench.sections import copy_limit, latency, memory, peer, single, throughput

SECTIONS: Mapping[str, Callable[[Options], Awaitable[Outcome]]] = {
    "firehose": throughput.firehose,
    "steady": throughput.steady,
    "closed": throughput.closed,
    "single": single.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "copy": copy_limit.measure,
    "peer": peer.measure,
}

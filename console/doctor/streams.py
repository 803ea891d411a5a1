"""Do the streams keep what they are given?"""

from collections.abc import Iterable, Iterator, Sequence

import httpx
import msgspec

from console.doctor.result import Result, failed, ok, warning
from console.doctor.surroundings import Surroundings
from pipeline.stream.inspection import Deviation


class _Config(msgspec.Struct, frozen=True):
    sync_always: bool = False
    sync_interval: int = 0


class _JetStream(msgspec.Struct, frozen=True):
    config: _Config | None = None


class Varz(msgspec.Struct, frozen=True):
    """What of the monitoring page `/varz` is read here. Intervals are nanoseconds."""

    jetstream: _JetStream = _JetStream()


async def topology(surroundings: Surroundings) -> Iterable[Result]:
    """The streams are as the settings ask for."""
    return judge_topology(await surroundings.streams.deviations())


def judge_topology(deviations: Sequence[Deviation]) -> Iterator[Result]:
    """A stream that is missing was never made; one that differs belongs to other settings than these."""
    for each in deviations:
        if not each.field:
            advice = "Any service makes it when it starts: ./start.sh"
            yield Result("streams", "warning", f"there is no stream {each.stream}", advice)
            continue
        found = f"{each.stream} has {each.field} {each.found}; the settings ask for {each.wanted}"
        advice = (
            "A service that starts with these settings corrects it within seconds. If one runs, its settings differ: "
            "restart it."
        )
        if each.field in ("retention", "storage"):
            advice = (
                "This cannot be changed: when it is empty, delete the stream, and a service makes it anew."
            )
        yield Result("streams", "failed", found, advice)
    if not deviations:
        yield from ok("streams", "EVENTS and DEAD_LETTERS are as the settings ask for")


async def durability(surroundings: Surroundings) -> Iterable[Result]:
    """NATS writes to disk before it acknowledges."""
    address = surroundings.settings.nats_monitor_url
    if not address:
        advice = "NATS_MONITOR_URL names its HTTP monitoring. Or look yourself for sync_interval: always."
        return warning("durability", "whether NATS syncs every message cannot be seen", advice)
    try:
        answer = await surroundings.asking.get(f"{address.rstrip('/')}/varz")
        varz = msgspec.json.decode(answer.content, type=Varz)
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError) as error:
        found = f"{address} does not answer as NATS does: {str(error) or type(error).__name__}"
        return warning("durability", found, "NATS_MONITOR_URL names its HTTP monitoring.")
    return judge_durability(varz)


def judge_durability(varz: Varz) -> Iterator[Result]:
    """Without `sync_interval: always` an acknowledgement comes from the page cache."""
    config = varz.jetstream.config
    if config is None:
        yield from failed("durability", "JetStream is not enabled", "See ops/nats/nats-server.conf.")
    elif config.sync_always:
        yield from ok("durability", "NATS syncs every message before it acknowledges it")
    else:
        seconds = config.sync_interval / 1e9
        found = f"NATS syncs only every {seconds:g} s: a power cut loses what senders were told is on disk"
        advice = "jetstream { sync_interval: always } in its configuration; see ops/nats/nats-server.conf."
        yield from failed("durability", found, advice)

"""What is failing, and what to do about it: a table of rules over a snapshot. Pure.

A `problem` makes the exit status 1. A `note` is worth knowing and calls nobody.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from console.status import advice
from console.status.snapshot import ServiceState, Snapshot, SourceState
from console.words import duration, share

_NEARLY_FULL, _FULL = 0.7, 0.98
_DEAD_LETTERS_FULL = 0.9
_OLD_SECONDS = 60.0
_SILENT_SECONDS = 10.0
# A sender with some bad events is nothing to be woken for; a deployment that breaks a format is.
_MANY_REFUSED_PER_SECOND, _LARGE_SHARE_REFUSED = 5.0, 0.05


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it should be, in a sentence, and what to do about it."""

    severity: Literal["problem", "note"]
    what: str
    advice: str


Rule = Callable[[Snapshot], Iterable[Finding]]


def _servers(snapshot: Snapshot) -> Iterator[Finding]:
    for server in snapshot.servers:
        if not server.reached:
            what = f"{advice.SERVER_NAMES[server.name]} is not reachable: {server.detail}"
            yield Finding("problem", what, advice.SERVER_AWAY[server.name])


def _services(snapshot: Snapshot) -> Iterator[Finding]:
    for service in snapshot.services:
        reasons = _own_reasons(service, snapshot)
        if service.health == "away":
            what = f"{service.name} at {service.address} does not answer: {service.detail}"
            yield Finding(
                "problem", what, f"{advice.SERVICE_AWAY[service.kind]} {advice.start(service.name)}"
            )
        elif service.health == "not ready" and reasons:
            yield Finding("problem", f"{service.name} is not ready: {reasons}", advice.logs(service.name))
        elif service.health == "degraded" and reasons:
            yield Finding("note", f"{service.name} is degraded: {reasons}", advice.SERVICE_DEGRADED)


def _own_reasons(service: ServiceState, snapshot: Snapshot) -> str:
    """The checks that make it so, without those for a server that the console does not reach either."""
    if not service.failing:
        return "it does not say why"
    away = [server.name for server in snapshot.servers if not server.reached]
    return "; ".join(
        f"{check.name}: {check.detail}"
        for check in service.failing
        if check.name not in away and check.optional == (service.health == "degraded")
    )


def _streams(snapshot: Snapshot) -> Iterator[Finding]:
    for stream in snapshot.streams:
        if not stream.exists:
            yield Finding("problem", f"there is no stream {stream.name}", advice.STREAM_MISSING)
        elif stream.name == "DEAD_LETTERS":
            if stream.share >= _DEAD_LETTERS_FULL:
                what = f"the dead letters take up {share(stream.share)} of their limit"
                yield Finding("note", what, advice.DEAD_LETTERS_FULL)
        elif stream.share >= _FULL:
            what = "the stream of accepted events is full, and senders get 503"
            yield Finding("problem", what, advice.STREAM_FULL)
        elif stream.share >= _NEARLY_FULL:
            what = f"the stream of accepted events is {share(stream.share)} full"
            yield Finding("problem", what, advice.STREAM_FULL)


def _backlogs(snapshot: Snapshot) -> Iterator[Finding]:
    for source in snapshot.sources:
        waiting = source.batches or 0
        if waiting and source.has_consumer is False:
            what = f"{waiting:,} batches of {source.source} wait, and no collector was ever there"
            yield Finding("problem", what, advice.start_a_collector(source.source))
            continue
        # A collector that is away or not ready has a finding of its own, which is the cause.
        works = any(_works(service) for service in snapshot.collectors().get(source.source, ()))
        if waiting and works and (source.oldest_seconds or 0) > _OLD_SECONDS:
            yield _behind(source)


def _behind(source: SourceState) -> Finding:
    what = f"{source.source} is {duration(source.oldest_seconds)} behind"
    if source.catch_up_seconds is None:
        return Finding("problem", f"{what} and does not catch up", advice.does_not_catch_up(source.source))
    return Finding("note", f"{what} and catches up in {duration(source.catch_up_seconds)}", advice.WAIT)


def _progress(snapshot: Snapshot) -> Iterator[Finding]:
    for source in snapshot.sources:
        known = snapshot.collectors().get(source.source, ())
        silent = source.silent_seconds
        if silent is not None and silent >= _SILENT_SECONDS and known and all(map(_works, known)):
            what = f"the collectors of {source.source} have reported no progress for {duration(silent)}"
            yield Finding("problem", what, advice.no_progress(source.source))


def _works(service: ServiceState) -> bool:
    return service.health in ("ready", "degraded")


def _refusals(snapshot: Snapshot) -> Iterator[Finding]:
    for source in snapshot.sources:
        refused, accepted = source.refused_per_second or 0.0, source.accepted_per_second or 0.0
        if refused:
            portion = refused / (refused + accepted)
            many = refused >= _MANY_REFUSED_PER_SECOND and portion >= _LARGE_SHARE_REFUSED
            what = (
                f"{source.source}: {refused:,.0f} events a second are refused, {share(portion)} of what comes"
            )
            yield Finding("problem" if many else "note", what, advice.look_at_dead_letters(source.source))


def _addresses(snapshot: Snapshot) -> Iterator[Finding]:
    known = snapshot.collectors()
    if unknown := [source.source for source in snapshot.sources if source.source not in known]:
        what = f"nothing is known here of where the collectors of {', '.join(unknown)} are"
        yield Finding("note", what, advice.name_the_collector(unknown[0]))


RULES: Sequence[Rule] = (_servers, _services, _streams, _backlogs, _progress, _refusals, _addresses)
"""In the order in which they are shown: causes before their effects."""


def findings_of(snapshot: Snapshot) -> list[Finding]:
    """All findings, problems first."""
    found = [finding for rule in RULES for finding in rule(snapshot)]
    return sorted(found, key=lambda finding: finding.severity != "problem")

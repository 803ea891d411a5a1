"""All checks, one line each, in the order in which they are shown."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from console.doctor import (
    configuration,
    database,
    disk,
    drift,
    machine,
    ports,
    schema,
    secrets,
    streams,
    versions,
)
from console.doctor.result import Result
from console.doctor.surroundings import Surroundings
from pipeline.errors import SluiceError

_SECONDS = 40.0
_NAMES = {"postgres": "Postgres", "nats": "NATS", "redis": "Redis"}
_WITHOUT = {
    "postgres": "./start.sh starts it; DATABASE_URL says where it is. What depends on it was not checked.",
    "nats": "./start.sh starts it; NATS_URL says where it is. What depends on it was not checked.",
    "redis": "./start.sh starts it; REDIS_URL says where it is. Only live counters need it.",
}


class Check(msgspec.Struct, frozen=True):
    """One check, and the server that it cannot do without: postgres, nats or none."""

    run: Callable[[Surroundings], Iterable[Result] | Awaitable[Iterable[Result]]]
    needs: str = ""


def servers(surroundings: Surroundings) -> Iterable[Result]:
    """Who can be reached at all."""
    for server, name in _NAMES.items():
        if server in surroundings.away:
            status = "warning" if server == "redis" else "failed"
            yield Result("servers", status, f"{name}: {surroundings.away[server]}", _WITHOUT[server])
        else:
            yield Result("servers", "ok", f"{name} answers")


CHECKS: Sequence[Check] = (
    Check(configuration.settings_load),
    Check(configuration.unknown_variables),
    Check(configuration.env_file_is_private),
    Check(secrets.secrets_are_good),
    Check(servers),
    Check(versions.python),
    Check(versions.packages),
    Check(versions.node),
    Check(versions.nats, "nats"),
    Check(versions.postgres, "postgres"),
    Check(versions.redis, "redis"),
    Check(ports.ports),
    Check(disk.disk),
    Check(disk.growth, "postgres"),
    Check(machine.open_files),
    Check(machine.clock_of_postgres, "postgres"),
    Check(machine.clock_of_nats, "nats"),
    Check(schema.migrations, "postgres"),
    Check(drift.drift, "postgres"),
    Check(schema.indexes, "postgres"),
    Check(schema.partitions, "postgres"),
    Check(database.postgres_settings, "postgres"),
    Check(streams.topology, "nats"),
    Check(streams.durability, "nats"),
)


async def run_all(surroundings: Surroundings, checks: Sequence[Check] = CHECKS) -> list[Result]:
    """Runs all checks at once. A server that is away is told once, by `servers`, and not by each that needs it."""
    due = [check for check in checks if check.needs not in surroundings.away]
    found = await asyncio.gather(*(_run(check, surroundings) for check in due))
    return [result for results in found for result in results]


async def _run(check: Check, surroundings: Surroundings) -> list[Result]:
    name = check.run.__name__.replace("_", " ")
    try:
        async with asyncio.timeout(_SECONDS):
            found = check.run(surroundings)
            return list(await found if inspect.isawaitable(found) else found)
    except SluiceError as error:
        return [Result(name, "failed", f"not checked: {' '.join(str(error).split())}", "")]
    except TimeoutError:
        return [Result(name, "warning", f"not checked: it took over {_SECONDS:g} s", "")]

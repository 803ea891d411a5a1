"""Who listens where?"""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import httpx
import msgspec
import psutil

from console.doctor.result import Result, failed, ok
from console.doctor.surroundings import Surroundings
from console.status.services import Service, services_of

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Names of this machine."""


class Alive(msgspec.Struct, frozen=True):
    """What a service of ours answers to `/health/live`."""

    service: str


async def ports(surroundings: Surroundings) -> Iterable[Result]:
    """Each port is a service's own, or free for it."""
    found: list[Result] = []
    for service in services_of(surroundings.settings):
        parts = urlsplit(service.address)
        if parts.hostname in LOOPBACK and parts.port:
            answers = await _who_answers(surroundings, service)
            found += judge_port(service, parts.port, answers, holder(parts.port))
    return found


async def _who_answers(surroundings: Surroundings, service: Service) -> str:
    """The service that answers there; empty for nobody, or for somebody who is none of ours."""
    try:
        answer = await surroundings.asking.get(f"{service.address}/health/live")
        return msgspec.json.decode(answer.content, type=Alive).service
    except (httpx.HTTPError, msgspec.MsgspecError):
        return ""


def judge_port(service: Service, port: int, answers: str, held_by: str | None) -> Iterator[Result]:
    """`answers` is the name of the service of ours that is there, `held_by` whoever listens at all."""
    variable = f"{service.name.upper().replace('-', '_')}_PORT"
    if answers == service.name:
        yield from ok("ports", f"{port}: {service.name}")
    elif answers:
        advice = f"Two services have the same port, or the addresses are mixed up: see {variable}."
        yield from failed("ports", f"{port}: {answers} where {service.name} should be", advice)
    elif held_by:
        advice = f"Stop it, or give {service.name} another port: {variable}."
        yield from failed("ports", f"{port}: taken by {held_by}, and {service.name} does not answer", advice)
    else:
        yield from ok("ports", f"{port}: free for {service.name}, which does not run")


def holder(port: int) -> str | None:
    """Name and id of the process that listens on a port of this machine, as far as this user may see it."""
    for process in psutil.process_iter(["name", "pid"]):
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections):
            return f"{process.name()}, process {process.pid}"
    return None

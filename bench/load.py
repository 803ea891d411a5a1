"""The load: a process of its own that sends events, says what came of it, and is billed by the kernel."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping

import msgspec

from bench.children import stop_all
from bench.guard import GUARD
from bench.outcome import Cost
from bench.system import System
from ops.local import services
from publisher.summary import Summary

PUBLISHER = "publisher"


class Load(msgspec.Struct, frozen=True):
    """What a load process wrote on its standard output, when, and what it cost."""

    output: bytes
    written_at: float
    cost: Cost


class Published(msgspec.Struct, frozen=True):
    """A run of the publisher. Times are seconds since 1970."""

    summary: Summary
    first_post_at: float
    last_answer_at: float
    cost: Cost


async def publish(system: System, *options: str) -> Published:
    """Runs the publisher against the system's gateway, and waits for its end."""
    environment = services.environment(services.PUBLISHER, system.settings, system.servers)
    return await publish_with(environment, *options)


async def publish_with(environment: Mapping[str, str], *options: str) -> Published:
    """As `publish`, to the EVENT_ENDPOINT of this environment."""
    load = await run(environment, "publisher", *options, "--json", "--quiet")
    summary = msgspec.json.decode(load.output, type=Summary)
    # It writes its summary as soon as it has the last answer (within milliseconds).
    return Published(summary, load.written_at - summary.elapsed_seconds, load.written_at, load.cost)


async def run(environment: Mapping[str, str], *arguments: str) -> Load:
    """Runs `python -m …`. Raises RuntimeError when it fails; ends it when we are cancelled."""
    process = subprocess.Popen(  # noqa: ASYNC220 - the kernel's bill (wait4) is not to be had from asyncio's
        (sys.executable, "-m", *arguments),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    GUARD.watch(process.pid)
    try:
        return await asyncio.to_thread(_collect, process, arguments[0])
    finally:
        if process.returncode is None:
            stop_all([process])


def _collect(process: "subprocess.Popen[bytes]", name: str) -> Load:
    assert process.stdout is not None
    assert process.stderr is not None
    output = process.stdout.readline()  # its notes are few: they fit into the other pipe meanwhile
    written_at = time.time()
    notes = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(
            f"{name} ended with {process.returncode}: {notes[-2000:].decode(errors='replace')}"
        )
    return Load(output, written_at, Cost(PUBLISHER, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024))

"""The real service processes, started as an operator would, for tests that watch them from outside and break them.

    with Services(tmp_path, connections(nats_server, postgres_server)) as services:
        gateway = services.gateway()
        httpx.post(f"{gateway.url}/events", ...)
        gateway.kill()       # SIGKILL; also pause(), resume(), terminate()
        gateway.start()      # back on the same port, and ready

Every process gets a port of its own that it keeps over restarts. None outlives the `with`, nor does a query engine that
one of them started. A service that does not get ready, or that ends too early, fails with the end of its log.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import psutil

from ops.local import asking, ports, prisma_cli
from ops.local.binaries import ROOT
from ops.local.running import RunningServer
from ops.local.services import URL_VARIABLES
from ops.local.waiting import wait_until

READY_SECONDS = 30.0
EXIT_SECONDS = 20.0
_LOG_LINES = 25
_POLL_SECONDS = 0.03

ResultT = TypeVar("ResultT")


async def eventually(check: Callable[[], Awaitable[ResultT]], *, within_seconds: float = 10.0) -> ResultT:
    """The result of `check` as soon as it raises no AssertionError; after the limit its last one is raised."""
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            return await check()
        except AssertionError:
            if time.monotonic() >= deadline:
                raise
        await asyncio.sleep(_POLL_SECONDS)  # other processes cannot call back


def pause(server: RunningServer) -> None:
    """SIGSTOP, and wait until it has come to every thread: for some µs after the signal others still answer."""
    server.pause()
    wait_until_stopped(server.pid)


def wait_until_stopped(pid: int, *, with_children: bool = True) -> None:
    """Returns when no thread of the process, nor of its children, runs any more."""

    def problem() -> str | None:
        parent = psutil.Process(pid)
        for process in (parent, *(parent.children(recursive=True) if with_children else ())):
            with suppress(psutil.NoSuchProcess):
                for thread in process.threads():
                    if (status := psutil.Process(thread.id).status()) != psutil.STATUS_STOPPED:
                        return f"a thread of {process.pid} is {status}"
        return None

    wait_until("the stop of a process", problem, 5)


class Process:
    """One process of ours: a service, or a program that ends by itself when it has no port."""

    def __init__(
        self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        self.port = ports.choose_free()
        self._arguments = arguments
        self._command = [sys.executable, "-m", *arguments]
        self._environment = {**environment, "PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None
        self._children: dict[int, psutil.Process] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def setting(self, name: str) -> str:
        """An environment variable that it was given."""
        return self._environment[name]

    @property
    def pid(self) -> int:
        """Raises when it was never started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll() if self._process else None

    def wrap(self, *wrapper: str) -> None:
        """From the next launch on it is run by another program: `python -m wrapper… service…`. Without one, by none."""
        self._command = [sys.executable, "-m", *wrapper, *self._arguments]

    def launch(self) -> None:
        """Starts it and waits for nothing."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for pytest, which then ends it in order
            )

    def start(self) -> None:
        """Starts it and waits until `/health/ready` says so."""
        self.launch()
        self.wait_ready()

    def wait_ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Returns when `/health/ready` answers 200."""
        self._wait("/health/ready", timeout_seconds)

    def wait_alive(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Returns when `/health/live` answers, whatever the service can do at the moment."""
        self._wait("/health/live", timeout_seconds)

    def engines(self) -> list[psutil.Process]:
        """The query engines that it has started and that still run."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.pid).children(recursive=True):
                self._children[child.pid] = child
        return [child for child in self._children.values() if child.is_running()]

    def kill(self) -> None:
        """SIGKILL, as by the out-of-memory killer."""
        self.engines()
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and does nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until_stopped(self.pid, with_children=False)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM: it is asked to finish. See `wait`."""
        self.engines()
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, timeout_seconds: float = EXIT_SECONDS) -> int:
        """The exit status. Raises AssertionError when it has not ended by then."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} runs on after {timeout_seconds:g} s\n{self.tail()}") from None

    def end(self) -> list[psutil.Process]:
        """Ends it in whatever state it is. Returns its query engines, which notice that and end by themselves."""
        if self._process is None:
            return []
        engines = self.engines()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        return engines

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"--- the log of {self.name} ends with", *lines[-_LOG_LINES:]])

    def _wait(self, path: str, timeout_seconds: float) -> None:
        def problem() -> str | None:
            if self.exit_status is not None:
                raise AssertionError(f"{self.name} ended with status {self.exit_status}\n{self.tail()}")
            answer = asking.http_get(self.port, path)
            return answer if isinstance(answer, str) else None if answer.status == 200 else str(answer.body)

        try:
            wait_until(self.name, problem, timeout_seconds)
        except RuntimeError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None


def connections(*servers: RunningServer, database_url: str | None = None) -> dict[str, str]:
    """What tells a service where its servers are; `database_url` in place of the one of the Postgres server."""
    urls = {URL_VARIABLES[server.server.name]: server.url for server in servers}
    return {**urls, **({"DATABASE_URL": database_url} if database_url else {})}


class Services:
    """All processes of one test. `settings` are environment variables for every one of them."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", str(folder)),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **prisma_cli.environment(),
            **settings,
        }
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        engines = [engine for process in self._processes for engine in process.end()]
        _, left = psutil.wait_procs(engines, timeout=EXIT_SECONDS)
        for orphan in left:
            with suppress(psutil.NoSuchProcess):
                orphan.kill()
        if left and error is None:
            raise AssertionError(f"{len(left)} query engines outlived their services")
        # Shown when the test fails: a fixture is not told whether it did, but what it prints goes into the report.
        print("\n".join(process.tail() for process in self._processes))

    def gateway(self, *, ready: bool = True, **settings: str) -> Process:
        """`python -m gateway`."""
        return self._service("gateway", ("gateway",), settings, ready)

    def collector(self, source: str, *, ready: bool = True, **settings: str) -> Process:
        """`python -m collectors <source>`; start as many as you like."""
        return self._service(f"{source}-collector", ("collectors", source), settings, ready)

    def reporter(self, *, ready: bool = True, **settings: str) -> Process:
        """`python -m reporter`."""
        return self._service("reporter", ("reporter",), settings, ready)

    def alerts(self, *, ready: bool = True, **settings: str) -> Process:
        """`python -m alerts`; start as many as you like."""
        return self._service("alerts", ("alerts",), settings, ready)

    def publisher(self, gateway: Process, reporter: Process, *arguments: str) -> Process:
        """`python -m publisher`, launched: `wait` for its end."""
        addresses = {"EVENT_ENDPOINT": f"{gateway.url}/events", "REPORTER_URL": reporter.url}
        process = self._process("publisher", ("publisher", *arguments), addresses)
        process.launch()
        return process

    def program(self, name: str, *arguments: str, **settings: str) -> Process:
        """`python -m arguments…`, not launched yet."""
        return self._process(name, arguments, settings)

    def _service(
        self, name: str, arguments: tuple[str, ...], settings: Mapping[str, str], ready: bool
    ) -> Process:
        process = self._process(name, arguments, settings)
        process.launch()
        if ready:
            process.wait_ready()
        return process

    def _process(self, name: str, arguments: tuple[str, ...], settings: Mapping[str, str]) -> Process:
        name = f"{name}-{len(self._processes)}"
        environment = {**self._environment, **settings}
        if "GATEWAY_URL" not in environment:
            # Canaries go where the test says, and never to what may listen at the default address.
            environment.setdefault("CANARY_INTERVAL_SECONDS", "0")
        process = Process(name, arguments, environment, self._folder / f"{name}.log")
        self._processes.append(process)
        return process

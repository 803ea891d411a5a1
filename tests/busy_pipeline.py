"""A whole local start with traffic at every door, for tests of what is measured: metrics, rules, dashboards."""

import json
import secrets
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import trustme

from ops.local import servers
from ops.local.running import RunningServer
from ops.local.services import SERVICES, Service
from pipeline.chassis.tokens import TokenSettings, mint
from publisher import Generator as EventGenerator
from publisher import Span
from tests.processes import Process, Services, connections

SENDER, TOKEN = "measured", "a-senders-bearer-token"
TOKENS = TokenSettings(jwt_secret=("a-secret-of-at-least-thirty-two-bytes",))
SETTINGS = {
    "JWT_SECRET": TOKENS.jwt_secret[0],
    "WEBHOOK_SECRETS": f"{SENDER}:{TOKEN}",
    "RATE_LIMIT_PER_ADDRESS": "0",
    "RATE_LIMIT_PER_USER": "0",
    "FOLD_INTERVAL_SECONDS": "1",
}
REPORTS = ("reports/events", "reports/revenue", "reports/demographics", "posts/top", "activity", "alerts")
_PAUSE_SECONDS = 0.2
_BAD_EVERY = 20
"""Turns, of which one has a bad event."""


@contextmanager
def busy_pipeline(
    folder: Path, database_url: str, **settings: str
) -> Generator[Mapping[str, Sequence[Process]]]:
    """One process of each service of a local start, by the names of the services, with NATS and Redis of their own. As
    long as the block lasts, a few events a second come in at each door, some of them bad, and reports are read."""
    with servers.running(servers.nats(folder)) as nats, servers.running(servers.redis(folder)) as redis:
        urls = connections(nats, redis, database_url=database_url)
        watched = {"DISK_PATHS": f"data={folder}", **_expiring(folder)}
        with Services(folder, {**urls, **SETTINGS, **watched, **settings}) as services:
            targets = _start(services, nats)
            traffic = Traffic(targets["gateway"][0], targets["reporter"][0])
            try:
                yield targets
            finally:
                traffic.stop()


def _expiring(folder: Path) -> Mapping[str, str]:
    """A certificate and a secret that end, though not soon."""
    certificate = folder / "certificate.pem"
    trustme.CA().cert_pem.write_to_path(str(certificate))
    day = (datetime.now(UTC) + timedelta(days=90)).date()
    return {"CERTIFICATE_FILES": f"made-up={certificate}", "SECRET_EXPIRIES": f"JWT_SECRET={day}"}


def _start(services: Services, nats: RunningServer) -> Mapping[str, Sequence[Process]]:
    """All of them, ready. They know of each other what a local start would tell them."""
    made: dict[str, Process] = {}

    def make(service: Service) -> Process:
        known = {"NATS_MONITOR_URL": nats.server.monitor_url}
        known |= {"GATEWAY_URL": made["gateway"].url} if "gateway" in made else {}
        return services.program(service.name, *service.arguments, **known)

    for service in SERVICES:  # the gateway is the first
        made[service.name] = make(service)
        made[service.name].launch()
    for process in made.values():
        process.wait_ready()
    return {name: [process] for name, process in made.items()}


class Traffic:
    """Goes on in a thread until it is stopped."""

    def __init__(self, gateway: Process, reporter: Process) -> None:
        self._gateway, self._reporter = gateway.url, reporter.url
        self._stopping = threading.Event()
        self._events = EventGenerator(1)
        self._run_id = secrets.token_hex(4)
        self._thread = threading.Thread(target=self._run, name="traffic")
        self._error: Exception | None = None
        self._thread.start()

    def stop(self) -> None:
        """Raises what has ended it, if it did not last until now."""
        self._stopping.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        with httpx.Client(timeout=30, trust_env=False) as http:
            try:
                turn = 0
                while not self._stopping.wait(_PAUSE_SECONDS):
                    turn += 1
                    self._send(http, turn)
                    self._read(http, REPORTS[turn % len(REPORTS)])
            except (httpx.HTTPError, AssertionError) as error:
                self._error = error

    def _send(self, http: httpx.Client, turn: int) -> None:
        kind = {"content-type": "application/json"}
        events = self._events.batch(20, Span(time.time_ns())).raws
        if turn % _BAD_EVERY == 1:
            events = [*events, b'{"source":"facebook"}']
        self._post(http, "events", b"[" + b",".join(events) + b"]", kind)
        post = {"postId": f"p-{self._run_id}-{turn % 7}"}
        self._act(http, "ann", {"type": "post", "text": "a text"} | post)
        self._act(http, "bob", {"type": "like"} | post, {"type": "comment", "text": "so true"} | post)
        update = json.dumps({"type": "contact.created", "data": {"userId": "u-17"}}).encode()
        shown = {"authorization": f"Bearer {TOKEN}", "idempotency-key": f"{self._run_id}-{turn}"}
        self._post(http, f"webhooks/{SENDER}", update, kind | shown)

    def _act(self, http: httpx.Client, user: str, *actions: Mapping[str, str]) -> None:
        shown = {
            "content-type": "application/json",
            "authorization": f"Bearer {mint(TOKENS, user, (), 60)}",
        }
        body = json.dumps([{"userId": user, **action} for action in actions]).encode()
        self._post(http, "api/events", body, shown)

    def _post(self, http: httpx.Client, door: str, body: bytes, headers: Mapping[str, str]) -> None:
        answer = http.post(f"{self._gateway}/{door}", content=body, headers=headers)
        assert answer.status_code in (200, 202), f"{door}: {answer.status_code} {answer.text}"

    def _read(self, http: httpx.Client, report: str) -> None:
        answer = http.get(f"{self._reporter}/{report}")
        assert answer.status_code == 200, f"{report}: {answer.status_code} {answer.text}"

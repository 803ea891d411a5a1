"""A real Prometheus that scrapes real services, for tests of rules and dashboards.

    def test_something(prometheus: Prometheus) -> None:
        assert prometheus.query('sum(rate(events_processed_total[30s]))')

The fixture `prometheus` is a Prometheus with ops/prometheus/local.yml and our rules, once for a test session, over a
whole pipeline of its own (gateway, four collectors, reporter, alerts) that a publisher keeps busy; all of it has been
scraped and evaluated when a test begins. It is skipped where there is no Prometheus, and must not be broken: whoever
wants to break something says

    with Services(...) as services, running(folder, {"gateway": [services.gateway()]}) as prometheus: ...

Everything is scraped and evaluated every second, so use ranges of 10 s or more.
"""

import math
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import yaml

from ops.local import binaries, database, ports, servers
from ops.local.embedded import EmbeddedServer
from ops.local.servers import RunningServer
from ops.local.services import SERVICES
from ops.local.waiting import wait_until
from tests.busy_pipeline import busy_pipeline
from tests.processes import Process

CONFIGURATION = binaries.ROOT / "ops" / "prometheus"
INTERVAL_SECONDS = 1
_ITSELF = "127.0.0.1:9090"

Sample = tuple[Mapping[str, str], float]
"""Labels and value of one series at one time."""


class Prometheus:
    """One that runs. `reader` asks its HTTP API."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self._api = httpx.Client(base_url=f"{server.url}/api/v1", timeout=30, trust_env=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.server.url

    def get(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of `/api/v1/<path>`. Raises AssertionError with the reason of a refusal."""
        answer = self._api.get(path, params=parameters).json()
        assert answer["status"] == "success", f"{path} {parameters}: {answer.get('error')}"
        return answer["data"]

    def query(self, expression: str) -> Sequence[Sample]:
        """An instant query. A scalar is one sample without labels."""
        found = self.get("query", query=expression)
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    def value(self, expression: str) -> float:
        """The value of the one series of an answer; NaN when there is none."""
        found = self.query(expression)
        assert len(found) <= 1, f"{expression} has {len(found)} series"
        return found[0][1] if found else math.nan

    def targets(self) -> Sequence[Mapping[str, Any]]:
        """All targets, as `/targets` tells them: `labels`, `health`, `lastError`."""
        return self.get("targets", state="active")["activeTargets"]

    def rules(self) -> Sequence[Mapping[str, Any]]:
        """All rules: `name`, `type` (recording or alerting), `health`, `lastError`."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def alerts(self) -> Sequence[Mapping[str, Any]]:
        """The alerts that are pending or firing: `labels`, `annotations`, `state`."""
        return self.get("alerts")["alerts"]

    def wait_until(
        self, what: str, problem: Callable[["Prometheus"], str | None], timeout_seconds: float = 30
    ) -> None:
        """Returns when `problem` is None; raises NotReadyError with the last one after the limit."""
        wait_until(what, lambda: problem(self), timeout_seconds)


def configuration(targets: Mapping[str, Sequence[Process]], port: int) -> dict[str, Any]:
    """ops/prometheus/local.yml with the ports of these processes in place of the usual ones, by the names of services.
    What does not run is not scraped."""
    config = yaml.safe_load((CONFIGURATION / "local.yml").read_text())
    config["global"] |= dict.fromkeys(("scrape_interval", "evaluation_interval"), f"{INTERVAL_SECONDS}s")
    config["rule_files"] = [str(CONFIGURATION / name) for name in config["rule_files"]]
    usual = {f"{ports.LOOPBACK}:{service.default_port}": service.name for service in SERVICES}
    for job in config["scrape_configs"]:
        for group in job["static_configs"]:
            [address] = group["targets"]
            running = [process.port for process in targets.get(usual.get(address, ""), ())]
            chosen = [port] if address == _ITSELF else running
            group["targets"] = [f"{ports.LOOPBACK}:{each}" for each in chosen]
    return config


def needs_program(name: Literal["prometheus", "promtool"] = "prometheus") -> Path:
    """Where it is. Skips the test where there is none, and fails it where CI says that nothing may be left out."""
    program = binaries.monitoring(name)
    if program is not None:
        return program
    reason = f"there is no {name} on PATH, and ./test.sh could not unpack one (see ops/local/install.py)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def describe(folder: Path, targets: Mapping[str, Sequence[Process]]) -> EmbeddedServer:
    """A Prometheus with its data in `folder/prometheus`."""
    program = needs_program()
    directory = folder / "prometheus"
    port = ports.choose_free()
    config = directory / "prometheus.yml"
    url = f"http://{ports.LOOPBACK}:{port}"

    def prepare() -> None:
        directory.mkdir(parents=True, exist_ok=True)
        config.write_text(yaml.safe_dump(configuration(targets, port)))

    def problem() -> str | None:
        try:
            answer = httpx.get(f"{url}/-/ready", timeout=2, trust_env=False)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return None if answer.status_code == 200 else answer.text.strip()

    command = (
        str(program),
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={ports.LOOPBACK}:{port}",
        "--log.level=warn",
    )
    return EmbeddedServer(
        name="prometheus", command=command, directory=directory, url=url, prepare=prepare, problem=problem
    )


@contextmanager
def running(folder: Path, targets: Mapping[str, Sequence[Process]]) -> Generator[Prometheus]:
    """A Prometheus over these processes, by the names of their services. It has scraped each of them once."""
    with servers.running(describe(folder, targets)) as server:
        prometheus = Prometheus(server)
        prometheus.wait_until("all targets", _unscraped)
        yield prometheus


def _unscraped(prometheus: Prometheus) -> str | None:
    seen = [(target["labels"], target["health"], target["lastError"]) for target in prometheus.targets()]
    waiting = [each for each in seen if each[1] != "up"]
    return f"not up: {waiting}" if waiting or not seen else None


@pytest.fixture(scope="session")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: RunningServer, migrated_template: str
) -> Iterator[Prometheus]:
    """A Prometheus over a busy pipeline, both ours alone; see the module's docstring."""
    folder = tmp_path_factory.mktemp("prometheus")
    needs_program()
    database_url = database.clone(migrated_template, "scraped")
    with (
        busy_pipeline(folder, database_url) as targets,
        running(folder, targets) as prometheus,
    ):
        prometheus.wait_until("rates of all sources", _unmeasured, 60)
        yield prometheus
    database.drop(database_url)


def _unmeasured(prometheus: Prometheus) -> str | None:
    """Whether a rate over ten seconds is known of everything that goes on."""
    rates = prometheus.query("sum by (source) (rate(event_end_to_end_seconds_count[10s])) > 0")
    sources = {labels["source"] for labels, _ in rates}
    unevaluated = [rule["name"] for rule in prometheus.rules() if rule["health"] != "ok"]
    missing = {service.source for service in SERVICES if service.source} - sources
    return f"no events yet from {missing}, no result of {unevaluated}" if missing or unevaluated else None

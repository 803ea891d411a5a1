"""docker-compose.yml and its overlays agree with what runs without containers, and with what the programs read."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from console.doctor.discovery import settings_structs
from ops.container import order
from ops.local import dotenv, prisma_cli
from ops.local.services import PUBLISHER, SERVICES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CLUSTER: dict[str, Any] = yaml.safe_load((ROOT / "compose.cluster.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]

ALIASES = order.LOCAL_NAMES
PUBLISHED = {
    "grafana": 3000,
    "gateway": 3001,
    "reporter": 3004,
    "alerts": 3007,
    "nats": 4222,
    "postgres": 5432,
    "prometheus": 9090,
}
PROGRAMS = {
    "gateway": "gateway",
    "fb-collector": "collectors",
    "ttk-collector": "collectors",
    "social-collector": "collectors",
    "custom-collector": "collectors",
    "reporter": "reporter",
    "alerts": "alerts",
}
SERVERS = ("nats", "postgres", "redis")
COLLECTORS = [name for name, program in PROGRAMS.items() if program == "collectors"]


def container_of(local_name: str) -> dict[str, Any]:
    return CONTAINERS[ALIASES.get(local_name, local_name)]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_of_a_local_start_is_a_container_with_the_same_port(service: Any) -> None:
    container = container_of(service.name)
    assert container["environment"]["PORT"] == str(service.default_port)
    program, *rest = service.arguments
    assert container["command"] == (["collector", *rest] if program == "collectors" else [program])


def test_the_publisher_is_as_modest_as_that_of_a_local_start() -> None:
    assert CONTAINERS["publisher"]["command"] == list(PUBLISHER.arguments)


def test_everything_that_is_started_is_known_to_the_start_and_the_other_way_round() -> None:
    known = {*order.SERVERS, order.MIGRATE, *order.PROGRAMS, *order.MONITORING, order.PUBLISHER}
    assert known == {*CONTAINERS, *CLUSTER["services"]} - {"console"}
    assert set(order.PROGRAMS) == set(PROGRAMS)


@pytest.mark.parametrize(("container", "program"), PROGRAMS.items(), ids=PROGRAMS)
def test_every_setting_of_a_program_reaches_its_container(container: str, program: str) -> None:
    """A new setting belongs into the group of its concern at the top of docker-compose.yml, or to the program alone."""
    credentials = {"FacebookCredentials", "TikTokCredentials", "TikTokShopCredentials", "CustomCredentials"}
    read = {
        field.name.upper()
        for struct in settings_structs(ROOT, [program])
        if program == "gateway" or struct.__name__ not in credentials
        for field in msgspec.structs.fields(struct)
    }
    in_image = {"HOST"}
    assert sorted(read - in_image - set(CONTAINERS[container]["environment"])) == []


def test_every_variable_is_in_the_example() -> None:
    text = "".join((ROOT / name).read_text() for name in ("docker-compose.yml", "compose.cluster.yml"))
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    named = set(re.findall(r"\$\{([A-Z_]+)", text))
    for name in (*PROGRAMS, "publisher"):
        named |= {variable for variable, value in CONTAINERS[name]["environment"].items() if value is None}
    assert sorted(named - set(dotenv.names(ROOT / ".env.example"))) == []


def test_only_these_ports_are_published_and_only_where_the_settings_say() -> None:
    for name, container in CONTAINERS.items():
        published = container.get("ports", [])
        assert bool(published) == (name in PUBLISHED), name
        for port in published:
            found = re.fullmatch(r"\$\{BIND_ADDRESS:-127\.0\.0\.1\}:\$\{[A-Z]+_PORT:-(\d+)\}:(\d+)", port)
            assert found, port
            assert found[1] == found[2] == str(PUBLISHED[name])


@pytest.mark.parametrize("name", COLLECTORS)
def test_a_collector_can_be_scaled(name: str) -> None:
    assert "container_name" not in CONTAINERS[name]
    assert "ports" not in CONTAINERS[name]


@pytest.mark.parametrize("name", [*CONTAINERS, *CLUSTER["services"]])
def test_no_container_has_more_rights_than_it_needs(name: str) -> None:
    container = CONTAINERS.get(name) or CLUSTER["services"][name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["mem_limit"]
    assert container["restart"] == ("no" if name in (*order.ONE_SHOT, "console") else "unless-stopped")
    assert bool(container.get("cap_add")) == (name == "postgres")


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_image_is_pinned(name: str) -> None:
    image = CONTAINERS[name]["image"]
    assert image == "sluice:${SLUICE_VERSION:-dev}" or re.search(r":v?\d+(\.\d+)*[-a-z]*$", image), image


@pytest.mark.parametrize("name", SERVERS)
def test_programs_wait_for_servers_that_can_say_that_they_are_well(name: str) -> None:
    assert "test" in CONTAINERS[name]["healthcheck"]
    for collector in COLLECTORS:
        assert CONTAINERS[collector]["depends_on"][name] == {"condition": "service_healthy"}
        assert CONTAINERS[collector]["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }


def test_the_collectors_of_the_console_are_those_that_run() -> None:
    addresses = dict(
        each.split("=") for each in CONTAINERS["console"]["environment"]["COLLECTOR_URLS"].split(",")
    )
    expected = {
        service.source: f"http://{ALIASES.get(service.name, service.name)}:{service.default_port}"
        for service in SERVICES
        if service.source
    }
    assert addresses == expected


def test_the_image_expects_the_query_engine_that_the_lock_brings() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"PRISMA_EXPECTED_ENGINE_VERSION=(\w+)", text)) == {prisma_cli.EXPECTED_ENGINE}
    assert "# syntax" not in text


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name not in PUBLISHED or name in PROGRAMS])
def test_no_secret_of_ours_reaches_a_program_that_has_no_use_for_it(name: str) -> None:
    environment = CONTAINERS[name].get("environment", {})
    if name not in {"gateway", "console"}:
        assert not {"JWT_SECRET", "OPERATOR_API_KEYS", "WEBHOOK_SECRETS", "FACEBOOK_APP_SECRETS"} & set(
            environment
        )

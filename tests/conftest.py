"""Fixtures for all tests: real servers, started once per session and only when a test asks for one."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from ops.local import ports

pytest_plugins = ["tests.servers", "tests.prometheus"]

# How long an example takes says nothing on a machine that others use, too.
settings.register_profile("no deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadline")


def pytest_configure() -> None:
    # Two workers must not choose the same port in the moment before one of them listens on it.
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        ports.PRIVATE_PORTS = ports.PRIVATE_PORTS[int(worker.removeprefix("gw")) :: count]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A program that is run within a test configures logging for the whole process."""
    configured = structlog.get_config()
    yield
    structlog.configure(**configured)

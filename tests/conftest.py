"""Fixtures for all tests: real servers, started once per session and only when a test asks for one."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers", "tests.prometheus"]

# How long an example takes says nothing on a machine that others use, too.
settings.register_profile("no deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A program that is run within a test configures logging for the whole process."""
    configured = structlog.get_config()
    yield
    structlog.configure(**configured)

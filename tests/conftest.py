"""Fixtures for all tests: real servers, started once per session and only when a test asks for one."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers", "tests.prometheus"]

# How long an example takes says nothing on a machine that others use, too.
settings.register_profile("no deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadline")

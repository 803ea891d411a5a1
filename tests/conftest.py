"""Fixtures for all tests: real servers, started once per session and only when a test asks for one."""

pytest_plugins = ["tests.servers", "tests.prometheus"]

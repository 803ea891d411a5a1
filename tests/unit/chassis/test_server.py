"""A service whose port cannot be listened on says which setting changes that."""

import socket

import pytest

from pipeline.chassis.server import ServerSettings, serve
from pipeline.errors import ConfigurationError


async def no_app(*_: object) -> None: ...


@pytest.mark.parametrize("port", [-1, 65536, 99999])
async def test_a_port_that_does_not_exist_is_a_wrong_setting(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"^PORT: cannot listen on 127.0.0.1:{port}"):
        await serve(no_app, ServerSettings(port=port), {})


async def test_a_port_that_is_taken_is_a_wrong_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"^PORT: cannot listen on 127.0.0.1:{port}"):
            await serve(no_app, ServerSettings(port=port), {})

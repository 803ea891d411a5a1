import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """As in production: uvloop's transports are what the server's protocol relies on."""
    return {"uvloop": uvloop.new_event_loop}

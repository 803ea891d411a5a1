import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

Factory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Factory]:
    """With the real server as in production: uvloop's transports are what its protocol relies on."""
    module = getattr(item, "module", None)
    return (
        {"uvloop": uvloop.new_event_loop}
        if hasattr(module, "serving")
        else {"asyncio": asyncio.new_event_loop}
    )

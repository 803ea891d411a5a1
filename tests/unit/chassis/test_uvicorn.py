"""What our server and protocol rely on in uvicorn. When one of these fails after an upgrade, read what has changed.

`GuardedProtocol` overrides callbacks of uvicorn's protocol and looks at the state of its request cycle; `_Server`
replaces its order of stopping. Their behaviour is tested elsewhere; here it is noticed that the ground has moved.
"""

import hashlib
import inspect
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

READ_WITH = "0.54.0"

PARTS: dict[Any, str] = {
    # A cycle ends its connection by `transport.close()` alone, after its last write and before `on_response`; with
    # `disconnected` it writes nothing and is logged by nobody; `waiting_for_100_continue` ends with the first receive.
    RequestResponseCycle: "e67d470d435dcc1c",
    # `on_message_begin` empties url and headers; `on_headers_complete` makes the cycle and takes `self.app`; an
    # exception in a callback comes back as HttpParserError, and that calls `send_400_response`; what comes after the
    # answer is ignored up to the next message; a pipelined request waits in `pipeline` with reading paused.
    HttpToolsProtocol: "18fdf324b11bf160",
    FlowControl: "126debcdaa894c83",
    # The whole head comes in one `data_received`; `send` waits for `writable` and ends with ClientDisconnected once
    # `disconnected`; a close or a missing pong ends in `transport.close()`, which waits for what is not sent.
    WebSocketsSansIOProtocol: "0bbcec98938432f7",
    # `_serve` calls `shutdown` once `should_exit` is set; `startup` calls the protocol class with these keywords.
    uvicorn.Server._serve: "4575b7a50adfede8",
    uvicorn.Server.startup: "2aa1d70a244bfcf2",
    uvicorn.Server.main_loop: "afccb353a119333f",
    uvicorn.Server.shutdown: "9b33c50562992b1e",
}


def digest(part: Any) -> str:
    return hashlib.sha256(inspect.getsource(part).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("part", "known"), PARTS.items(), ids=lambda value: getattr(value, "__qualname__", "")
)
def test_what_we_build_on_is_what_it_was_when_we_read_it(part: Any, known: str) -> None:
    assert digest(part) == known, (
        f"changed between uvicorn {READ_WITH} and {uvicorn.__version__}: read it again"
    )

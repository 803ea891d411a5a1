"""A TCP proxy that can hold back what passes through it, or cut it off: the network between two programs, to break."""

import asyncio
import socket
from collections.abc import Callable

from ops.local.ports import LOOPBACK
from tests.faults.background import Background

_CHUNK = 256 * 1024


class _Gates:
    """What passes is read first and held at the gate of its direction, as long as that is closed."""

    def __init__(self) -> None:
        self.requests = asyncio.Event()
        self.answers = asyncio.Event()
        self.open()

    def open(self) -> None:
        self.requests.set()
        self.answers.set()

    def close(self) -> None:
        self.requests.clear()
        self.answers.clear()


class _Pair:
    """One connection through the proxy: from the client to us, and from us to the server."""

    def __init__(self, gates: _Gates, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.gates = gates
        self._ends = (near, far)

    def abort(self) -> None:
        """Both sides see a reset or an end, at once; what was held back is gone."""
        for end in self._ends:
            end.transport.abort()

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        try:
            while chunk := await reader.read(_CHUNK):
                await gate.wait()
                writer.write(chunk)
                await writer.drain()
        except (OSError, RuntimeError):  # uvloop raises RuntimeError where a transport is closed already
            pass
        finally:
            self.abort()


class Proxy:
    """Listens on a port of its own from the start; `target` is the port behind it. Methods may be called from any
    thread but the background's own."""

    def __init__(self, background: Background, target: int) -> None:
        self._background = background
        self._target = target
        self._pairs: set[_Pair] = set()
        self._gates = _Gates()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._server = background.call(self._serve)

    def url(self, behind: str) -> str:
        """The URL of the server behind, led through here."""
        return behind.replace(f":{self._target}", f":{self.port}")

    def hold_answers(self) -> None:
        """What clients send arrives; what the server answers does not."""
        self._do(lambda: self._gates.answers.clear())

    def hold_requests(self) -> None:
        """What the server sends arrives; what clients send does not."""
        self._do(lambda: self._gates.requests.clear())

    def partition(self) -> None:
        """Nothing arrives, on neither side, and nobody is told: connections stay open, new ones are silent."""
        self._do(lambda: self._gates.close())

    def heal(self) -> None:
        """Everything passes again, what was held back first: so does TCP when lost packets are sent again."""
        self._do(lambda: self._gates.open())

    def strand(self) -> None:
        """Nothing arrives on the connections that there are, for ever, and nobody is told. New ones pass."""

        def strand() -> None:
            self._gates.close()
            self._gates = _Gates()

        self._do(strand)

    def cut(self) -> None:
        """Every connection is gone, and what was held back with it. New ones pass."""

        def cut() -> None:
            for pair in self._pairs:
                pair.abort()
                pair.gates.open()  # ends those who wait at it
            self._gates = _Gates()

        self._do(cut)

    def close(self) -> None:
        """No connection any more, and no new ones."""
        self._do(self._server.close)
        self.cut()

    @property
    def connections(self) -> int:
        """How many pass through at the moment."""
        return len(self._pairs)

    async def _serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, sock=self._listener, limit=_CHUNK)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target, limit=_CHUNK)
        except OSError:
            writer.transport.abort()
            return
        gates = self._gates
        pair = _Pair(gates, writer, far_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                pair.pump(reader, far_writer, gates.requests), pair.pump(far_reader, writer, gates.answers)
            )
        finally:
            pair.abort()
            self._pairs.discard(pair)

    def _do(self, action: Callable[[], object]) -> None:
        async def act() -> None:
            action()

        self._background.call(act)

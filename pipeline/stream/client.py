"""nats-py's client, without two ways in which a connection that has fallen silent keeps its users waiting."""

import asyncio
from typing import Any

from nats.aio.client import Client
from nats.aio.transport import TcpTransport


class ImpatientClient(Client):
    """A client that gives a lost connection up at once, and lets those who publish be cancelled."""

    async def _process_op_err(self, e: Exception) -> None:
        """What a lost connection had still to send is thrown away.

        nats-py closes the old socket and waits for that before it connects anew. Closing waits until everything is
        sent: when packets vanish in silence and there is a backlog, that is for ever, or for the quarter of an hour
        after which the kernel gives up. Who published it has been told long ago that it was not acknowledged.
        """
        transport = self._transport
        writer = transport._io_writer if isinstance(transport, TcpTransport) else None  # pyright: ignore[reportPrivateUsage]
        if writer is not None and not (self.is_closed or self.is_reconnecting):
            writer.transport.abort()
        await super()._process_op_err(e)

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        """nats-py swallows a cancellation that comes while it flushes, and then waits for an answer: a timeout
        around it would end when the client's own does, a minute later."""
        task = asyncio.current_task()
        cancelling = task.cancelling() if task else 0
        flushed = await super()._flush_pending(force_flush)
        if task is not None and task.cancelling() > cancelling:
            raise asyncio.CancelledError
        return flushed

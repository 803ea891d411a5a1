"""One message as it was delivered, and what may be done with it."""

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from pipeline.errors import StreamUnavailable


class Delivery:
    """One message as it was delivered, to be settled once: `ack` or `nak`. Until then it is kept alive."""

    __slots__ = ("_message", "_unsettled", "headers", "payload", "redelivered")

    def __init__(self, message: Msg, unsettled: "set[Delivery]") -> None:
        self._message = message
        self._unsettled = unsettled
        unsettled.add(self)
        self.payload: bytes = message.data
        self.headers: dict[str, str] = message.headers or {}
        self.redelivered = message.metadata.num_delivered > 1

    async def ack(self) -> None:
        """Everything in it is stored or dead-lettered: the stream may forget it. Raises StreamUnavailable."""
        try:
            await self._message.ack()
        except NatsError as error:
            raise StreamUnavailable(f"NATS: {error}") from error
        self._unsettled.discard(self)

    async def nak(self) -> None:
        """Given back at once, unfinished. Raises what nats raises: its deadline would give it back, too."""
        self._unsettled.discard(self)
        await self._message.nak()

    async def keep_alive(self) -> None:
        """Starts the deadline of the acknowledgement anew."""
        await self._message.in_progress()

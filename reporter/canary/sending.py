"""Hands canaries in at the gateway, as any sender of events would."""

from itertools import cycle
from typing import Literal

import httpx
import msgspec

from pipeline.chassis.correlation import HEADER
from pipeline.events.canary import canary_name
from reporter.canary.settings import CanarySettings

Outcome = Literal["accepted", "refused", "unreachable"]

_TIMEOUT_SECONDS = 5.0
"""Longer than a gateway takes to find out that JetStream does not answer."""
_BRIEF = 160


class Sending(msgspec.Struct, frozen=True):
    """What became of one canary at the gateway's door, and why where it was not let in."""

    outcome: Outcome
    detail: str = ""


class CanarySender:
    """Sends under one name. `close` it at the end."""

    def __init__(self, settings: CanarySettings, name: str) -> None:
        self._addresses = cycle([f"{address.rstrip('/')}/canaries" for address in settings.gateway_url])
        self._name = name
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            headers={"Authorization": f"Bearer {settings.key}"} if settings.key else {},
            # Each makes a connection of its own: whether that is still possible belongs to what it finds out.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def send(self, source: str, number: int) -> Sending:
        """Returns what the next gateway answered. Raises nothing that the network can cause."""
        try:
            answer = await self._client.post(
                next(self._addresses),
                json={"source": source, "sender": self._name, "number": number},
                headers={HEADER: canary_name(self._name, number)},
            )
        except httpx.HTTPError as error:
            return Sending("unreachable", f"the gateway does not answer: {_in_brief(error)}")
        if answer.status_code == 202:
            return Sending("accepted")
        return Sending("refused", f"the gateway answers {answer.status_code}: {_detail(answer)}")

    async def close(self) -> None:
        """Ends what is under way."""
        await self._client.aclose()


class _Problem(msgspec.Struct):
    detail: str


def _detail(answer: httpx.Response) -> str:
    try:
        return msgspec.json.decode(answer.content, type=_Problem).detail[:_BRIEF]
    except msgspec.MsgspecError:
        return answer.reason_phrase


def _in_brief(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_BRIEF]

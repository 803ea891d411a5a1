"""`POST /canaries`: the door of canaries, beside that of events and on the same way from there on.

A canary is admitted, committed and answered as a single event is, so what it meets here is what events meet. No counter
of events moves for it. The door opens for CANARY_KEYS; while there are none, for whoever may send events.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import Receive

from gateway.api_keys import ApiKeys
from gateway.body import BodyReader, ClientGone
from gateway.commit import GroupCommit
from gateway.settings import GatewaySettings
from pipeline.chassis.correlation import current_correlation_id
from pipeline.chassis.problems import Problem, ProblemDetail
from pipeline.chassis.shortcut import Shortcut
from pipeline.events.canary import CANARY_FORMAT, Canary, Number, Sender, encode_canary
from pipeline.events.source import Source

_PATH = "/canaries"
_BODY_BYTES = 1024


class CanaryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a canary is to go, and which it is."""

    source: str
    sender: Sender
    number: Number


class CanaryAccepted(msgspec.Struct, frozen=True):
    """The canary is on disk."""

    accepted: int = 1


_decode = msgspec.json.Decoder(CanaryRequest).decode


class CanaryEndpoint:
    """From a request to the acknowledged batch."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        bodies: BodyReader,
        commit: GroupCommit,
        settings: GatewaySettings,
    ) -> None:
        self._sources = sources
        self._bodies = bodies.with_limit(_BODY_BYTES, "the size of a canary")
        self._commit = commit
        self._keys = ApiKeys(settings.canary_keys or settings.ingest_api_keys)

    async def handle(self, headers: Mapping[str, str], receive: Receive) -> CanaryAccepted | None:
        """Raises Problem and StreamUnavailable. None when the sender has gone."""
        self._keys.check(headers)
        with self._bodies.admission.admit() as reservation:
            try:
                wanted = self._read(await self._bodies.read(headers, receive, reservation))
            except ClientGone:
                return None
            canary = encode_canary(Canary(wanted.sender, wanted.number))
            await self._commit.commit(
                wanted.source, CANARY_FORMAT, [canary], datetime.now(UTC), current_correlation_id()
            )
        return CanaryAccepted()

    def _read(self, body: bytes) -> CanaryRequest:
        try:
            wanted = _decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise Problem(400, "not-a-canary", str(error)) from None
        if wanted.source not in self._sources:
            known = ", ".join(self._sources)
            raise Problem(
                400, "unknown-source", f"unknown source {wanted.source[:40]!r}, use one of: {known}"
            )
        return wanted

    def shortcut(self) -> Shortcut:
        """Past Litestar, as events go."""
        return Shortcut("POST", _PATH, 202, self.handle)

    def router(self) -> Router:
        """The route as Litestar and the API page know it."""

        @post(
            _PATH,
            status_code=202,
            summary="Take in a canary",
            description="`{source, sender, number}` goes the whole way of an event, and is counted nowhere.",
            responses={
                400: _problem_spec("Not a canary, or of an unknown source."),
                401: _problem_spec("None of CANARY_KEYS, or while there are none, of INGEST_API_KEYS."),
                503: _problem_spec("JetStream is away, slow or full, or too much is in flight."),
            },
        )
        async def post_canary(request: Request[Any, Any, Any]) -> CanaryAccepted | None:
            return await self.handle(request.headers, request.receive)

        return Router("/", route_handlers=[post_canary], tags=["canaries"])


def _problem_spec(description: str) -> ResponseSpec:
    return ResponseSpec(ProblemDetail, description=description, generate_examples=False)

"""Takes in one delivery: its size, its sender, its body, its signature, its rate; then it is believed."""

from collections.abc import Callable
from datetime import datetime

from litestar.types import Receive, Scope

from gateway.admission import Reservation
from gateway.body import BodyReader, ClientGone
from gateway.webhooks import answers
from gateway.webhooks.doors import ANY_SENDER, Door, Doors, sender_of
from gateway.webhooks.headers import RawHeaders, headers_given_once, is_compressed
from gateway.webhooks.rate import DeliveryRates
from gateway.webhooks.service import WebhookService
from gateway.webhooks.telemetry import UNKNOWN_WEBHOOK, Outcome, WebhookTelemetry
from pipeline.chassis.problems import Problem
from pipeline.chassis.shortcut import Answer
from pipeline.events.webhook import WebhookRequest


class Reception:
    """From the request to the service's answer."""

    def __init__(
        self,
        doors: Doors,
        bodies: BodyReader,
        rates: DeliveryRates,
        service: WebhookService,
        telemetry: WebhookTelemetry,
        clock: Callable[[], datetime],
    ) -> None:
        self._doors = doors
        self._bodies = bodies
        self._rates = rates
        self._service = service
        self._telemetry = telemetry
        self._clock = clock

    async def receive(self, scope: Scope, receive: Receive) -> Answer | None:
        """Raises Problem and StreamUnavailable. None when the sender has gone."""
        sender = sender_of(scope["path"])
        door = self._doors.find(sender)
        scope["path_template"] = door.route if door else ANY_SENDER
        try:
            reservation = self._bodies.admission.admit()
        except Problem as problem:
            raise self._turned_away(door, problem) from None
        with reservation:
            try:
                door, request = await self._read(door, sender, list(scope["headers"]), receive, reservation)
            except ClientGone:
                return None
            except Problem as problem:
                raise self._turned_away(door, problem) from None
            if (refusal := self._refusal(door, request)) is not None:
                self._telemetry.refused(door.name, refusal)
                return answers.FORGED
            if wait_seconds := self._rates.wait_seconds(door.name, sender):
                self._telemetry.delivered(door.name, Outcome.RATE_LIMITED)
                raise answers.too_fast(door, wait_seconds)
            return answers.taken(door, await self._service.accept(door, request))

    async def _read(
        self,
        door: Door | None,
        sender: str,
        raw_headers: RawHeaders,
        receive: Receive,
        reservation: Reservation,
    ) -> tuple[Door, WebhookRequest]:
        headers = headers_given_once(raw_headers)
        self._bodies.check_announced(headers)
        if door is None or (door.webhook.any_sender and not door.knows(sender)):
            raise answers.unknown_sender()
        if not door.knows(sender):
            raise answers.not_configured(door)
        if is_compressed(raw_headers):
            raise answers.compressed()
        body = await self._bodies.read(headers, receive, reservation)
        return door, WebhookRequest(sender, headers, body, self._clock())

    def _turned_away(self, door: Door | None, problem: Problem) -> Problem:
        self._telemetry.turned_away(door.name if door else UNKNOWN_WEBHOOK, problem)
        return problem

    def _refusal(self, door: Door, request: WebhookRequest) -> str | None:
        try:
            return door.webhook.verify(door.credentials, request)
        except Exception as error:  # a defect of one provider's code must not let anybody fill the log
            self._telemetry.verifying_failed(door.name, error)
            return "verifying_failed"

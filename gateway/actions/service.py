"""What happens to the actions of a body: judged, published or kept, all of it on disk before the answer."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

from collectors.social import ACTION_FORMAT
from collectors.social import SOURCE as SOCIAL
from gateway.actions.answers import ActionsTaken
from gateway.actions.bearer import forbidden_header
from gateway.actions.cutting import cut_actions, portions
from gateway.actions.judging import ActionJudge, BadAction, Judged, Sending
from gateway.commit import GroupCommit
from gateway.telemetry import SERVICE, GatewayTelemetry
from pipeline.chassis.concurrency import all_or_cancel
from pipeline.chassis.correlation import current_correlation_id
from pipeline.chassis.problems import Problem
from pipeline.errors import StreamUnavailable
from pipeline.events.dead_letter import DeadLetter, dead_letter_of
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.splitting import MalformedArray
from pipeline.events.text import needs_text_check
from pipeline.stream import DeadLetters

REQUEST_FORMAT = "social.request"
"""What is kept of a body that holds no action. No source has that format: read as an envelope, such bytes might say
anything, whoever sent them, so nobody may replay them."""


class ActionService:
    """The way of social actions into the pipeline."""

    def __init__(
        self,
        event_size_limit: int,
        actions_per_request: int,
        commit: GroupCommit,
        dead_letters: DeadLetters,
        telemetry: GatewayTelemetry,
    ) -> None:
        self._judge = ActionJudge(event_size_limit)
        self._most = actions_per_request
        self._commit = commit
        self._dead_letters = dead_letters
        self._telemetry = telemetry

    async def accept(self, body: bytes, sending: Sending) -> ActionsTaken:
        """Returns once every accepted action is on disk and every bad one is kept.

        Raises Problem 400, 403 or 413, and StreamUnavailable.
        """
        try:
            actions = cut_actions(body, self._most)
        except MalformedArray as error:
            whole = BadAction(Rejection(Reason.MALFORMED_JSON, "$", str(error)), body, False)
            await self._keep([whole], sending.received_at)
            raise Problem(400, "nothing-acceptable", f"The body is malformed: {error}") from None
        judged = Judged()
        for portion in portions(actions):
            check_text = needs_text_check(b"".join(portion))
            for raw in portion:
                self._judge.judge(judged, raw, sending, check_text=check_text)
            if len(actions) > len(portion):
                await asyncio.sleep(0)
        await self._commit_all(judged, sending.received_at)
        if not judged.accepted:
            raise _nothing_accepted(judged)
        return ActionsTaken(len(judged.accepted), len(actions) - len(judged.accepted), judged.results)

    async def _commit_all(self, judged: Judged, received_at: datetime) -> None:
        if judged.forbidden:
            self._telemetry.forbidden(SOCIAL.name, judged.forbidden)
        if judged.rejected:
            keeping = self._keep(judged.rejected, received_at)
            publishing = [self._publish(judged, received_at)] if judged.accepted else []
            await all_or_cancel([keeping, *publishing])
        elif judged.accepted:
            await self._publish(judged, received_at)

    async def _publish(self, judged: Judged, received_at: datetime) -> None:
        source, envelopes = SOCIAL.name, judged.accepted
        self._telemetry.accepted(source, len(envelopes))
        try:
            await self._commit.commit(
                source, ACTION_FORMAT.name, envelopes, received_at, current_correlation_id()
            )
        except StreamUnavailable as error:
            self._telemetry.not_published(source, len(envelopes), error)
            raise
        self._telemetry.published(source, len(envelopes))

    async def _keep(self, rejected: Sequence[BadAction], received_at: datetime) -> None:
        await self._dead_letters.keep(_letters(rejected, received_at))
        self._telemetry.rejected((SOCIAL.name, bad.rejection.reason) for bad in rejected)


def _letters(rejected: Sequence[BadAction], received_at: datetime) -> Iterator[DeadLetter]:
    correlation_id = current_correlation_id()
    for bad in rejected:
        yield dead_letter_of(
            bad.raw,
            bad.rejection,
            source=SOCIAL.name,
            format_name=ACTION_FORMAT.name if bad.is_enveloped else REQUEST_FORMAT,
            correlation_id=correlation_id,
            stage=SERVICE,
            received_at=received_at,
        )


def _nothing_accepted(judged: Judged) -> Problem:
    if not judged.results:
        return Problem(400, "nothing-acceptable", "The body holds no action.")
    if judged.forbidden == len(judged.results):
        detail = "The token is for another user, and its scope does not hold events:write:any."
        return Problem(403, "forbidden", detail, errors=list(judged.results), headers=forbidden_header())
    detail = "No action in the body is acceptable."
    return Problem(400, "nothing-acceptable", detail, errors=list(judged.results))

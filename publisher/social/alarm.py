"""Asks the reporter for alerts: the one that must follow an attack, and those that must not be there."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx
import msgspec

from pipeline.errors import TransientError
from publisher.reports import POLL_SECONDS, Reports, TimeRange
from publisher.social.attack import BotAttack
from publisher.social.society import post_prefix
from publisher.summary import AttackResult

_AHEAD_MS = 3_600_000
"""An alert opens at the end of a minute, which may be yet to come."""


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """An alert as `GET /alerts` tells of it, as far as it is looked at here."""

    rule: str
    subject: str
    opened_at: datetime
    raised_at: datetime
    cleared_at: datetime | None = None


_decode = msgspec.json.Decoder(list[Alert]).decode


class Alarm:
    """The FRAUD alerts on posts of the run, and on the post that is attacked. `began` is in seconds since 1970."""

    def __init__(self, reports: Reports, tag: str, began: float) -> None:
        self._reports = reports
        self._prefix = post_prefix(tag)
        self._began = began

    async def check(self) -> None:
        """Raises TransientError when the reporter does not tell of alerts."""
        try:
            await self._ask()
        except httpx.HTTPError as error:
            raise TransientError(f"REPORTER_URL: no alerts to be had: {error}") from None

    async def false_alarms(self, attacked: str) -> Sequence[Alert]:
        """Those on posts of the run that nobody attacked. Raises httpx.HTTPError."""
        return [
            alert
            for alert in await self._ask()
            if alert.subject.startswith(self._prefix) and alert.subject != attacked
        ]

    async def wait(
        self, attack: BotAttack, timeout_seconds: float, note: Callable[[str], None]
    ) -> AttackResult:
        """Until there is an alert on the attacked post, or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        note(f"waiting for the alert about {attack.post}, {timeout_seconds:g} s at most")
        while True:
            result, problem = await self._look(attack)
            if result.alerts:
                return result
            if time.monotonic() > deadline:
                return msgspec.structs.replace(result, problem=problem)
            await asyncio.sleep(POLL_SECONDS)  # the reporter cannot call us

    async def look(self, attack: BotAttack) -> AttackResult:
        """What there is now."""
        result, problem = await self._look(attack)
        return msgspec.structs.replace(result, problem=problem)

    async def _look(self, attack: BotAttack) -> tuple[AttackResult, str]:
        began = attack.began_at or self._began
        nothing = AttackResult(attack.post, 0, None, "")
        try:
            alerts = [alert for alert in await self._ask() if alert.subject == attack.post]
        except httpx.HTTPError as error:
            return nothing, f"{type(error).__name__}: {error}"
        raised = [alert for alert in alerts if alert.raised_at.timestamp() >= began]
        if not raised:
            older = len(alerts)
            why = f"{older} older ones: for some hours after one there is no other" if older else "no alert"
            return nothing, why
        first = min(raised, key=lambda alert: alert.raised_at)
        seconds = round(first.raised_at.timestamp() - began, 3)
        return AttackResult(attack.post, len(raised), seconds, first.rule), ""

    async def _ask(self) -> Sequence[Alert]:
        now_ms = int(time.time() * 1000)
        # Half a day back: a rule is silent for so long after an alert, which is worth telling.
        time_range: TimeRange = (int(self._began * 1000) - 43_200_000, now_ms + _AHEAD_MS)
        answer = await self._reports.get("/alerts", time_range, kind="FRAUD", limit="1000")
        return _decode(answer.content)

"""Dead letters to test with."""

import itertools
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec

from pipeline.events.dead_letter import DeadLetter
from pipeline.events.reasons import Reason, Rejection
from tests.unit.builders import NOW

_numbers = itertools.count(1)


def letter(
    raw: bytes = b'{"eventId":"fb-1"}', reason: Reason = Reason.SCHEMA_VIOLATION, **fields: Any
) -> DeadLetter:
    """A letter with an id of its own; `fields` replace the others."""
    made = DeadLetter(
        id=sha256(b"%d" % next(_numbers)).hexdigest()[:32],
        source="facebook",
        format="facebook.event.v1",
        rejection=Rejection(reason, "$.data", "it is said why"),
        raw=raw,
        correlation_id="request-17",
        stage="gateway",
        received_at=NOW,
        failed_at=NOW + timedelta(seconds=1),
    )
    return msgspec.structs.replace(made, **fields)

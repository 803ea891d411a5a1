"""Dead letters as people and programs are shown them, by the console and over HTTP alike."""

from base64 import b64encode
from datetime import datetime

import msgspec

from pipeline.events.dead_letter import DeadLetter


class LetterSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One dead letter without its bytes; `bytes` is how many of them are kept."""

    id: str
    source: str
    format: str
    reason: str
    path: str
    detail: str
    correlation_id: str
    stage: str
    received_at: datetime
    failed_at: datetime
    replays: int
    truncated: bool
    bytes: int


class LetterDetail(LetterSummary, frozen=True, kw_only=True, rename="camel"):
    """All that is kept. `raw` is the text of the bytes, None where they are no UTF-8; `raw_base64` is always exact."""

    raw: str | None
    raw_base64: str


def summary_of(letter: DeadLetter) -> LetterSummary:
    """What a list shows."""
    return LetterSummary(
        id=letter.id,
        source=letter.source,
        format=letter.format,
        reason=letter.rejection.reason.value,
        path=letter.rejection.path,
        detail=letter.rejection.detail,
        correlation_id=letter.correlation_id,
        stage=letter.stage,
        received_at=letter.received_at,
        failed_at=letter.failed_at,
        replays=letter.replays,
        truncated=letter.truncated,
        bytes=len(letter.raw),
    )


def detail_of(letter: DeadLetter) -> LetterDetail:
    """What is shown of a single one."""
    try:
        text = letter.raw.decode()
    except UnicodeDecodeError:
        text = None
    return LetterDetail(
        **msgspec.structs.asdict(summary_of(letter)), raw=text, raw_base64=b64encode(letter.raw).decode()
    )

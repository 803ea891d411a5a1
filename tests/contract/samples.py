"""The samples of the registered sources, and how a record is shown to people.

`collectors/<source>/samples/<name>.json` is one event of `POST /events`; beside it `<name>.expected.json` holds the
format that reads it and the canonical record that it must become.

`collectors/<source>/samples/webhooks/<webhook>/<name>.json` is a whole delivery; `<name>.expected.json` is the list of
what must come out of it, in order: `{"format": …, "record": …}` or `{"rejected": {"reason": …, "path": …}}`. Where a
delivery is nothing without its headers, they are in `<name>.headers.json`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

import collectors
from collectors.registry import SOURCES
from pipeline.events.reasons import Rejection
from pipeline.events.record import FACET_SEPARATOR, EventRecord
from pipeline.events.source import Format, Source
from pipeline.events.text import text_rejection
from pipeline.events.webhook import BadUpdate, Webhook, WebhookRequest

FOLDER = Path(collectors.__file__).parent
RECEIVED_AT = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
DELIVERED_AT = datetime.fromtimestamp(1790000000, UTC)
"""Twelve seconds or so after what is in the samples of webhooks."""

_OPTIONAL = ("amount", "currency", "campaign_id", "watch_seconds", "watched_percent")
_BESIDE = (".expected.json", ".headers.json")


def events_in(source: Source) -> list[Path]:
    """The samples of `POST /events`."""
    return _samples_in(FOLDER / source.name / "samples")


def deliveries_to(source: Source, webhook: Webhook) -> list[Path]:
    """The samples of one webhook."""
    return _samples_in(FOLDER / source.name / "samples" / "webhooks" / webhook.name)


def all_deliveries() -> Iterator[tuple[Source, Webhook, Path]]:
    """The samples of all webhooks of all sources."""
    for source in SOURCES.values():
        for webhook in source.webhooks:
            for sample in deliveries_to(source, webhook):
                yield source, webhook, sample


def golden_of(sample: Path) -> Any:
    """What must become of a sample."""
    file = sample.with_suffix(".expected.json")
    assert file.exists(), f"write what {sample.name} must become to {file.name}"
    return json.loads(file.read_text(encoding="utf-8"))


def request_of(webhook: Webhook, sample: Path, received_at: datetime = DELIVERED_AT) -> WebhookRequest:
    """The delivery that a sample is, as the gateway hands it on."""
    beside = sample.with_suffix(".headers.json")
    headers = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    lower_case = {"content-type": "application/json"} | {name.lower(): text for name, text in headers.items()}
    return WebhookRequest(webhook.name, lower_case, sample.read_bytes(), received_at)


def judged(event_format: Format, raw: bytes | msgspec.Raw, received_at: datetime) -> EventRecord | Rejection:
    """What the gateway and the collector make of one event."""
    event = text_rejection(bytes(raw)) or event_format.judge(raw, received_at)
    if isinstance(event, Rejection):
        return event
    return event_format.to_record(event, msgspec.Raw(bytes(raw)), received_at)


def outcomes_of(source: Source, webhook: Webhook, request: WebhookRequest) -> list[EventRecord | Rejection]:
    """What becomes of each update of a delivery, in order."""
    event_format = source.formats[webhook.format]
    return [
        update.rejection
        if isinstance(update, BadUpdate)
        else judged(event_format, update, request.received_at)
        for update in webhook.split(request)
    ]


def readable(record: EventRecord, source: Source) -> dict[str, Any]:
    """The record as a golden file shows it: facets by name, what is not known left out."""
    shown = msgspec.structs.asdict(record)
    del shown["payload"], shown["received_at"]
    shown["occurred_at"] = record.occurred_at.isoformat()
    shown["facets"] = dict(zip(source.facets, facet_values(record, source), strict=True))
    shown["amount"] = None if record.amount is None else str(record.amount)
    return {name: value for name, value in shown.items() if value is not None or name not in _OPTIONAL}


def readable_outcome(outcome: EventRecord | Rejection, source: Source, webhook: Webhook) -> dict[str, Any]:
    """One element of the golden file of a delivery."""
    if isinstance(outcome, Rejection):
        return {"rejected": {"reason": outcome.reason.value, "path": outcome.path}}
    return {"format": webhook.format, "record": readable(outcome, source)}


def facet_values(record: EventRecord, source: Source) -> list[str]:
    """One value for each facet of the source."""
    if not source.facets:
        assert record.facets == ""
        return []
    return record.facets.split(FACET_SEPARATOR)


def _samples_in(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("*.json")) if not file.name.endswith(_BESIDE)]

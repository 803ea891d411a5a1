"""Sends spans by OTLP over HTTP, and says once that nobody takes them, and once that somebody does again."""

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.util.re import parse_env_headers

from pipeline.chassis.tracing.settings import TracingSettings

log = structlog.get_logger()

_EXPORTER_LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


class _FirstReason(logging.Filter):
    """Keeps what the exporter complains of first, which says most, and lets none of it into the log: it would be lines
    a second."""

    text = ""

    def filter(self, record: logging.LogRecord) -> bool:
        self.text = self.text or record.getMessage()
        return False


class WatchedExporter(SpanExporter):
    """OpenTelemetry's exporter. Its thread calls `export`; the process calls the rest."""

    def __init__(self, settings: TracingSettings) -> None:
        headers = parse_env_headers(settings.otel_exporter_otlp_headers, liberal=True)
        self._inner = OTLPSpanExporter(settings.address, headers=headers)
        parts = urlsplit(settings.address)
        self._receiver = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        self.is_failing = False
        self._sent = 0
        self._reason = _FirstReason()
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        exporter_log = logging.getLogger(_EXPORTER_LOGGER)
        exporter_log.setLevel(logging.WARNING)
        exporter_log.filters = [self._reason]
        log.info(
            "tracing_on",
            receiver=self._receiver,
            ratio=settings.ratio,
            callers_decide=settings.callers_decide,
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch; retries as long as OTEL_EXPORTER_OTLP_TIMEOUT (10 s) allows."""
        self._reason.text = ""
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._sent += len(spans)
            if self.is_failing:
                self.is_failing = False
                log.info("trace_export_recovered", receiver=self._receiver)
            return result
        if not self.is_failing:
            self.is_failing = True
            log.warning("trace_export_failing", receiver=self._receiver, error=self._reason.text)
        return result

    def shutdown(self) -> None:
        """Gives up what is still being tried."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return True

    def tell_total(self, spans: int) -> None:
        """What became of all the spans that have ended."""
        log.info("tracing_off", spans_sent=self._sent, spans_lost=spans - self._sent)

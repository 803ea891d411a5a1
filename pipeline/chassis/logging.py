"""structlog, set up once per process: JSON lines for machines, aligned colours for people."""

import logging
import sys
from typing import Literal

import msgspec
import structlog
from structlog.typing import Processor

from pipeline.chassis.correlation import current_correlation_id
from pipeline.chassis.tracing import current


class LoggingSettings(msgspec.Struct, frozen=True):
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is written."""
    log_format: Literal["json", "console"] = "json"
    """`json` for machines, `console` for people."""


def configure_logging(settings: LoggingSettings, service: str) -> None:
    """Sends every record of this process, the libraries' included, to standard output in one form."""

    def add_context(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        if correlation_id := current_correlation_id():
            event.setdefault("correlation_id", correlation_id)
        if (span := current()) is not None:
            event["trace_id"] = f"{span.context.trace_id:032x}"
            event["span_id"] = f"{span.context.span_id:016x}"
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        add_context,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(),
                # Plain: the rich one shows the values of local variables, and those may be secrets or bodies.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
        if settings.log_format == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # One line per request of a client library is noise at info, and may carry a URL with a secret in it.
    for chatty in ("httpx", "httpcore", "prisma", "uvicorn"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))

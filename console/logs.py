"""Where the console's own log lines go: never to standard output, which belongs to what a command tells."""

import logging
import sys

import structlog


def log_to_stderr() -> None:
    """Warnings and worse, one line each."""
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.dev.ConsoleRenderer(colors=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

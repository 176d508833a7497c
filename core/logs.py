"""Structured logs: one JSON object a line, with whatever the running request or job has bound."""

from __future__ import annotations

import logging
import sys

import structlog

from core.config import Settings


def configure_logs(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to standard error as JSON lines.

    Bind what should stand in every line with ``structlog.contextvars.bind_contextvars``; bodies,
    headers and secrets are never logged.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("httpx", "LiteLLM", "botocore", "uvicorn.access", "haystack"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

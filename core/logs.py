"""Structured logs: one JSON object a line, with whatever the running request or job has bound."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any, Final

import structlog
from structlog.typing import EventDict

from core.config import Settings

_NOISY: Final = ("httpx", "httpx2", "mcp", "LiteLLM", "botocore", "uvicorn.access", "haystack")


def configure_logs(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to standard error as JSON lines.

    Bind what should stand in every line with ``structlog.contextvars.bind_contextvars``; bodies,
    headers and secrets are never logged. Our own lines take the short way and meet none of the
    standard library, which would cost more than half of each.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    _configure_others(level, [*_BINDERS, structlog.stdlib.add_logger_name, *_FORMATTERS])


class _Lines:
    """Writes each line to standard error, whichever that is by then."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # closed: there is nobody left to tell
            sys.stderr.write(f"{line}\n")

    debug = info = warning = error = critical = msg


def _name(logger: Any, _: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


_BINDERS: Final[list[structlog.typing.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
]
_FORMATTERS: Final[list[structlog.typing.Processor]] = [
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
# One list for the process: loggers keep the list that they first used, and a test's
# `capture_logs` changes it in place.
_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    *_BINDERS,
    _name,
    *_FORMATTERS,
    structlog.processors.JSONRenderer(),
]


def _configure_others(level: int, before: list[structlog.typing.Processor]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)

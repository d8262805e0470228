"""Structured logs: one JSON object per line, or coloured columns for a person at a terminal.

Every line has `time`, `level`, `service` and `event`; `strategy` and `asset` are bound by whoever works
on one. The standard library's loggers (uvicorn, nats, alembic) come out in the same form.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# First what a person looks for, then whatever the event carries.
_FIRST_KEYS = ("time", "level", "service", "event", "strategy", "asset")
_CHATTY = ("httpx", "httpcore", "asyncio", "websockets", "uvicorn.access")
_SAID_BY_US = ("asyncpg.pool",)
"""Warns with a traceback each time it finds the server away; whoever uses the pool says so in one line."""


def configure(service: str, level: str = "info", *, stream: TextIO | None = None) -> None:
    """Sets up logging of this process. Calling it again changes the level."""
    output = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _with_service(service),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]
    human = output.isatty()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a second call must reach loggers that are in use already
    )
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if human:
        last.append(structlog.dev.ConsoleRenderer(timestamp_key="time"))
    else:
        last += [structlog.processors.format_exc_info, _ordered, structlog.processors.JSONRenderer(default=str)]
    handler = logging.StreamHandler(output)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(LEVELS[level])
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SAID_BY_US:
        logging.getLogger(name).setLevel(logging.ERROR)


def _with_service(service: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    return add


def _ordered(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first: dict[str, Any] = {key: event[key] for key in _FIRST_KEYS if key in event}
    return first | {key: event[key] for key in sorted(event) if key not in first}

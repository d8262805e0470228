"""What a person reads of a service: its own sentences, once, and no other's tracebacks."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from trading_core import logging as trading_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is written; the loggers are as before afterwards."""
    root, pool = logging.getLogger(), logging.getLogger("asyncpg.pool")
    before = (root.handlers, root.level, pool.level)
    stream = io.StringIO()
    trading_logging.configure("recorder", stream=stream)
    try:
        yield stream
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])
        pool.setLevel(before[2])
        structlog.reset_defaults()


def test_a_line_says_when_how_bad_who_and_what(lines: io.StringIO) -> None:
    structlog.get_logger().info("batch_stored", rows=3)
    logging.getLogger("nats").warning("a library's sentence")
    own, other = (json.loads(line) for line in lines.getvalue().splitlines())
    assert list(own) == ["time", "level", "service", "event", "rows"]
    assert (own["service"], own["event"], own["rows"]) == ("recorder", "batch_stored", 3)
    assert (other["level"], other["service"], other["event"]) == ("warning", "recorder", "a library's sentence")


def test_a_pool_that_finds_its_server_away_adds_no_traceback(lines: io.StringIO) -> None:
    logging.getLogger("asyncpg.pool").warning("Failed to restore the pool connection floor", exc_info=OSError("gone"))
    assert lines.getvalue() == ""

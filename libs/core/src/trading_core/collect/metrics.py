"""Every metric of the collector, declared once, with its unit."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("trading_collector_messages_total", "Messages handed to the bus", ["exchange", "kind"])
REJECTED = Counter("trading_collector_rejects_total", "Venue messages kept in the dead-letter stream", ["exchange"])
REFUSED = Counter("trading_collector_refused_total", "Messages that the stream refused", ["exchange"])
DROPPED = Counter("trading_collector_dropped_total", "Messages dropped from a full spool", ["exchange", "kind"])
CONNECTIONS = Counter("trading_collector_connections_total", "Sockets opened to the venue", ["exchange"])
GAPS = Counter("trading_collector_gaps_total", "Holes written to the stream", ["exchange", "state"])
REVISED = Counter("trading_collector_revised_total", "Closed candles published again, corrected", ["exchange"])
STALE_CANDLES = Gauge("trading_collector_stale_candle_frames", "Frames of buckets closed before", ["exchange"])
WATERMARK_MS = Gauge("trading_collector_watermark_milliseconds", "Last decided watermark, UTC", ["exchange"])
CLOCK_MS = Gauge("trading_collector_venue_clock_milliseconds", "Venue clock, UTC", ["exchange"])
OFFSET_MS = Gauge("trading_collector_clock_offset_milliseconds", "Measured venue clock minus own clock", ["exchange"])
SPOOLED = Gauge("trading_collector_spooled_messages", "Messages waiting for the bus", ["exchange"])
EVENT_DELAY_SECONDS = Histogram(
    "trading_collector_event_delay_seconds",
    "From an event at the venue to its arrival, by both clocks: a wrong one shows here too (venue-sim: in its time)",
    ["exchange"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PUBLISH_SECONDS = Histogram(
    "trading_collector_publish_seconds",
    "From a watermark's decision to its acknowledgement; all that came in before it is on the stream by then",
    ["exchange"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)


def begin(exchange: str) -> None:
    """Every gap counter at 0: the increase of a series that does not exist yet shows nothing."""
    for state in ("open", "filled", "lost"):
        GAPS.labels(exchange, state)

"""What every service says of itself, declared once."""

from __future__ import annotations

from prometheus_client import Gauge, Histogram

READY = Gauge("trading_ready", "1 while the service does its work or stands by for it, 0 while it is degraded")
EVENT_LOOP_DELAY_SECONDS = Histogram(
    "trading_event_loop_delay_seconds",
    "How much later than asked for a short pause ended: what kept the event loop from its next task",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

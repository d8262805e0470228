"""What only this collector counts; the rest is in `trading_core.collect.metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

MISMATCHES = Counter("trading_collector_book_mismatches_total", "Kept books that were not the venue's", ["cause"])
MARKETS = Gauge("trading_collector_markets", "Followed prediction markets", ["state"])
TOKENS = Gauge("trading_collector_subscribed_tokens", "Tokens subscribed over all sockets")

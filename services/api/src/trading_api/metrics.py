"""Every metric of the API, declared once."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "trading_api_request_seconds",
    "Time from request to the last byte of the answer, by route template",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
SHARED = Counter("trading_api_answers_shared_total", "Requests answered with what an equal request has just been told")
BROWSERS = Gauge("trading_api_browsers", "WebSocket connections open now")
BROWSERS_SENT_AWAY = Counter("trading_api_browsers_overflowed_total", "Browsers closed because their queue was full")
LIVE_MESSAGES = Counter("trading_api_live_messages_total", "Messages read from the bus for the browsers", ["stream"])
LIVE_INVALID = Counter("trading_api_live_messages_invalid_total", "Messages on the bus that could not be decoded")

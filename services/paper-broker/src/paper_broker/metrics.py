"""Every metric of the paper broker."""

from prometheus_client import Counter, Gauge, Histogram

from trading_core.ledger.accounts import IDENTITIES

DECISIONS = Counter(
    "trading_decisions_total", "Decisions by strategy, verdict and reason", ["strategy", "verdict", "reason"]
)
FILLS = Counter("trading_fills_total", "Fills by strategy and purpose", ["strategy", "purpose"])
LATE_SIGNALS = Counter("trading_late_signals_total", "Signals applied after their grid point was passed", ["strategy"])
SKIPS = Counter("trading_skips_total", "Grid points passed without somebody who should have been there", ["who"])
COMMIT_SECONDS = Histogram(
    "trading_broker_commit_seconds",
    "One applied input: from the core's answer to the COMMIT",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0),
)
SIGNAL_TO_DECISION_SECONDS = Histogram(
    "trading_signal_to_decision_seconds",
    "From a stored signal to the COMMIT of its decision and fills, waiting for its grid point included",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60),
)
EXEC_SECONDS = Histogram(
    "trading_exec_published_seconds",
    "From the transaction of a decision, fill or other event to its acknowledgement on EXEC",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 60),
)
RELAY_SECONDS = Histogram(
    "trading_outbox_relay_seconds",
    "Outbox rows that are sent at once: publish to the last acknowledgement",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0),
)
OUTBOX_UNSENT = Gauge("trading_outbox_unsent", "Outbox rows not yet on the stream", ["portfolio"])
OUTBOX_AGE_SECONDS = Gauge(
    "trading_outbox_age_seconds",
    "How long the oldest outbox row that is not on the stream has waited; 0 without one",
    ["portfolio"],
)
EQUITY_USD = Gauge("trading_equity_usd", "Equity of the portfolio", ["portfolio"])
DRAWDOWN_FRACTION = Gauge(
    "trading_drawdown_fraction", "Fall of the portfolio's equity from its peak since this broker started", ["portfolio"]
)
STRATEGY_EQUITY_USD = Gauge(
    "trading_strategy_equity_usd", "Initial capital plus the P&L of one strategy", ["portfolio", "strategy"]
)
STRATEGY_DRAWDOWN_FRACTION = Gauge(
    "trading_strategy_drawdown_fraction",
    "Fall of initial capital plus P&L of one strategy from its peak since this broker started",
    ["portfolio", "strategy"],
)
STRATEGY_PAUSED = Gauge(
    "trading_strategy_paused",
    "1 while a strategy may not enter: max_daily_loss until midnight UTC, person until a person ends it",
    ["portfolio", "strategy", "cause"],
)
OPEN_POSITIONS = Gauge("trading_open_positions", "Positions held", ["portfolio"])
PASSED_MS = Gauge("trading_broker_passed_ms", "Newest passed grid point, UTC ms", ["portfolio"])
LAG_SECONDS = Gauge(
    "trading_broker_lag_seconds",
    "Venue time by which the next grid point is overdue: newest watermark behind it",
    ["portfolio"],
)
IDENTITY_VIOLATIONS = Counter(
    "trading_identity_violations",
    "Ledger identities found broken, by kind; anything above 0 is a bug or a changed row",
    ["kind"],
)
for _identity in (*IDENTITIES, "decision"):
    IDENTITY_VIOLATIONS.labels(_identity)  # a rate over a series that does not exist yet shows nothing

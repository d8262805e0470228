"""Every metric of the strategy runner."""

from prometheus_client import Counter, Gauge, Histogram

EVALUATIONS = Counter(
    "trading_evaluations_total",
    "Evaluations by strategy and outcome (direction, or pass:reason)",
    ["strategy", "outcome"],
)
EVALUATION_SECONDS = Histogram(
    "trading_evaluation_seconds",
    "Time to evaluate one grid point of one asset",
    ["asset"],
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1.0),
)
GRID_TO_SIGNAL_SECONDS = Histogram(
    "trading_grid_to_signal_seconds",
    "From the watermark that completes a grid point to its grid message being acknowledged",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0),
)
GRID_POINT_MS = Gauge("trading_grid_point_ms", "Newest evaluated grid point, UTC ms", ["asset"])
STRATEGY_FAILED = Gauge(
    "trading_strategy_failed",
    "1 while a strategy is not evaluated for an asset because it failed",
    ["strategy", "asset"],
)

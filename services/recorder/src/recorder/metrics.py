"""Every metric of the recorder, declared once."""

from prometheus_client import Counter, Gauge, Histogram

messages = Counter("trading_recorded_messages_total", "Messages committed or dead-lettered", ["stream"])
rows = Counter("trading_recorded_rows_total", "Rows inserted or updated; a repeated message adds none", ["table"])
lag = Gauge("trading_recorder_lag_messages", "Messages in the stream that are not committed yet", ["stream"])
dead_letters = Counter("trading_recorder_dead_letters_total", "Messages that could not be stored", ["stream"])
storage_errors = Counter("trading_recorder_storage_errors_total", "Transactions that failed and were tried again")
commit_seconds = Histogram(
    "trading_recorder_commit_seconds",
    "From the first statement of a batch to its COMMIT",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)

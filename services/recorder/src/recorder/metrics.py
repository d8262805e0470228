"""Every metric of the recorder, declared once."""

from prometheus_client import Counter, Gauge, Histogram

messages = Counter("trading_recorded_messages_total", "Messages committed or dead-lettered", ["stream"])
rows = Counter("trading_recorded_rows_total", "Rows inserted or updated; a repeated message adds none", ["table"])
lag = Gauge("trading_recorder_lag_messages", "Messages in the stream that are not committed yet", ["stream"])
waiting_seconds = Gauge(
    "trading_recorder_waiting_seconds",
    "How long the batch in hand has waited for its COMMIT; 0 without one",
    ["stream"],
)
recorded_seconds = Histogram(
    "trading_recorded_seconds",
    "From a message's arrival in its stream, by the clock of NATS, to its COMMIT; the oldest of each batch",
    ["stream"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
)
dead_letters = Counter("trading_recorder_dead_letters_total", "Messages that could not be stored", ["stream"])
storage_errors = Counter("trading_recorder_storage_errors_total", "Transactions that failed and were tried again")
commit_seconds = Histogram(
    "trading_recorder_commit_seconds",
    "From the first statement of a batch to its COMMIT",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)
audit_missing_rows = Gauge(
    "trading_audit_missing_rows",
    "Acknowledged messages of the last minutes that are not in Postgres; stays 0",
    ["stream"],
)
audit_missing_messages = Gauge(
    "trading_audit_missing_messages", "Rows of the last minutes whose message is not in its stream; stays 0", ["stream"]
)
audit_compared = Gauge("trading_audit_compared_messages", "Messages that the last audit compared, by id", ["stream"])
audit_ledger = Gauge(
    "trading_audit_ledger_differences", "Rows of the ledger that break an identity; stays 0", ["identity"]
)
audit_default_rows = Gauge("trading_default_partition_rows", "Rows of ticks in the DEFAULT partition; stays 0")
audit_outbox = Gauge("trading_outbox_unsent_seconds", "Age of the broker's oldest unsent announcement; 0 without one")
audit_findings = Gauge("trading_audit_findings", "What the last audit found that is not as it must be; stays 0")
audit_seconds = Gauge("trading_audit_seconds", "How long the last audit took")
audit_failures = Counter("trading_audit_failures_total", "Audits that were given up; the next minute tries again")
coverage = Gauge(
    "trading_coverage_fraction",
    "Share of the UTC day's minutes, from the channel's first message to its last, that were recorded: of candle_1m "
    "the minutes with a candle, of others those that no lost or open gap touches",
    ["exchange", "asset", "channel", "day"],
)

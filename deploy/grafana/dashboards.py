"""The dashboards of Grafana: `python deploy/grafana/dashboards.py` writes them beside this file as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from panels import Json, Panel, dashboard, quantiles

FOLDER = Path(__file__).parent / "dashboards"
LATENCY = "s"
NONE_YET = "0 * sum by (exchange) (trading_collector_spooled_messages)"
"""A counter with labels does not exist before it has counted once."""

MARKET_DATA = [
    Panel(
        "Messages",
        "Messages handed to NATS a second. A line at zero is a silent feed.",
        [
            (
                "sum by (exchange, kind) (rate(trading_collector_messages_total[$__rate_interval]))",
                "{{exchange}} {{kind}}",
            )
        ],
        "cps",
        width=16,
    ),
    Panel(
        "Holes",
        "Holes since the collectors started. `lost` ones stay: strategies pass the minutes that they touch.",
        [("sum by (exchange, state) (trading_collector_gaps_total)", "{{exchange}} {{state}}")],
        kind="stat",
    ),
    Panel(
        "Event to arrival",
        "Age of quotes when they arrive, by both clocks (with venue-sim: in the venue's time).",
        quantiles("trading_collector_event_delay_seconds", "exchange"),
        LATENCY,
    ),
    Panel(
        "Arrival to stream",
        "From a watermark's decision to its acknowledgement: all before it is on the stream by then.",
        quantiles("trading_collector_publish_seconds", "exchange"),
        LATENCY,
    ),
    Panel(
        "Stream to Postgres",
        "From a message's arrival in its stream to its COMMIT, the oldest of each batch.",
        quantiles("trading_recorded_seconds", "stream"),
        LATENCY,
    ),
    Panel(
        "Coverage",
        "Share of the day's minutes that were recorded, by channel. 100 % is whole.",
        [
            (
                'min by (exchange, asset, channel) (trading_coverage_fraction{day="today"})',
                "{{exchange}} {{asset}} {{channel}}",
            )
        ],
        "percentunit",
    ),
    Panel(
        "Watermark behind the venue's clock",
        "1.5 s by design, more while a closed candle is awaited.",
        [
            (
                "(trading_collector_venue_clock_milliseconds - trading_collector_watermark_milliseconds) / 1000"
                " and trading_collector_watermark_milliseconds > 0",
                "{{exchange}}",
            )
        ],
        LATENCY,
    ),
    Panel(
        "Clock offset",
        "Venue clock minus this machine's. Beyond 2 s: see the runbook clock-offset.",
        [("trading_collector_clock_offset_milliseconds", "{{exchange}}")],
        "ms",
    ),
    Panel(
        "Waiting for NATS",
        "Messages in the collectors' spools. Full at 20,000 an asset: then quotes give way first.",
        [("trading_collector_spooled_messages", "{{exchange}}")],
    ),
    Panel(
        "Refused and rejected",
        "Messages that the venue sent broken, or that NATS refused. Zero is right.",
        [
            (f"sum by (exchange) (trading_collector_rejects_total) or {NONE_YET}", "{{exchange}} broken"),
            (f"sum by (exchange) (trading_collector_refused_total) or {NONE_YET}", "{{exchange}} refused"),
        ],
        kind="stat",
        red_above=1,
    ),
    Panel(
        "Prediction markets",
        "Followed markets by state, and tokens subscribed.",
        [("trading_collector_markets", "{{state}}"), ("trading_collector_subscribed_tokens", "tokens")],
    ),
]

STRATEGIES = [
    Panel(
        "Equity by strategy",
        "Initial capital plus the P&L of each strategy at each full minute of venue time.",
        """SELECT m.ts AS time, share.key AS metric, (p.initial_capital + share.value::numeric)::float8 AS value
FROM trading_paper.mark_to_market m JOIN trading_paper.portfolio p ON p.id = m.portfolio_id,
     jsonb_each_text(m.breakdown -> 'strategies') AS share
WHERE $__timeFilter(m.ts) ORDER BY 1""",
        "currencyUSD",
        width=16,
    ),
    Panel(
        "Closed trades",
        "By strategy: how many, how many won, and what they made after fees and funding.",
        """SELECT strategy, count(*) AS trades, avg((realised_pnl > 0)::int)::float8 AS won,
       sum(realised_pnl)::float8 AS realised_pnl, sum(fees)::float8 AS fees, sum(funding_pnl)::float8 AS funding
FROM trading_paper.trades WHERE $__timeFilter(exit_ts) GROUP BY strategy ORDER BY realised_pnl DESC""",
        kind="table",
    ),
    Panel(
        "Drawdown by strategy",
        "Fall of initial capital plus P&L from its highest point in the chosen span.",
        """WITH curve AS (
    SELECT m.ts, m.portfolio_id, share.key AS strategy, (p.initial_capital + share.value::numeric) AS equity
    FROM trading_paper.mark_to_market m JOIN trading_paper.portfolio p ON p.id = m.portfolio_id,
         jsonb_each_text(m.breakdown -> 'strategies') AS share
    WHERE $__timeFilter(m.ts)
), peaks AS (
    SELECT *, max(equity) OVER (PARTITION BY portfolio_id, strategy ORDER BY ts) AS peak FROM curve
)
SELECT ts AS time, strategy AS metric, ((peak - equity) / peak)::float8 AS value FROM peaks ORDER BY 1""",
        "percentunit",
        width=16,
    ),
    Panel(
        "Exits",
        "Why positions ended.",
        """SELECT strategy, exit_reason, count(*) AS trades, sum(realised_pnl)::float8 AS realised_pnl
FROM trading_paper.trades WHERE $__timeFilter(exit_ts) GROUP BY strategy, exit_reason ORDER BY 1, 3 DESC""",
        kind="table",
    ),
    Panel(
        "Signals and what became of them",
        "The broker's decision on each LONG, SHORT or CLOSE, with its reason.",
        """SELECT strategy, decision, coalesce(reason, '') AS reason, count(*) AS signals
FROM trading_paper.decisions WHERE $__timeFilter(ts) GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC""",
        kind="table",
        width=12,
    ),
    Panel(
        "Newest trades",
        "The last 50 round trips that ended in the chosen span.",
        """SELECT exit_ts, strategy, asset, direction, quantity::float8,
       entry_price::float8, exit_price::float8, exit_reason, realised_pnl::float8
FROM trading_paper.trades WHERE $__timeFilter(exit_ts) ORDER BY exit_ts DESC LIMIT 50""",
        kind="table",
        width=12,
    ),
]

EXECUTION = [
    Panel(
        "Equity", "Of each ledger, at the newest full minute.", [("trading_equity_usd", "{{portfolio}}")], "currencyUSD"
    ),
    Panel(
        "Drawdown",
        "From the peak since the broker started.",
        [("trading_drawdown_fraction", "{{portfolio}}")],
        "percentunit",
    ),
    Panel(
        "Drawdown by strategy",
        "From the peak since the broker started.",
        [("trading_strategy_drawdown_fraction", "{{portfolio}} {{strategy}}")],
        "percentunit",
    ),
    Panel(
        "Decisions",
        "By verdict and reason, an hour.",
        [("sum by (verdict, reason) (increase(trading_decisions_total[1h]))", "{{verdict}} {{reason}}")],
        width=16,
    ),
    Panel("Open positions", "Held now.", [("trading_open_positions", "{{portfolio}}")], kind="stat"),
    Panel("Fills", "By purpose, an hour.", [("sum by (purpose) (increase(trading_fills_total[1h]))", "{{purpose}}")]),
    Panel(
        "Paused strategies",
        "1: enters nothing, by its loss of the day or by a person.",
        [("trading_strategy_paused", "{{strategy}} {{cause}}")],
        kind="stat",
        red_above=1,
    ),
    Panel(
        "Identities violated",
        "Since the broker started. Anything but 0 is a bug or a changed row.",
        [("sum by (kind) (trading_identity_violations_total)", "{{kind}}")],
        kind="stat",
        red_above=1,
    ),
    Panel(
        "Grid point to signal",
        "From the watermark that completes a grid point to the acknowledged grid message.",
        quantiles("trading_grid_to_signal_seconds"),
        LATENCY,
    ),
    Panel(
        "Signal to decision and fills",
        "From a stored signal to the COMMIT; waiting for the grid point is part of it.",
        quantiles("trading_signal_to_decision_seconds"),
        LATENCY,
    ),
    Panel(
        "Commit to EXEC",
        "From the transaction of a fill to its acknowledgement on EXEC.",
        quantiles("trading_exec_published_seconds"),
        LATENCY,
    ),
    Panel(
        "Outbox",
        "How long the oldest unsent row has waited. Beyond 30 s: see the runbook outbox-old.",
        [("trading_outbox_age_seconds", "{{portfolio}}")],
        LATENCY,
    ),
    Panel(
        "Behind the venue",
        "Venue time by which the next grid point is overdue.",
        [("trading_broker_lag_seconds", "{{portfolio}}")],
        LATENCY,
    ),
    Panel(
        "Evaluations",
        "A second, by strategy.",
        [("sum by (strategy) (rate(trading_evaluations_total[$__rate_interval]))", "{{strategy}}")],
        "cps",
    ),
]

SYSTEM = [
    Panel("Up", "1: answers Prometheus.", [("min by (job) (up)", "{{job}}")], kind="stat", width=12),
    Panel(
        "Ready", "1: does its work or stands by.", [("min by (job) (trading_ready)", "{{job}}")], kind="stat", width=12
    ),
    Panel(
        "Alerts",
        "Which alerts fire now; each has a page in docs/runbooks. Without a name and 0: none.",
        [('sum by (alertname) (ALERTS{alertstate="firing"}) or on () vector(0)', "{{alertname}}")],
        kind="stat",
        width=12,
        red_above=1,
    ),
    Panel(
        "Event loop",
        "99th percentile of how late a pause ends: what keeps a service from its next task.",
        [quantiles("trading_event_loop_delay_seconds", "job")[1]],
        LATENCY,
        width=12,
    ),
    Panel(
        "Processor",
        "Share of one processor, by service.",
        [("sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))", "{{job}}")],
        "percentunit",
    ),
    Panel("Memory", "Resident, by service.", [("sum by (job) (process_resident_memory_bytes)", "{{job}}")], "bytes"),
    Panel(
        "Free disk",
        "Of the file systems with data.",
        [("trading_disk_free_bytes / trading_disk_bytes", "{{data}}")],
        "percentunit",
    ),
    Panel(
        "Requests to the API",
        "A second, by route.",
        [("sum by (route) (rate(trading_api_request_seconds_count[$__rate_interval]))", "{{route}}")],
        "reqps",
    ),
    Panel("API latency", "All routes.", quantiles("trading_api_request_seconds"), LATENCY),
    Panel("Browsers", "Open live connections.", [("sum(trading_api_browsers)", "browsers")]),
    Panel(
        "Postgres transactions",
        "A second.",
        [("sum by (end) (rate(trading_postgres_transactions_total[$__rate_interval]))", "{{end}}")],
        "cps",
    ),
    Panel(
        "Postgres connections",
        "In use, and how many there can be.",
        [("trading_postgres_connections", "in use"), ("trading_postgres_connections_limit", "limit")],
    ),
    Panel("Largest tables", "With their indexes.", [("topk(6, trading_postgres_table_bytes)", "{{table}}")], "bytes"),
    Panel("Commit of the recorder", "A batch.", quantiles("trading_recorder_commit_seconds"), LATENCY),
    Panel("Commit of the broker", "One applied input.", quantiles("trading_broker_commit_seconds"), LATENCY),
    Panel(
        "Audit",
        "What the recorder's comparison of streams, rows and ledger found. Zero is right.",
        [("trading_audit_findings", "findings")],
        kind="stat",
        red_above=1,
    ),
]

NATS = [
    Panel(
        "Messages",
        "A second, seen from the server.",
        [("sum by (direction) (rate(trading_nats_messages_total[$__rate_interval]))", "{{direction}}")],
        "cps",
    ),
    Panel(
        "Traffic",
        "A second.",
        [("sum by (direction) (rate(trading_nats_bytes_total[$__rate_interval]))", "{{direction}}")],
        "Bps",
    ),
    Panel("Connections", "Clients.", [("trading_nats_connections", "clients")]),
    Panel(
        "Into the streams",
        "Messages a second.",
        [("sum by (stream) (rate(trading_stream_sequence_total[$__rate_interval]))", "{{stream}}")],
        "cps",
    ),
    Panel("Size of the streams", "On disk.", [("trading_stream_bytes", "{{stream}}")], "bytes"),
    Panel(
        "Filled",
        "Share of a stream's limit; at 100 % its oldest messages go, as they do by age.",
        [("trading_stream_bytes / (trading_stream_limit_bytes > 0)", "{{stream}}")],
        "percentunit",
    ),
    Panel(
        "Consumer lag",
        "Messages not delivered yet.",
        [("sum by (stream, consumer) (trading_consumer_pending_messages)", "{{stream}} {{consumer}}")],
    ),
    Panel(
        "Delivered, not acknowledged",
        "Falls to zero when nothing happens.",
        [('trading_consumer_unacknowledged_messages{consumer!="ordered"}', "{{stream}} {{consumer}}")],
    ),
    Panel(
        "Sent again",
        "Unacknowledged and sent again: more than a few point to a service that dies.",
        [('trading_consumer_redelivered_messages{consumer!="ordered"}', "{{stream}} {{consumer}}")],
    ),
    Panel(
        "Slow consumers and refusals",
        "Clients cut off for being slow; JetStream requests refused. Both since the start.",
        [("trading_nats_slow_consumers_total", "slow"), ("trading_nats_api_errors_total", "refused")],
        kind="stat",
    ),
    Panel("Memory", "Of the server.", [("trading_nats_memory_bytes", "resident")], "bytes"),
    Panel(
        "Recorder's own count",
        "Messages that are not committed yet.",
        [("trading_recorder_lag_messages", "{{stream}}")],
    ),
]

DASHBOARDS: dict[str, Json] = {
    "market-data": dashboard("market-data", "Market data", MARKET_DATA),
    "strategies": dashboard("strategies", "Strategies", STRATEGIES, span="now-7d"),
    "execution": dashboard("execution", "Execution and risk", EXECUTION),
    "system": dashboard("system", "System", SYSTEM),
    "nats": dashboard("nats", "NATS", NATS),
}


def text_of(name: str) -> str:
    return json.dumps(DASHBOARDS[name], indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(text_of(name), encoding="utf-8")

"""One INSERT per table, for many rows at once; safe to repeat with the same rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trading_core.db.signals import INSERT as INSERT_SIGNALS

Row = tuple[Any, ...]


@dataclass(frozen=True, eq=False)  # There is one of each, asked for once a message.
class Table:
    """`insert` takes one array per column. `key` gives the columns of which a batch may hold one row only."""

    name: str
    insert: str
    key: tuple[int, ...] = ()


# The time comes as milliseconds: making a `datetime` of each and taking it apart again would cost as much as the rest.
TICKS = Table(
    "ticks",
    """
    INSERT INTO trading_market_data.ticks
        (ts, event_id, exchange, asset, kind, visible_ms, price, size, side, payload)
    SELECT 'epoch'::timestamptz + ms * interval '1 millisecond', event_id, exchange, asset, kind, visible_ms,
           price::numeric, size::numeric, side, payload::json
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                $7::text[], $8::text[], $9::text[], $10::text[])
        AS r(ms, event_id, exchange, asset, kind, visible_ms, price, size, side, payload)
    ON CONFLICT DO NOTHING
    """,
)
# Returns the revisions that are new: only those may change `candles`, so that an old one that is read
# again never replaces a newer one.
CANDLE_REVISIONS = Table(
    "candle_revisions",
    """
    INSERT INTO trading_market_data.candle_revisions
        (event_id, exchange, asset, interval, open_time, open, high, low, close, volume, visible_ms)
    SELECT event_id, exchange, asset, "interval", open_time, "open"::numeric, high::numeric, low::numeric,
           "close"::numeric, volume::numeric, visible_ms
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::bigint[])
        AS r(event_id, exchange, asset, "interval", open_time, "open", high, low, "close", volume, visible_ms)
    ON CONFLICT DO NOTHING
    RETURNING event_id
    """,
)
CANDLES = Table(
    "candles",
    """
    INSERT INTO trading_market_data.candles
        (event_id, exchange, asset, interval, open_time, open, high, low, close, volume, visible_ms, backfilled)
    SELECT event_id, exchange, asset, "interval", open_time, "open"::numeric, high::numeric, low::numeric,
           "close"::numeric, volume::numeric, visible_ms, backfilled
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::bigint[], $12::boolean[])
        AS r(event_id, exchange, asset, "interval", open_time, "open", high, low, "close", volume,
             visible_ms, backfilled)
    ON CONFLICT (exchange, asset, interval, open_time) DO UPDATE SET
        event_id = excluded.event_id, open = excluded.open, high = excluded.high, low = excluded.low,
        close = excluded.close, volume = excluded.volume, visible_ms = excluded.visible_ms,
        backfilled = excluded.backfilled
    """,
    key=(1, 2, 3, 4),
)
# Of two rows of an hour the one with the later stamp counts, as in the broker's rules.
FUNDING_RATES = Table(
    "funding_rates",
    """
    INSERT INTO trading_market_data.funding_rates
        (exchange, asset, hour, ts, rate, premium, event_id, visible_ms)
    SELECT DISTINCT ON (exchange, asset, hour)
        exchange, asset, hour, ts, rate::numeric, premium::numeric, event_id, visible_ms
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[],
                $7::text[], $8::bigint[])
        AS r(exchange, asset, hour, ts, rate, premium, event_id, visible_ms)
    ORDER BY exchange, asset, hour, ts DESC
    ON CONFLICT (exchange, asset, hour) DO UPDATE SET ts = EXCLUDED.ts, rate = EXCLUDED.rate,
        premium = EXCLUDED.premium, event_id = EXCLUDED.event_id, visible_ms = EXCLUDED.visible_ms
        WHERE EXCLUDED.ts > funding_rates.ts
    """,
)
FUNDING_SNAPSHOTS = Table(
    "funding_snapshots",
    """
    INSERT INTO trading_market_data.funding_snapshots
        (exchange, asset, ts, funding_rate, open_interest, mark_price, event_id)
    SELECT exchange, asset, ts, funding_rate::numeric, open_interest::numeric, mark_price::numeric, event_id
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[])
        AS r(exchange, asset, ts, funding_rate, open_interest, mark_price, event_id)
    ON CONFLICT DO NOTHING
    """,
)
POLYMARKET_MARKETS = Table(
    "polymarket_markets",
    """
    INSERT INTO trading_market_data.polymarket_markets
        (market_id, market_title, asset, ts, yes_price, no_price, volume_24h, liquidity, slug, end_ts, bid, ask, last,
         spread, event_id, visible_ms, start_ts)
    SELECT market_id, market_title, asset, ts, yes_price::numeric, no_price::numeric, volume_24h::numeric,
           liquidity::numeric, slug, end_ts, bid::numeric, ask::numeric, "last"::numeric, spread::numeric, event_id,
           visible_ms, start_ts
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
                $16::bigint[], $17::timestamptz[])
        AS r(market_id, market_title, asset, ts, yes_price, no_price, volume_24h, liquidity, slug, end_ts, bid, ask,
             "last", spread, event_id, visible_ms, start_ts)
    ON CONFLICT DO NOTHING
    """,
)
POLYMARKET_RESULTS = Table(
    "polymarket_results",
    """
    INSERT INTO trading_market_data.polymarket_results (market_id, asset, ts, yes_payout, event_id, visible_ms)
    SELECT market_id, asset, ts, yes_payout::numeric, event_id, visible_ms
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[])
        AS r(market_id, asset, ts, yes_payout, event_id, visible_ms)
    ON CONFLICT DO NOTHING
    """,
)
# One row per gap, whichever of its messages comes first.
GAPS = Table(
    "gaps",
    """
    INSERT INTO trading_ops.gaps
        (event_id, exchange, asset, channel, from_ts, to_ts, state, reason, opened_visible_ms, closed_visible_ms)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                         $7::text[], $8::text[], $9::bigint[], $10::bigint[])
    ON CONFLICT (event_id) DO UPDATE SET
        to_ts = GREATEST(excluded.to_ts, gaps.to_ts),
        state = CASE WHEN excluded.state = 'open' THEN gaps.state ELSE excluded.state END,
        reason = COALESCE(NULLIF(gaps.reason, ''), excluded.reason),
        opened_visible_ms = LEAST(gaps.opened_visible_ms, excluded.opened_visible_ms),
        closed_visible_ms = COALESCE(gaps.closed_visible_ms, excluded.closed_visible_ms)
    """,
)
WATERMARKS = Table(
    "watermarks",
    """
    INSERT INTO trading_ops.watermarks (exchange, stream, watermark_ms, ingest_time)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
    ON CONFLICT DO NOTHING
    """,
)
SIGNALS = Table("signals", INSERT_SIGNALS)
GRIDS = Table(
    "grids",
    """
    INSERT INTO trading_ops.grids (event_id, exchanges, asset, eval_ms, evaluations)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::integer[])
    ON CONFLICT DO NOTHING
    """,
)
EXEC_EVENTS = Table(
    "exec_events",
    """
    INSERT INTO trading_ops.exec_events (event_id, outbox_id, kind, portfolio, strategy, asset, ts, payload)
    SELECT event_id, outbox_id, kind, portfolio, strategy, asset, ts, payload::json
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                $8::text[])
        AS r(event_id, outbox_id, kind, portfolio, strategy, asset, ts, payload)
    ON CONFLICT DO NOTHING
    """,
)
EVENTS = Table(
    "events",
    """
    INSERT INTO trading_ops.events (event_id, ts, service, event, severity, body)
    SELECT event_id, ts, service, event, severity, body::jsonb
    FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[])
        AS r(event_id, ts, service, event, severity, body)
    ON CONFLICT DO NOTHING
    """,
)
HEARTBEATS = Table(
    "heartbeats",
    """
    INSERT INTO trading_ops.heartbeats (service, instance, sent_at, started_at, status, event_time, detail)
    SELECT service, instance, sent_at, started_at, status, event_time, detail::jsonb
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::timestamptz[],
                $7::text[])
        AS r(service, instance, sent_at, started_at, status, event_time, detail)
    ON CONFLICT (service, instance) DO UPDATE SET
        sent_at = excluded.sent_at, started_at = excluded.started_at, status = excluded.status,
        event_time = excluded.event_time, detail = excluded.detail
    WHERE heartbeats.sent_at <= excluded.sent_at
    """,
    key=(0, 1),
)
DEAD_LETTERS = Table(
    "dead_letters",
    """
    INSERT INTO trading_ops.dead_letters (event_id, subject, source, reason, payload)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    ON CONFLICT DO NOTHING
    """,
)


@dataclass
class Batch:
    """Rows of one transaction, by table, in the order of their messages."""

    rows: dict[Table, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: Table, *row: Any) -> None:
        self.rows[table].append(row)

    def of(self, table: Table) -> list[Row]:
        return self.rows.get(table, [])


def newest_by_key(table: Table, rows: Sequence[Row]) -> list[Row]:
    """The last row of each key: a statement that updates may name a row only once."""
    if not table.key:
        return list(rows)
    return list({tuple(row[column] for column in table.key): row for row in rows}.values())

"""Equity curves and candles, thinned out by Postgres."""

CAPITALS = "SELECT id, initial_capital FROM trading_paper.portfolio WHERE id = ANY($1::integer[])"

# $3 rows of each ledger at most. Only minutes that all of them have passed: each ledger writes its own. One that has
# been silent for an hour trades no more and is not waited for.
ROWS_AFTER = """
WITH newest AS (
    SELECT (SELECT max(ts) FROM trading_paper.mark_to_market WHERE portfolio_id = ledger) AS ts
    FROM unnest($1::integer[]) ledger
), whole AS (SELECT min(ts) AS ts FROM newest WHERE ts > (SELECT max(ts) FROM newest) - interval '1 hour')
SELECT ledger, marked.* FROM unnest($1::integer[]) ledger CROSS JOIN LATERAL (
    SELECT ts, total_equity, breakdown::text AS breakdown
    FROM trading_paper.mark_to_market
    WHERE portfolio_id = ledger AND ts > $2 AND ts <= (SELECT ts FROM whole)
    ORDER BY ts LIMIT $3) marked
ORDER BY ts, ledger
"""

# The share of asset $6 in the ledger $1: its first row, and of each of $4 stretches its last and its deepest row. The
# peak starts at the capital $5, and that of the rows before the span counts: a drawdown does not depend on its begin.
IN_ONE_ASSET = """
WITH peaked AS (
    SELECT ts, equity, greatest(max(equity) OVER (ORDER BY ts), $5::numeric) AS peak
    FROM (SELECT ts, $5::numeric + coalesce((breakdown -> 'assets' ->> $6)::numeric, 0) AS equity
          FROM trading_paper.mark_to_market WHERE portfolio_id = $1 AND ts <= $3) each
), numbered AS (
    SELECT ts, equity, (peak - equity)::float8 / peak::float8 AS drawdown,
           row_number() OVER (ORDER BY ts) - 1 AS number, count(*) OVER () AS total
    FROM peaked WHERE ts >= $2
), stretched AS (
    SELECT ts, equity, drawdown, total, number,
           row_number() OVER (PARTITION BY stretch ORDER BY ts DESC) AS from_end,
           row_number() OVER (PARTITION BY stretch ORDER BY drawdown DESC, ts DESC) AS from_deepest
    FROM (SELECT *, number * least($4::bigint, total) / total AS stretch FROM numbered) each
)
SELECT (extract(epoch FROM ts) * 1000)::bigint AS t, equity::numeric(30, 6) AS equity, drawdown, total
FROM stretched
WHERE number = 0 OR from_end = 1 OR (from_deepest = 1 AND total > $4)
ORDER BY ts
"""

NEWEST_CANDLE = """
SELECT max(open_time) FROM trading_market_data.candles WHERE exchange = $1 AND asset = $2 AND interval = '1m'
"""

# A page of candles as the text of its answer, with its first and its last moment: the database writes out a hundred
# rows in less time than they would take to be read, made into objects and written here.
_TOLD = """SELECT min(t) AS first_ms, max(t) AS last_ms, string_agg(
       format('{"t":%s,"o":%s,"h":%s,"l":%s,"c":%s,"v":%s}', t, o, h, l, c, v), ',' ORDER BY t) AS told
FROM ("""

# The newest $5 minutes before $4 (null: before the end of what there is) that open at $3 or later.
CANDLES = f"""
WITH span AS MATERIALIZED (
    SELECT least($4::timestamptz, max(open_time) + interval '1 minute') AS ends FROM trading_market_data.candles
    WHERE exchange = $1 AND asset = $2 AND interval = '1m')
{_TOLD}
    SELECT (extract(epoch FROM open_time) * 1000)::bigint AS t, open AS o, high AS h, low AS l, close AS c, volume AS v
    FROM trading_market_data.candles
    WHERE exchange = $1 AND asset = $2 AND interval = '1m' AND open_time < (SELECT ends FROM span)
      AND open_time >= greatest($3::timestamptz, (SELECT ends - $5::integer * interval '1 minute' FROM span))) candles
"""  # noqa: S608

MARKERS = """
SELECT f.ts, f.position_id, f.strategy, p.direction, f.purpose, f.price, p.realised_pnl
FROM trading_paper.fills f JOIN trading_paper.positions p ON p.event_id = f.position_id
WHERE f.portfolio_id = ANY($1::integer[]) AND f.exchange = $2 AND f.asset = $3 AND f.ts >= $4 AND f.ts <= $5
  AND ($6::text IS NULL OR f.strategy = $6)
ORDER BY f.ts DESC, f.event_id DESC LIMIT 1000
"""

# Wider candles that open in [$3, $4), both seconds since the epoch, of $5 seconds each: made of the widest that are
# kept and fit in ($6, of $7 seconds). Where one of these is missing, as the newest is, it is made of its minutes.
WIDER_CANDLES = f"""
WITH kept AS MATERIALIZED (
    SELECT open_time, open, high, low, close, volume FROM trading_market_data.candles
    WHERE exchange = $1 AND asset = $2 AND interval = $6
      AND open_time >= to_timestamp($3::bigint) AND open_time < to_timestamp($4::bigint)
), pieces AS (
    SELECT * FROM kept
    UNION ALL
    SELECT to_timestamp(begins), made.* FROM generate_series($3::bigint, $4::bigint - 1, $7::bigint) begins
    CROSS JOIN LATERAL (
        SELECT (array_agg(open ORDER BY open_time))[1], max(high), min(low),
               (array_agg(close ORDER BY open_time DESC))[1], sum(volume)
        FROM trading_market_data.candles minute
        WHERE minute.exchange = $1 AND minute.asset = $2 AND minute.interval = '1m'
          AND minute.open_time >= to_timestamp(begins) AND minute.open_time < to_timestamp(begins + $7::bigint)
        HAVING count(*) > 0) made
    WHERE NOT EXISTS (SELECT FROM kept WHERE kept.open_time = to_timestamp(begins))
)
{_TOLD}
SELECT extract(epoch FROM open_time)::bigint / $5::bigint * $5::bigint * 1000 AS t,
       (array_agg(open ORDER BY open_time))[1] AS o, max(high) AS h, min(low) AS l,
       (array_agg(close ORDER BY open_time DESC))[1] AS c, sum(volume) AS v
FROM pieces GROUP BY 1) candles
"""  # noqa: S608

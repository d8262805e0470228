"""Gaps, coverage and prediction markets, in pages. Filters that are null do not filter."""

_GAPS = """
SELECT id, event_id, exchange, asset, channel, from_ts, to_ts, state, reason
FROM trading_ops.gaps
WHERE ($1::text IS NULL OR exchange = $1) AND ($2::text IS NULL OR asset = $2)
  AND ($3::text IS NULL OR channel = $3) AND ($4::text IS NULL OR state = $4)
  AND ($6::timestamptz IS NULL OR to_ts IS NULL OR to_ts >= $6) AND ($7::timestamptz IS NULL OR from_ts < $7) {after}
ORDER BY (state = 'open') DESC, from_ts DESC, id DESC
LIMIT $5
"""
GAPS = _GAPS.format(after="")
# Open ones come first: a page that ends among them goes on with the others.
GAPS_AFTER = _GAPS.format(
    after="AND ((state = 'open')::integer, from_ts, id) < ($8::integer, $9::timestamptz, $10::bigint)"
)
OPEN_GAPS = (
    "SELECT exchange, asset, channel, from_ts, reason FROM trading_ops.gaps WHERE state = 'open' ORDER BY from_ts"
)

NEWEST_DAY = "SELECT max(day) FROM trading_ops.recorded_days"
COVERAGE = """
SELECT exchange, asset, channel, day::text AS day, expected_minutes, covered_minutes, fraction
FROM (SELECT * FROM trading_ops.coverage($1, $2) ORDER BY day DESC LIMIT $3) newest
ORDER BY day, exchange COLLATE "C", asset COLLATE "C", channel COLLATE "C"
"""

POLYMARKET_TIME = """
SELECT watermark_ms FROM trading_ops.watermarks WHERE exchange = 'polymarket' AND stream = 'MARKET'
ORDER BY watermark_ms DESC LIMIT 1
"""


def markets(*, ended: bool, after_cursor: bool) -> str:
    """Markets by the end of their window, each with its newest poll and its result, $4 at most.

    Not ended: those that end after $1, soonest first; ended: the others, latest first. With a cursor those beyond the
    market ($1, $5). One look into the index a market: polls of a market are a thousand a day. With $6 none that ended
    before it: a filter that few pass would otherwise look at every market there ever was.
    """
    beyond, order = ("<=", "DESC") if ended else (">", "ASC")
    step = "<" if ended else ">"
    first = f"(end_ts, market_id) {step} ($1, $5::text)" if after_cursor else f"end_ts {beyond} $1 AND $5::text IS NULL"
    newest = """
    SELECT {columns} FROM trading_market_data.polymarket_markets p
    WHERE p.market_id = w.market_id ORDER BY p.ts DESC LIMIT 1"""
    columns = """p.asset, p.market_title, p.slug, p.start_ts, p.end_ts, p.ts, p.yes_price, p.bid, p.ask, p.last,
           p.spread, p.volume_24h, p.liquidity"""
    # A scan of a recursion stops it once the page is full; a join or a sort beside it would first let it end.
    return f"""
WITH RECURSIVE windows AS (
    (SELECT end_ts, market_id, asset FROM trading_market_data.polymarket_markets
     WHERE {first} ORDER BY end_ts {order}, market_id {order} LIMIT 1)
    UNION ALL
    SELECT other.* FROM windows w CROSS JOIN LATERAL (
        SELECT p.end_ts, p.market_id, p.asset FROM trading_market_data.polymarket_markets p
        WHERE (p.end_ts, p.market_id) {step} (w.end_ts, w.market_id)
        ORDER BY p.end_ts {order}, p.market_id {order} LIMIT 1) other
    WHERE $6::timestamptz IS NULL OR other.end_ts > $6
), page AS MATERIALIZED (
    SELECT w.market_id FROM windows w
    WHERE ($2::text IS NULL OR w.asset = $2) AND w.end_ts = ({newest.format(columns="p.end_ts")})
      AND ($3::boolean IS NULL OR $3 = EXISTS (
          SELECT FROM trading_market_data.polymarket_results r WHERE r.market_id = w.market_id))
    LIMIT $4
)
SELECT w.market_id, newest.*, result.ts AS resolved_ts, result.yes_payout
FROM page w CROSS JOIN LATERAL ({newest.format(columns=columns)}) newest
LEFT JOIN trading_market_data.polymarket_results result ON result.market_id = w.market_id
ORDER BY newest.end_ts {order}, w.market_id {order}
"""  # noqa: S608 - only the constants above are put into the text


MARKET = """
SELECT p.asset, p.market_title, p.start_ts, p.end_ts, r.ts AS resolved_ts, r.yes_payout
FROM trading_market_data.polymarket_markets p
LEFT JOIN trading_market_data.polymarket_results r ON r.market_id = p.market_id
WHERE p.market_id = $1 ORDER BY p.ts DESC LIMIT 1
"""
# Every n-th poll and the last one: probabilities are read as a line, and its extremes are polls as good as any.
POLLS = """
SELECT (extract(epoch FROM ts) * 1000)::bigint AS t, yes_price::float8 AS probability, bid::float8 AS bid,
       ask::float8 AS ask, total
FROM (SELECT ts, yes_price, bid, ask, count(*) OVER () AS total, row_number() OVER (ORDER BY ts DESC) AS from_end
      FROM trading_market_data.polymarket_markets WHERE market_id = $1) numbered
WHERE (from_end - 1) % ((total + $2::bigint - 1) / $2::bigint) = 0
ORDER BY ts
"""

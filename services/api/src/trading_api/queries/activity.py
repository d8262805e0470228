"""Signals with their decisions, and fills. Filters that are null do not filter."""

_SIGNAL = """
SELECT s.event_id, s.ts, s.strategy, s.exchange, s.asset, s.direction, s.confidence, s.entry_price,
       d.decision, d.reason
FROM trading_signals.signals s
LEFT JOIN trading_paper.decisions d ON d.signal_event_id = s.event_id AND d.portfolio_id = ANY($1::integer[])
"""

SIGNALS = (
    _SIGNAL
    + """
WHERE s.direction IS NOT NULL
  AND ($2::text IS NULL OR s.asset = $2)
  AND ($3::text IS NULL OR s.strategy = $3)
ORDER BY s.ts DESC, s.id DESC
LIMIT $4
"""
)

# Of one strategy, a page beyond ($6, $7).
SIGNALS_OF = (
    _SIGNAL.replace("SELECT ", "SELECT s.id, ", 1)
    + """
WHERE s.strategy = $2 AND s.direction IS NOT NULL
  AND ($3::text IS NULL OR s.asset = $3)
  AND ($4::text IS NULL OR s.direction = $4)
  AND ($5::text IS NULL OR d.decision = $5)
  AND ($6::timestamptz IS NULL OR (s.ts, s.id) < ($6, $7::bigint))
  AND ($8::timestamptz IS NULL OR s.ts >= $8)
  AND ($9::timestamptz IS NULL OR s.ts < $9)
ORDER BY s.ts DESC, s.id DESC
LIMIT $10
"""
)

_FILL = """
SELECT f.event_id, f.ts, f.strategy, f.exchange, f.asset, f.side, f.purpose, f.quantity, f.price, f.fee,
       p.direction, p.exit_reason, p.realised_pnl
FROM trading_paper.fills f JOIN trading_paper.positions p ON p.event_id = f.position_id
"""

FILLS = (
    _FILL
    + """
WHERE f.portfolio_id = ANY($1::integer[])
  AND ($2::text IS NULL OR f.asset = $2)
  AND ($3::text IS NULL OR f.strategy = $3)
ORDER BY f.ts DESC, f.event_id DESC
LIMIT $4
"""
)

FILLS_BY_ID = (
    _FILL + "WHERE f.portfolio_id = ANY($1::integer[]) AND f.event_id = ANY($2::text[]) ORDER BY f.ts, f.event_id"
)

SIGNALS_BY_ID = _SIGNAL + "WHERE s.event_id = ANY($2::text[]) ORDER BY s.ts, s.id"

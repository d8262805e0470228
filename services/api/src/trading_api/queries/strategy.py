"""One strategy: what it is, what version runs, how much it says and does."""

ABOUT = """
SELECT docs, params::text AS params, rules::text AS rules FROM trading_paper.strategies WHERE name = $1
"""

VERSIONS = """
SELECT name, newest.code_hash, newest.params_hash FROM unnest($1::text[]) name
CROSS JOIN LATERAL (
    SELECT payload ->> 'code_hash' AS code_hash, payload ->> 'params_hash' AS params_hash
    FROM trading_signals.signals WHERE strategy = name ORDER BY ts DESC LIMIT 1) newest
"""

# In ($2, $3]: signals with an opinion, and positions opened on the ledgers $4.
RATES = """
SELECT name,
       (SELECT count(*) FROM trading_signals.signals
        WHERE strategy = name AND direction IS NOT NULL AND ts > $2 AND ts <= $3) AS signals,
       (SELECT count(*) FROM trading_paper.positions
        WHERE strategy = name AND portfolio_id = ANY($4::integer[]) AND entry_ts > $2 AND entry_ts <= $3) AS positions
FROM unnest($1::text[]) name
"""

# A refused version has no asset in its report; what is taken over later ends it.
REFUSED = """
SELECT strategy, ts, body FROM (
    SELECT DISTINCT ON (body ->> 'strategy') body ->> 'strategy' AS strategy, event, ts, body::text AS body
    FROM trading_ops.events
    WHERE service = 'strategy-runner' AND event IN ('error', 'reload') AND body ? 'strategy' AND NOT body ? 'asset'
    ORDER BY body ->> 'strategy', ts DESC, stored_at DESC) newest
WHERE event = 'error'
"""

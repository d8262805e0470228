"""What the database knows about the platform."""

STANDING = """
SELECT (SELECT count(*) FROM trading_ops.dead_letters) AS dead_letters,
       pg_database_size(current_database()) AS database_bytes,
       current_setting('server_version') AS version
"""
# The newest of each: a look into the index for every exchange and stream.
WATERMARKS = """
SELECT pair.exchange, pair.stream, newest.watermark_ms, newest.ingest_time
FROM (VALUES ('hyperliquid', 'MARKET'), ('hyperliquid', 'BOOK'), ('polymarket', 'MARKET'), ('polymarket', 'BOOK'))
     AS pair (exchange, stream)
CROSS JOIN LATERAL (
    SELECT watermark_ms, ingest_time FROM trading_ops.watermarks w
    WHERE w.exchange = pair.exchange AND w.stream = pair.stream ORDER BY watermark_ms DESC LIMIT 1) newest
"""
DETAILS = "SELECT service, instance, detail::text AS detail FROM trading_ops.heartbeats"

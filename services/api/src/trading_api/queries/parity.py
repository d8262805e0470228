"""Reports of parity checks, newest first. Filters that are null do not filter."""

_REPORT = """
SELECT id, created_at, portfolio, "order", from_ts, to_ts, nightly, from_checkpoint, verdict,
       compared::text AS compared, causes::text AS causes, difference_count, duration_ms, code_version{more}
FROM trading_ops.parity_reports
"""
REPORTS = (
    _REPORT.format(more="")
    + """
WHERE portfolio = ANY($1) AND ($2::text IS NULL OR "order" = $2) AND ($3::text IS NULL OR verdict = $3)
  AND ($4::bigint IS NULL OR id < $4)
ORDER BY id DESC
LIMIT $5
"""
)
REPORT = _REPORT.format(more=", differences::text AS differences") + "WHERE portfolio = ANY($1) AND id = $2"

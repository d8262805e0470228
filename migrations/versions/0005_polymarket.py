"""What the collector knows of prediction markets beyond the mission's columns, and the results of the venue.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

from trading_core.db.migrate import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UPGRADE = """
ALTER TABLE trading_market_data.polymarket_markets
    ADD COLUMN slug TEXT,
    ADD COLUMN end_ts TIMESTAMPTZ,
    ADD COLUMN bid NUMERIC,
    ADD COLUMN ask NUMERIC,
    ADD COLUMN last NUMERIC,
    ADD COLUMN spread NUMERIC,
    ADD COLUMN event_id TEXT UNIQUE,
    ADD COLUMN visible_ms BIGINT;
CREATE INDEX polymarket_markets_by_asset ON trading_market_data.polymarket_markets (asset, ts DESC);
-- What one YES/Up token of a market pays, by the venue's own report.
CREATE TABLE trading_market_data.polymarket_results (
    market_id TEXT PRIMARY KEY,
    asset TEXT NOT NULL,
    ts TIMESTAMPTZ NOT NULL,
    yes_payout NUMERIC NOT NULL CHECK (yes_payout BETWEEN 0 AND 1),
    event_id TEXT NOT NULL UNIQUE,
    visible_ms BIGINT NOT NULL
);
GRANT SELECT, INSERT ON trading_market_data.polymarket_results TO recorder;
GRANT SELECT ON trading_market_data.polymarket_results TO broker, runner_ro, api_ro, research, grafana_ro;
"""
DOWNGRADE = """
DROP TABLE trading_market_data.polymarket_results;
DROP INDEX trading_market_data.polymarket_markets_by_asset;
ALTER TABLE trading_market_data.polymarket_markets
    DROP COLUMN slug, DROP COLUMN end_ts, DROP COLUMN bid, DROP COLUMN ask, DROP COLUMN last, DROP COLUMN spread,
    DROP COLUMN event_id, DROP COLUMN visible_ms;
"""


def upgrade() -> None:
    run_script(UPGRADE)
    op.execute(
        "CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON trading_market_data.polymarket_results "
        "FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_change()"
    )


def downgrade() -> None:
    run_script(DOWNGRADE)

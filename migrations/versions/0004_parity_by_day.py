"""Day checkpoints of the broker, and the reports of parity checks.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

from trading_core.db.migrate import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
-- Where the broker stood when a UTC day of event time was over, and all it remembered: from here the next one replays.
CREATE TABLE trading_paper.day_checkpoints (
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    day DATE NOT NULL,
    state JSON NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (portfolio_id, day)
);
COMMENT ON COLUMN trading_paper.day_checkpoints.day IS 'the day that begins after it';

CREATE TABLE trading_ops.parity_reports (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    portfolio TEXT NOT NULL,
    "order" TEXT NOT NULL CHECK ("order" IN ('recorded', 'ideal')),
    from_ts TIMESTAMPTZ NOT NULL,
    to_ts TIMESTAMPTZ NOT NULL,
    nightly BOOLEAN NOT NULL,
    from_checkpoint BOOLEAN NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('identical', 'different', 'explained', 'unexplained')),
    compared JSONB NOT NULL,
    causes JSONB NOT NULL,
    differences JSONB NOT NULL,
    difference_count INTEGER NOT NULL CHECK (difference_count >= 0),
    duration_ms INTEGER NOT NULL,
    code_version TEXT NOT NULL
);
CREATE INDEX parity_reports_by_time ON trading_ops.parity_reports (portfolio, from_ts DESC);
COMMENT ON COLUMN trading_ops.parity_reports.to_ts IS 'the last grid point, included';
COMMENT ON COLUMN trading_ops.parity_reports.differences IS 'the first ones; difference_count has the number of all';
-- Announcements of a span are told by the order in which the broker made them.
CREATE INDEX exec_events_in_order ON trading_ops.exec_events (portfolio, outbox_id);
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON trading_ops.parity_reports
    FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_change();

GRANT SELECT, INSERT, DELETE ON trading_paper.day_checkpoints TO broker;
GRANT SELECT ON trading_paper.day_checkpoints, trading_ops.parity_reports TO research, api_ro, grafana_ro;
GRANT INSERT ON trading_ops.parity_reports TO research;
GRANT USAGE ON SEQUENCE trading_ops.parity_reports_id_seq TO research;
"""


def upgrade() -> None:
    run_script(TABLES)


def downgrade() -> None:
    op.execute("DROP INDEX trading_ops.exec_events_in_order")
    op.execute("DROP TABLE trading_ops.parity_reports")
    op.execute("DROP TABLE trading_paper.day_checkpoints")

"""What left Postgres for the archive, and the rights of the role that lets it go.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from trading_core.db.migrate import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PRUNED = """
-- Days whose rows were deleted here after the archive was compared with them, row by row. Readers that span
-- both look them up there.
CREATE TABLE trading_ops.pruned (
    dataset TEXT NOT NULL,
    exchange TEXT NOT NULL,
    asset TEXT NOT NULL,
    day DATE NOT NULL,
    rows BIGINT NOT NULL,
    pruned_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset, exchange, asset, day)
);
-- Tells which database an archive is of: rows of two must not be mixed.
CREATE TABLE trading_ops.identity (id UUID PRIMARY KEY DEFAULT gen_random_uuid());
INSERT INTO trading_ops.identity DEFAULT VALUES;
GRANT SELECT ON trading_ops.identity TO research, recorder, maintenance;
GRANT SELECT ON trading_ops.pruned TO research, api_ro, grafana_ro, recorder;
GRANT SELECT, INSERT, UPDATE ON trading_ops.pruned TO maintenance;
"""
# Facts may leave when they are archived, and then by the hands of one role only.
GUARD = """
CREATE FUNCTION trading_ops.refuse_all_but_retention() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_user = 'maintenance' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% on %.% refused: the table is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""
LEAVING = ("trading_market_data.ticks", "trading_market_data.candle_revisions")
# As their owner, so that housekeeping needs to own no table.
PARTITIONS = """
CREATE FUNCTION trading_ops.drop_empty_partitions(before TIMESTAMPTZ) RETURNS INTEGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    part REGCLASS;
    used BOOLEAN;
    dropped INTEGER := 0;
BEGIN
    FOR part IN
        SELECT inhrelid FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = 'trading_market_data.ticks'::regclass
          AND substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz <= before
    LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part);
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', part) INTO used;
        IF NOT used THEN
            EXECUTE format('DROP TABLE %s', part);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE EXECUTE ON FUNCTION trading_ops.drop_empty_partitions(TIMESTAMPTZ) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trading_ops.drop_empty_partitions(TIMESTAMPTZ) TO maintenance;
ALTER FUNCTION trading_ops.ensure_partitions(INTEGER, INTEGER) SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE EXECUTE ON FUNCTION trading_ops.ensure_partitions(INTEGER, INTEGER) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trading_ops.ensure_partitions(INTEGER, INTEGER) TO maintenance, recorder;
"""
GRANTS = """
GRANT SELECT, DELETE ON trading_market_data.candles, trading_market_data.candle_revisions, trading_market_data.ticks
    TO maintenance;
GRANT SELECT ON trading_market_data.funding_rates, trading_ops.watermarks TO maintenance;
-- Wider candles are completed before their minutes leave.
GRANT INSERT, UPDATE ON trading_market_data.candles TO maintenance;
GRANT USAGE ON SEQUENCE trading_market_data.candles_id_seq TO maintenance;
"""


def upgrade() -> None:
    for block in (PRUNED, GUARD, PARTITIONS, GRANTS):
        run_script(block)
    for table in LEAVING:
        op.execute(f"DROP TRIGGER guard ON {table}")
        op.execute(
            f"CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_all_but_retention()"
        )


def downgrade() -> None:
    for table in LEAVING:
        op.execute(f"DROP TRIGGER guard ON {table}")
        op.execute(
            f"CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_change()"
        )
    run_script(
        """
        DROP FUNCTION trading_ops.refuse_all_but_retention();
        DROP FUNCTION trading_ops.drop_empty_partitions(TIMESTAMPTZ);
        ALTER FUNCTION trading_ops.ensure_partitions(INTEGER, INTEGER) SECURITY INVOKER RESET ALL;
        GRANT EXECUTE ON FUNCTION trading_ops.ensure_partitions(INTEGER, INTEGER) TO PUBLIC;
        DROP TABLE trading_ops.pruned, trading_ops.identity;
        REVOKE ALL ON trading_market_data.candles, trading_market_data.candle_revisions, trading_market_data.ticks,
            trading_market_data.funding_rates, trading_ops.watermarks FROM maintenance;
        REVOKE ALL ON SEQUENCE trading_market_data.candles_id_seq FROM maintenance;
        """
    )

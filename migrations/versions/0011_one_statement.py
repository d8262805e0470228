"""What lets the broker write an input with one statement, which is a transaction by itself.

A position that is closed and the one opened in its place are then parts of the same statement, which run in no promised
order: only when it is done may one open position per strategy and instrument be judged. And a part that has not
touched the rows it must touch has to undo the whole.

Revision ID: 0011
Revises: 0010
"""

from trading_core.db.migrate import run_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UPGRADE = """
DROP INDEX trading_paper.positions_one_open;
ALTER TABLE trading_paper.positions ADD CONSTRAINT positions_one_open
    EXCLUDE (portfolio_id WITH =, strategy WITH =, exchange WITH =, instrument WITH =) WHERE (status = 'OPEN')
    DEFERRABLE INITIALLY IMMEDIATE;

CREATE FUNCTION trading_paper.rows_touched(got BIGINT, wanted BIGINT, part INTEGER) RETURNS BIGINT
LANGUAGE plpgsql AS $$
BEGIN
    IF got <> wanted THEN
        RAISE EXCEPTION 'a part of the transaction did not touch its rows: got, part: % %', got, part;
    END IF;
    RETURN got;
END $$;
REVOKE EXECUTE ON FUNCTION trading_paper.rows_touched(BIGINT, BIGINT, INTEGER) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trading_paper.rows_touched(BIGINT, BIGINT, INTEGER) TO broker;
"""

DOWNGRADE = """
DROP FUNCTION trading_paper.rows_touched(BIGINT, BIGINT, INTEGER);
ALTER TABLE trading_paper.positions DROP CONSTRAINT positions_one_open;
CREATE UNIQUE INDEX positions_one_open ON trading_paper.positions
    (portfolio_id, strategy, exchange, instrument) WHERE status = 'OPEN';
"""


def upgrade() -> None:
    run_script(UPGRADE)


def downgrade() -> None:
    run_script(DOWNGRADE)

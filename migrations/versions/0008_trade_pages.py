"""Indexes for pages of trades in the order of entry, exit and result, and from a position to its decisions.

Revision ID: 0008
Revises: 0007
"""

from trading_core.db.migrate import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The expressions are those of the API's queries: an open position sorts where its exit or result would come.
UPGRADE = """
CREATE INDEX positions_by_entry ON trading_paper.positions (entry_ts, id);
CREATE INDEX positions_by_exit ON trading_paper.positions (coalesce(exit_ts, 'infinity'::timestamptz), id);
CREATE INDEX positions_by_pnl ON trading_paper.positions (coalesce(realised_pnl, '-Infinity'::numeric), id);
CREATE INDEX decisions_opened ON trading_paper.decisions (position_id) WHERE position_id IS NOT NULL;
CREATE INDEX decisions_closed ON trading_paper.decisions (closed_position) WHERE closed_position IS NOT NULL;
"""
DOWNGRADE = """
DROP INDEX trading_paper.decisions_closed, trading_paper.decisions_opened, trading_paper.positions_by_pnl,
    trading_paper.positions_by_exit, trading_paper.positions_by_entry;
"""


def upgrade() -> None:
    run_script(UPGRADE)


def downgrade() -> None:
    run_script(DOWNGRADE)

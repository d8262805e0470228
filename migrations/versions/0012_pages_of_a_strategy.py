"""Indexes for what one strategy said and filled, newest first: one that does little is not looked for among all.

Revision ID: 0012
Revises: 0011
"""

from trading_core.db.migrate import run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# asset last: it is compared in the index, before a row is read.
UPGRADE = """
CREATE INDEX signals_of_strategy ON trading_signals.signals (strategy, ts DESC, id DESC, asset)
    WHERE direction IS NOT NULL;
CREATE INDEX fills_of_strategy ON trading_paper.fills (strategy, ts DESC, event_id DESC, asset);
"""
DOWNGRADE = "DROP INDEX trading_paper.fills_of_strategy, trading_signals.signals_of_strategy;"


def upgrade() -> None:
    run_script(UPGRADE)


def downgrade() -> None:
    run_script(DOWNGRADE)

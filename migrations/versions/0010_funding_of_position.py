"""An index from a position to its funding payments, which the trade explorer lists.

Revision ID: 0010
Revises: 0009
"""

from trading_core.db.migrate import run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UPGRADE = "CREATE INDEX funding_payments_by_position ON trading_paper.funding_payments (position_id);"
DOWNGRADE = "DROP INDEX trading_paper.funding_payments_by_position;"


def upgrade() -> None:
    run_script(UPGRADE)


def downgrade() -> None:
    run_script(DOWNGRADE)

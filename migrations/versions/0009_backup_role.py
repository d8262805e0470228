"""A role that reads everything and changes nothing, for `backup`.

Revision ID: 0009
Revises: 0008
"""

from trading_core.db.migrate import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# pg_read_all_data: a table of a later revision is in the backup too, without a grant that somebody may forget.
UPGRADE = """
DO $$ BEGIN CREATE ROLE backup NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
GRANT pg_read_all_data TO backup;
ALTER ROLE backup SET default_transaction_read_only = on;
"""


def upgrade() -> None:
    run_script(UPGRADE)


def downgrade() -> None:
    """Roles belong to the server, not to the database: another database may need this one."""

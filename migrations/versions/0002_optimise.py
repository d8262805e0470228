"""Studies of the optimiser, and a schema in which Optuna keeps its own tables.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from trading_core.db.migrate import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE trading_paper.optimise_studies (
    id BIGSERIAL PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    strategy TEXT NOT NULL,
    class_name TEXT NOT NULL,
    metric TEXT NOT NULL,
    search TEXT NOT NULL CHECK (search IN ('grid', 'random', 'tpe')),
    seed BIGINT NOT NULL,
    trials BIGINT NOT NULL,
    assets TEXT[] NOT NULL,
    source TEXT NOT NULL,
    from_ts TIMESTAMPTZ NOT NULL,
    to_ts TIMESTAMPTZ NOT NULL,
    folds JSONB NOT NULL,
    params JSONB NOT NULL,
    code_hash TEXT NOT NULL,
    params_hash TEXT NOT NULL,
    verdict TEXT CHECK (verdict IN ('noise', 'unclear', 'edge')),
    judgement JSONB,
    best BIGINT
);
-- JSON, not JSONB: numbers come back as they were written, so a resumed study is the unbroken one to the last digit.
CREATE TABLE trading_paper.optimise_trials (
    study_id BIGINT NOT NULL REFERENCES trading_paper.optimise_studies (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    params JSON NOT NULL,
    in_sample JSON NOT NULL,
    out_of_sample JSON NOT NULL,
    refused TEXT,
    failed TEXT,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (study_id, number)
);
CREATE INDEX optimise_studies_newest ON trading_paper.optimise_studies (updated_at DESC);
"""
# Optuna makes and changes its tables itself, in a schema where it can touch nothing of ours.
GRANTS = """
CREATE SCHEMA trading_research;
GRANT USAGE, CREATE ON SCHEMA trading_research TO research;
GRANT SELECT ON trading_paper.optimise_studies, trading_paper.optimise_trials TO api_ro, grafana_ro;
GRANT SELECT, INSERT, UPDATE ON trading_paper.optimise_studies, trading_paper.optimise_trials TO research;
GRANT USAGE ON SEQUENCE trading_paper.optimise_studies_id_seq TO research;
"""


def upgrade() -> None:
    run_script(TABLES)
    run_script(GRANTS)


def downgrade() -> None:
    op.execute("DROP TABLE trading_paper.optimise_trials, trading_paper.optimise_studies")
    op.execute("DROP SCHEMA trading_research CASCADE")

"""Schemas, the platform's tables, append-only guards and least-privilege roles.

Revision ID: 0001
Revises:
"""

from alembic import op

from trading_core.db.migrate import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = ("trading_market_data", "trading_signals", "trading_paper", "trading_ops")

MARKET_DATA = """
CREATE TABLE trading_market_data.candles (
    id BIGSERIAL PRIMARY KEY,
    exchange TEXT NOT NULL,
    asset TEXT NOT NULL,
    interval TEXT NOT NULL,
    open_time TIMESTAMPTZ NOT NULL,
    open NUMERIC NOT NULL,
    high NUMERIC NOT NULL,
    low NUMERIC NOT NULL,
    close NUMERIC NOT NULL,
    volume NUMERIC NOT NULL,
    event_id TEXT NOT NULL,
    visible_ms BIGINT NOT NULL,
    backfilled BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (exchange, asset, interval, open_time)
);
CREATE TABLE trading_market_data.candle_revisions (
    event_id TEXT PRIMARY KEY,
    exchange TEXT NOT NULL,
    asset TEXT NOT NULL,
    interval TEXT NOT NULL,
    open_time TIMESTAMPTZ NOT NULL,
    open NUMERIC NOT NULL,
    high NUMERIC NOT NULL,
    low NUMERIC NOT NULL,
    close NUMERIC NOT NULL,
    volume NUMERIC NOT NULL,
    visible_ms BIGINT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE trading_market_data.funding_snapshots (
    id BIGSERIAL PRIMARY KEY,
    exchange TEXT NOT NULL,
    asset TEXT NOT NULL,
    ts TIMESTAMPTZ NOT NULL,
    funding_rate NUMERIC NOT NULL,
    open_interest NUMERIC,
    mark_price NUMERIC,
    event_id TEXT NOT NULL,
    UNIQUE (exchange, asset, ts)
);
CREATE TABLE trading_market_data.funding_rates (
    id BIGSERIAL PRIMARY KEY,
    exchange TEXT NOT NULL,
    asset TEXT NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    ts TIMESTAMPTZ NOT NULL,
    rate NUMERIC NOT NULL,
    premium NUMERIC,
    event_id TEXT NOT NULL,
    visible_ms BIGINT NOT NULL,
    UNIQUE (exchange, asset, hour)
);
CREATE TABLE trading_market_data.polymarket_markets (
    id BIGSERIAL PRIMARY KEY,
    market_id TEXT NOT NULL,
    market_title TEXT,
    asset TEXT NOT NULL,
    ts TIMESTAMPTZ NOT NULL,
    yes_price NUMERIC,
    no_price NUMERIC,
    volume_24h NUMERIC,
    liquidity NUMERIC,
    UNIQUE (market_id, ts)
);
-- Every MARKET message but the watermarks, whole in `payload`: what replay and parity read.
CREATE TABLE trading_market_data.ticks (
    ts TIMESTAMPTZ NOT NULL,
    event_id TEXT NOT NULL,
    exchange TEXT NOT NULL,
    asset TEXT NOT NULL,
    kind TEXT NOT NULL,
    visible_ms BIGINT NOT NULL,
    price NUMERIC,
    size NUMERIC,
    side TEXT,
    payload JSON NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (ts, event_id)
) PARTITION BY RANGE (ts);
CREATE TABLE trading_market_data.ticks_default PARTITION OF trading_market_data.ticks DEFAULT;
CREATE INDEX ticks_replay ON trading_market_data.ticks (exchange, asset, kind, visible_ms);
"""

SIGNALS = """
CREATE TABLE trading_signals.signals (
    id BIGSERIAL PRIMARY KEY,
    ts TIMESTAMPTZ NOT NULL,
    strategy TEXT NOT NULL,
    asset TEXT NOT NULL,
    exchange TEXT NOT NULL,
    direction TEXT CHECK (direction IN ('LONG', 'SHORT', 'CLOSE')),
    confidence DOUBLE PRECISION,
    entry_price NUMERIC,
    metadata JSONB,
    acted_on BOOLEAN DEFAULT FALSE,
    event_id TEXT NOT NULL UNIQUE,
    instrument TEXT NOT NULL,
    reason TEXT,
    payload JSON NOT NULL
);
CREATE INDEX signals_by_strategy ON trading_signals.signals (strategy, ts DESC);
CREATE INDEX signals_by_time ON trading_signals.signals (ts DESC) WHERE direction IS NOT NULL;
"""

PAPER = """
CREATE TABLE trading_paper.portfolio (
    id SERIAL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    initial_capital NUMERIC NOT NULL DEFAULT 10000,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE trading_paper.strategies (
    name TEXT PRIMARY KEY,
    class_name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active',
    status_reason TEXT,
    interval TEXT NOT NULL,
    assets TEXT[] NOT NULL,
    exchanges TEXT[] NOT NULL,
    docs TEXT NOT NULL DEFAULT '',
    params JSONB NOT NULL DEFAULT '{}',
    rules JSONB NOT NULL DEFAULT '{}',
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE trading_paper.positions (
    id BIGSERIAL PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    strategy TEXT NOT NULL,
    asset TEXT NOT NULL,
    exchange TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('LONG', 'SHORT')),
    entry_price NUMERIC NOT NULL,
    entry_ts TIMESTAMPTZ NOT NULL,
    quantity NUMERIC NOT NULL CHECK (quantity >= 0),
    exit_price NUMERIC,
    exit_ts TIMESTAMPTZ,
    exit_reason TEXT,
    realised_pnl NUMERIC,
    status TEXT NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'CLOSED')),
    signal_id BIGINT NOT NULL REFERENCES trading_signals.signals (id),
    metadata JSONB,
    event_id TEXT NOT NULL UNIQUE,
    instrument TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    confidence DOUBLE PRECISION NOT NULL,
    stake NUMERIC NOT NULL,
    entry_ref NUMERIC NOT NULL,
    exit_ref NUMERIC,
    stop_price NUMERIC,
    target_price NUMERIC,
    deadline_ts TIMESTAMPTZ,
    gross_pnl NUMERIC,
    fees NUMERIC NOT NULL DEFAULT 0,
    funding_pnl NUMERIC NOT NULL DEFAULT 0,
    slippage_cost NUMERIC NOT NULL DEFAULT 0,
    suspect BOOLEAN NOT NULL DEFAULT FALSE,
    late BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX positions_one_open ON trading_paper.positions
    (portfolio_id, strategy, exchange, instrument) WHERE status = 'OPEN';
CREATE INDEX positions_closed ON trading_paper.positions (strategy, exit_ts DESC) WHERE status = 'CLOSED';
CREATE TABLE trading_paper.decisions (
    event_id TEXT PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    signal_event_id TEXT NOT NULL,
    ts TIMESTAMPTZ NOT NULL,
    strategy TEXT NOT NULL,
    asset TEXT NOT NULL,
    exchange TEXT NOT NULL,
    instrument TEXT NOT NULL,
    direction TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('opened', 'reversed', 'closed', 'rejected')),
    reason TEXT,
    acted_on BOOLEAN NOT NULL,
    position_id TEXT,
    closed_position TEXT,
    mark_price NUMERIC,
    mark_event_id TEXT,
    mark_ts TIMESTAMPTZ,
    applied_visible_ms BIGINT NOT NULL,
    applied_rank INTEGER NOT NULL,
    applied_key TEXT NOT NULL,
    late BOOLEAN NOT NULL DEFAULT FALSE,
    body JSON NOT NULL,
    UNIQUE (portfolio_id, signal_event_id)
);
CREATE INDEX decisions_by_time ON trading_paper.decisions (ts DESC);
CREATE TABLE trading_paper.fills (
    event_id TEXT PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    order_id TEXT NOT NULL,
    position_id TEXT NOT NULL REFERENCES trading_paper.positions (event_id),
    ts TIMESTAMPTZ NOT NULL,
    strategy TEXT NOT NULL,
    asset TEXT NOT NULL,
    exchange TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    purpose TEXT NOT NULL,
    quantity NUMERIC NOT NULL CHECK (quantity > 0),
    price NUMERIC NOT NULL,
    reference_price NUMERIC NOT NULL,
    fee NUMERIC NOT NULL CHECK (fee >= 0),
    mark_event_id TEXT,
    late BOOLEAN NOT NULL DEFAULT FALSE,
    body JSON NOT NULL
);
CREATE INDEX fills_by_position ON trading_paper.fills (position_id);
CREATE TABLE trading_paper.funding_payments (
    event_id TEXT PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    position_id TEXT NOT NULL REFERENCES trading_paper.positions (event_id),
    hour TIMESTAMPTZ NOT NULL,
    booked_ts TIMESTAMPTZ NOT NULL,
    rate NUMERIC NOT NULL,
    quantity NUMERIC NOT NULL,
    mark_price NUMERIC NOT NULL,
    amount NUMERIC NOT NULL,
    body JSON NOT NULL
);
CREATE TABLE trading_paper.mark_to_market (
    id BIGSERIAL PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    ts TIMESTAMPTZ NOT NULL,
    total_equity NUMERIC NOT NULL,
    unrealised_pnl NUMERIC NOT NULL,
    realised_pnl NUMERIC NOT NULL,
    open_costs NUMERIC NOT NULL,
    open_positions INTEGER NOT NULL,
    breakdown JSONB NOT NULL,
    UNIQUE (portfolio_id, ts)
);
CREATE TABLE trading_paper.skips (
    event_id TEXT PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    ts TIMESTAMPTZ NOT NULL,
    who TEXT NOT NULL,
    watermark_ms BIGINT,
    body JSON NOT NULL
);
CREATE TABLE trading_paper.backtest_runs (
    id BIGSERIAL PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    strategies TEXT[] NOT NULL,
    assets TEXT[] NOT NULL,
    from_ts TIMESTAMPTZ NOT NULL,
    to_ts TIMESTAMPTZ NOT NULL,
    source TEXT NOT NULL,
    fidelity TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    params_hash TEXT NOT NULL,
    summary JSONB NOT NULL,
    trades JSONB NOT NULL,
    equity JSONB NOT NULL,
    gaps JSONB NOT NULL DEFAULT '[]'
);
-- Received, not yet applied: what a restarted broker still has to decide.
CREATE TABLE trading_paper.signal_inbox (
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    strategy TEXT NOT NULL,
    exchange TEXT NOT NULL,
    instrument TEXT NOT NULL,
    eval_ms BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'applied')),
    payload JSON NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (portfolio_id, strategy, exchange, instrument, eval_ms)
);
CREATE INDEX signal_inbox_open ON trading_paper.signal_inbox (portfolio_id, eval_ms) WHERE state = 'received';
CREATE TABLE trading_paper.grid_inbox (
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    exchanges TEXT NOT NULL,
    asset TEXT NOT NULL,
    eval_ms BIGINT NOT NULL,
    evaluations INTEGER NOT NULL,
    PRIMARY KEY (portfolio_id, exchanges, asset, eval_ms)
);
CREATE TABLE trading_paper.checkpoints (
    portfolio_id INTEGER PRIMARY KEY REFERENCES trading_paper.portfolio (id),
    visible_ms BIGINT NOT NULL,
    rank INTEGER NOT NULL,
    key TEXT NOT NULL,
    state JSON NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE trading_paper.outbox (
    id BIGSERIAL PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    event_id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    payload JSON NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    sent_at TIMESTAMPTZ
);
CREATE INDEX outbox_unsent ON trading_paper.outbox (id) WHERE sent_at IS NULL;
-- One row per closed round trip and per day: views, so that they cannot disagree with the positions.
CREATE VIEW trading_paper.trades AS
    SELECT id, portfolio_id, strategy, asset, exchange, direction, quantity, stake, confidence,
           entry_ts, entry_ref, entry_price, exit_ts, exit_ref, exit_price, exit_reason,
           gross_pnl, fees, funding_pnl, slippage_cost, realised_pnl, suspect, late, event_id, signal_id
    FROM trading_paper.positions WHERE status = 'CLOSED';
CREATE VIEW trading_paper.daily_pnl AS
    SELECT portfolio_id, strategy, (exit_ts AT TIME ZONE 'UTC')::date AS day, count(*) AS trades,
           sum(gross_pnl) AS gross_pnl, sum(fees) AS fees, sum(funding_pnl) AS funding_pnl,
           sum(realised_pnl) AS realised_pnl
    FROM trading_paper.positions WHERE status = 'CLOSED' GROUP BY portfolio_id, strategy, day;
"""

OPS = """
CREATE TABLE trading_ops.watermarks (
    exchange TEXT NOT NULL,
    stream TEXT NOT NULL,
    watermark_ms BIGINT NOT NULL,
    ingest_time TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (exchange, stream, watermark_ms)
);
CREATE TABLE trading_ops.gaps (
    event_id TEXT PRIMARY KEY,
    exchange TEXT NOT NULL,
    asset TEXT NOT NULL,
    channel TEXT NOT NULL,
    from_ts TIMESTAMPTZ NOT NULL,
    to_ts TIMESTAMPTZ,
    state TEXT NOT NULL CHECK (state IN ('open', 'filled', 'lost')),
    reason TEXT NOT NULL DEFAULT '',
    opened_visible_ms BIGINT NOT NULL,
    closed_visible_ms BIGINT
);
CREATE TABLE trading_ops.events (
    event_id TEXT PRIMARY KEY,
    ts TIMESTAMPTZ NOT NULL,
    service TEXT NOT NULL,
    event TEXT NOT NULL,
    severity TEXT NOT NULL,
    body JSONB NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX ops_events_by_time ON trading_ops.events (ts DESC);
CREATE TABLE trading_ops.heartbeats (
    service TEXT NOT NULL,
    instance TEXT NOT NULL,
    sent_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    status TEXT NOT NULL,
    event_time TIMESTAMPTZ,
    detail JSONB NOT NULL DEFAULT '{}',
    PRIMARY KEY (service, instance)
);
CREATE TABLE trading_ops.dead_letters (
    event_id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload TEXT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE trading_ops.grids (
    event_id TEXT PRIMARY KEY,
    exchanges TEXT NOT NULL,
    asset TEXT NOT NULL,
    eval_ms BIGINT NOT NULL,
    evaluations INTEGER NOT NULL
);
CREATE INDEX grids_by_time ON trading_ops.grids (eval_ms);
-- The recorder's own copy of EXEC: the independent check on the broker's ledger.
CREATE TABLE trading_ops.exec_events (
    event_id TEXT PRIMARY KEY,
    outbox_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    portfolio TEXT NOT NULL,
    strategy TEXT,
    asset TEXT,
    ts TIMESTAMPTZ NOT NULL,
    payload JSON NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX exec_events_by_time ON trading_ops.exec_events (kind, ts DESC);

-- Monthly partitions of `ticks` from `back` months ago to `ahead` months from now; safe to call again.
CREATE FUNCTION trading_ops.ensure_partitions(back INTEGER, ahead INTEGER) RETURNS INTEGER
LANGUAGE plpgsql AS $$
DECLARE
    month DATE;
    made INTEGER := 0;
    part TEXT;
BEGIN
    FOR step IN -back..ahead LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => step))::date;
        part := 'ticks_' || to_char(month, 'YYYY_MM');
        IF to_regclass('trading_market_data.' || part) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE trading_market_data.%I PARTITION OF trading_market_data.ticks '
                'FOR VALUES FROM (%L) TO (%L)',
                part, month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
"""

# Facts are never rewritten: neither by a bug nor by hand.
APPEND_ONLY = (
    "trading_market_data.candle_revisions",
    "trading_market_data.funding_snapshots",
    "trading_market_data.ticks",
    "trading_paper.decisions",
    "trading_paper.fills",
    "trading_paper.funding_payments",
    "trading_paper.mark_to_market",
    "trading_paper.skips",
    "trading_ops.watermarks",
    "trading_ops.events",
    "trading_ops.dead_letters",
    "trading_ops.grids",
    "trading_ops.exec_events",
)
GUARDS = """
CREATE FUNCTION trading_ops.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% refused: the table is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION trading_ops.refuse_signal_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_user = 'maintenance' AND OLD.direction IS NULL THEN
            RETURN OLD;
        END IF;
    ELSIF (to_jsonb(NEW) - 'acted_on') = (to_jsonb(OLD) - 'acted_on') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on signals refused: only acted_on may change', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON trading_signals.signals
    FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_signal_change();
"""

ROLES = ("recorder", "broker", "runner_ro", "api_ro", "research", "maintenance", "grafana_ro")
GRANTS = """
GRANT USAGE ON SCHEMA trading_market_data, trading_signals, trading_ops TO recorder, maintenance;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA trading_market_data, trading_signals, trading_ops TO recorder;
GRANT UPDATE ON trading_market_data.candles, trading_ops.gaps, trading_ops.heartbeats TO recorder;
GRANT UPDATE ON trading_market_data.funding_rates TO recorder;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA trading_market_data, trading_signals TO recorder;

GRANT USAGE ON SCHEMA trading_paper, trading_signals, trading_market_data, trading_ops TO broker;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA trading_paper TO broker;
GRANT UPDATE ON trading_paper.portfolio, trading_paper.strategies, trading_paper.positions,
    trading_paper.signal_inbox, trading_paper.checkpoints, trading_paper.outbox TO broker;
GRANT DELETE ON trading_paper.outbox, trading_paper.signal_inbox, trading_paper.grid_inbox TO broker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA trading_paper, trading_signals TO broker;
GRANT SELECT, INSERT ON trading_signals.signals TO broker;
GRANT UPDATE (acted_on) ON trading_signals.signals TO broker;
GRANT SELECT ON ALL TABLES IN SCHEMA trading_market_data TO broker;
GRANT SELECT ON trading_ops.watermarks TO broker;

GRANT USAGE ON SCHEMA trading_market_data, trading_ops TO runner_ro;
GRANT SELECT ON ALL TABLES IN SCHEMA trading_market_data TO runner_ro;
GRANT SELECT ON trading_ops.watermarks TO runner_ro;

GRANT USAGE ON SCHEMA trading_market_data, trading_signals, trading_paper, trading_ops TO api_ro, research, grafana_ro;
GRANT SELECT ON ALL TABLES IN SCHEMA trading_market_data, trading_signals, trading_paper, trading_ops
    TO api_ro, research, grafana_ro;
GRANT INSERT ON trading_paper.backtest_runs TO research;
GRANT USAGE ON SEQUENCE trading_paper.backtest_runs_id_seq TO research;
GRANT SELECT, DELETE ON trading_signals.signals TO maintenance;
ALTER ROLE api_ro SET default_transaction_read_only = on;
ALTER ROLE grafana_ro SET default_transaction_read_only = on;
ALTER ROLE api_ro SET statement_timeout = '5s';
ALTER ROLE grafana_ro SET statement_timeout = '10s';
ALTER ROLE recorder SET statement_timeout = '15s';
ALTER ROLE broker SET statement_timeout = '3s';
ALTER ROLE broker SET idle_session_timeout = '15s';
"""


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    for block in (MARKET_DATA, SIGNALS, PAPER, OPS):
        run_script(block)
    op.execute("SELECT trading_ops.ensure_partitions(3, 2)")
    run_script(GUARDS)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_change()"
        )
    for role in ROLES:
        # Roles belong to the server, not to the database: another database may have made them already.
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    run_script(GRANTS)


def downgrade() -> None:
    for schema in reversed(SCHEMAS):
        op.execute(f"DROP SCHEMA {schema} CASCADE")

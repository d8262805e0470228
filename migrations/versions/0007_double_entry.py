"""The double-entry ledger, its views and identities; a writer's epoch; commands of people.

A database with history gets its entries here, from its own fills, payments and positions.

Revision ID: 0007
Revises: 0006
"""

from trading_core.db.migrate import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE trading_paper.ledger_entries (
    event_id TEXT PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    ts TIMESTAMPTZ NOT NULL,
    valued_from TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('capital', 'fill', 'resolution', 'fee', 'funding', 'result')),
    cause_id TEXT NOT NULL,
    position_id TEXT REFERENCES trading_paper.positions (event_id),
    UNIQUE (portfolio_id, kind, cause_id),
    CHECK ((kind = 'capital') = (position_id IS NULL))
);
CREATE INDEX ledger_entries_by_position ON trading_paper.ledger_entries (position_id);
CREATE TABLE trading_paper.ledger_lines (
    entry_id TEXT NOT NULL REFERENCES trading_paper.ledger_entries (event_id),
    number SMALLINT NOT NULL CHECK (number > 0),
    account TEXT NOT NULL
        CHECK (account IN ('cash', 'capital', 'inventory', 'gross_pnl', 'fees', 'funding', 'rounding')),
    amount NUMERIC NOT NULL,
    quantity NUMERIC CHECK (quantity IS NULL OR account = 'inventory'),
    PRIMARY KEY (entry_id, number)
);
COMMENT ON TABLE trading_paper.ledger_lines IS 'USD, debits above 0, credits below; each entry sums to 0';
COMMENT ON COLUMN trading_paper.ledger_lines.quantity IS 'bought above 0, sold below';
COMMENT ON COLUMN trading_paper.ledger_entries.valued_from IS 'the first mark_to_market row that contains it';
COMMENT ON COLUMN trading_paper.ledger_entries.cause_id IS 'the fill, payment or position state that it books';

-- What people asked of the running broker. Its effects are ordinary events; `answer` is repeated to who asks again.
CREATE TABLE trading_paper.commands (
    event_id TEXT PRIMARY KEY,
    portfolio_id INTEGER NOT NULL REFERENCES trading_paper.portfolio (id),
    request_id TEXT NOT NULL,
    ts TIMESTAMPTZ NOT NULL,
    verb TEXT NOT NULL CHECK (verb IN ('pause', 'resume', 'close', 'limits')),
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    body JSON NOT NULL,
    request JSON NOT NULL,
    answer JSON NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (portfolio_id, request_id)
);

ALTER TABLE trading_paper.portfolio ADD COLUMN writer_epoch BIGINT NOT NULL DEFAULT 0;
COMMENT ON COLUMN trading_paper.portfolio.writer_epoch IS 'rises whenever a broker takes over: an older one is refused';
"""

BALANCE = """
CREATE FUNCTION trading_paper.refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    id TEXT;
    total NUMERIC;
BEGIN
    IF TG_TABLE_NAME = 'ledger_entries' THEN id := NEW.event_id; ELSE id := NEW.entry_id; END IF;
    SELECT sum(amount) INTO total FROM trading_paper.ledger_lines WHERE entry_id = id;
    IF total IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'ledger entry % does not balance: its lines sum to %', id, coalesce(total::text, 'nothing')
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
-- Judged at COMMIT: the lines of an entry come one after the other. One without any line is refused too.
CREATE CONSTRAINT TRIGGER balance AFTER INSERT ON trading_paper.ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trading_paper.refuse_unbalanced();
CREATE CONSTRAINT TRIGGER balance AFTER INSERT ON trading_paper.ledger_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trading_paper.refuse_unbalanced();
"""

# What is valued first: by the order in which the broker announced it, else by its own time.
REBUILD = """
CREATE TEMPORARY TABLE valued ON COMMIT DROP AS
    SELECT event_id, min(CASE WHEN kind = 'equity' THEN ts END) OVER (
        PARTITION BY portfolio ORDER BY outbox_id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS ts
    FROM trading_ops.exec_events WHERE kind IN ('equity', 'fill', 'funding');
CREATE INDEX ON valued (event_id);
CREATE TEMPORARY TABLE booked ON COMMIT DROP AS
    SELECT 'le:' || name || ':capital' AS event_id, id AS portfolio_id, to_timestamp(0) AS ts,
           name || ':capital' AS said, 'capital' AS kind, name AS cause_id, NULL AS position_id,
           ARRAY['cash', 'capital'] AS accounts, ARRAY[initial_capital, -initial_capital] AS amounts,
           NULL::numeric AS quantity
    FROM trading_paper.portfolio
    UNION ALL
    SELECT 'le:' || event_id, portfolio_id, ts, event_id,
           CASE purpose WHEN 'resolved' THEN 'resolution' ELSE 'fill' END, event_id, position_id,
           ARRAY['inventory', 'cash'],
           ARRAY[signed * price, -signed * price], signed
    FROM (SELECT *, CASE side WHEN 'BUY' THEN quantity ELSE -quantity END AS signed FROM trading_paper.fills) f
    UNION ALL
    SELECT 'le:' || event_id || ':fee', portfolio_id, ts, event_id, 'fee', event_id, position_id,
           ARRAY['fees', 'cash'], ARRAY[fee, -fee], NULL
    FROM trading_paper.fills WHERE fee <> 0
    UNION ALL
    SELECT 'le:' || event_id, portfolio_id, booked_ts, event_id, 'funding', event_id, position_id,
           ARRAY['cash', 'funding'], ARRAY[amount, -amount], NULL
    FROM trading_paper.funding_payments
    UNION ALL
    SELECT 'le:' || state_id, portfolio_id, exit_ts, last_fill, 'result', state_id, position_id,
           CASE WHEN rest = 0 THEN ARRAY['inventory', 'gross_pnl'] ELSE ARRAY['inventory', 'gross_pnl', 'rounding'] END,
           CASE WHEN rest = 0 THEN ARRAY[-cost, -gross_pnl] ELSE ARRAY[-cost, -gross_pnl, rest] END, NULL
    FROM (SELECT p.portfolio_id, p.exit_ts, p.event_id AS position_id, p.gross_pnl, s.cost, s.last_fill,
                 s.cost + p.gross_pnl AS rest,
                 -- A late rate changes the row of a closed position too, so its close is an earlier version.
                 'ps:' || p.event_id || ':' || (p.version - late.payments) AS state_id
          FROM trading_paper.positions p
          CROSS JOIN LATERAL (
              SELECT sum(CASE side WHEN 'BUY' THEN quantity ELSE -quantity END * price) AS cost,
                     max(event_id) FILTER (WHERE purpose <> 'entry') AS last_fill
              FROM trading_paper.fills WHERE position_id = p.event_id) s
          CROSS JOIN LATERAL (
              SELECT count(*) AS payments FROM trading_paper.funding_payments f
              WHERE f.position_id = p.event_id AND (f.body ->> 'late')::boolean AND f.booked_ts >= p.exit_ts) late
          WHERE p.status = 'CLOSED') closed;
INSERT INTO trading_paper.ledger_entries (event_id, portfolio_id, ts, valued_from, kind, cause_id, position_id)
    SELECT b.event_id, b.portfolio_id, b.ts,
           coalesce(v.ts, to_timestamp(ceil(extract(epoch FROM b.ts) / 60) * 60)), b.kind, b.cause_id, b.position_id
    FROM booked b LEFT JOIN valued v ON v.event_id = b.said;
INSERT INTO trading_paper.ledger_lines (entry_id, number, account, amount, quantity)
    SELECT event_id, number, account, amount, CASE WHEN account = 'inventory' THEN quantity END
    FROM booked, unnest(accounts, amounts) WITH ORDINALITY AS line (account, amount, number);
"""

VIEWS = """
CREATE VIEW trading_paper.ledger_balances AS
    SELECT e.portfolio_id, l.account, sum(l.amount) AS balance
    FROM trading_paper.ledger_entries e JOIN trading_paper.ledger_lines l ON l.entry_id = e.event_id
    GROUP BY e.portfolio_id, l.account;
CREATE VIEW trading_paper.ledger_positions AS
    SELECT e.portfolio_id, e.position_id, coalesce(sum(l.quantity), 0) AS signed_quantity,
           sum(l.amount) FILTER (WHERE l.account = 'inventory') AS cost,
           coalesce(-sum(l.amount) FILTER (WHERE l.account = 'gross_pnl'), 0) AS gross_pnl,
           coalesce(sum(l.amount) FILTER (WHERE l.account = 'fees'), 0) AS fees,
           coalesce(-sum(l.amount) FILTER (WHERE l.account = 'funding'), 0) AS funding_pnl,
           coalesce(-sum(l.amount) FILTER (WHERE l.account IN ('gross_pnl', 'fees', 'funding')), 0) AS earned
    FROM trading_paper.ledger_entries e JOIN trading_paper.ledger_lines l ON l.entry_id = e.event_id
    WHERE e.position_id IS NOT NULL GROUP BY e.portfolio_id, e.position_id;
-- One row per identity that does not hold; empty, or something is broken.
CREATE VIEW trading_paper.identity_violations AS
    WITH sums AS (
        SELECT portfolio_id, ts, booked, stated FROM (
            SELECT portfolio_id, ts, stated,
                   sum(amount) OVER (PARTITION BY portfolio_id ORDER BY ts) AS booked
            FROM (
                SELECT e.portfolio_id, e.valued_from AS ts, l.amount, NULL::numeric AS stated
                FROM trading_paper.ledger_entries e JOIN trading_paper.ledger_lines l ON l.entry_id = e.event_id
                WHERE l.account IN ('cash', 'inventory', 'rounding')
                UNION ALL
                SELECT portfolio_id, ts, 0, total_equity - unrealised_pnl FROM trading_paper.mark_to_market) moved) run
        WHERE stated IS NOT NULL)
    SELECT 'balance' AS kind, e.portfolio_id, e.event_id AS id, '0' AS expected, sum(l.amount)::text AS found
    FROM trading_paper.ledger_entries e LEFT JOIN trading_paper.ledger_lines l ON l.entry_id = e.event_id
    GROUP BY e.event_id HAVING sum(l.amount) IS DISTINCT FROM 0
    UNION ALL
    SELECT 'quantity', p.portfolio_id, p.event_id,
           CASE p.status WHEN 'OPEN' THEN p.quantity ELSE 0 END::text, abs(l.signed_quantity)::text
    FROM trading_paper.positions p LEFT JOIN trading_paper.ledger_positions l ON l.position_id = p.event_id
    WHERE abs(l.signed_quantity) IS DISTINCT FROM CASE p.status WHEN 'OPEN' THEN p.quantity ELSE 0 END
    UNION ALL
    SELECT 'result', p.portfolio_id, p.event_id, coalesce(p.realised_pnl, p.funding_pnl - p.fees)::text, l.earned::text
    FROM trading_paper.positions p LEFT JOIN trading_paper.ledger_positions l ON l.position_id = p.event_id
    WHERE l.earned IS DISTINCT FROM coalesce(p.realised_pnl, p.funding_pnl - p.fees)
       OR l.fees IS DISTINCT FROM p.fees OR l.funding_pnl IS DISTINCT FROM p.funding_pnl
    UNION ALL
    SELECT 'equity', portfolio_id, to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'), stated::text, booked::text
    FROM sums WHERE booked <> stated
    UNION ALL
    SELECT 'equity', m.portfolio_id, to_char(m.ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'),
           (p.initial_capital + m.realised_pnl + m.unrealised_pnl + m.open_costs)::text, m.total_equity::text
    FROM trading_paper.mark_to_market m JOIN trading_paper.portfolio p ON p.id = m.portfolio_id
    WHERE m.total_equity <> p.initial_capital + m.realised_pnl + m.unrealised_pnl + m.open_costs
    UNION ALL
    SELECT 'decision', i.portfolio_id, i.event_id, '1', '0' FROM trading_paper.signal_inbox i
    WHERE i.state = 'applied' AND NOT EXISTS (
        SELECT FROM trading_paper.decisions d WHERE d.portfolio_id = i.portfolio_id AND d.signal_event_id = i.event_id);
"""

RIGHTS = """
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON trading_paper.ledger_entries
    FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_change();
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON trading_paper.ledger_lines
    FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_change();
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON trading_paper.commands
    FOR EACH ROW EXECUTE FUNCTION trading_ops.refuse_change();
GRANT SELECT, INSERT ON trading_paper.ledger_entries, trading_paper.ledger_lines, trading_paper.commands TO broker;
GRANT SELECT ON trading_paper.ledger_entries, trading_paper.ledger_lines, trading_paper.commands
    TO research, api_ro, grafana_ro;
GRANT SELECT ON trading_paper.ledger_balances, trading_paper.ledger_positions, trading_paper.identity_violations
    TO broker, research, api_ro, grafana_ro;
-- A broker that is stopped in the midst of a transaction would keep the lock for ever as well.
ALTER ROLE broker SET idle_in_transaction_session_timeout = '15s';
"""
DOWNGRADE = """
DROP VIEW trading_paper.identity_violations, trading_paper.ledger_positions, trading_paper.ledger_balances;
DROP TABLE trading_paper.commands, trading_paper.ledger_lines, trading_paper.ledger_entries;
DROP FUNCTION trading_paper.refuse_unbalanced();
ALTER TABLE trading_paper.portfolio DROP COLUMN writer_epoch;
ALTER ROLE broker RESET idle_in_transaction_session_timeout;
"""


def upgrade() -> None:
    for block in (TABLES, REBUILD, BALANCE, VIEWS, RIGHTS):
        run_script(block)


def downgrade() -> None:
    run_script(DOWNGRADE)

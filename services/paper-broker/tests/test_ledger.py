"""The double-entry ledger in PostgreSQL: what it refuses, what its views find, and its rebuilding for old databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest
from a_run import PORTFOLIO, an_hour

from paper_broker.inbox import Batch, store
from paper_broker.ledger import Ledger, LedgerBroken, Replaced
from paper_broker.rows import Statement
from trading_core.broker.apply import apply
from trading_core.db.migrate import downgrade, migrate
from trading_core.db.signals import insert_signals
from trading_core.sequence.checkpoint import Checkpoint

pytestmark = pytest.mark.integration
_WRITTEN = """
SELECT e.*, l.number, l.account, l.amount, l.quantity FROM trading_paper.ledger_entries e
JOIN trading_paper.ledger_lines l ON l.entry_id = e.event_id ORDER BY e.event_id, l.number
"""


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def a_ledger(db: asyncpg.Connection, seed: int = 1) -> Ledger:
    """An hour's ledger, written as the broker writes it, without the streams."""
    hour = an_hour(seed)
    core = hour.core()
    ledger = Ledger(db, PORTFOLIO)
    await ledger.open_portfolio(core.rules)
    await ledger.load_accounts([])
    tradable = [signal for signal in hour.signals if signal.direction != "PASS"]
    await insert_signals(db, tradable)
    for signal in tradable:
        await db.execute(
            "INSERT INTO trading_paper.signal_inbox (portfolio_id, strategy, exchange, instrument, eval_ms, event_id, "
            "payload) VALUES ($1, $2, $3, $4, $5, $6, '{}')",
            ledger.portfolio_id, signal.strategy, signal.exchange, signal.instrument, signal.ts, signal.id,
        )  # fmt: skip
    for _ in range(hour.minutes):
        for place, step in core.sequencer.pass_recorded({}).steps:
            events = apply(core.book, core.rules, step)
            core.sequencer.advance(place)
            if events:
                await ledger.commit(events, Checkpoint(core.sequencer.resume(), core.book, {}))
    return ledger


async def violations(db: asyncpg.Connection) -> set[str]:
    return {row["kind"] for row in await db.fetch("SELECT kind FROM trading_paper.identity_violations")}


async def test_an_hour_balances_and_an_old_database_gets_the_same_entries(
    db: asyncpg.Connection, database_url: str
) -> None:
    await a_ledger(db)
    written = [dict(row) for row in await db.fetch(_WRITTEN)]
    assert {row["kind"] for row in written} >= {"capital", "fill", "fee", "result"}
    assert await violations(db) == set()
    balances = dict(await db.fetch("SELECT account, balance FROM trading_paper.ledger_balances"))
    assert sum(balances.values()) == 0
    assert balances["capital"] == -10_000
    await asyncio.to_thread(downgrade, database_url, "0005")
    await asyncio.to_thread(migrate, database_url)
    await db.reload_schema_state()
    assert [dict(row) for row in await db.fetch(_WRITTEN)] == written
    assert await violations(db) == set()


async def test_the_database_refuses_what_does_not_balance_and_every_change(db: asyncpg.Connection) -> None:
    ledger = await a_ledger(db)
    position = await db.fetchval("SELECT event_id FROM trading_paper.positions LIMIT 1")
    entry = (
        "INSERT INTO trading_paper.ledger_entries (event_id, portfolio_id, ts, valued_from, kind, cause_id, "
        "position_id) VALUES ('le:x', $1, now(), now(), 'fee', 'x', $2)"
    )
    line = "INSERT INTO trading_paper.ledger_lines (entry_id, number, account, amount) VALUES ('le:x', $1, $2, $3)"
    with pytest.raises(asyncpg.CheckViolationError, match="le:x does not balance: its lines sum to nothing"):
        await db.execute(entry, ledger.portfolio_id, position)
    unbalanced = db.transaction()
    await unbalanced.start()
    await db.execute(entry, ledger.portfolio_id, position)
    await db.execute(line, 1, "fees", Decimal("0.11"))
    await db.execute(line, 2, "cash", Decimal("-0.10"))
    with pytest.raises(asyncpg.CheckViolationError, match=r"le:x does not balance: its lines sum to 0\.01"):
        await unbalanced.commit()
    for statement in (
        "UPDATE trading_paper.ledger_lines SET amount = 0",
        "DELETE FROM trading_paper.ledger_entries",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await db.execute(statement)
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("UPDATE trading_paper.positions SET quantity = -1 WHERE event_id = $1", position)
    with pytest.raises(asyncpg.ExclusionViolationError, match="positions_one_open"):
        await db.execute(
            "UPDATE trading_paper.positions p SET status = 'OPEN', strategy = o.strategy, exchange = o.exchange, "
            "instrument = o.instrument FROM trading_paper.positions o WHERE o.event_id <> p.event_id"
        )


async def test_a_row_that_is_missing_undoes_the_whole_input(db: asyncpg.Connection) -> None:
    ledger = await a_ledger(db)
    core = an_hour(1).core()
    before = await db.fetchrow("SELECT * FROM trading_paper.checkpoints")
    nobody = Statement("UPDATE trading_paper.positions SET late = TRUE WHERE event_id = $1", ("nobody",), rows=1)
    with pytest.raises(LedgerBroken, match=r"expected 1 row\(s\), got 0: UPDATE trading_paper.positions"):
        await ledger.commit([], Checkpoint(core.sequencer.resume(), core.book, {}), [nobody])
    assert await db.fetchrow("SELECT * FROM trading_paper.checkpoints") == before


async def test_a_wrong_row_is_found_by_its_identity(db: asyncpg.Connection) -> None:
    await a_ledger(db)
    wrong = {
        "quantity": "UPDATE trading_paper.positions SET status = 'OPEN' "
        "WHERE event_id = (SELECT max(event_id) FROM trading_paper.positions WHERE status = 'CLOSED')",
        "result": "UPDATE trading_paper.positions SET fees = fees + 1",
        "decision": "UPDATE trading_paper.signal_inbox SET event_id = 's:nobody' "
        "WHERE event_id = (SELECT max(event_id) FROM trading_paper.signal_inbox)",
        "equity": "INSERT INTO trading_paper.mark_to_market (portfolio_id, ts, total_equity, unrealised_pnl, "
        "realised_pnl, open_costs, open_positions, breakdown) "
        "SELECT max(portfolio_id), max(ts) + interval '1 minute', 10001, 0, 1, 0, 0, '{}' "
        "FROM trading_paper.mark_to_market",
    }
    for kind, change in wrong.items():
        planted = db.transaction()
        await planted.start()
        await db.execute(change)
        assert await violations(db) == {kind}
        await planted.rollback()


async def test_a_replaced_writer_stores_nothing_more(db: asyncpg.Connection, database_url: str) -> None:
    hour = an_hour(seed=1, minutes=2)
    old = Ledger(db, PORTFOLIO)
    await old.open_portfolio(hour.core().rules)
    batch = Batch()
    batch.signals = [signal for signal in hour.signals if signal.direction != "PASS"]
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await store(pool, [(old.writer, lambda _: True)], batch)
        await Ledger(db, PORTFOLIO).open_portfolio(hour.core().rules)
        with pytest.raises(Replaced, match="a writer of epoch 1, this one is of 0"):
            await store(pool, [(old.writer, lambda _: True)], batch)

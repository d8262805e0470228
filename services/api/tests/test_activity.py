"""What a strategy that says little said and filled is found without reading what the others did."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trading_api.queries import fills, signals
from trading_api.queries.conditions import Statement
from trading_api.queries.signals import SignalFilters

T0 = datetime(2026, 3, 2, tzinfo=UTC)
MINUTES, EVERY = 6_000, 100
"""So many minutes; in each of them `loud` acts, and in each hundredth `rare` too."""
ACTS = f"""
FROM generate_series(1, {MINUTES}) minute
CROSS JOIN unnest(ARRAY['loud', 'rare']) strategy
CROSS JOIN unnest(ARRAY['BTC', 'ETH', 'SOL']) asset
WHERE strategy = 'loud' OR minute % {EVERY} = 0
"""
SAID = f"""
INSERT INTO trading_signals.signals (ts, strategy, asset, exchange, direction, event_id, instrument, payload)
SELECT $1::timestamptz + minute * interval '1 minute', strategy, asset, 'hyperliquid',
       CASE WHEN minute % 200 = 0 THEN 'LONG' ELSE 'SHORT' END, concat_ws(':', strategy, asset, minute), asset, '{{}}'
{ACTS} ORDER BY minute"""
POSITION = """
INSERT INTO trading_paper.positions (portfolio_id, strategy, exchange, asset, direction, entry_price, entry_ts,
    quantity, signal_id, event_id, instrument, confidence, stake, entry_ref)
SELECT 1, strategy, exchange, asset, 'LONG', 100, ts, 1, id, 'held', instrument, 0.7, 100, 100
FROM trading_signals.signals LIMIT 1"""
FILLED = f"""
INSERT INTO trading_paper.fills (event_id, portfolio_id, order_id, position_id, ts, strategy, asset, exchange, side,
    purpose, quantity, price, reference_price, fee, body)
SELECT concat_ws(':', strategy, asset, minute), 1, concat_ws(':', strategy, asset, minute), 'held',
       $1::timestamptz + minute * interval '1 minute', strategy, asset, 'hyperliquid', 'BUY', 'entry', 1, 100, 100, 0,
       '{{}}'
{ACTS} ORDER BY minute"""


async def _rows_thrown_away(ledger: Any, asked: Statement) -> tuple[int, int]:
    """How many rows the statement gave, and how many it read in vain."""
    (told,) = await ledger.fetchrow(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked.sql}", *asked.values)
    plan = json.loads(told)[0]["Plan"]
    return int(plan["Actual Rows"]), _removed(plan)


def _removed(plan: dict[str, Any]) -> int:
    own = sum(int(value) for name, value in plan.items() if name.startswith("Rows Removed"))
    return own * int(plan["Actual Loops"]) + sum(_removed(part) for part in plan.get("Plans", []))


@pytest.mark.parametrize(
    "filters",
    [
        SignalFilters("rare"),
        SignalFilters("rare", "SOL"),
        SignalFilters("rare", "SOL", since=T0, until=T0 + timedelta(minutes=3_000)),
    ],
)
async def test_signals_of_a_rare_strategy_are_found_at_once(ledger: Any, filters: SignalFilters) -> None:
    await ledger.execute(SAID, T0)
    await ledger.execute("ANALYZE")
    wanted = (MINUTES if filters.until is None else 2_999) // EVERY * (1 if filters.asset else 3)
    for mode in ("force_custom_plan", "force_generic_plan"):
        await ledger.execute(f"SET plan_cache_mode = {mode}")
        assert await _rows_thrown_away(ledger, signals.page([1], filters, limit=200)) == (wanted, 0), mode
        first = signals.page([1], filters, limit=20)
        rows = await ledger.fetch(first.sql, *first.values)
        after = rows[-1]["ts"], rows[-1]["id"]
        assert await _rows_thrown_away(ledger, signals.page([1], filters, limit=200, after=after)) == (wanted - 20, 0)


async def test_fills_of_a_rare_strategy_are_found_at_once(ledger: Any) -> None:
    await ledger.execute("INSERT INTO trading_paper.portfolio (id, name) VALUES (1, 'default') ON CONFLICT DO NOTHING")
    await ledger.execute(SAID, T0)
    await ledger.execute(POSITION)
    await ledger.execute(FILLED, T0)
    await ledger.execute("ANALYZE")
    for mode in ("force_custom_plan", "force_generic_plan"):
        await ledger.execute(f"SET plan_cache_mode = {mode}")
        for asset, wanted in ((None, 180), ("SOL", 60)):
            found = await _rows_thrown_away(ledger, fills.newest([1], limit=200, strategy="rare", asset=asset))
            assert found == (wanted, 0), (mode, asset)

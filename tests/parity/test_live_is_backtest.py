"""A backtest on the ticks of a run is that run: every trade and every minute of equity, from both sources."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from demo_stack import START_LIMIT_S, DemoStack, demo_stack
from repository import ROOT
from trading_core.backtest.figures import minute
from trading_core.bus import connection
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.config import load
from trading_core.db.times import millis, utc
from trading_core.model import MINUTE_MS
from trading_core.parity.recording import recorded_span
from trading_core.strategy.registry import enabled_strategies
from trading_core.streams import REPLAY
from trading_core.testing import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

MINUTES = 200
BEHIND = 60
"""Minutes a busy recorder may be behind the ledger when both are stopped: what both have is what is compared."""
KINDS = {"market", "book", "signal", "grid", "exec"}
TRADES = """
SELECT * FROM trading_paper.positions WHERE status = 'CLOSED' AND exit_ts < $1 ORDER BY exit_ts, strategy, asset
"""
DECISIONS = """
SELECT ts, strategy, asset, direction, decision, reason FROM trading_paper.decisions WHERE ts < $1
ORDER BY ts, strategy, asset
"""
EQUITY = """
SELECT ts, total_equity, unrealised_pnl, realised_pnl, open_costs, open_positions FROM trading_paper.mark_to_market
WHERE ts < $1 ORDER BY ts
"""
TRADE = (
    "strategy", "asset", "direction", "exit_reason", "confidence", "suspect", "entry_time", "exit_time", "quantity",
    "stake", "entry_ref", "entry_price", "exit_ref", "exit_price", "gross_pnl", "fees", "funding_pnl",
    "slippage_cost", "realised_pnl",
)  # fmt: skip


async def minutes_marked(stack: DemoStack) -> int:
    """How many minutes of equity the ledger holds; 0 as long as there is none to ask."""
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(f"{stack.address}/api/equity-curve")
        return int(answer.json()["rows"]) if answer.status_code == 200 else 0
    except httpx.HTTPError:
        return 0


async def recorded(stack: DemoStack) -> None:
    """A fault-free run of `MINUTES` grid points and some, stopped."""
    stack.start()
    await eventually(stack.is_up, timeout=START_LIMIT_S)

    async def reached() -> bool:
        return stack.is_up() and await minutes_marked(stack) >= MINUTES + BEHIND

    await eventually(reached, timeout=180)
    assert stack.stop() == 0, stack.said()


async def backtest(variables: Mapping[str, str], source: str, first_ms: int, last_ms: int, file: Path) -> Any:
    words = [word for loaded in enabled_strategies(load()) for word in ("--strategy", loaded.name)]
    words += ["--from", minute(first_ms), "--to", minute(last_ms), "--source", source, "--json", str(file)]
    await command(variables, "backtest", words)
    return json.loads(await asyncio.to_thread(file.read_bytes))


async def command(variables: Mapping[str, str], name: str, words: Sequence[str]) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "trading_core", name, *words],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


async def test_a_tick_backtest_of_a_recorded_run_is_that_run(tmp_path: Path) -> None:
    with demo_stack(speed=900) as stack:
        await recorded(stack)
        with stack.data(nats=True) as variables:
            db = await asyncpg.connect(variables["TRADING_DATABASE__URL"])
            try:
                span = await recorded_span(db, "default", ["hyperliquid"], [])
                live = [await db.fetch(query, utc(span.last_ms)) for query in (TRADES, DECISIONS, EQUITY)]
            finally:
                await db.close()
            trades, decisions, equity = live
            assert len(equity) >= MINUTES
            assert len(trades) > 1
            files = {source: tmp_path / f"{source}.json" for source in ("postgres", "jetstream")}
            found = {
                source: await backtest(variables, source, span.first_ms, span.last_ms, file)
                for source, file in files.items()
            }
            middle_ms = span.first_ms + MINUTES // 2 * MINUTE_MS
            replays = [
                await replay(variables, source, middle_ms, middle_ms + 30 * MINUTE_MS) for source in reversed(files)
            ]
        result = found["postgres"]
        assert (result["summary"]["fidelity"], result["summary"]["missing_minutes"]) == ("tick", 0)
        closed = [trade for trade in result["trades"] if trade["exit_time"] < span.last_ms]
        closed.sort(key=lambda trade: (trade["exit_time"], trade["strategy"], trade["asset"]))
        assert [plain(trade, TRADE) for trade in closed] == [plain(as_reported(row), TRADE) for row in trades]
        said = ("time", "strategy", "asset", "direction", "decision", "reason")
        assert [plain(row, said) for row in result["decisions"]] == [plain(as_reported(row), said) for row in decisions]
        assert [list(map(number, row)) for row in result["equity"]["rows"][:-1]] == [
            list(map(number, (millis(row["ts"]), *list(row)[1:]))) for row in equity
        ]
        for report in found.values():
            report["config"].pop("source")
        assert found["jetstream"] == found["postgres"]
        streams, tables = replays
        assert len(streams) > 30 * len(KINDS)
        assert {subject.split(".")[1] for subject, _ in streams} == KINDS
        assert sorted(tables) == sorted(streams), "the tables hold the bytes of the streams"


async def replay(variables: Mapping[str, str], source: str, from_ms: int, to_ms: int) -> list[tuple[str, bytes]]:
    """What REPLAY holds afterwards."""
    words = ["--from", minute(from_ms), "--to", minute(to_ms), "--speed", "max", "--source", source]
    await command(variables, "replay", words)
    bus = await connection.reach(variables["TRADING_NATS__URL"], name="test/1")
    found: list[tuple[str, bytes]] = []
    reader = OrderedPull(bus, REPLAY, (), Start.all())
    async for batch in reader.batches():
        found += [(delivered.subject, delivered.data) for delivered in batch]
        if reader.caught_up:
            break
    await bus.close()
    return found


def as_reported(row: asyncpg.Record) -> dict[str, Any]:
    """A row of the ledger under the names of the report."""
    names = {"entry_ts": "entry_time", "exit_ts": "exit_time", "ts": "time"}
    return {names.get(name, name): millis(value) if name in names else value for name, value in row.items()}


def plain(row: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    return [number(row[name]) for name in columns]


def number(value: Any) -> Any:
    """NUMERIC may drop or add trailing zeros, and a report holds decimals as text."""
    try:
        return Decimal(value).normalize() if isinstance(value, str | Decimal) else value
    except InvalidOperation:
        return value

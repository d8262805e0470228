"""A small believable data set: `python services/api/tests/seed.py URL` fills a migrated database with three days.

Prices are a seeded random walk, so a test can count on every number; nothing here pretends to be a market.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import asyncpg

START = datetime(2025, 3, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INITIAL = Decimal(10_000)
MICRO = Decimal("0.000001")
FEE = Decimal("0.0005")
PRICES = {"BTC": 84_250.0, "ETH": 2_120.0, "SOL": 139.0}
STRATEGIES = {
    "rsi_mean_reversion": ("RSIMeanReversion", "5m"),
    "funding_arb": ("FundingArb", "1m"),
    "momentum_breakout": ("MomentumBreakout", "15m"),
}
# How often an entry happens to face the right way: enough to tell winners from losers on the page.
RIGHT = {"rsi_mean_reversion": 0.76, "funding_arb": 0.66, "momentum_breakout": 0.52}
INPUTS = {"rsi": 27.4, "trend": "down", "seen": {"candle_close_ms": 0}}
GOOD_ENDS = ("take_profit", "timeout", "signal")
BAD_ENDS = ("stop_loss", "timeout", "signal")


@dataclass
class Seeded:
    """What was inserted, for a test to compare with."""

    minutes: int
    positions: list[dict[str, Any]] = field(default_factory=list)
    equity: list[Decimal] = field(default_factory=list)
    closes: dict[str, list[float]] = field(default_factory=dict)

    def closed(self, strategy: str) -> list[dict[str, Any]]:
        return [row for row in self.positions if row["strategy"] == strategy and row["status"] == "CLOSED"]


def usd(amount: Decimal) -> Decimal:
    return amount.quantize(MICRO, ROUND_HALF_EVEN)


def ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def walk(rng: random.Random, first: float, minutes: int) -> list[tuple[float, ...]]:
    """Open, high, low, close, volume of each minute."""
    digits = 1 if first > 10_000 else 2 if first > 1_000 else 3
    candles, price = [], first
    for _ in range(minutes):
        close = price * (1 + rng.gauss(0, 0.0011))
        high = max(price, close) * (1 + abs(rng.gauss(0, 0.0004)))
        low = min(price, close) * (1 - abs(rng.gauss(0, 0.0004)))
        numbers = [round(value, digits) for value in (price, high, low, close)]
        candles.append((*numbers, round(rng.uniform(2, 60), 3)))
        price = numbers[3]
    return candles


async def seed(url: str, *, days: int = 3, seed_number: int = 7) -> Seeded:
    rng = random.Random(seed_number)
    minutes = days * 1_440 - 300
    seeded = Seeded(minutes)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("INSERT INTO trading_paper.portfolio (name) VALUES ('default')")
        await _candles(connection, rng, seeded)
        for name, (class_name, interval) in STRATEGIES.items():
            await connection.execute(
                "INSERT INTO trading_paper.strategies (name, class_name, interval, assets, exchanges, docs) "
                "VALUES ($1, $2, $3, $4, $5, '')",
                name, class_name, interval, list(PRICES), ["hyperliquid"],
            )  # fmt: skip
            for asset in PRICES:
                await _trades(connection, rng, seeded, name, asset)
        await _marks(connection, seeded)
        await _services(connection, seeded)
    finally:
        await connection.close()
    return seeded


async def _candles(connection: Any, rng: random.Random, seeded: Seeded) -> None:
    for asset, first in PRICES.items():
        candles = walk(rng, first, seeded.minutes)
        seeded.closes[asset] = [candle[3] for candle in candles]
        await connection.copy_records_to_table(
            "candles",
            schema_name="trading_market_data",
            columns=[
                "exchange", "asset", "interval", "open_time", "open", "high", "low", "close", "volume", "event_id",
                "visible_ms",
            ],
            records=[
                (
                    "hyperliquid", asset, "1m", START + n * MINUTE, *(Decimal(repr(number)) for number in candle),
                    f"c:hl:{asset}:1m:{ms(START + n * MINUTE)}:0", ms(START + (n + 1) * MINUTE),
                )
                for n, candle in enumerate(candles)
            ],
        )  # fmt: skip


async def _trades(connection: Any, rng: random.Random, seeded: Seeded, strategy: str, asset: str) -> None:
    closes = seeded.closes[asset]
    minute = rng.randrange(20, 160)
    while minute < seeded.minutes - 1:
        hold = rng.randrange(12, 75)
        await _position(connection, rng, seeded, strategy, asset, minute, min(minute + hold, seeded.minutes + 40))
        if rng.random() < 0.5:
            await _signal(connection, strategy, asset, minute + 4, "LONG", closes, "rejected", "already_open")
        minute += hold + rng.randrange(40, 260)


async def _signal(
    connection: Any,
    strategy: str,
    asset: str,
    minute: int,
    direction: str,
    closes: list[float],
    decision: str,
    reason: str | None,
) -> tuple[int, str]:
    """Row id and event id of a signal that the broker has decided."""
    moment = START + minute * MINUTE
    event_id = f"s:{strategy}:hl:{asset}:{ms(moment)}"
    price = Decimal(repr(closes[min(minute, len(closes)) - 1]))
    row_id = await connection.fetchval(
        "INSERT INTO trading_signals.signals (ts, strategy, asset, exchange, direction, confidence, entry_price, "
        "metadata, acted_on, event_id, instrument, payload) "
        "VALUES ($1, $2, $3, 'hyperliquid', $4, 0.72, $5, $8, $6, $7, $3, '{}') RETURNING id",
        moment, strategy, asset, direction, price, decision != "rejected", event_id, json.dumps(INPUTS),
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO trading_paper.decisions (event_id, portfolio_id, signal_event_id, ts, strategy, asset, exchange, "
        "instrument, direction, decision, reason, acted_on, applied_visible_ms, applied_rank, applied_key, body, "
        "position_id) VALUES ($1, 1, $2, $3, $4, $5, 'hyperliquid', $5, $6, $7, $8, $9, $10, 5, '', '{}', $11)",
        f"d:default:{event_id}", event_id, moment, strategy, asset, direction, decision, reason,
        decision != "rejected", ms(moment), f"po:default:{event_id}" if decision == "opened" else None,
    )  # fmt: skip
    return row_id, event_id


async def _position(
    connection: Any, rng: random.Random, seeded: Seeded, strategy: str, asset: str, minute: int, end: int
) -> None:
    closes = seeded.closes[asset]
    rises = closes[min(end, len(closes)) - 1] >= closes[minute - 1]
    direction = "LONG" if rises == (rng.random() < RIGHT[strategy]) else "SHORT"
    sign = 1 if direction == "LONG" else -1
    signal_id, signal_event = await _signal(connection, strategy, asset, minute, direction, closes, "opened", None)
    entry_ref = Decimal(repr(closes[minute - 1]))
    entry = (entry_ref * (1 + sign * FEE)).quantize(Decimal("0.001"))
    quantity = (Decimal(200) / entry).quantize(Decimal("0.00001"))
    entry_fee = usd(quantity * entry * FEE)
    row: dict[str, Any] = {
        "portfolio_id": 1, "strategy": strategy, "asset": asset, "exchange": "hyperliquid", "direction": direction,
        "entry_price": entry, "entry_ts": START + minute * MINUTE, "quantity": quantity, "signal_id": signal_id,
        "event_id": f"po:default:{signal_event}", "instrument": asset, "confidence": 0.72,
        "stake": usd(quantity * entry), "entry_ref": entry_ref, "stop_price": entry * (1 - sign * Decimal("0.02")),
        "target_price": entry * (1 + sign * Decimal("0.04")), "deadline_ts": START + (minute + 60) * MINUTE,
        "fees": entry_fee, "funding_pnl": Decimal(0), "slippage_cost": usd(quantity * abs(entry - entry_ref)),
        "status": "OPEN",
    }  # fmt: skip
    fills = [("entry", "BUY" if sign > 0 else "SELL", row["entry_ts"], entry, entry_ref, entry_fee)]
    if end <= seeded.minutes:
        exit_ref = Decimal(repr(closes[end - 1]))
        exit_price = (exit_ref * (1 - sign * FEE)).quantize(Decimal("0.001"))
        exit_fee = usd(quantity * exit_price * FEE)
        funding = usd(Decimal(rng.choice((-1, 1))) * Decimal("0.0021"))
        gross = usd(sign * quantity * (exit_price - entry))
        reason = rng.choice(GOOD_ENDS if gross > 0 else BAD_ENDS)
        row |= {
            "status": "CLOSED", "exit_price": exit_price, "exit_ref": exit_ref, "exit_ts": START + end * MINUTE,
            "exit_reason": reason, "gross_pnl": gross, "fees": entry_fee + exit_fee, "funding_pnl": funding,
            "realised_pnl": gross - entry_fee - exit_fee + funding,
        }  # fmt: skip
        fills.append((reason, "SELL" if sign > 0 else "BUY", row["exit_ts"], exit_price, exit_ref, exit_fee))
    columns = list(row)
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    await connection.execute(
        f"INSERT INTO trading_paper.positions ({', '.join(columns)}) VALUES ({places})",  # noqa: S608
        *row.values(),
    )
    for number, (purpose, side, moment, price, reference, fee) in enumerate(fills):
        order_id = f"o:default:{signal_event}:open" if number == 0 else f"o:{row['event_id']}:exit"
        await connection.execute(
            "INSERT INTO trading_paper.fills (event_id, portfolio_id, order_id, position_id, ts, strategy, asset, "
            "exchange, side, purpose, quantity, price, reference_price, fee, body) "
            "VALUES ($1, 1, $2, $3, $4, $5, $6, 'hyperliquid', $7, $8, $9, $10, $11, $12, '{}')",
            f"fl:{order_id}:1", order_id, row["event_id"], moment, strategy, asset, side, purpose, quantity, price,
            reference, fee,
        )  # fmt: skip
    seeded.positions.append(row)


async def _marks(connection: Any, seeded: Seeded) -> None:
    """One row per minute: every position's P&L so far, shared out to its strategy and its asset."""
    rows = []
    for minute in range(seeded.minutes + 1):
        moment = START + minute * MINUTE
        strategies = dict.fromkeys(STRATEGIES, Decimal(0))
        assets = dict.fromkeys(PRICES, Decimal(0))
        realised = unrealised = costs = Decimal(0)
        held = 0
        for row in seeded.positions:
            if row["entry_ts"] > moment:
                continue
            if row["status"] == "CLOSED" and row["exit_ts"] <= moment:
                share = row["realised_pnl"]
                realised += share
            else:
                mark = Decimal(repr(seeded.closes[row["asset"]][max(0, minute - 1)]))
                sign = 1 if row["direction"] == "LONG" else -1
                gain = usd(sign * row["quantity"] * (mark - row["entry_price"]))
                entry_fee = usd(row["quantity"] * row["entry_price"] * FEE)
                share = gain - entry_fee
                unrealised += gain
                costs -= entry_fee
                held += 1
            strategies[row["strategy"]] += share
            assets[row["asset"]] += share
        equity = INITIAL + realised + unrealised + costs
        seeded.equity.append(equity)
        parts = {"strategies": strategies, "assets": assets}
        text = json.dumps(parts, default=str)
        rows.append((1, moment, equity, unrealised, realised, costs, held, text))
    await connection.executemany(
        "INSERT INTO trading_paper.mark_to_market (portfolio_id, ts, total_equity, unrealised_pnl, realised_pnl, "
        "open_costs, open_positions, breakdown) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        rows,
    )


async def _services(connection: Any, seeded: Seeded) -> None:
    """Heartbeats of now, and one strategy that has failed at the end of the data."""
    end = START + seeded.minutes * MINUTE
    for service in ("collector-hl", "recorder", "strategy-runner", "paper-broker", "venue-sim"):
        await connection.execute(
            "INSERT INTO trading_ops.heartbeats VALUES "
            "($1, '1', now() + interval '10 minutes', now() - interval '2 hours', 'ok', $2, '{}')",
            service, end,
        )  # fmt: skip
    body = {
        "strategy": "momentum_breakout",
        "traceback": 'Traceback (most recent call last):\n  File "strategy.py", line 41, in evaluate\n'
        "    change = (close[-1] - close[-window]) / spread\nZeroDivisionError: float division by zero",
    }
    await connection.execute(
        "INSERT INTO trading_ops.events VALUES ('e:1', $1, 'strategy-runner', 'error', 'error', $2)",
        end, json.dumps(body),
    )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(seed(sys.argv[1]))

"""Tick fidelity: recorded messages through the live objects, from wherever the span begins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Any

import pytest
from backtest_builders import T0, Script, scripted
from market_recording import ASSETS, START, Recording, a_recording

from repository import ROOT
from trading_core.backtest.engine import Run
from trading_core.backtest.history import Gap
from trading_core.backtest.report import report
from trading_core.backtest.ticks import LiveMinutes, run_ticks
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import BrokerConfig, SnapshotConfig, load
from trading_core.errors import StrategyFailed
from trading_core.market.samples import a_candle, a_ctx
from trading_core.market.snapshot import MarketSnapshot
from trading_core.messages import MarketData
from trading_core.model import MINUTE_MS, Signal
from trading_core.sequence.timeline import order_of
from trading_core.strategy.base import Strategy
from trading_core.strategy.registry import LoadedStrategy, load_strategies


def minute(number: float) -> int:
    return T0 + int(number * MINUTE_MS)


def btc(minutes: int, marks: dict[float, float], missing: Iterable[int] = ()) -> list[MarketData]:
    """A mark of 100,000 and a candle at each full minute, with other marks in between."""
    found: list[MarketData] = []
    for number in range(1, minutes + 1):
        if number not in missing:
            found.append(a_candle(minute(number - 1), 100_000))
        found.append(a_ctx(minute(number), marks.get(number, 100_000)))
    found += [a_ctx(minute(at), price) for at, price in marks.items() if at != int(at)]
    return in_order(found)


def in_order(messages: Iterable[MarketData]) -> list[MarketData]:
    return sorted(messages, key=order_of)


async def ticks(
    market: Iterable[MarketData],
    *strategies: LoadedStrategy,
    first: int,
    last: int,
    assets: tuple[str, ...] = ("BTC",),
    **broker: Any,
) -> Run:
    rules = rule_book(BrokerConfig(**broker), {s.name: s.rules for s in strategies}, DEFAULT_SZ_DECIMALS)
    return await run_ticks(served(market), "memory", strategies, assets, rules, SnapshotConfig(), first, last)


async def served(market: Iterable[MarketData]) -> AsyncIterator[MarketData]:
    for message in market:
        yield message


def saying(script: Script) -> LoadedStrategy:
    return scripted(script, assets=("BTC",))


async def test_a_mark_between_two_minutes_stops_a_position_out_at_its_own_price_and_time() -> None:
    market = btc(6, {3.25: 97_000, 3.5: 99_000})
    run = await ticks(market, saying({(2, "BTC"): ("LONG", 0.9)}), first=minute(1), last=minute(5))
    [trade] = run.trades
    # Entry 100,000 x 1.0005; stop 98,049. Exit 97,000 x 0.9995 = 96,951.5, a SELL rounds down.
    assert (trade.entry_ms, trade.entry_price) == (minute(2), Decimal("100050"))
    assert (trade.exit_ms, trade.exit_reason, trade.exit_price) == (minute(3.25), "stop_loss", Decimal("96951"))
    # 200 USD buy 0.00199; gross 0.00199 x -3,099; fees 0.099550 + 0.096466.
    assert trade.realised_pnl == Decimal("-6.363026")
    assert [row.ts_ms for row in run.equity] == [minute(number) for number in range(1, 6)]
    assert run.equity[-1].total_equity == Decimal("9993.636974")


async def test_what_is_open_at_the_end_is_closed_by_hand_and_nothing_is_evaluated_there() -> None:
    script: Script = {(2, "BTC"): ("LONG", 0.9), (5, "BTC"): ("SHORT", 0.9)}
    run = await ticks(btc(6, {}), saying(script), first=minute(1), last=minute(5))
    assert [(trade.exit_reason, trade.exit_ms) for trade in run.trades] == [("manual", minute(5))]
    assert run.equity[-1].open_positions == 0
    assert run.evaluations == 4
    assert report(run, 252)["summary"]["passes"] == {"alpha:no_signal": 3}


async def test_a_span_from_the_middle_knows_the_candles_before_it_and_holds_nothing() -> None:
    strategies = built_in()
    recording = a_recording(11)
    market = everything(recording)
    first, last = START + 90 * MINUTE_MS, recording.last_ts
    whole = await ticks(market, *strategies, first=START + MINUTE_MS, last=last, assets=tuple(ASSETS))
    part = await ticks(market, *strategies, first=first, last=last, assets=tuple(ASSETS))
    assert all(trade.entry_ms >= first for trade in part.trades)
    said = [(d.ts_ms, d.strategy, d.asset, d.direction) for d in whole.decisions if d.ts_ms >= first]
    assert [(d.ts_ms, d.strategy, d.asset, d.direction) for d in part.decisions] == said
    assert said


async def test_minutes_without_a_candle_that_came_as_it_closed_are_gaps() -> None:
    run = await ticks(btc(6, {}, missing=[3, 4]), saying({}), first=minute(0), last=minute(6))
    assert run.gaps == [Gap("BTC", minute(2), minute(4))]
    summary = report(run, 252)["summary"]
    assert (summary["fidelity"], summary["missing_minutes"]) == ("tick", 2)
    assert "marks and not trades" in summary["notes"][0]


def test_the_coverage_counts_candles_that_came_live() -> None:
    live = LiveMinutes.within(["BTC", "ETH"], minute(0), minute(4))
    for number in range(-1, 5):
        live.see(a_candle(minute(number), backfilled=number == 2))
    assert live.coverage == 3 / 8


async def test_a_strategy_that_raises_ends_the_run() -> None:
    class Raising(Strategy):
        name = "alpha"

        def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
            raise RuntimeError("out of ideas")

    loaded = saying({})
    object.__setattr__(loaded, "instance", Raising())
    with pytest.raises(StrategyFailed, match="out of ideas"):
        await ticks(btc(4, {}), loaded, first=minute(1), last=minute(4))


async def test_an_empty_span_is_refused() -> None:
    with pytest.raises(ValueError, match="an empty span"):
        await ticks([], saying({}), first=minute(2), last=minute(2))


def built_in() -> list[LoadedStrategy]:
    return [s for s in load_strategies(ROOT / "strategies", load(ROOT / "config.yaml")) if s.enabled]


def everything(recording: Recording) -> list[MarketData]:
    return in_order([*recording.backfill, *(message for group in recording.minutes for message in group)])

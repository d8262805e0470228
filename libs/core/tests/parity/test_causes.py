"""What is planted in the history of a run is named with the right cause, and what has none stays unexplained."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from market_recording import START
from parity_run import Run, in_order, settings_with, strategies_and_rules

from repository import ROOT
from trading_core import ids
from trading_core.messages import CandleMessage, CtxMessage, GapMessage, MarketData
from trading_core.model import MINUTE_MS
from trading_core.parity.causes import IdealReport
from trading_core.strategy.registry import load_strategies

OPENED = START + 30 * MINUTE_MS
CLOSED = OPENED + MINUTE_MS
"""The minute of BTC in which everything is planted."""


def is_its_candle(message: MarketData) -> bool:
    return isinstance(message, CandleMessage) and message.asset == "BTC" and message.open_time_ms == OPENED


def is_of_the_minute(message: MarketData) -> bool:
    return message.asset == "BTC" and OPENED < message.event_time_ms <= CLOSED


def a_gap(visible_ms: int, to_ms: int | None) -> GapMessage:
    """The minute is declared missing, and with an end declared over."""
    return GapMessage(
        id=ids.gap("hyperliquid", "BTC", "candle_1m", CLOSED, to_ms), exchange="hyperliquid", asset="BTC",
        event_time_ms=CLOSED, visible_ms=visible_ms, channel="candle_1m", from_ms=CLOSED, to_ms=to_ms,
        state="open" if to_ms is None else "filled",
    )  # fmt: skip


def jumped(market: list[MarketData], open_ms: int) -> list[MarketData]:
    """BTC a fifth higher for a minute that ends a 5m candle: enough for a signal that the run never gave."""
    higher = dict.fromkeys(("open", "high", "low", "close"), "120000")
    return [
        msgspec.structs.replace(m, **higher)
        if isinstance(m, CandleMessage) and (m.asset, m.open_time_ms) == ("BTC", open_ms)
        else m
        for m in market
    ]


def named(report: IdealReport) -> set[str]:
    return {difference.cause for difference in report.differences if difference.root}


def with_another_stake(run: Run) -> None:
    _, run.rules = strategies_and_rules(settings_with(broker={"stake_fraction": "0.03"}))


def with_another_fee(run: Run) -> None:
    exchanges = {"hyperliquid": {"taker_fee": "0.0007"}}
    _, run.rules = strategies_and_rules(settings_with(broker={"exchanges": exchanges}))


def with_another_threshold(run: Run) -> None:
    arb = {"enabled": True, "params": {"threshold": 0.0009}}
    run.strategies, _ = strategies_and_rules(settings_with(strategies={**BOTH, "funding_arb": arb}))


def without_a_strategy(run: Run) -> None:
    run.strategies = [strategy for strategy in run.strategies if strategy.name != "funding_arb"]


def with_one_more_strategy(run: Run) -> None:
    run.strategies, _ = strategies_and_rules(settings_with(strategies={**BOTH, "funding_rate": {"enabled": True}}))


BOTH = {"rsi_mean_reversion": {"enabled": True}, "funding_arb": {"enabled": True}}


@pytest.mark.parametrize(
    "change",
    [with_another_stake, with_another_fee, with_another_threshold, without_a_strategy, with_one_more_strategy],
)
async def test_settings_that_are_not_those_of_the_run_are_named(change: Callable[[Run], None]) -> None:
    live = await Run().live()
    run = Run()
    change(run)
    report = await run.ideal(live)
    assert named(report) == {"config_changed"}
    assert report.unexplained == 0
    recorded = await run.replayed(live)
    assert recorded.differences, "in recorded order that is no excuse"
    assert set(recorded.causes()) <= {"config_changed", "follows"}, "but the place to look"


async def test_a_patched_strategy_is_named(tmp_path: Path) -> None:
    run = Run()
    live = await run.live()
    shutil.copytree(ROOT / "strategies", tmp_path / "strategies")
    file = tmp_path / "strategies" / "funding_arb" / "strategy.py"
    patched = file.read_text().replace("Direction.SHORT", "Direction.LONG")
    assert patched != file.read_text(), "the patch no longer finds its place"
    file.write_text(patched)
    run.strategies = [s for s in load_strategies(tmp_path / "strategies", run.settings) if s.enabled]
    report = await run.ideal(live)
    assert named(report) == {"code_changed"}
    assert report.unexplained == 0
    recorded = await run.replayed(live)
    assert set(recorded.causes()) == {"code_changed"}, "no excuse in recorded order, but the place to look"


@pytest.mark.parametrize("missing", [is_its_candle, is_of_the_minute], ids=["the candle", "all of the minute"])
async def test_a_minute_deleted_from_the_history_is_a_gap(missing: Callable[[MarketData], bool]) -> None:
    run = Run()
    report = await run.ideal(await run.live(), [m for m in run.market if not missing(m)])
    assert named(report) == {"gap"}
    signals = [d for d in report.differences if d.kind == "signals"]
    assert signals[0].ts == CLOSED


async def test_marks_deleted_from_the_history_are_a_gap() -> None:
    run = Run()
    history = [m for m in run.market if not (isinstance(m, CtxMessage) and is_of_the_minute(m))]
    report = await run.ideal(await run.live(), history)
    assert named(report) == {"gap"}


async def test_a_candle_that_live_had_late_and_the_history_has_in_time_is_late_data() -> None:
    run = Run()
    in_time = run.market
    [candle] = [m for m in in_time if is_its_candle(m)]
    back_ms = CLOSED + 7 * MINUTE_MS
    gap = [a_gap(CLOSED, None), a_gap(back_ms, CLOSED)]
    late = msgspec.structs.replace(candle, visible_ms=back_ms, backfilled=True)
    run.market = in_order([late, *gap, *(m for m in in_time if not is_its_candle(m))])
    live = await run.live()
    assert (await run.ideal(live)).differences == [], "as recorded: both have it late"
    report = await run.ideal(live, in_order([*in_time, *gap]))
    assert named(report) == {"late_data"}
    assert report.unexplained == 0


async def test_a_mark_that_live_had_late_and_the_history_has_in_time_is_late_data() -> None:
    run = Run()
    in_time = run.market
    [mark] = [m for m in in_time if isinstance(m, CtxMessage) and m.asset == "BTC" and m.event_time_ms == CLOSED]
    late = msgspec.structs.replace(mark, visible_ms=CLOSED + 5_000)
    run.market = in_order([late, *(m for m in in_time if m is not mark)])
    report = await run.ideal(await run.live(), in_time)
    assert named(report) == {"late_data"}


async def test_a_number_changed_in_the_history_is_unexplained() -> None:
    run = Run()
    report = await run.ideal(await run.live(), jumped(run.market, OPENED + 4 * MINUTE_MS))
    assert "unexplained" in named(report)


async def test_a_hole_that_live_knew_of_excuses_nothing() -> None:
    """The minute was missing live too, and declared. Only what was changed later in the history differs."""
    run = Run()
    gap = [a_gap(CLOSED, None), a_gap(CLOSED + 2 * MINUTE_MS, CLOSED)]
    run.market = in_order([*gap, *(m for m in run.market if not is_its_candle(m))])
    live = await run.live()
    assert (await run.ideal(live)).differences == []
    history = jumped(run.market, OPENED + 34 * MINUTE_MS)
    assert "unexplained" in named(await run.ideal(live, history))


async def test_an_evaluation_that_the_recorder_lost_is_unexplained() -> None:
    run = Run()
    live = await run.live()
    point = live.signals[CLOSED]
    point.pop(next(id for id, signal in point.items() if signal.direction == "PASS"))
    assert named(await run.ideal(live)) == {"unexplained"}


async def test_a_fill_that_nothing_accounts_for_is_unexplained() -> None:
    run = Run()
    live = await run.live()
    place = next(n for n, message in enumerate(live.announced) if message.kind == "fill")
    fill = live.announced[place]
    live.announced[place] = msgspec.structs.replace(fill, body={**fill.body, "price": "1"})
    report = await run.ideal(live)
    assert [(d.id, d.cause) for d in report.differences] == [(fill.id, "unexplained")]


async def test_a_signal_that_no_evaluation_made_is_unexplained() -> None:
    """Of a made-up past: it does not say what its strategy had seen."""
    run = Run()
    live = await run.live()
    point = live.signals[CLOSED]
    id, signal = next(iter(point.items()))
    point[id] = msgspec.structs.replace(signal, metadata={"made_up": True})
    report = await run.ideal(live)
    assert [(d.id, d.cause) for d in report.differences] == [(id, "unexplained")]

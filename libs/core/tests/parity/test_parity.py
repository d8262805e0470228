"""A run replayed: nothing differs, and whatever was planted in its recording is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from market_recording import START, a_recording
from parity_run import Run, settings_with, strategies_and_rules

from trading_core import messages
from trading_core.messages import CandleMessage, MarketData
from trading_core.model import MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy


async def test_a_run_replays_without_a_difference_in_either_order() -> None:
    run = Run()
    live = await run.live()
    assert len(live.fills) > 4
    recorded, ideal = await run.replayed(live), await run.ideal(live)
    assert recorded.differences == []
    assert recorded.compared["fills"] == len(live.fills)
    assert ideal.differences == []


@pytest.mark.parametrize("kind", ["decisions", "fills", "funding"])
async def test_a_ledger_row_that_was_touched_is_found(kind: str) -> None:
    run = Run()
    live = await run.live()
    rows: dict[str, str] = getattr(live, kind)
    id, text = next(iter(rows.items()))
    rows[id] = text.replace("0", "1", 1)
    report = await run.replayed(live)
    assert [(d.kind, d.id) for d in report.differences] == [(kind, id)]


async def test_a_ledger_row_too_many_is_found() -> None:
    run = Run()
    live = await run.live()
    live.fills["fl:never:1"] = "{}"
    assert [d.id for d in (await run.replayed(live)).differences] == ["fl:never:1"]


async def test_a_late_signal_replays_in_its_place_and_is_named_as_the_cause_in_ideal_order() -> None:
    run = Run(late_by=3)
    live = await run.live()
    [[signal]] = live.late.values()
    assert (await run.replayed(live)).differences == []
    report = await run.ideal(live)
    roots = [d for d in report.differences if not d.cause.startswith("follows:")]
    assert report.unexplained == 0
    assert (roots[0].id, roots[0].cause) == (f"d:default:{signal.id}", "late_signal")


def without_one_minute(market: list[MarketData]) -> list[MarketData]:
    opened = START + 30 * MINUTE_MS
    return [m for m in market if not (isinstance(m, CandleMessage) and m.asset == "BTC" and m.open_time_ms == opened)]


async def test_a_minute_deleted_from_the_history_is_named_a_gap() -> None:
    run = Run()
    report = await run.ideal(await run.live(), without_one_minute(run.market))
    assert report.unexplained == 0
    signals = [d for d in report.differences if d.kind == "signals"]
    assert {d.cause for d in signals} == {"gap"}
    assert signals[0].ts == START + 31 * MINUTE_MS


def another_code(strategies: list[LoadedStrategy]) -> list[LoadedStrategy]:
    return [replace(s, code_hash="patched") if s.name == "rsi_mean_reversion" else s for s in strategies]


def with_another_stake(run: Run) -> None:
    _, run.rules = strategies_and_rules(settings_with(broker={"stake_fraction": "0.03"}))


def with_another_threshold(run: Run) -> None:
    changed = {
        "rsi_mean_reversion": {"enabled": True},
        "funding_arb": {"enabled": True, "params": {"threshold": 0.0009}},
    }
    run.strategies, _ = strategies_and_rules(settings_with(strategies=changed))


def with_another_code(run: Run) -> None:
    run.strategies = another_code(run.strategies)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (with_another_stake, "config_changed"),
        (with_another_threshold, "config_changed"),
        (with_another_code, "code_changed"),
    ],
)
async def test_what_was_changed_since_the_run_is_named(change: Callable[[Run], None], cause: str) -> None:
    live = await Run().live()
    run = Run()
    change(run)
    report = await run.ideal(live)
    assert report.differences
    assert set(report.causes()) <= {cause, "follows"}
    assert report.unexplained == 0


def test_messages_are_compared_as_they_are_on_the_wire() -> None:
    """The comparison is of bytes: equal structs encode equally."""
    [first, *_] = a_recording(1).backfill
    assert messages.encode(first) == messages.encode(messages.market_data(messages.encode(first), first.visible_ms))

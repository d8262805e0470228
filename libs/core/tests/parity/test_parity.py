"""A run replayed: nothing differs, and whatever was planted in its recording is found and named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from market_recording import ASSETS, START, Recording, a_recording

from repository import ROOT
from trading_core import messages
from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import Decision, EquityMark, Fill, FundingPayment, PositionState
from trading_core.broker.inputs import Place, Rank
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.config import Settings, load
from trading_core.messages import CandleMessage, MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.parity.ideal import IdealReport, IdealRun
from trading_core.parity.recording import Outputs, Span
from trading_core.parity.replay import Replay, Report
from trading_core.sequence.minute import signal_input
from trading_core.sequence.on_time import feed, grid_points
from trading_core.sequence.sequencer import Sequencer
from trading_core.sequence.shard import GridShard
from trading_core.strategy.registry import LoadedStrategy, load_strategies

Late = dict[str, int]
"""Signal ids that come this many minutes after their grid point was passed."""


class Run:
    """Settings, market data and what a live run over them leaves behind."""

    def __init__(self, seed: int = 11, *, late_by: int = 0, **changed: Any) -> None:
        recording = a_recording(seed)
        self.settings = settings_with(**changed)
        self.strategies, self.rules = strategies_and_rules(self.settings)
        self.span = Span("default", 1, START + MINUTE_MS, recording.last_ts)
        self.market = everything(recording)
        self.late_by = late_by

    async def live(self) -> Outputs:
        """What the broker and the runner would have written, in memory."""
        shards = [
            GridShard("hyperliquid", a, self.strategies, self.span.first_ms, self.settings.snapshot) for a in ASSETS
        ]
        sequencer = Sequencer(
            exchanges=["hyperliquid"], shards=[("hyperliquid", a) for a in ASSETS], start=self.span.first_ms - MINUTE_MS
        )
        book, found = new_book(self.rules), Outputs()
        waiting: list[tuple[int, SignalMessage]] = []
        first_ms, last_ms = self.span.first_ms, self.span.last_ms
        async for ts in grid_points(first_ms, last_ms, served(self.market), lambda m: feed(m, shards, sequencer)):
            for signal in (s for shard in shards for s in shard.evaluate_next().signals):
                found.signals.setdefault(ts, {})[signal.id] = signal
                if signal.direction != "PASS" and self.late_by and not waiting and not found.late:
                    waiting.append((ts + self.late_by * MINUTE_MS, signal))
                elif signal.direction != "PASS":
                    sequencer.add_signal(signal)
            steps = [(place, step) for place, step in sequencer.pass_recorded({}).steps]
            if waiting and waiting[0][0] == ts:
                place, signal = Place(ts, Rank.EQUITY, ""), waiting.pop()[1]
                found.late[place] = [signal]
                steps.append((place, signal_input(signal, place, late=True)))
            for place, step in steps:
                for event in apply(book, self.rules, step):
                    keep(found, event)
                sequencer.advance(place)
        return found

    async def replayed(self, live: Outputs, market: list[MarketData] | None = None) -> Report:
        replay = Replay(self.span, live, *self._given())
        return await replay.run(served(self.market if market is None else market), lambda _: None)

    async def ideal(self, live: Outputs, market: list[MarketData] | None = None) -> IdealReport:
        run = IdealRun(self.span, live, *self._given())
        return await run.run(served(self.market if market is None else market), lambda _: None)

    def _given(self) -> tuple[list[LoadedStrategy], tuple[str, ...], list[str], RuleBook, Any]:
        return self.strategies, tuple(ASSETS), ["hyperliquid"], self.rules, self.settings.snapshot


def settings_with(**changed: Any) -> Settings:
    return load(ROOT / "config.yaml", **changed)


def strategies_and_rules(settings: Settings) -> tuple[list[LoadedStrategy], RuleBook]:
    strategies = [s for s in load_strategies(ROOT / "strategies", settings) if s.enabled]
    return strategies, rule_book(settings.broker, {s.name: s.rules for s in strategies}, DEFAULT_SZ_DECIMALS)


def everything(recording: Recording) -> list[MarketData]:
    found = [*recording.backfill, *(message for minute in recording.minutes for message in minute)]
    return sorted(found, key=lambda m: (m.visible_ms, m.asset, m.event_time_ms, m.id))


async def served(market: list[MarketData]) -> AsyncIterator[MarketData]:
    for message in market:
        yield message


def keep(found: Outputs, event: Any) -> None:
    """As the ledger and the recorder keep it."""
    found.announced.append(announcement(event, "default", len(found.announced) + 1))
    body = msgspec.json.encode(event).decode()
    match event:
        case Decision():
            found.decisions[event.event_id] = body
        case Fill():
            found.fills[event.event_id] = body
        case FundingPayment():
            found.funding[event.event_id] = body
        case EquityMark():
            found.equity[event.ts_ms] = {
                "total_equity": event.total_equity, "unrealised_pnl": event.unrealised, "realised_pnl": event.realised,
                "open_costs": event.open_costs, "open_positions": event.open_positions,
            }  # fmt: skip
        case PositionState():
            row = {name: getattr(event, name) for name in event.__struct_fields__}
            found.positions[event.position_id] = row


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

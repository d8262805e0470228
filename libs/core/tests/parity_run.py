"""A live run over made-up market data, in memory: what runner, broker and recorder would have left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from market_recording import ASSETS, START, Recording, a_recording

from repository import ROOT
from trading_core.broker import book as books
from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import Decision, EquityMark, Event, Fill, FundingPayment, PositionState
from trading_core.broker.inputs import Command, Place, Rank
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.config import Settings, load
from trading_core.messages import MarketData, SignalMessage
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.parity.causes import IdealReport
from trading_core.parity.ideal import IdealRun
from trading_core.parity.recording import Outputs, Span
from trading_core.parity.replay import Replay, Report
from trading_core.parity.start import Start, fresh
from trading_core.sequence.checkpoint import Checkpoint
from trading_core.sequence.minute import signal_input
from trading_core.sequence.on_time import Stage, grid_points
from trading_core.strategy.registry import LoadedStrategy, load_strategies

MIDNIGHT = START + DAY_MS
EVENING = MIDNIGHT - 90 * MINUTE_MS
"""A run of 180 minutes from here on has half of them on the next day."""


@dataclass
class Part:
    """One UTC day of the run, or what of it there is: what it left and what was known before it."""

    span: Span
    live: Outputs
    start: Start


class Run:
    """Settings, market data and a live run over them, cut at midnight.

    `late_by`: the first LONG or SHORT at or after `late_from` is stored this many minutes after its grid point.
    `skips`: grid points passed without the exchange, with its watermark then.
    `paused_at`: the grid point after which a person pauses every strategy.
    """

    def __init__(
        self, seed: int = 11, start: int = START, *, late_by: int = 0, late_from: int = 0,
        skips: dict[int, int] | None = None, paused_at: int = 0, **changed: Any,
    ) -> None:  # fmt: skip
        self.recording = a_recording(seed, start)
        self.settings = settings_with(**changed)
        self.strategies, self.rules = strategies_and_rules(self.settings)
        self.span = Span("default", 1, start + MINUTE_MS, self.recording.last_ts)
        self.market = everything(self.recording)
        self._late_by, self._late_from = late_by, late_from
        self._skips = skips or {}
        self._paused_at = paused_at

    async def live(self) -> Outputs:
        """What a run within one day leaves."""
        [part] = await self.parts()
        return part.live

    async def parts(self) -> list[Part]:
        stage = Stage(self.strategies, list(ASSETS), ["hyperliquid"], self.span.first_ms, self.settings.snapshot)
        book = new_book(self.rules)
        part = Part(self.span, Outputs(), fresh(self.span.first_ms))
        done: list[Part] = []
        held_back: dict[int, SignalMessage] = {}
        outbox_id = 0
        async for ts in grid_points(self.span.first_ms, self.span.last_ms, served(self.market), stage.take):
            if ts % DAY_MS == 0:
                kept = Checkpoint(stage.sequencer.resume(), book, {})
                part.live.ended_with = replace(kept, book=books.load(books.dump(book)))
                done.append(replace(part, span=replace(part.span, last_ms=ts - MINUTE_MS)))
                known = [m for m in self.market if m.visible_ms < ts]
                newest = newest_of(part.live)
                part = Part(
                    replace(self.span, first_ms=ts), Outputs(), Start(kept.resume, books.dump(book), known, newest)
                )
            for signal in (s for shard in stage.shards for s in shard.evaluate_next().signals):
                part.live.signals.setdefault(ts, {})[signal.id] = signal
                if signal.direction == "PASS":
                    continue
                if self._late_by and ts >= self._late_from and not held_back:
                    held_back[ts + self._late_by * MINUTE_MS] = signal
                    part.live.late_ids.add(signal.id)
                else:
                    stage.sequencer.add_signal(signal)
            if ts in self._skips:
                part.live.skips[ts] = {"hyperliquid": self._skips[ts]}
            steps = list(stage.sequencer.pass_recorded(part.live.skips.get(ts, {})).steps)
            if ts in held_back:
                place, signal = Place(ts, Rank.EQUITY, ""), held_back[ts]
                part.live.late[place] = [signal]
                part.live.late_ids.add(signal.id)
                steps.append((place, signal_input(signal, place, late=True)))
            if ts == self._paused_at:
                place = Place(ts, Rank.EQUITY, "")
                pause = Command(
                    request_id="p1", verb="pause", who="ann", why="a test", place=place,
                    strategies=tuple(strategy.name for strategy in self.strategies),
                )  # fmt: skip
                part.live.late.setdefault(place, []).append(pause)
                steps.append((place, pause))
            for place, step in steps:
                for event in apply(book, self.rules, step):
                    outbox_id += 1
                    keep(part.live, event, outbox_id)
                stage.sequencer.advance(place)
        return [*done, part]

    async def replayed(self, live: Outputs, market: list[MarketData] | None = None, part: Part | None = None) -> Report:
        span, start = (part.span, part.start) if part else (self.span, None)
        replay = Replay(span, live, *self.given(), start)
        return await replay.run(served(self.market_of(span, market)), lambda _: None)

    async def ideal(
        self, live: Outputs, market: list[MarketData] | None = None, part: Part | None = None
    ) -> IdealReport:
        span, start = (part.span, part.start) if part else (self.span, None)
        run = IdealRun(span, live, *self.given(), start)
        return await run.run(served(self.market_of(span, market)), lambda _: None)

    def market_of(self, span: Span, market: list[MarketData] | None) -> list[MarketData]:
        """Of a later day only what was not applied before; two minutes more, as a resuming runner reads them too."""
        found = self.market if market is None else market
        return found if span.first_ms == self.span.first_ms else [
            m for m in found if m.visible_ms > span.first_ms - 3 * MINUTE_MS
        ]  # fmt: skip

    def given(self) -> tuple[list[LoadedStrategy], tuple[str, ...], list[str], RuleBook, Any]:
        return self.strategies, tuple(ASSETS), ["hyperliquid"], self.rules, self.settings.snapshot


def settings_with(**changed: Any) -> Settings:
    return load(ROOT / "config.yaml", **changed)


def strategies_and_rules(settings: Settings) -> tuple[list[LoadedStrategy], RuleBook]:
    strategies = [s for s in load_strategies(ROOT / "strategies", settings) if s.enabled]
    return strategies, rule_book(settings.broker, {s.name: s.rules for s in strategies}, DEFAULT_SZ_DECIMALS)


def everything(recording: Recording) -> list[MarketData]:
    found = [*recording.backfill, *(message for minute in recording.minutes for message in minute)]
    return in_order(found)


def in_order(market: list[MarketData]) -> list[MarketData]:
    return sorted(market, key=lambda m: (m.visible_ms, m.asset, m.event_time_ms, m.id))


async def served(market: list[MarketData]) -> AsyncIterator[MarketData]:
    for message in market:
        yield message


def newest_of(live: Outputs) -> list[SignalMessage]:
    """The last evaluation of each strategy and asset."""
    newest = {(s.strategy, s.asset): s for ts in sorted(live.signals) for s in live.signals[ts].values()}
    return list(newest.values())


def keep(found: Outputs, event: Event, outbox_id: int) -> None:
    """As the ledger and the recorder keep it."""
    message = announcement(event, "default", outbox_id)
    found.announced.append(msgspec.json.decode(msgspec.json.encode(message), type=type(message)))
    body = msgspec.json.encode(event).decode()
    match event:
        case Decision():
            found.decisions[event.event_id] = body
            rules = (event.strategy, event.exchange, found.announced[-1].body["rules"])
            if rules not in found.rules:
                found.rules.append(rules)
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

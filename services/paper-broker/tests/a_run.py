"""A made-up hour of marks, signals and grid messages, and what the pure core says to it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from message_builders import a_grid, a_mark, a_signal, a_watermark

from repository import ROOT
from trading_core import messages, streams
from trading_core.broker.announce import announcement
from trading_core.broker.apply import apply
from trading_core.broker.book import new_book
from trading_core.broker.events import Event
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WindowPublisher
from trading_core.config import load
from trading_core.messages import CtxMessage, GridMessage, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.sequencer import Sequencer
from trading_core.strategy.registry import load_strategies

ASSETS = {"BTC": 100_000.0, "ETH": 4_000.0, "SOL": 150.0}
STRATEGIES = ("funding_arb", "rsi_mean_reversion")
START = 1_759_968_000_000
"""2025-10-09 00:00 UTC."""
PORTFOLIO = "default"


@dataclass(frozen=True)
class Hour:
    """What the streams carry: marks every 20 s, at each full minute after `start` a signal or PASS per strategy
    and asset."""

    marks: list[CtxMessage]
    signals: list[SignalMessage]
    grids: list[GridMessage]
    minutes: int
    start: int = START

    def core(self, only: str | None = None) -> Core:
        """The pure core at the beginning of this hour, told all of it. `only`: the ledger of that strategy alone."""
        core = Core(self.start)
        if only is not None:
            core.rules = core.rules.alone(only)
            core.book = new_book(core.rules)
        for mark in self.marks:
            core.sequencer.add_market("MARKET", mark)
        for signal in self.signals:
            if signal.direction != "PASS" and core.rules.takes(signal.strategy):
                core.sequencer.add_signal(signal)
        return core


class Core:
    """Book, rules and sequencer as the broker has them."""

    def __init__(self, start: int) -> None:
        settings = load(ROOT / "config.yaml")
        strategies = [s for s in load_strategies(ROOT / settings.runner.strategies_dir, settings) if s.enabled]
        assert {strategy.name for strategy in strategies} == set(STRATEGIES), "config.yaml enables other strategies now"
        self.rules = rule_book(settings.broker, {s.name: s.rules for s in strategies}, DEFAULT_SZ_DECIMALS)
        self.book = new_book(self.rules)
        shards = [("hyperliquid", asset) for asset in ASSETS]
        self.sequencer = Sequencer(exchanges=["hyperliquid"], shards=shards, start=start)

    def pass_minute(self) -> list[Event]:
        """All that the next grid point causes."""
        found: list[Event] = []
        for place, step in self.sequencer.pass_recorded({}).steps:
            found += apply(self.book, self.rules, step)
            self.sequencer.advance(place)
        return found


def an_hour(seed: int, minutes: int = 60, start: int = START) -> Hour:
    chance = random.Random(seed)
    prices = dict(ASSETS)
    marks, signals, grids = [], [], []
    for second in range(0, minutes * 60 + 1, 20):
        for asset in ASSETS:
            prices[asset] *= 1 + chance.gauss(0, 0.003)
            marks.append(a_mark(start + second * 1000, f"{prices[asset]:.5g}", asset=asset))
    for minute in range(1, minutes + 1):
        ts = start + minute * MINUTE_MS
        for asset in ASSETS:
            for strategy in STRATEGIES:
                direction = chance.choice(["LONG", "SHORT", "CLOSE", "PASS", "PASS", "PASS"])
                signals.append(a_signal(ts, direction, strategy=strategy, asset=asset, price=f"{prices[asset]:.5g}"))
            grids.append(a_grid(ts, len(STRATEGIES), asset=asset))
    return Hour(marks, signals, grids, minutes, start)


def said_by_the_core(hour: Hour, only: str | None = None) -> list[str]:
    """The messages that must be on EXEC, in order, without their outbox ids."""
    core = hour.core(only)
    events = [event for _ in range(hour.minutes) for event in core.pass_minute()]
    return [messages.encode(announcement(event, core.rules.portfolio)).decode() for event in events]


async def publish(bus: Bus, hour: Hour, minutes: range) -> None:
    """The collector's and the runner's part of these minutes (1 is the first)."""
    publisher = WindowPublisher(bus)
    await publish_by(publisher, hour, minutes)
    await publisher.close()


async def publish_by(publisher: WindowPublisher, hour: Hour, minutes: range) -> None:
    """The same where the server may be killed: what it loses of the last two seconds is for `publisher` to repeat."""
    if 1 in minutes:
        await _reach(publisher, hour.start)
    for minute in minutes:
        ts = hour.start + minute * MINUTE_MS
        for mark in hour.marks:
            if ts - MINUTE_MS < mark.event_time_ms <= ts:
                await publisher.send(streams.market_subject(mark), mark)
        await publisher.barrier()
        await _reach(publisher, ts)
        for signal in hour.signals:
            if signal.ts == ts:
                subject = streams.signal_subject(signal.strategy, signal.exchange, signal.asset)
                await publisher.send(subject, signal)
        await publisher.barrier()
        for grid in hour.grids:
            if grid.ts == ts:
                await publisher.send(streams.grid_subject(grid.exchanges, grid.asset), grid)
        await publisher.barrier()


async def _reach(publisher: WindowPublisher, ts: int) -> None:
    for stream in (streams.MARKET, streams.BOOK):
        await publisher.send(streams.watermark_subject(stream, "hyperliquid"), a_watermark(ts, stream=stream.name))
    await publisher.barrier()

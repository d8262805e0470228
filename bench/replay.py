"""Section `replay`: a recorded MARKET stream through strategies to fills, beside only receiving it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import nats
from nats.aio.msg import Msg

from bench.rows import Row, rates
from bench.servers import Servers
from bench.trades import purge
from collector_hl import outgoing
from collector_hl.parse import CandleRow, Context, FundingRow
from trading_core import ids
from trading_core.backtest.engine import Run
from trading_core.backtest.jetstream import in_order
from trading_core.backtest.ticks import run_ticks
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WindowPublisher
from trading_core.config import Settings, load
from trading_core.messages import MarketData, WatermarkMessage
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.strategy.registry import LoadedStrategy, enabled_strategies
from trading_core.streams import MARKET, market_subject, watermark_subject
from venue_sim.market import Market
from venue_sim.prints import PER_MINUTE
from venue_sim.sample import load as load_sample

ROOT = Path(__file__).parents[1]
FIRST_MINUTE = 1_560
"""Where the demo starts: by then every strategy has its candles."""
HISTORY_MINUTES = 1_500
RECEIVE_LIMIT_S = 120.0
EVERYTHING = "market.>"


@dataclass(frozen=True)
class Given:
    """The demo's settings and strategies, loaded before anything is measured."""

    settings: Settings
    strategies: list[LoadedStrategy]
    rules: RuleBook

    @classmethod
    def of_the_demo(cls) -> Given:
        settings = load(ROOT / "config.yaml", runner={"strategies_dir": str(ROOT / "strategies")})
        strategies = enabled_strategies(settings)
        rules = rule_book(settings.broker, {s.name: s.rules for s in strategies}, DEFAULT_SZ_DECIMALS)
        return cls(settings, strategies, rules)


async def measure(servers: Servers, *, quick: bool) -> list[Row]:
    """Ours and the bare client in turn, each over all messages of the stream."""
    minutes, repetitions = (1_500, 3) if quick else (10_000, 5)
    market = Market(load_sample(ROOT / "data" / "sample"), shift_ms=0)
    given = Given.of_the_demo()
    bus = await servers.bus()
    try:
        await purge(bus)
        count = await publish(bus, market, minutes)
        first_ms = market.first_ms + (FIRST_MINUTE + 1) * MINUTE_MS
        ours, bare = [], []
        for _ in range(repetitions):
            began = time.perf_counter()
            run = await replayed(bus, given, first_ms, first_ms + (minutes - 1) * MINUTE_MS)
            ours.append(count / (time.perf_counter() - began))
            bare.append(count / await received(servers, count))
    finally:
        await bus.close()
    if not run.trades or run.gaps:
        raise RuntimeError(f"{len(run.trades)} trades and {len(run.gaps)} gaps in the replay: it measures nothing")
    note = f"{count} messages, {run.evaluations} evaluations, {len(run.decisions)} decisions, {len(run.trades)} trades"
    limit = "nats-py ordered consumer: the same messages, only counted"
    return [Row("replay", "JetStream → strategies → fills", "msgs/s", rates(ours), limit, rates(bare), note)]


async def publish(bus: Bus, market: Market, minutes: int) -> int:
    """What the collector publishes of so many minutes of the demo that strategies and broker decide upon."""
    publisher = WindowPublisher(bus)
    count = 0
    for message in demo_messages(market, minutes):
        if isinstance(message, WatermarkMessage):
            await publisher.send(watermark_subject(MARKET, message.exchange), message)
        else:
            await publisher.send(market_subject(message), message)
        count += 1
    await publisher.barrier()
    await publisher.close()
    return count


def demo_messages(market: Market, minutes: int) -> Iterator[MarketData | WatermarkMessage]:
    """Marks, candles, funding and a watermark for each minute, in the order of a collector; a day of candles before."""
    for minute in range(FIRST_MINUTE - HISTORY_MINUTES, FIRST_MINUTE):
        for coin in market.coins:
            yield _candle(market, coin, minute, backfilled=True)
    for minute in range(FIRST_MINUTE, FIRST_MINUTE + minutes):
        for p in range(minute * PER_MINUTE, (minute + 1) * PER_MINUTE):
            at_ms = market.time_ms(p)
            for coin in market.coins:
                context = msgspec.convert(market.ctx(coin, p), Context)
                yield outgoing.ctx(coin, context, at_ms, at_ms, at_ms + 40)
        closed_ms = market.first_ms + (minute + 1) * MINUTE_MS
        for coin in market.coins:
            yield _candle(market, coin, minute, backfilled=False)
            if closed_ms % HOUR_MS == MINUTE_MS:
                for row in market.funding(coin, closed_ms, closed_ms - HOUR_MS, None):
                    yield outgoing.funding(msgspec.convert(row, FundingRow), closed_ms, closed_ms + 40)
        mark = ids.watermark(outgoing.EXCHANGE, closed_ms, MARKET.name)
        yield WatermarkMessage(id=mark, exchange=outgoing.EXCHANGE, watermark_ms=closed_ms)


def _candle(market: Market, coin: str, minute: int, *, backfilled: bool) -> MarketData:
    row = market.candle(coin, "1m", (minute + 1) * PER_MINUTE - 1)
    assert row is not None
    candle = msgspec.convert(row, CandleRow)
    return outgoing.candle(candle, candle.close_ms, candle.close_ms + 40, backfilled=backfilled)


async def replayed(bus: Bus, given: Given, from_ms: int, to_ms: int) -> Run:
    """The tick backtest of the demo's strategies, from the stream to the last fill."""
    assets = given.settings.assets
    return await run_ticks(
        in_order(bus, assets, to_ms), "jetstream", given.strategies, assets, given.rules, given.settings.snapshot,
        from_ms, to_ms,
    )  # fmt: skip


async def received(servers: Servers, count: int) -> float:
    """Seconds until nats-py's ordered consumer has handed over every message of the stream.

    Without limits on its queue: with the defaults it loses messages when they come faster than they are taken.
    """
    seen = 0
    done = asyncio.Event()

    async def count_one(_message: Msg) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            done.set()

    client = await nats.connect(servers.nats_url)
    try:
        began = time.perf_counter()
        await client.jetstream().subscribe(
            EVERYTHING, cb=count_one, ordered_consumer=True, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        async with asyncio.timeout(RECEIVE_LIMIT_S):
            await done.wait()
        return time.perf_counter() - began
    finally:
        await client.close()

"""What runner tests publish and read: a made-up recording in, signals, grid messages and events out."""

from __future__ import annotations

from market_recording import ASSETS, LIVE, START, Recording
from message_builders import a_watermark

from repository import ROOT
from trading_core import messages, streams
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.publisher import WindowPublisher
from trading_core.config import load
from trading_core.messages import GridMessage, HeartbeatMessage, OpsMessage, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.shard import GridShard
from trading_core.strategy.registry import LoadedStrategy, load_strategies
from trading_core.testing import eventually


def enabled() -> list[LoadedStrategy]:
    """Those that config.yaml enables."""
    settings = load(ROOT / "config.yaml")
    return [s for s in load_strategies(ROOT / settings.runner.strategies_dir, settings) if s.enabled]


def said_by_the_core(recording: Recording, strategies: list[LoadedStrategy]) -> dict[str, str]:
    """Every signal and grid message by id, from shards that saw everything and never stopped."""
    settings = load(ROOT / "config.yaml")
    said: dict[str, str] = {}
    for asset in ASSETS:
        shard = GridShard("hyperliquid", asset, strategies, START + MINUTE_MS, settings.snapshot)
        for message in [*recording.backfill, *(m for minute in recording.minutes for m in minute)]:
            shard.add("MARKET", message)
        for _ in recording.minutes:
            result = shard.evaluate_next()
            said |= {m.id: messages.encode(m).decode() for m in [*result.signals, result.grid]}
    return said


async def publish(bus: Bus, recording: Recording, first: int = 0, end: int | None = None) -> None:
    """The minutes `first` to `end` (excluded) of it; before minute 0 comes the backfill with the first watermark."""
    publisher = WindowPublisher(bus)
    if first == 0:
        for message in recording.backfill:
            await publisher.send(streams.market_subject(message), message)
        await publisher.barrier()
        await _watermark(publisher, START)
    for number, minute in enumerate(recording.minutes[first:end], start=first + 1):
        for message in minute:
            await publisher.send(streams.market_subject(message), message)
        await publisher.barrier()
        await _watermark(publisher, START + number * MINUTE_MS)
    await publisher.close()


async def _watermark(publisher: WindowPublisher, at_ms: int) -> None:
    for stream in (streams.MARKET, streams.BOOK):
        mark = a_watermark(at_ms, stream=stream.name)
        await publisher.send(streams.watermark_subject(stream, "hyperliquid"), mark)
    await publisher.barrier()


async def on_signals(bus: Bus) -> list[SignalMessage | GridMessage]:
    found: list[SignalMessage | GridMessage] = []
    reader = OrderedPull(bus, streams.SIGNALS, ["signal.>", "grid.>"], Start.all())
    async for batch in reader.batches():
        for delivered in batch:
            message = messages.decode(delivered.data)
            assert isinstance(message, SignalMessage | GridMessage)
            found.append(message)
        if not batch or reader.caught_up:
            break
    await reader.close()
    return found


async def all_of(bus: Bus, recording: Recording, minutes: int = LIVE) -> list[SignalMessage | GridMessage]:
    """Everything said, once every asset has evaluated the grid point after so many minutes."""

    async def whole() -> list[SignalMessage | GridMessage] | None:
        found = await on_signals(bus)
        done = {m.asset for m in found if isinstance(m, GridMessage) and m.ts >= START + minutes * MINUTE_MS}
        return found if done == set(ASSETS) else None

    return await eventually(whole, timeout=120)


async def on_ops(bus: Bus) -> list[OpsMessage]:
    found = []
    reader = OrderedPull(bus, streams.OPS, ["ops.>"], Start.all())
    async for batch in reader.batches():
        for delivered in batch:
            message = messages.decode(delivered.data)
            assert isinstance(message, OpsMessage)
            found.append(message)
        if not batch or reader.caught_up:
            break
    await reader.close()
    return found


async def heartbeat(bus: Bus, instance: str = "1") -> HeartbeatMessage:
    """The newest of the runner; AssertionError when there is none yet."""
    beat = await bus.last(streams.HEALTH, streams.heartbeat_subject("strategy-runner", instance))
    assert beat is not None
    message = messages.decode(beat.data)
    assert isinstance(message, HeartbeatMessage)
    return message

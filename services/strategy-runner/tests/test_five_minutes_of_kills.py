"""kill -9 of runners for five minutes: each strategy, asset and grid point has its one signal, as the core says it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest
from market_recording import ASSETS, START, Recording, a_recording
from runner_streams import enabled, on_signals, publish, said_by_the_core

from trading_core import messages
from trading_core.bus.connection import Bus
from trading_core.messages import GridMessage, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt, ServiceProcess

pytestmark = [pytest.mark.long, pytest.mark.integration, pytest.mark.timeout(1_800)]
MINUTES_PER_S = 5
LIVE = 300 * MINUTES_PER_S
"""Five minutes of wall time."""


async def paced(bus: Bus, recording: Recording) -> None:
    """A minute of market time each fifth of a second; the first one with all that came before."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for number in range(LIVE):
        await publish(bus, recording, number, number + 1)
        await asyncio.sleep(max(0.0, began_s + (number + 1) / MINUTES_PER_S - loop.time()))


async def storm(
    bus: Bus, service_at: ServiceAt, seed: int, pause_s: Callable[[random.Random], float], down_s: float
) -> None:
    """Three runners while the recording passes; after each pause one of them dies and comes back `down_s` later."""
    recording, chance = a_recording(seed=seed, live=LIVE), random.Random(seed)
    recorder = service_at("recorder", "recorder")
    runners = [service_at("strategy_runner", "runner_ro", TRADING_INSTANCE=name) for name in "abc"]
    for process in (recorder, *runners):
        process.start()
    publishing = asyncio.create_task(paced(bus, recording))
    kills: Counter[int] = Counter()
    while not publishing.done():
        await asyncio.wait({publishing}, timeout=pause_s(chance))  # a random moment: that is the test
        victim = chance.randrange(len(runners))
        runners[victim].kill()
        kills[victim] += 1
        await asyncio.wait({publishing}, timeout=down_s)
        runners[victim].start()
    await publishing
    said = await settled(bus)
    check(said, recording)
    print(f"{sum(kills.values())} kills, {len(said)} signals and grid messages, all as the core says them")
    ended(runners)


async def settled(bus: Bus) -> list[SignalMessage | GridMessage]:
    """All that was said, once each asset has evaluated the last grid point; fails when nothing moves for so long."""
    while True:
        said = await on_signals(bus)
        newest = {m.asset: m.ts for m in said if isinstance(m, GridMessage)}
        if newest == dict.fromkeys(ASSETS, START + LIVE * MINUTE_MS):
            return said

        async def moved(before: int = len(said)) -> bool:
            return len(await on_signals(bus)) > before

        try:
            await eventually(moved, timeout=120)
        except AssertionError:
            raise AssertionError(f"nobody evaluates any more; the newest grid points are {newest}") from None


def check(said: list[SignalMessage | GridMessage], recording: Recording) -> None:
    signals = Counter((m.strategy, m.asset, m.ts) for m in said if isinstance(m, SignalMessage))
    assert set(signals.values()) == {1}, "a grid point has two signals of one strategy"
    points = [START + number * MINUTE_MS for number in range(1, LIVE + 1)]
    due = {
        (strategy.name, asset, ts)
        for strategy in enabled() for asset in ASSETS for ts in points if ts % strategy.interval_ms == 0
    }  # fmt: skip
    assert set(signals) == due
    grids = Counter((m.asset, m.ts) for m in said if isinstance(m, GridMessage))
    assert grids == Counter({(asset, ts): 1 for asset in ASSETS for ts in points})
    assert {m.id: messages.encode(m).decode() for m in said} == said_by_the_core(recording, enabled())


def ended(runners: list[ServiceProcess]) -> None:
    for runner in runners:
        runner.kill()


async def test_runners_killed_at_random_for_five_minutes(bus: Bus, service_at: ServiceAt) -> None:
    await storm(bus, service_at, 11, lambda chance: chance.uniform(0.5, 3.0), down_s=0.0)


async def test_one_of_three_runners_killed_every_ten_seconds_for_five_minutes(bus: Bus, service_at: ServiceAt) -> None:
    await storm(bus, service_at, 12, lambda _chance: 6.0, down_s=4.0)

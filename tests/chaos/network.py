"""R8: the network to NATS and to PostgreSQL, through a proxy of our own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from chaos.delays import applied_to_stream, p99
from chaos.judge import compared, judged
from chaos.platform import PATIENCE_S, Platform
from chaos.proxy import FAIR, Proxy, Weather
from chaos.run import Context
from trading_core.testing import eventually

ROWS = ("R8",)
SLOW = Weather(delay_s=(0.1, 0.3))
NARROW = Weather(bytes_per_s=10_000)
CUT_S, SLOW_S, NARROW_S = 30.0, 20.0, 15.0
SPEED_FACTOR = 0.1
"""Every answer takes 200 ms more, so a minute of 40 commits takes a while: the load is a tenth of the usual."""
NOTICED = {"nats": ("nats_error_heard",), "postgres": ("database_lost", "storage_awaited")}


async def run(context: Context) -> None:
    found = context.found["R8"]
    context.at_speed(SPEED_FACTOR, "R8")
    async with context.platform(SPEED_FACTOR, proxied=True) as platform:
        for name, proxy in platform.proxies.items():
            context.step(f"R8 {name}: cut for {CUT_S:.0f} s")
            with _turned(proxy, Weather(closed=True)):
                await asyncio.sleep(CUT_S)
            await platform.all_back()
            context.step(f"R8 {name}: half-open")
            with _turned(proxy, Weather(half_open=True)):
                found.measure("detected_s", await _detected(platform, name))
            await platform.all_back()
            context.step(f"R8 {name}: 10 kB/s for {NARROW_S:.0f} s")
            with _turned(proxy, NARROW):
                await asyncio.sleep(NARROW_S)
            await platform.all_back()
            context.step(f"R8 {name}: +200 ± 100 ms for {SLOW_S:.0f} s")
            with _turned(proxy, SLOW):
                from_s = time.time()
                await asyncio.sleep(SLOW_S)
                to_s = time.time()
            await platform.all_back()
            found.measure("slow_fill_p99_s", p99(await applied_to_stream(platform, from_s, to_s)))
        context.step("R8 postgres: reset after COMMIT, before its answer")
        proxy = platform.proxies["postgres"]
        with _turned(proxy, Weather(resets_commits=True)):
            await eventually(_at_least(proxy, 3), PATIENCE_S)
        await platform.all_back()
        found.say(f"{proxy.resets} commits reset before their answer")
        until_ms = await platform.quiet()
        context.broken(ROWS, await judged(platform, until_ms), compared(platform))


@contextlib.contextmanager
def _turned(proxy: Proxy, weather: Weather) -> Iterator[None]:
    proxy.turn(weather)
    try:
        yield
    finally:
        # What went wrong until now is known only to those connections: they are not healed but cut.
        proxy.turn(Weather(closed=True))
        proxy.turn(FAIR)


def _at_least(proxy: Proxy, resets: int) -> Callable[[], bool]:
    return lambda: proxy.resets >= resets


async def _detected(platform: Platform, name: str) -> float:
    """Seconds until broker and recorder say that their server does not answer."""
    services = [platform.services[one] for one in ("broker", "recorder")]
    words = NOTICED[name]
    before = [sum(service.times_said(word) for word in words) for service in services]
    began_s = time.monotonic()

    def noticed() -> bool:
        now = [sum(service.times_said(word) for word in words) for service in services]
        return all(after > earlier for after, earlier in zip(now, before, strict=True))

    await eventually(noticed, PATIENCE_S)
    return time.monotonic() - began_s

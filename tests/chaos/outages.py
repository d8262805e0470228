"""R3, R6: NATS away for a minute and for five, PostgreSQL away for ten."""

from __future__ import annotations

import asyncio
import time

from chaos.judge import compared, judged
from chaos.platform import PATIENCE_S, Platform
from chaos.run import Context
from market_judge import CHANNELS, REFILLABLE
from trading_core.testing import eventually

ROWS = ("R3", "R6")
SHORT_S, LONG_S, POSTGRES_S = 60.0, 300.0, 600.0


async def run(context: Context) -> None:
    async with context.platform() as platform:
        outage = None
        if "R3" in context.rows:
            await _nats_away(platform, context, SHORT_S)
            outage = await _nats_away(platform, context, context.length_s("R3", LONG_S), excused=True)
        if "R6" in context.rows:
            await _postgres_away(platform, context)
        until_ms = await platform.quiet()
        broken = await judged(platform, until_ms)
        if outage is not None:
            _count_lost(context, await _missing(platform, until_ms), *outage)
        context.found["R6"].measure("undecided", sum(1 for one in broken if "without a decision" in one))
        context.broken(ROWS, broken, f"judged {compared(platform)}")


async def _nats_away(
    platform: Platform, context: Context, for_s: float, *, excused: bool = False
) -> tuple[int, int]:  # fmt: skip
    """From when until when, in venue time. `excused`: what a gap declares may be lost."""
    context.step(f"R3 NATS away for {for_s:.0f} s")
    from_ms = platform.venue_ms()
    await asyncio.to_thread(platform.nats.stop)
    await asyncio.sleep(for_s)
    await asyncio.to_thread(platform.nats.start)
    await platform.all_back()
    if excused:
        platform.excuse("nats_away", from_ms)
    return from_ms, platform.venue_ms()


def _count_lost(context: Context, missing: list[tuple[str, int]], from_ms: int, to_ms: int) -> None:
    found = context.found["R3"]
    found.measure("lost_in_60_s", sum(1 for _, time_ms in missing if not from_ms <= time_ms <= to_ms))
    found.measure("candles_missing", sum(1 for kind, _ in missing if kind in REFILLABLE))
    found.say(f"{len(missing):,} messages lost in the long outage, all in gaps declared lost")


async def _postgres_away(platform: Platform, context: Context) -> None:
    """How many times faster than they came in the messages of the outage are stored."""
    found, for_s = context.found["R6"], context.length_s("R6", POSTGRES_S)
    context.step(f"R6 PostgreSQL away for {for_s:.0f} s")
    from_ms = platform.venue_ms()
    await asyncio.to_thread(platform.postgres.process.stop)
    await asyncio.sleep(for_s)
    await asyncio.to_thread(platform.postgres.process.start)
    to_ms, began_s = platform.venue_ms(), time.monotonic()

    async def caught_up() -> bool:
        return await platform.watermark_ms() >= to_ms

    await eventually(caught_up, PATIENCE_S * 5)
    took_s = time.monotonic() - began_s
    found.measure("catch_up_factor", (to_ms - from_ms) / 1000 / platform.speed / took_s)
    # The broker decides about three times as fast as signals come, and they go on coming: half of the outage at best.
    broker_s = await platform.all_back(PATIENCE_S * 5)
    found.say(f"{for_s:.0f} s of messages stored in {took_s:.0f} s, decided {broker_s:.0f} s later")


async def _missing(platform: Platform, until_ms: int) -> list[tuple[str, int]]:
    """Kind and time of what the venue said and is not stored."""
    stored = {row.id for row in await platform.rows()}
    truth, _ = platform.truth()
    return [
        (kind, event.time_ms)
        for event in truth
        if (kind := CHANNELS.get(event.channel)) is not None
        and platform.from_ms <= event.time_ms <= until_ms
        and event.id not in stored
        and not (kind == "funding" and event.time_ms > until_ms - 3_600_000)
    ]

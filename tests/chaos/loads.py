"""R14, R15, R22: too much at once, readers that are too slow, and a long time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil

from chaos.alerts import alert
from chaos.delays import applied_to_stream, browser, p99
from chaos.judge import compared, judged
from chaos.platform import PATIENCE_S, Platform
from chaos.run import Context
from trading_core import streams
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceProcess

ROWS = ("R14", "R15", "R22")
BURST, BURST_S = 10.0, 60.0
BURST_BASE = 1.15
"""Of the usual speed: then ten times of it are 3,000 messages a second."""
CALM_S = 20.0
SLICE_S, SLICES = 1.0, 30
TENTH = 0.1
SLOW_BYTES = 1_000
SOAK_S, SOAK_BASE, WARM = 3_600.0, 0.0165, 1 / 6
"""An hour of 100 messages a second, of which the first ten minutes do not count.

Both venues with every recorded book, so that it takes no hurry: a day of market time in an hour would be a day's
decisions and curves in memory.
"""
SAMPLE_S = 5.0
PARTS = 5
TREND_S = 1_200.0
"""A straight line through less than twenty minutes is one through noise."""
MIB = 2**20
FLIP = "minute_flip"
BATCH = 500
"""So many messages may be on their way at any moment."""


async def run(context: Context) -> None:
    for row, factor, fault in (("R14", BURST_BASE, _burst), ("R15", 1.0, _slow), ("R22", SOAK_BASE, _soak)):
        if row not in context.rows:
            continue
        strategies = _five_minutes if row == "R14" else _as_they_are
        async with context.platform(factor, dense=row == "R22", strategies=strategies) as platform:
            await fault(platform, context)
            until_ms = await platform.quiet()
            context.broken((row,), await judged(platform, until_ms), f"judged {compared(platform)}")


def _as_they_are(_folder: Path) -> None:
    pass


def _five_minutes(folder: Path) -> None:
    """Venue time is what is hurried: more market data shall not be as many more signals (R14: 40 a second)."""
    config = folder / FLIP / "config.yaml"
    config.write_text(config.read_text().replace("interval: 1m", "interval: 5m"))


async def _burst(platform: Platform, context: Context) -> None:
    """The venue ten times as fast; what it says meanwhile, who is behind when it is over, and what that cost."""
    found, for_s = context.found["R14"], context.length_s("R14", BURST_S)
    context.step(f"R14 {for_s:.0f} s at {BURST:.0f} × the speed")
    before = _memory(platform)
    said, from_s, began_s = _lines(platform.truth_path), time.time(), time.monotonic()
    async with _watched(platform) as most:
        await platform.begin("speed", for_s=for_s, factor=BURST)
        await eventually(platform._healed, PATIENCE_S)
        lasted_s = time.monotonic() - began_s
        found.measure("messages_per_s", (_lines(platform.truth_path) - said) / lasted_s)
        began_s = time.monotonic()
        await platform.all_back()
        found.measure("backlog_gone_s", time.monotonic() - began_s)
    grown = {name: (most[name] - size) / MIB for name, size in before.items()}
    fattest = max(grown, key=lambda name: grown[name])
    found.measure("memory_mib", grown[fattest])
    found.measure("fill_p99_s", p99(await applied_to_stream(platform, from_s, from_s + lasted_s)))
    found.say(f"{lasted_s:.0f} s, beside 40 signals a second; {fattest} grew most")


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _memory(platform: Platform) -> dict[str, int]:
    """Bytes resident, with the processes that a service has made."""
    sizes = {}
    for name, service in platform.services.items():
        family = [psutil.Process(service.pid), *psutil.Process(service.pid).children(recursive=True)]
        sizes[name] = 0
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                sizes[name] += process.memory_info().rss
    return sizes


@contextlib.asynccontextmanager
async def _watched(platform: Platform) -> AsyncIterator[dict[str, int]]:
    """The most that each service had while it was watched."""
    most = _memory(platform)

    async def watch() -> None:
        while True:
            await asyncio.sleep(1)
            for name, size in _memory(platform).items():
                most[name] = max(most[name], size)

    watching = asyncio.create_task(watch())
    try:
        yield most
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _slow(platform: Platform, context: Context) -> None:
    """Both slow readers, one after the other; a browser that keeps up and the relay are timed all the while."""
    found = context.found["R15"]
    async with browser(platform) as other:
        context.step("R15 nobody is slow")
        from_s = time.time()
        await asyncio.sleep(CALM_S)
        calm = [p99(await other.delays(platform, from_s, time.time()))]
        calm.append(p99(await applied_to_stream(platform, from_s, time.time())))
        context.step("R15 a browser that reads 1 kB/s")
        from_s = time.time()
        found.measure("browser_cut_s", await _slow_browser(platform))
        busy = p99(await other.delays(platform, from_s, time.time()))
        found.measure("others_delay_factor", busy / calm[0])
        found.say(f"fill to another browser p99 {calm[0] * 1e3:.0f} ms, beside the slow one {busy * 1e3:.0f} ms")
        context.step("R15 a recorder at a tenth of its speed")
        from_s = time.time()
        await _in_slices(platform.recorder, TENTH, SLICES)
        busy = p99(await applied_to_stream(platform, from_s, time.time()))
        found.measure("others_delay_factor", busy / calm[1])
        found.say(f"ledger to EXEC p99 {calm[1] * 1e3:.0f} ms, beside the slow recorder {busy * 1e3:.0f} ms")
    context.step("R15 a recorder that stands still: until the alert")
    found.measure("lag_alert_s", await _until_alert(platform))
    await platform.all_back()


async def _slow_browser(platform: Platform) -> float:
    """Seconds until the server has let go of it."""
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", platform.api_port)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.sendall(
            b"GET /api/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        slow.setblocking(False)
        async with asyncio.timeout(PATIENCE_S):
            await loop.sock_recv(slow, len(b"HTTP/1.1 101"))  # until then it may not be served yet
        port, began_s = slow.getsockname()[1], time.monotonic()
        while _is_served(platform, port):
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(1):
                    await loop.sock_recv(slow, SLOW_BYTES)
            await asyncio.sleep(1)
            if time.monotonic() - began_s > PATIENCE_S:
                break
        return time.monotonic() - began_s


def _is_served(platform: Platform, port: int) -> bool:
    """Whether the server still holds its end of the connection from `port`."""
    connections = psutil.Process(platform.services["api"].pid).net_connections("tcp4")
    return any(one.raddr and one.raddr.port == port for one in connections)


async def _in_slices(service: ServiceProcess, share: float, slices: int) -> None:
    """It gets `share` of each second."""
    for _ in range(slices):
        service.freeze()
        await asyncio.sleep(SLICE_S * (1 - share))
        service.thaw()
        await asyncio.sleep(SLICE_S * share)


async def _until_alert(platform: Platform) -> float:
    """Seconds from its standstill until RecorderLagging fires, by the rule's own number and its own patience."""
    rule = alert("RecorderLagging", r'trading_consumer_pending_messages\{consumer="rec"\}\)? > (\d+)')

    async def lags() -> bool:
        info = await platform.bus.js.consumer_info(streams.MARKET.name, "rec")
        return (info.num_pending or 0) > rule.limit

    platform.recorder.freeze()
    try:
        began_s = time.monotonic()
        await eventually(lags, PATIENCE_S)
        return time.monotonic() - began_s + rule.patience_s
    finally:
        platform.recorder.thaw()


async def _soak(platform: Platform, context: Context) -> None:
    """What grows while nothing happens but the usual: by a straight line through what came after warming up."""
    found, for_s = context.found["R22"], context.length_s("R22", SOAK_S)
    await platform.polymarket()
    context.step(f"R22 {for_s / 60:.0f} minutes")
    said, began_s = _lines(platform.truth_path), time.monotonic()
    taken_s: list[float] = []
    memory: dict[str, list[int]] = {name: [] for name in platform.services}
    files: dict[str, list[int]] = {name: [] for name in platform.services}
    while (at_s := time.monotonic() - began_s) < for_s:
        if at_s > for_s * WARM:
            taken_s.append(at_s)
            for name, size in _memory(platform).items():
                memory[name].append(size)
                files[name].append(psutil.Process(platform.services[name].pid).num_fds())
        await asyncio.sleep(SAMPLE_S)
    per_h = {name: float(np.polyfit(taken_s, sizes, 1)[0]) * 3_600 / MIB for name, sizes in memory.items()}
    fattest = max(per_h, key=lambda name: per_h[name])
    if for_s < TREND_S:
        found.leave_out(f"{for_s / 60:.0f} minutes say nothing about an hour's growth", "memory_mib_per_h")
    else:
        found.measure("memory_mib_per_h", per_h[fattest])
    third = len(taken_s) // 3
    found.measure("files_more", max(max(counts[-third:]) - max(counts[:third]) for counts in files.values()))
    info = await platform.bus.js.consumer_info(streams.MARKET.name, "rec")
    found.measure("lag_at_end", max(0, (info.num_pending or 0) - BATCH))
    rate = (_lines(platform.truth_path) - said) / for_s
    parts = (part.mean() / MIB for part in np.array_split(memory[fattest], PARTS))
    found.say(
        f"{for_s / 60:.0f} minutes of {rate:.0f} messages a second; "
        f"MiB/h: {', '.join(f'{name} {size:+.1f}' for name, size in per_h.items())}; "
        f"{fattest}: {', '.join(f'{part:.1f}' for part in parts)} MiB"
    )

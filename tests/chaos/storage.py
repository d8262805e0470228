"""R4, R7, R16: the disk under NATS loses power, fills up, rots. The first two mount file systems, so they need root."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import psutil

from chaos.judge import command, compared, judged
from chaos.platform import PATIENCE_S, Platform
from chaos.run import Context, mounted, small_disk
from trading_core import ids, messages, streams
from trading_core.bus.connection import Bus, connect
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.provision import provision
from trading_core.bus.publisher import WindowPublisher
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.messages import CtxMessage, SignalMessage
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer

ROWS = ("R4", "R7", "R16")
POWER_CUTS, LOAD_S = 3, 5.0
FULL_MB, ROOMY_MB = 24, 512
POSTGRES_MB = 512
REFUSED = "storage_awaited"
"""What the recorder says when its rows cannot be stored."""
SPIN_S = 10.0
FILLED_S = 10.0
DEVICE_MB = 256


async def run(context: Context) -> None:
    for row in ("R4", "R7"):
        if row in context.rows and not can_mount():
            context.found[row].leave_out("it mounts a file system, for which root and loop devices are needed")
    if "R4" in context.rows and can_mount():
        for turn in range(POWER_CUTS):
            context.step(f"R4 power cut {turn + 1}/{POWER_CUTS}")
            await _power_cut(context)
        context.found["R4"].say(f"{POWER_CUTS} × a copy of the device while the server runs, started on that copy")
        await _power_cut_under_all(context)
    if "R7" in context.rows and can_mount():
        await _disk_full(context)
        await _postgres_full(context)
    if "R16" in context.rows:
        await _bit_rot(context)


def can_mount() -> bool:
    tools = all(shutil.which(tool) for tool in ("mkfs.ext4", "mount", "umount", "losetup"))
    return os.geteuid() == 0 and tools and Path("/dev/loop-control").exists()


class Device:
    """A file system whose power can be cut: what the device has at that moment is all that is there later."""

    def __init__(self, folder: Path) -> None:
        self._image, self._copy = folder / "disk", folder / "copy"
        with self._image.open("wb") as file:
            file.truncate(DEVICE_MB * 1024 * 1024)
        subprocess.run(["mkfs.ext4", "-q", str(self._image)], check=True, capture_output=True)

    def before(self, folder: Path) -> contextlib.AbstractContextManager[None]:
        return mounted(str(self._image), folder, "-o", "loop")

    def cut(self) -> None:
        """While whoever writes on it stands still."""
        shutil.copyfile(self._image, self._copy)

    def after(self, folder: Path) -> contextlib.AbstractContextManager[None]:
        """Over `before`, where that is still mounted."""
        return mounted(str(self._copy), folder, "-o", "loop")


async def _power_cut_under_all(context: Context) -> None:
    """NATS alone loses power: whatever its streams have lost, nothing is missing or twice in the end."""
    with launch.temporary_folder() as folder, contextlib.ExitStack() as later:
        device = Device(folder)
        async with context.platform(nats_disk=device.before) as platform:
            context.step("R4 power cut under NATS, everything else goes on")
            await asyncio.to_thread(subprocess.run, ["sync", "-f", str(platform.folder / "nats")], check=True)
            await asyncio.sleep(FILLED_S)  # so much is not synced: the kernel does it every half minute
            from_ms = platform.venue_ms()
            await asyncio.to_thread(platform.nats.freeze)
            await asyncio.to_thread(device.cut)
            await asyncio.to_thread(platform.nats.kill)
            later.enter_context(device.after(platform.folder / "nats"))
            await asyncio.to_thread(platform.nats.start)
            await platform.all_back()
            platform.excuse("power_cut", from_ms)
            until_ms = await platform.quiet()
            context.broken(("R4",), await judged(platform, until_ms), f"judged {compared(platform)}")


async def _power_cut(context: Context) -> None:
    """What the device had been given at a moment is all that the next server finds."""
    found = context.found["R4"]
    with launch.temporary_folder() as folder:
        device = await asyncio.to_thread(Device, folder)
        with device.before(folder / "before"):
            plan = _server(folder / "before")
            server = OwnServer(plan, folder / "nats.log")
            await asyncio.to_thread(server.start)
            bus = await connect(plan.url, name="chaos/1", on_error=lambda _error: None)
            try:
                await provision(bus)
                acked, market_ms = await _load(bus)
                await asyncio.to_thread(server.freeze)
                await asyncio.to_thread(device.cut)
            finally:
                await asyncio.to_thread(server.kill)
                await bus.close()
        with device.after(folder / "after"):
            plan = _server(folder / "after")
            server = OwnServer(plan, folder / "nats.log")
            await asyncio.to_thread(server.start)
            bus = await connect(plan.url, name="chaos/2", on_error=lambda _error: None)
            try:
                await provision(bus)
                there = {info.config.name for info in await bus.js.streams_info()}
                found.measure("streams_missing", len({spec.name for spec in streams.ALL} - there))
                found.measure("acked_lost", len(acked - {one.id for one in await _everything(bus, streams.SIGNALS)}))
                kept = [one for one in await _everything(bus, streams.MARKET) if isinstance(one, CtxMessage)]
                newest = max((one.event_time_ms for one in kept), default=0)
                found.measure("market_lost_s", (market_ms - newest) / 1000 if newest else LOAD_S)
            finally:
                await asyncio.to_thread(server.kill)
                await bus.close()


def _server(folder: Path) -> NatsServer:
    return NatsServer(folder / "nats", launch.free_port(), launch.free_port(), new_password())


async def _load(bus: Bus) -> tuple[set[str], int]:
    """Acknowledged ids on SIGNALS; the newest acknowledged time on MARKET."""
    signals: set[str] = set()
    publisher = WindowPublisher(bus)
    began_s, number, now_ms = time.monotonic(), 0, 0
    while time.monotonic() - began_s < LOAD_S:
        number += 1
        now_ms = time.time_ns() // 1_000_000
        mark = CtxMessage(
            id=ids.ctx("hyperliquid", "BTC", now_ms, [str(number)]), exchange="hyperliquid", asset="BTC",
            event_time_ms=now_ms, visible_ms=now_ms, mark_price="1",
        )  # fmt: skip
        await publisher.send(streams.market_subject(mark), mark)
        signal = SignalMessage(
            id=f"s:{number}", strategy="probe", exchange="hyperliquid", asset="BTC", instrument="BTC", ts=number,
            grid="hyperliquid", direction="LONG",
        )  # fmt: skip
        await bus.publish(streams.signal_subject("probe", "hyperliquid", "BTC"), signal)
        signals.add(signal.id)
    await publisher.barrier()
    await publisher.close()
    return signals, now_ms


async def _everything(bus: Bus, stream: streams.StreamSpec) -> list[messages.Message]:
    found: list[messages.Message] = []
    reader = OrderedPull(bus, stream, [">"], Start.all())
    async for batch in reader.batches():
        found += [messages.decode(delivered.data) for delivered in batch]
        if reader.caught_up:
            break
    await reader.close()
    return found


async def _disk_full(context: Context) -> None:
    """NATS on a tmpfs that fills up; then there is room, and as the server asks for it, a restart."""
    found = context.found["R7"]
    async with context.platform(nats_disk=lambda folder: small_disk(folder, FULL_MB)) as platform:
        context.step("R7 the disk under NATS fills up")
        from_ms = platform.venue_ms()
        await eventually(lambda: _is_full(platform), PATIENCE_S * 5)
        began_s = time.monotonic()
        await eventually(lambda: _is_unhealthy(platform), PATIENCE_S)
        found.measure("noticed_s", time.monotonic() - began_s)
        found.measure("spin_cpu_percent", await _busiest(platform))
        context.step("R7 there is room again")
        resize = ["mount", "-o", f"remount,size={ROOMY_MB}m", str(platform.folder / "nats")]
        await asyncio.to_thread(subprocess.run, resize, check=True, capture_output=True)
        await platform.hit(platform.nats)
        found.measure("back_s", await platform.all_back())
        platform.excuse("disk_full", from_ms)
        until_ms = await platform.quiet()
        broken = await judged(platform, until_ms)
        found.measure("acked_lost", sum(1 for one in broken if "missing" in one))
        context.broken(("R7",), broken, f"NATS on {FULL_MB} MB; judged {compared(platform)}")


async def _postgres_full(context: Context) -> None:
    """PostgreSQL on a tmpfs whose last bytes something else takes; then it lets go of them."""
    found = context.found["R7"]
    async with context.platform(postgres_mb=POSTGRES_MB) as platform:
        context.step("R7 the disk under PostgreSQL fills up")
        home = platform.postgres.server.home
        waits = platform.recorder.times_said(REFUSED)
        ballast = home / "ballast"
        take_all(ballast)
        began_s = time.monotonic()
        await eventually(lambda: platform.recorder.times_said(REFUSED) > waits, PATIENCE_S)
        found.measure("noticed_s", time.monotonic() - began_s)
        found.measure("spin_cpu_percent", await _busiest(platform))
        context.step("R7 there is room again under PostgreSQL")
        ballast.unlink()
        await asyncio.to_thread(platform.postgres.process.kill)  # without room for its log it may have ended by itself
        await asyncio.to_thread(platform.postgres.process.start)
        found.measure("back_s", await platform.all_back())
        until_ms = await platform.quiet()
        broken = await judged(platform, until_ms)
        found.measure("acked_lost", sum(1 for one in broken if "missing" in one))
        context.broken(("R7",), broken, f"PostgreSQL on {POSTGRES_MB} MB; judged {compared(platform)}")


def take_all(ballast: Path) -> None:
    """All that is free where `ballast` lies, though something else takes of it meanwhile."""
    with ballast.open("wb") as file:
        taken = 0
        while free := psutil.disk_usage(str(ballast.parent)).free:
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), taken, free)
                taken += free


async def _is_full(platform: Platform) -> bool:
    return bool(psutil.disk_usage(str(platform.folder / "nats")).free < 64 * 1024)


async def _is_unhealthy(platform: Platform) -> bool:
    """What the alert looks at."""
    async with httpx.AsyncClient(timeout=2) as client:
        answer = await client.get(f"http://127.0.0.1:{platform.servers_plan.monitor_port}/healthz")
    return answer.status_code != 200


async def _busiest(platform: Platform) -> float:
    """Per cent of a core that the busiest service takes while it can do nothing."""
    processes = [psutil.Process(service.pid) for service in platform.services.values()]
    for process in processes:
        process.cpu_percent()
    await asyncio.sleep(SPIN_S)
    return max(float(process.cpu_percent()) for process in processes)


async def _bit_rot(context: Context) -> None:
    """A bit in the header of a record of EXEC; the recorder's audit finds it; the stream is made anew from Postgres."""
    found = context.found["R16"]
    async with context.platform() as platform:
        context.step("R16 a bit of EXEC flips")
        await asyncio.sleep(FILLED_S)
        # Each minute the audit looks at four minutes of venue time: it sees all of it at four times the speed at most.
        await platform.begin("speed", for_s=3_600, factor=4 / platform.speed)
        before = len(await _everything(platform.bus, streams.EXEC))
        await asyncio.to_thread(platform.nats.stop)
        [block, *_] = sorted((platform.folder / "nats").rglob("EXEC/msgs/*.blk"))
        flip(block)
        for index in block.parent.glob("index.db"):
            index.unlink()
        await asyncio.to_thread(platform.nats.start)
        began_s = time.monotonic()
        await platform.bus.wait_connected()
        gone = before - len(await _everything(platform.bus, streams.EXEC))
        await eventually(lambda: platform.recorder.said("missing_messages.EXEC"), PATIENCE_S)
        found.measure("noticed_s", time.monotonic() - began_s)
        await platform.heal()
        await platform.all_back()
        until_ms = await platform.quiet()
        assert await asyncio.to_thread(platform.services["broker"].terminate) == 0
        context.step("R16 rebuild-stream EXEC")
        failed = await command(platform, "rebuild-stream", "EXEC")
        there = {one.id for one in await _everything(platform.bus, streams.EXEC)}
        fills = {row["id"] for row in await platform.fetch("SELECT event_id AS id FROM trading_paper.fills")}
        found.measure("fills_missing_after_rebuild", len(fills - there))
        broken = [*failed, *await judged(platform, until_ms)]
        context.broken(("R16",), broken, f"{gone} of {before} messages of EXEC gone, then made anew")


def flip(block: Path) -> None:
    """One bit of the length of the record in the middle: what follows it in the block cannot be read."""
    data = bytearray(block.read_bytes())
    middle = data.index(b"exec.", len(data) // 2)
    data[middle - 22] ^= 0x10
    block.write_bytes(data)

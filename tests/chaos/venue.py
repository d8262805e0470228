"""R9, R10, R11: a venue that misbehaves, payloads that are none, and clocks that are wrong."""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx

from chaos.alerts import alert
from chaos.judge import compared, judged, signals_that_differ
from chaos.platform import PATIENCE_S, Platform, Poison
from chaos.run import Context
from collector_hl import parse as hyperliquid
from collector_pm import parse as polymarket
from repository import ROOT
from trading_core.collect.patience import wall_ms
from trading_core.embedded import launch
from trading_core.errors import VenueMessageInvalid
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceProcess

ROWS = ("R9", "R10", "R11")
SPEED_FACTOR = 0.15
"""Four prints of each asset a second at the usual speed: every channel is a busy one, none says too much."""
BUSY_AFTER_S, STALL_S = 30.0, 25.0
FAULTS: tuple[dict[str, str | int], ...] = (
    {"kind": "close", "code": 1000},
    {"kind": "close", "code": 1001},
    {"kind": "close", "code": 1006},
    {"kind": "rest_429"},
    {"kind": "rest_500"},
    {"kind": "rest_502"},
    {"kind": "rest_truncated"},
    {"kind": "duplicate"},
    {"kind": "out_of_order", "channel": "trades"},
    {"kind": "out_of_order", "channel": "bbo"},
    {"kind": "late", "channel": "trades"},
    {"kind": "late", "channel": "bbo"},
)
"""Late are frames with a time of their own. A context is stamped when it comes, a bar is what was said of it by its
close: of those a late frame tells another story, which the next poll or recheck puts right (tests/blackbox)."""
UNREADABLE = ("rest_truncated",)
"""A poll is not asked again: the half of an answer that came is kept as a dead letter, as it must be."""
FAULT_S = 3.0
PAYLOADS = 1_000
LIBRARIES = tuple(f"/usr/lib/{cpu}-linux-gnu/faketime/libfaketime.so.1" for cpu in ("x86_64", "aarch64"))
LOOK_S = 1.0
OFFSETS = ("+1h", "-1h", "+1d", "-1d", "-2s")
OFFSET, HEARD = "trading_collector_clock_offset_milliseconds", "trading_collector_event_delay_seconds_count"
_TWICE = "SELECT count(*) - count(DISTINCT event_id) FROM trading_market_data.ticks"


async def run(context: Context) -> None:
    if "R10" in context.rows:
        _malformed(context)
    if "R11" in context.rows and library() is None:
        context.found["R11"].leave_out("libfaketime is not installed (Debian: apt-get install libfaketime)")
    clocks = "R11" in context.rows and library() is not None
    if not clocks and "R9" not in context.rows:
        return
    context.at_speed(SPEED_FACTOR, "R9", "R11")
    async with context.platform(SPEED_FACTOR) as platform:
        if "R9" in context.rows:
            await _misbehaves(platform, context)
        if clocks:
            await _wrong_clocks(platform, context)
        until_ms = await platform.quiet()
        context.found["R9"].measure("duplicates", await platform.value(_TWICE))
        broken = await judged(platform, until_ms)
        if clocks:
            context.found["R11"].measure("signals_differ", signals_that_differ(platform))
            await _offset_alert(platform, context)
        context.broken(("R9", "R11") if clocks else ("R9",), broken, f"judged {compared(platform)}")


async def _misbehaves(platform: Platform, context: Context) -> None:
    found = context.found["R9"]
    context.step("R9 the feed falls silent")
    await asyncio.sleep(BUSY_AFTER_S)  # a channel must have been busy for its silence to mean anything so soon
    left, began_s = platform.collector.times_said("venue_silent"), time.monotonic()
    await platform.begin("stall", for_s=STALL_S)
    await eventually(lambda: platform.collector.times_said("venue_silent") > left, PATIENCE_S)
    found.measure("seen_s", time.monotonic() - began_s)
    await eventually(platform._healed, PATIENCE_S)
    found.measure("back_s", await platform.back("collector"))
    for fault in FAULTS:
        context.step(f"R9 {' '.join(map(str, fault.values()))}")
        began_ms = wall_ms()
        await platform.begin(str(fault["kind"]), for_s=FAULT_S, **{k: v for k, v in fault.items() if k != "kind"})
        await platform.over()
        if fault["kind"] in UNREADABLE:
            platform.poisons.append(Poison("venue.hyperliquid", began_ms, wall_ms()))
    found.say(f"silence, then {len(FAULTS)} other faults of {FAULT_S:.0f} s each")


def library() -> str | None:
    return next((path for path in LIBRARIES if Path(path).exists()), None)


async def _wrong_clocks(platform: Platform, context: Context) -> None:
    """Each service in turn on a clock that is wrong; what it says must not change (parity, ids, no decision amiss)."""
    found, preload = context.found["R11"], library()
    assert preload is not None
    for name in ("broker", "runner", "recorder", "collector"):
        service = platform.services[name]
        for offset in OFFSETS[:1] if context.quick else OFFSETS:
            context.step(f"R11 clock of {name} {offset}")
            starts = service.times_said("service_started")
            await platform.hit(service, LD_PRELOAD=preload, FAKETIME=offset, DONT_FAKE_MONOTONIC="1")
            await platform.back(name)
            assert service.times_said("service_started") > starts
            if _clock_is_right(service):
                raise AssertionError(f"the clock of {name} is right in spite of {offset}")
        await platform.hit(service)
        await platform.back(name)
    found.say(f"four services × {', '.join(OFFSETS)}; the monotonic clock right")


async def _offset_alert(platform: Platform, context: Context) -> None:
    """Judged before: this collector writes into the same streams.

    The platform's venue sends its clock, so its collector measures no offset. Here is a venue at real-time speed that
    sends none, as the real one does, and a collector whose clock is that venue's, then an hour ahead of it.
    """
    found, preload = context.found["R11"], library()
    rule = alert("ClockOffset", r"abs\(trading_collector_clock_offset_milliseconds\) > (\d+)")
    file = platform.folder / "real-time-address"
    venue = platform.also(
        "venue_sim", "api_ro", TRADING_INSTANCE="real-time", VENUE_SIM_SPEED="1", VENUE_SIM_ADDRESS_FILE=str(file),
        VENUE_SIM_DATA=str(ROOT / "data" / "sample"),
    )  # fmt: skip
    venue.start()
    await eventually(file.exists, PATIENCE_S)
    address = file.read_text().strip()
    async with httpx.AsyncClient() as http:
        status = await http.post(f"{address}/info", json={"type": "exchangeStatus"})
        behind_s = hyperliquid.venue_time_ms(status.content) / 1_000 - time.time()
        for name, wrong_s in (("right", 0.0), ("an hour ahead", 3_600.0)):
            context.step(f"R11 offset of a clock that is {name}")
            port = launch.free_port()
            collector = platform.also(
                "collector_hl", "api_ro", TRADING_INSTANCE=f"real-time-{wrong_s:.0f}", TRADING_METRICS_PORT=str(port),
                TRADING_EXCHANGES__HYPERLIQUID__BASE_URL=address, LD_PRELOAD=str(preload), DONT_FAKE_MONOTONIC="1",
                FAKETIME=f"{behind_s + wrong_s:+.3f}",
            )  # fmt: skip
            began_s = time.monotonic()
            collector.start()
            await eventually(partial(_metric, http, port, HEARD), PATIENCE_S)  # before the first live quote it says 0
            smallest_ms = await _smallest_ms(http, port, rule.patience_s)
            if wrong_s == 0.0:
                found.measure("offset_of_right_ms", smallest_ms)
            else:
                assert smallest_ms > rule.limit, smallest_ms
                found.measure("alert_s", time.monotonic() - began_s)
            await asyncio.to_thread(collector.kill)


async def _smallest_ms(http: httpx.AsyncClient, port: int, for_s: float) -> float:
    """The smallest offset of that time: the alert fires when even that is beyond its limit."""
    began_s, smallest_ms = time.monotonic(), math.inf
    while time.monotonic() - began_s < for_s:
        if (offset_ms := await _metric(http, port, OFFSET)) is not None:
            smallest_ms = min(smallest_ms, abs(offset_ms))
        await asyncio.sleep(LOOK_S)
    return smallest_ms


async def _metric(http: httpx.AsyncClient, port: int, name: str) -> float | None:
    """Of Hyperliquid's collector; None while it does not answer or does not know it."""
    try:
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
    except httpx.TransportError:
        return None
    found = re.search(rf'^{name}\{{exchange="hyperliquid"\}} (\S+)$', text, re.M)
    return float(found[1]) if found else None


def _clock_is_right(service: ServiceProcess) -> bool:
    """By what it wrote last, and when the file was written."""
    last = json.loads(service.log.read_text().splitlines()[-1])
    said_s = datetime.fromisoformat(last["time"]).timestamp()
    return abs(said_s - service.log.stat().st_mtime) < 1.0


def _malformed(context: Context) -> None:
    """Good payloads with bytes changed, cut or doubled, a good one after each; every parser reads or refuses."""
    found, chance = context.found["R10"], random.Random(context.seed)
    context.step(f"R10 {PAYLOADS} malformed payloads")
    for venue, frame, good in (
        ("hyperliquid", hyperliquid.frame, GOOD_HYPERLIQUID), ("polymarket", polymarket.frame, GOOD_POLYMARKET)
    ):  # fmt: skip
        for _ in range(PAYLOADS):
            payload = chance.choice(good)
            began_s = time.perf_counter()
            found.measure("uncaught", 0 if _read_or_refused(frame, _damaged(payload, chance)) else 1)
            found.measure("longest_s", time.perf_counter() - began_s)
            found.measure("good_lost", 0 if _rows(frame, payload) else 1)
        found.say(f"{PAYLOADS:,} of {venue}")


GOOD_HYPERLIQUID: Sequence[bytes] = (
    b'{"channel":"trades","data":[{"coin":"BTC","side":"B","px":"64000.5","sz":"0.25","hash":"0x0","time":1793066400000,'
    b'"tid":7,"users":["0x1","0x2"]}]}',
    b'{"channel":"bbo","data":{"coin":"BTC","time":1793066400000,"bbo":[{"px":"63999.5","sz":"1.5","n":2},'
    b'{"px":"64000.5","sz":"0.7","n":1}]}}',
    b'{"channel":"l2Book","data":{"coin":"BTC","time":1793066400000,"levels":[[{"px":"1.0","sz":"2","n":1}],'
    b'[{"px":"1.5","sz":"2","n":1}]]}}',
)
GOOD_POLYMARKET: Sequence[bytes] = (
    b'[{"event_type":"book","asset_id":"11","market":"0x1f","timestamp":"1793066400000","hash":"h","bids":'
    b'[{"price":"0.48","size":"30"}],"asks":[{"price":"0.52","size":"25"}]}]',
)


def _damaged(payload: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(payload))
    end = min(len(payload), start + chance.randint(0, 12))
    junk = bytes(chance.randrange(256) for _ in range(chance.randint(0, 8)))
    return chance.choice(
        [payload[:start] + junk + payload[end:], payload[:end] + payload[start:], payload[:start], junk]
    )


def _read_or_refused(frame: Callable[[bytes], object], data: bytes) -> bool:
    try:
        frame(data)
    except VenueMessageInvalid:
        return True
    except Exception:
        return False
    return True


def _rows(frame: Callable[[bytes], Sequence[object]], data: bytes) -> bool:
    """Whether a good payload still gives its rows: they are one of the parts of what `frame` returns."""
    return any(isinstance(part, list) and part and not isinstance(part[0], str) for part in frame(data))

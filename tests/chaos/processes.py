"""R1, R2, R5, R12, R13, R23: processes that die, stop, come twice or are asked to end, under load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from functools import partial

from blackbox_lab import STOP_LIMIT_S
from chaos.judge import compared, judged
from chaos.page import Page
from chaos.platform import ASSETS, PATIENCE_S, Platform
from chaos.run import Context
from trading_core import messages, streams
from trading_core.faultpoints import POINTS, VARIABLE
from trading_core.messages import HeartbeatMessage
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceProcess

ROWS = ("R1", "R2", "R5", "R12", "R13", "R23")
PAUSED = ("broker", "runner", "recorder", "collector")
OWNER = {"relay": "broker"}
"""Fault points are named after the service they lie in, but for these."""
PAGE_S = 20.0
SIGNALS = 1_000
"""So many are decided while there are two of each."""
_BACKEND = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'paper-broker%' ORDER BY random() LIMIT 1"
_BOOKED = """
SELECT count(*) FROM trading_paper.decisions JOIN trading_paper.outbox USING (event_id)
WHERE strategy = $1 AND asset = $2 AND ts = to_timestamp($3 / 1000.0) AND created_at > to_timestamp($4)
"""
_DECIDED = "SELECT count(*), count(*) - count(DISTINCT signal_event_id) AS twice FROM trading_paper.decisions"


async def run(context: Context) -> None:
    async with context.platform() as platform:
        page = Page(platform)
        looking = asyncio.create_task(page.run())
        try:
            if "R1" in context.rows:
                await _die(platform, context)
                await _at_fault_points(platform, context)
            if "R2" in context.rows:
                await _nats_dies(platform, context)
            if "R5" in context.rows:
                await _postgres_crashes(platform, context)
            if {"R12", "R13"} & set(context.rows):
                await _doubled(platform, context)
            if "R23" in context.rows:
                await _asked_to_end(platform, context)
            until_ms = await platform.quiet()
            context.found["R1"].measure("page_differs", 0 if await _page_agrees(page) else 1)
            context.found["R1"].say(f"a page held open through all of it, {page.connections} connections")
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
        broken = await judged(platform, until_ms)
        minutes = (until_ms - platform.from_ms) // 60_000
        context.broken(ROWS, broken, f"judged {minutes:,} minutes of market time, {compared(platform)}")


async def _die(platform: Platform, context: Context) -> None:
    """Each service at random moments; how long until what it makes is up to date again."""
    found, chance = context.found["R1"], random.Random(context.seed)
    times = context.times("R1", 20)
    for turn in range(times):
        for name in chance.sample(sorted(platform.services), len(platform.services)):
            context.step(f"R1 kill -9 {name} {turn + 1}/{times}")
            await asyncio.sleep(chance.uniform(0.1, 1.0))  # a random moment: that is the test
            service = platform.services[name]
            restored = service.times_said("broker_restored")
            began_s = time.monotonic()
            await platform.hit(service)
            if name == "broker":
                await eventually(partial(_said_again, service, "broker_restored", restored), PATIENCE_S)
                began_s = time.monotonic()
            await platform.back(name)
            found.measure("exits_done_s" if name == "broker" else f"{name}_back_s", time.monotonic() - began_s)
    found.say(f"each of {len(platform.services)} services killed {times} ×")


async def _at_fault_points(platform: Platform, context: Context) -> None:
    """Each marked place at one of its first passings; in a quick run different services at the same time."""
    found, chance = context.found["R1"], random.Random(context.seed + 1)
    passings = {point: 1 if point == "broker.after_takeover" else chance.randint(1, 9) for point in POINTS}
    points = {name: [point for point in POINTS if _owner(point) == name] for name in platform.services}
    context.step(f"R1 dies at {len(POINTS)} fault points")

    async def die(name: str) -> int:
        return sum([await _dies_at(platform, name, point, passings[point]) for point in points[name]])

    if context.quick:
        reached = sum(await asyncio.gather(*map(die, points)))
    else:
        reached = sum([await die(name) for name in points])
    found.measure("fault_points_missed", len(POINTS) - reached)
    found.say(f"{reached} of {len(POINTS)} fault points hit")


def _owner(point: str) -> str:
    prefix = point.split(".")[0]
    return OWNER.get(prefix, prefix)


async def _dies_at(platform: Platform, name: str, point: str, passing: int) -> bool:
    """Whether it did."""
    service, begin_ms = platform.services[name], platform.venue_ms()
    await asyncio.to_thread(service.kill)
    service.start(**{VARIABLE: f"{point}:{passing}"})
    with contextlib.suppress(AssertionError):
        await eventually(partial(_is_gone, service), PATIENCE_S)
    reached = service.ended() == -signal.SIGKILL and service.said(f'"name": "{point}"')
    await platform.hit(service)
    if service is platform.collector:
        platform.excuse("kill", begin_ms)
    await platform.back(name)
    return reached


async def _nats_dies(platform: Platform, context: Context) -> None:
    found, times = context.found["R2"], context.times("R2", 5)
    before = {name: service.pid for name, service in platform.services.items()}
    for turn in range(times):
        context.step(f"R2 kill -9 nats-server {turn + 1}/{times}")
        await platform.hit(platform.nats)
        found.measure("back_s", await platform.all_back())
    now = {name: service.pid for name, service in platform.services.items() if service.ended() is None}
    found.measure("services_restarted", len(before.items() - now.items()))
    found.say(f"{times} ×")


async def _postgres_crashes(platform: Platform, context: Context) -> None:
    """A backend of the broker dies, so all sessions end and the server recovers; then the whole server dies."""
    found, times = context.found["R5"], context.times("R5", 5)
    for turn in range(times):
        context.step(f"R5 kill -9 PostgreSQL {turn + 1}/{times}")
        began_s = time.monotonic()
        os.kill(await platform.value(_BACKEND), signal.SIGKILL)
        await platform.all_back()
        found.measure("back_s", time.monotonic() - began_s)
        await platform.hit(platform.postgres.process)
        found.measure("back_s", await platform.all_back())
    found.say(f"{times} × each")


async def _doubled(platform: Platform, context: Context) -> None:
    """With a standby broker beside the first, which is the one that stays."""
    context.step("R13 a second broker")
    platform.more("broker-2", "paper_broker", "broker").start()
    await eventually(lambda: _status(platform, "broker-2", "standby"), PATIENCE_S)
    if "R13" in context.rows:
        await _two_of_the_same(platform, context)
    if "R12" in context.rows:
        await _paused(platform, context)
    await _end(platform, context, "broker")
    platform.services["broker"] = platform.services.pop("broker-2")
    await platform.back("broker")


async def _two_of_the_same(platform: Platform, context: Context) -> None:
    """A standby broker, and a second runner pinned to every asset of the first, for a while."""
    found = context.found["R13"]
    context.step("R13 a second broker and a second runner")
    second = platform.more("runner-2", "strategy_runner", "runner_ro", RUNNER_ASSETS=",".join(ASSETS))
    second.start()
    await eventually(lambda: second.said("runner_started"), PATIENCE_S)
    [before] = await platform.fetch(_DECIDED)
    wanted = 30 if context.quick else SIGNALS
    if context.quick:
        found.leave_out(f"a quick run: {wanted} signals instead of {SIGNALS:,}", "times")

    async def enough() -> bool:
        [now] = await platform.fetch(_DECIDED)
        return bool(now["count"] - before["count"] >= wanted)

    await eventually(enough, PATIENCE_S * 3)
    [after] = await platform.fetch(_DECIDED)
    found.measure("decided_twice", after["twice"])
    found.measure("standby_wrong", 0 if await _status(platform, "broker-2", "standby") else 1)
    found.say(f"{after['count'] - before['count']:,} signals by two runners, one broker idle as standby")
    await _end(platform, context, "runner-2")


async def _paused(platform: Platform, context: Context) -> None:
    """SIGSTOP. The broker's standby takes over, and the paused one writes nothing when it wakes up."""
    found = context.found["R12"]
    for name in PAUSED[:1] if context.quick else PAUSED:
        context.step(f"R12 SIGSTOP {name} for 30 s")
        service = platform.services[name]
        if name != "broker":
            await platform.pause(service, 30.0)
            await platform.back(name)
            continue
        await asyncio.to_thread(service.freeze)
        began_s, frozen_s, lines = time.monotonic(), time.time(), service.times_said("\n")
        restored = platform.services["broker-2"]
        await eventually(partial(_said_again, restored, "broker_restored", 0), PATIENCE_S)
        await platform.back("broker-2")
        found.measure("broker_replaced_s", time.monotonic() - began_s)
        service.thaw()
        await eventually(lambda: _status(platform, "broker", "standby"), PATIENCE_S)
        found.measure("zombie_rows", await _written_since(platform, service, lines, frozen_s))
    if context.quick:
        found.leave_out("a quick run pauses the broker alone", "broken")
    found.say(", ".join(PAUSED[:1] if context.quick else PAUSED))


async def _written_since(platform: Platform, service: ServiceProcess, lines: int, since_s: float) -> int:
    """Decisions that this broker says it made, in the lines after so many, and that were booked since.

    It may have been stopped between a COMMIT and the line about it: such a one was booked before.
    """
    said = [json.loads(line) for line in service.log.read_text().splitlines()[lines:] if line.startswith("{")]
    decided = [line for line in said if line["event"] == "signal_decided"]
    found = [
        await platform.value(_BOOKED, line["strategy"], line["asset"], line["event_time_ms"], since_s)
        for line in decided
    ]
    return sum(found)


async def _asked_to_end(platform: Platform, context: Context) -> None:
    """SIGTERM to each, one after the other, and started again."""
    context.step("R23 SIGTERM")
    for name in list(platform.services):
        begin_ms = platform.venue_ms()
        await _end(platform, context, name, forget=False)
        platform.services[name].start()
        if name == "collector":
            await platform.back(name)
            platform.excuse("stop", begin_ms)
        await platform.back(name)
    context.found["R23"].say("each service, under load, and started again")


async def _end(platform: Platform, context: Context, name: str, *, forget: bool = True) -> None:
    found, began_s = context.found["R23"], time.monotonic()
    code = await asyncio.to_thread(platform.services[name].terminate, STOP_LIMIT_S)
    found.measure("exit_s", time.monotonic() - began_s)
    found.measure("exit_not_0", 0 if code == 0 else 1)
    if forget:
        del platform.services[name]


def _said_again(service: ServiceProcess, words: str, before: int) -> bool:
    return service.times_said(words) > before


def _is_gone(service: ServiceProcess) -> bool:
    return service.ended() is not None


async def _status(platform: Platform, instance: str, wanted: str) -> bool:
    """Whether the newest heartbeat of that broker says so."""
    beat = await platform.bus.last(streams.HEALTH, streams.heartbeat_subject("paper-broker", instance))
    message = None if beat is None else messages.decode(beat.data)
    return isinstance(message, HeartbeatMessage) and message.status == wanted


async def _page_agrees(page: Page) -> bool:
    try:
        return await eventually(page.agrees, PAGE_S)
    except AssertionError:
        return False

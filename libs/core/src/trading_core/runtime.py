"""The frame around every service: settings, logs, bus, heartbeat, metrics, and a clean stop.

Exit codes: 0 after SIGTERM or SIGINT, 2 when a person must change a setting, 1 after a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import structlog

from trading_core import faultpoints, probes, runtime_metrics
from trading_core import logging as trading_logging
from trading_core.config import Settings, load
from trading_core.errors import ConfigError, TradingError
from trading_core.messages import HeartbeatMessage
from trading_core.streams import heartbeat_subject
from trading_core.tasks import one_sentence

if TYPE_CHECKING:
    from trading_core.bus.connection import Bus

HEARTBEAT_S = 5.0
STOP_LIMIT_S = 4.0
PAUSE_S = 0.5
"""Of the loop that measures how late it is woken."""
PROBE_FILE_VARIABLE = "TRADING_HEALTH_FILE"


@dataclass
class Health:
    """What the next heartbeat says."""

    status: Literal["ok", "standby", "degraded"] = "ok"
    event_time_ms: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """The next heartbeat goes out now."""
        self.news.set()


@dataclass
class Runtime:
    """What a service gets to work with. `stop` is set by SIGTERM: then `start` must return soon."""

    service: str
    instance: str
    settings: Settings
    log: structlog.typing.FilteringBoundLogger
    stop: asyncio.Event
    started_time_ms: int
    health: Health = field(default_factory=Health)
    _bus: Bus | None = None

    @property
    def bus(self) -> Bus:
        assert self._bus is not None, f"{self.service} was started with needs_bus=False"
        return self._bus

    async def connect(self) -> Bus:
        """For a service that begins without the bus: `bus` from now on, after as long as the server takes."""
        from trading_core.bus.connection import connect

        self._bus = await connect(self.settings.nats.url, name=f"{self.service}/{self.instance}")
        return self._bus

    async def until_stop(self, work: Awaitable[Any]) -> Any:
        """The result of `work`, or None when the stop came first; `work` is cancelled then."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for pending in (task, stopped):
                if not pending.done():
                    pending.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await pending


Start = Callable[[Runtime], Awaitable[None]]


def main(service: str, start: Start, *, needs_bus: bool = True) -> int:
    """Runs `start` until it returns or a stop is asked for; the process's exit code."""
    trading_logging.configure(service)
    log = structlog.get_logger()
    try:
        settings = load()
        trading_logging.configure(service, settings.logging.level)
        if armed := faultpoints.arm():
            log.warning("faultpoints_armed", passings=dict(armed))
        with one_sentence():
            _run(_serve(service, settings, start, needs_bus))
    except ConfigError as error:
        log.error("settings_refused", problem=str(error))
        return 2
    except TradingError as error:
        log.error("service_failed", problem=str(error))
        return 1
    except Exception:
        log.exception("service_crashed")
        return 1
    return 0


def _run(work: Any) -> None:
    try:
        import uvloop
    except ImportError:  # no wheel for this platform: the standard loop does the same, slower
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def instance_name() -> str:
    """`TRADING_INSTANCE`, else 1; `hostname` stands for the host's name, which in a container is its own."""
    given = os.environ.get("TRADING_INSTANCE") or "1"
    name = socket.gethostname() if given == "hostname" else given
    return re.sub(r"[^a-z0-9_-]", "-", name.lower())


async def _serve(service: str, settings: Settings, start: Start, needs_bus: bool) -> None:
    instance = instance_name()
    log = structlog.get_logger().bind(instance=instance)
    runtime = Runtime(service, instance, settings, log, asyncio.Event(), started_time_ms=_now_ms())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stop.set)
    _serve_probes(runtime.health)
    try:
        if needs_bus:
            await runtime.until_stop(runtime.connect())
        if not runtime.stop.is_set():
            log.info("service_started", pid=os.getpid())
            await _supervise(runtime, start)
    finally:
        if runtime._bus is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(runtime._bus.close(), 0.8)
    log.info("service_stopped")


async def _supervise(runtime: Runtime, start: Start) -> None:
    """Runs `start` beside the heartbeat; after a stop it has STOP_LIMIT_S to return."""
    work = asyncio.ensure_future(start(runtime))
    heartbeat = asyncio.create_task(_heartbeat(runtime))
    delays = asyncio.create_task(_measure_delays())
    stopped = asyncio.create_task(runtime.stop.wait())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await asyncio.wait({work}, timeout=STOP_LIMIT_S)
        if not work.done():
            runtime.log.warning("stop_limit_exceeded", limit_ms=int(STOP_LIMIT_S * 1000))
            work.cancel()
            await asyncio.wait({work}, timeout=0.5)
        if work.done() and not work.cancelled():
            work.result()
    finally:
        for task in (heartbeat, delays, stopped):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _measure_delays() -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(PAUSE_S)
        runtime_metrics.EVENT_LOOP_DELAY_SECONDS.observe(max(0.0, time.perf_counter() - began - PAUSE_S))


async def _heartbeat(runtime: Runtime) -> None:
    """Says every HEARTBEAT_S how the service does. A missed one is no error: the next says it again."""
    while True:
        sent = _now_ms()
        health = runtime.health
        message = HeartbeatMessage(
            id=f"hb:{runtime.service}:{runtime.instance}:{sent}",
            service=runtime.service,
            instance=runtime.instance,
            sent_time_ms=sent,
            started_time_ms=runtime.started_time_ms,
            status=health.status,
            event_time_ms=health.event_time_ms,
            detail=dict(health.detail),
        )
        _touch_health_file(health)
        if runtime._bus is not None:
            subject = heartbeat_subject(runtime.service, runtime.instance)
            try:
                await asyncio.wait_for(runtime._bus.publish(subject, message), HEARTBEAT_S)
            except Exception as error:
                runtime.log.warning("heartbeat_missed", error=str(error) or type(error).__name__)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(health.news.wait(), HEARTBEAT_S)
        health.news.clear()


def _touch_health_file(health: Health) -> None:
    """For `python -m trading_core probe`: a container's health check reads the age of this file."""
    if path := os.environ.get(PROBE_FILE_VARIABLE):
        with open(path, "w", encoding="utf-8") as file:
            file.write(health.status)


def _serve_probes(health: Health) -> None:
    runtime_metrics.READY.set_function(lambda: health.status in probes.READY)
    port = os.environ.get("TRADING_METRICS_PORT")
    if port:
        try:
            number = int(port)
        except ValueError:
            raise ConfigError(f"TRADING_METRICS_PORT must be a port number, got {port!r}.") from None

        def report() -> dict[str, object]:
            return {"status": health.status, "event_time_ms": health.event_time_ms, "detail": dict(health.detail)}

        probes.serve(os.environ.get("TRADING_METRICS_HOST", "127.0.0.1"), number, report)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

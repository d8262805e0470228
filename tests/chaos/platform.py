"""The whole platform as processes of our own on a simulated venue, each of which may be killed, paused or doubled."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from nats import errors

from blackbox_lab import STOP_LIMIT_S, BlackBox
from chaos.proxy import Proxy
from market_judge import Fault
from repository import ROOT
from trading_core import messages, streams
from trading_core.bus.connection import Bus, connect
from trading_core.db.pool import AWAY
from trading_core.embedded import launch
from trading_core.messages import ExecMessage, GridMessage, WatermarkMessage
from trading_core.model import MINUTE_MS
from trading_core.testing import eventually
from trading_core.testing_servers import OwnPostgres, OwnServer, ServiceProcess

SPEED = 400.0
"""Of venue time: 6.7 grid points a second with three tradable signals each, and about 270 market messages."""
QUICK_SPEED = 150.0
"""So that a machine with much else to do keeps pace."""
ASSETS = ("BTC", "ETH", "SOL")
PORTFOLIO = "default"
PATIENCE_S = 300.0
"""However busy the machine is; how soon it should be is for bounds.yaml to say."""
RULES = {"TRADING_BROKER__MAX_DAILY_LOSS": "1"}
"""A strategy that reverses at every minute loses money: without this it would soon be paused and nothing filled."""
Process = ServiceProcess | OwnServer


@dataclass(frozen=True)
class Poison:
    """Messages of `source` that came between two moments of wall time may be unreadable."""

    source: str
    from_ms: int
    to_ms: int

    def accounts_for(self, source: str, received_ms: int) -> bool:
        return source == self.source and self.from_ms <= received_ms <= self.to_ms


class Platform(BlackBox):
    """`open` first. Services by name: collector, recorder, runner, broker, api, and those that `more` adds."""

    def __init__(
        self, folder: Path, postgres: OwnPostgres, speed: float = SPEED, *, proxied: bool = False,
        strategies: Callable[[Path], None] = lambda _folder: None,
    ) -> None:  # fmt: skip
        """proxied: services reach NATS and PostgreSQL through `proxies`. strategies: adds to their folder."""
        super().__init__(folder, postgres, speed)
        self._add_strategies = strategies
        targets = {"nats": self.servers_plan.port, "postgres": postgres.server.port} if proxied else {}
        self.proxies = {name: Proxy(port) for name, port in targets.items()}
        self.services: dict[str, ServiceProcess] = {}
        self.bus: Bus
        self.from_ms = 0
        self.poisons: list[Poison] = []
        self.api_port = launch.free_port()
        self.strategies = folder / "strategies"

    async def open(self, **collector: str) -> None:
        """All of it runs, and the first minute has gone through to the dashboard."""
        shutil.copytree(ROOT / "strategies", self.strategies, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        shutil.copytree(ROOT / "bench" / "strategies" / "minute_flip", self.strategies / "minute_flip")
        self._add_strategies(self.strategies)
        for proxy in self.proxies.values():
            await proxy.start()
        await self.start(**collector)
        self.bus = await connect(self.servers_plan.url, name="chaos/1", on_error=lambda _error: None)
        self.services = {"collector": self.collector, "recorder": self.recorder}
        for name, module, role in (
            ("runner", "strategy_runner", "runner_ro"),
            ("broker", "paper_broker", "broker"),
            ("api", "trading_api", "api_ro"),
        ):
            self.more(name, module, role).start()
        self.from_ms = await self.watermark_ms()
        for name in self.services:
            await self.back(name)

    def more(self, name: str, module: str, role: str, **environment: str) -> ServiceProcess:
        """Another service, or a second of the same; not started yet."""
        settings = {
            **RULES, "TRADING_INSTANCE": name, "TRADING_RUNNER__STRATEGIES_DIR": str(self.strategies),
            "TRADING_API__PORT": str(self.api_port), "TRADING_API__FRONTEND_DIR": str(self.folder), **environment,
        }  # fmt: skip
        self.services[name] = self.also(module, role, **settings)
        return self.services[name]

    def dense(self) -> None:
        """The venue shows every recorded book of Polymarket; before `open`."""
        self._venue_settings["VENUE_SIM_BOOK_EVERY_MS"] = "0"

    async def polymarket(self) -> None:
        """The collector of the other venue too; its first books have been published."""
        section, sockets = "TRADING_EXCHANGES__POLYMARKET__", self.address.replace("http", "ws", 1)
        settings = {
            section + "ENABLED": "true", section + "SIMULATED_CLOCK": "true",
            section + "BASE_URL": f"{self.address}/clob", section + "GAMMA_URL": f"{self.address}/gamma",
            section + "WS_URL": f"{sockets}/clob/ws/market",
        }  # fmt: skip
        self.more("collector-pm", "collector_pm", "recorder", **settings).start()
        subject = streams.watermark_subject(streams.MARKET, "polymarket")
        await eventually(lambda: self._newest(streams.MARKET, subject), PATIENCE_S)

    def _service(self, module: str, **environment: str) -> ServiceProcess:
        name = "-".join(filter(None, [module, environment.get("TRADING_INSTANCE")]))
        for proxy in self.proxies.values():
            there, here = f"127.0.0.1:{proxy.target}", f"127.0.0.1:{proxy.port}"
            environment = {key: value.replace(there, here) for key, value in environment.items()}
        return ServiceProcess(module, environment, self.folder / f"{name}.log")

    async def back(self, name: str, patience_s: float = PATIENCE_S) -> float:
        """Seconds until what this service makes has passed the moment of the call, in venue time."""
        began_s, at_ms = time.monotonic(), await self._now_ms()
        probe = self._probes()[name.split("-")[0]]

        async def passed() -> bool:
            if (code := self.services[name].ended()) is not None:
                raise RuntimeError(f"{name} has ended by itself with exit code {code}")
            try:
                return await probe(at_ms)
            except (errors.Error, TimeoutError, httpx.HTTPError, asyncpg.PostgresError, *AWAY):
                return False

        await eventually(passed, patience_s)
        return time.monotonic() - began_s

    async def _now_ms(self) -> int:
        """Venue time to the moment; the truth log is half a second behind, and may be passed before a fault."""
        async with httpx.AsyncClient(base_url=self.address, timeout=20) as client:
            return int((await client.post("/info", json={"type": "exchangeStatus"})).json()["time"])

    async def all_back(self, patience_s: float = PATIENCE_S) -> float:
        """Seconds until every service is."""
        took = await asyncio.gather(*(self.back(name, patience_s) for name in self._probes()))
        return max(took)

    async def hit(self, victim: Process, gone_s: float = 0.0, **once: str) -> None:
        """kill -9, and started again after `gone_s`, with more environment for that start only."""
        begin_ms = self.venue_ms()
        await asyncio.to_thread(victim.kill)
        await asyncio.sleep(gone_s)
        if isinstance(victim, ServiceProcess):
            victim.start(**once)
        else:
            await asyncio.to_thread(victim.start)
        if victim is self.collector:
            await self._collector_went(begin_ms)

    async def pause(self, victim: Process, for_s: float) -> None:
        """SIGSTOP, and SIGCONT after `for_s`."""
        begin_ms = self.venue_ms()
        await asyncio.to_thread(victim.freeze)
        await asyncio.sleep(for_s)
        victim.thaw()
        if victim in (self.collector, self.nats):
            self.excuse("pause", begin_ms)

    async def _collector_went(self, begin_ms: int) -> None:
        reads = self.collector.times_said("position_read")
        await eventually(lambda: self.collector.times_said("position_read") >= max(1, reads), PATIENCE_S)
        await self.back("collector")
        self.excuse("kill", begin_ms)

    def excuse(self, kind: str, begin_ms: int) -> None:
        """From `begin_ms` until now what the venue said may be missing, if a gap says so."""
        # The truth log may be half a second behind.
        self._kills.append(Fault(kind, begin_ms, self.venue_ms() + int(self.speed * 500)))

    async def quiet(self) -> int:
        """The venue ends, everything that it said is decided and stored; how far the run may be judged."""
        until_ms = await self.watermark_ms()
        await self.flows()  # so what the end of the collector leaves open begins after it
        collectors = [service for name, service in self.services.items() if name.startswith("collector")]
        for process in (*collectors, self.venue):
            assert await asyncio.to_thread(process.terminate, STOP_LIMIT_S) == 0
        newest = await self.bus.last(streams.MARKET, streams.watermark_subject(streams.MARKET, "hyperliquid"))
        assert newest is not None
        message = messages.decode(newest.data)
        assert isinstance(message, WatermarkMessage)
        point_ms = message.watermark_ms // MINUTE_MS * MINUTE_MS
        await eventually(lambda: self._stored(point_ms), PATIENCE_S)
        return until_ms

    async def _stored(self, point_ms: int) -> bool:
        newest = "SELECT max(ts) >= to_timestamp($1 / 1000.0) FROM trading_ops.exec_events WHERE kind = 'equity'"
        unsent = "SELECT count(*) FROM trading_paper.outbox WHERE sent_at IS NULL"
        if not await self.value(newest, point_ms) or await self.value(unsent):
            return False
        infos = [await self.bus.js.consumer_info(spec.stream.name, spec.name) for spec in streams.RECORDER[:4]]
        return all(info.num_pending == 0 and info.num_ack_pending == 0 for info in infos)

    async def value(self, query: str, *arguments: object) -> Any:
        [row] = await self.fetch(query, *arguments)
        return row[0]

    async def shut(self) -> None:
        if hasattr(self, "bus"):
            await self.bus.close()
        self.close()
        for proxy in self.proxies.values():
            await proxy.close()

    def _probes(self) -> dict[str, Callable[[int], Awaitable[bool]]]:
        """Service → whether what it makes has reached a venue time."""
        return {
            "collector": self._collected,
            "recorder": self._recorded,
            "runner": self._evaluated,
            "broker": self._valued,
            "api": self._answered,
        }

    async def _newest(self, stream: streams.StreamSpec, subject: str) -> messages.Message | None:
        async with asyncio.timeout(10):
            found = await self.bus.last(stream, subject)
        return None if found is None else messages.decode(found.data)

    async def _collected(self, at_ms: int) -> bool:
        newest = await self._newest(streams.MARKET, streams.watermark_subject(streams.MARKET, "hyperliquid"))
        return isinstance(newest, WatermarkMessage) and newest.watermark_ms >= at_ms

    async def _recorded(self, at_ms: int) -> bool:
        return await self.watermark_ms() >= at_ms

    async def _evaluated(self, at_ms: int) -> bool:
        grids = [await self._newest(streams.SIGNALS, streams.grid_subject("hyperliquid", asset)) for asset in ASSETS]
        return all(isinstance(grid, GridMessage) and grid.ts > at_ms for grid in grids)

    async def _valued(self, at_ms: int) -> bool:
        newest = await self._newest(streams.EXEC, streams.exec_subjects("equity", PORTFOLIO))
        return isinstance(newest, ExecMessage) and newest.event_time_ms > at_ms

    async def _answered(self, _at_ms: int) -> bool:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.api_port}", timeout=20) as client:
            return (await client.get("/api/summary")).status_code == 200

"""venue-sim, collector-hl and recorder as processes on a nats-server and a PostgreSQL of their own, all of which
may be killed. What comes out of it is judged by `market_judge`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from market_judge import Event, Fault, Gap, Row
from repository import ROOT
from trading_core.bus.connection import connect
from trading_core.bus.provision import provision
from trading_core.db.pool import AWAY
from trading_core.db.times import millis
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.model import MINUTE_MS
from trading_core.testing import eventually
from trading_core.testing_servers import OwnPostgres, OwnServer, ServiceProcess

FLOW_LIMIT_S = 180.0
"""However busy the machine is, data flows again within this; how soon it should is for the judge to say."""
STOP_LIMIT_S = 30.0
"""As generous, for the same reason: that services end within 5 s is tested where only one of them runs."""
_ROWS = """
    SELECT event_id, kind, asset, ts, coalesce(payload ->> 'polled', payload ->> 'backfilled') = 'true' AS by_rest
    FROM trading_market_data.ticks WHERE exchange = 'hyperliquid' AND kind <> 'gap' ORDER BY ts
"""
_GAPS = "SELECT asset, channel, from_ts, to_ts, state FROM trading_ops.gaps WHERE exchange = 'hyperliquid'"
_OPEN = "SELECT count(*) FROM trading_ops.gaps WHERE exchange = 'hyperliquid' AND state = 'open'"
_WATERMARK = "SELECT max(watermark_ms) FROM trading_ops.watermarks WHERE stream = 'MARKET'"


class BlackBox:
    """Nothing is started before `start`; `close` ends whatever still runs."""

    def __init__(self, folder: Path, postgres: OwnPostgres, speed: float) -> None:
        self.folder = folder
        self.speed = speed
        self.postgres = postgres
        self.servers_plan = NatsServer(folder / "nats", launch.free_port(), launch.free_port(), new_password())
        self.nats = OwnServer(self.servers_plan, folder / "nats.log")
        self.truth_path = folder / "truth.jsonl"
        (folder / "config.yaml").write_text("{}\n")
        self._venue_settings: dict[str, str] = {}
        self.venue: ServiceProcess
        self.collector: ServiceProcess
        self.recorder: ServiceProcess
        self._kills: list[Fault] = []
        self._more: list[ServiceProcess] = []

    @property
    def address(self) -> str:
        return (self.folder / "address").read_text().strip()

    async def start(self, **collector: str) -> None:
        """Everything runs and venue time has begun to pass; `collector`: more of its environment."""
        self.nats.start()
        bus = await connect(self.servers_plan.url, name="blackbox/1")
        try:
            await provision(bus)
        finally:
            await bus.close()
        self.venue = self._service(
            "venue_sim", **self._venue_settings,
            VENUE_SIM_SPEED=str(self.speed), VENUE_SIM_DATA=str(ROOT / "data" / "sample"),
            VENUE_SIM_HOLD="1", VENUE_SIM_TRUTH=str(self.truth_path), VENUE_SIM_STATE=str(self.folder / "venue.json"),
            VENUE_SIM_ADDRESS_FILE=str(self.folder / "address"),
        )  # fmt: skip
        self.venue.start()
        await eventually((self.folder / "address").exists, FLOW_LIMIT_S)
        common = {"TRADING_NATS__URL": self.servers_plan.url, "TRADING_CONFIG": str(self.folder / "config.yaml")}
        self.recorder = self._service("recorder", **common, TRADING_DATABASE__URL=self.postgres.role_url("recorder"))
        hyperliquid = "TRADING_EXCHANGES__HYPERLIQUID__"
        venue = {hyperliquid + "BASE_URL": self.address, hyperliquid + "SIMULATED_CLOCK": "true"}
        self.collector = self._service("collector_hl", **common, **venue, **collector)
        self.recorder.start()
        self.collector.start()
        await eventually(self.watermark_ms, FLOW_LIMIT_S)

    def also(self, module: str, role: str, **environment: str) -> ServiceProcess:
        """Another service, with the platform's own settings and strategies; not started yet."""
        common = {
            "TRADING_NATS__URL": self.servers_plan.url,
            "TRADING_CONFIG": str(ROOT / "config.yaml"),
            "TRADING_RUNNER__STRATEGIES_DIR": str(ROOT / "strategies"),
            "TRADING_DATABASE__URL": self.postgres.role_url(role),
        }
        self._more.append(self._service(module, **{**common, **environment}))
        return self._more[-1]

    def misbehave(self, seed: int) -> None:
        """From the start on the venue does faults by chance; `heal` does not end the next one."""
        self._venue_settings["VENUE_SIM_FAULTS_SEED"] = str(seed)

    async def fault(self, kind: str, **more: Any) -> None:
        """The venue does it, for its whole time, and has recovered."""
        await self.begin(kind, **more)
        await self.over()

    async def begin(self, kind: str, **more: Any) -> None:
        async with httpx.AsyncClient(base_url=self.address) as client:
            response = await client.post("/control/faults", json={"kind": kind, **more})
        assert response.status_code == 200, response.text

    async def heal(self) -> None:
        """All that is wrong at the venue ends now."""
        async with httpx.AsyncClient(base_url=self.address) as client:
            await client.delete("/control/faults")

    async def over(self) -> None:
        """Every fault has had its time, and data flows again."""
        await eventually(self._healed, FLOW_LIMIT_S)
        await self.flows()

    async def flows(self) -> None:
        """What happens at the venue from now on gets as far as Postgres, and every gap is closed."""
        from_ms = self.venue_ms()

        async def flowing() -> bool:
            return await self.watermark_ms() > from_ms + 2 * MINUTE_MS and await self._value(_OPEN) == 0

        await eventually(flowing, FLOW_LIMIT_S)

    async def kill(self, victim: ServiceProcess | OwnServer) -> None:
        """kill -9, and started again at once. The fault lasts until a collector knows where it goes on from."""
        begin_ms = self.venue_ms()
        began = self.collector.times_said("position_read")
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
        if victim is self.collector:
            await eventually(lambda: self.collector.times_said("position_read") > began, FLOW_LIMIT_S)
            # The truth log may be half a second behind.
            self._kills.append(Fault("kill", begin_ms, self.venue_ms() + int(self.speed * 500)))

    def venue_ms(self) -> int:
        """Time of the newest event in the truth log, which is written at least twice a second."""
        lines = self.truth_path.read_bytes().splitlines()[-2:]
        return max(int(json.loads(line)["time"]) for line in lines if line.endswith(b"}"))

    async def watermark_ms(self) -> int:
        """How far Postgres is complete; 0 before the first watermark and while the server is away."""
        return int(await self._value(_WATERMARK) or 0)

    async def finish(self) -> int:
        """Ends venue and collector in order, waits for the recorder, and says how far the run may be judged."""
        until_ms = await self.watermark_ms()
        await self.flows()  # so what the end of the collector leaves open begins after it
        assert await asyncio.to_thread(self.collector.terminate, STOP_LIMIT_S) == 0
        assert await asyncio.to_thread(self.venue.terminate, STOP_LIMIT_S) == 0
        bus = await connect(self.servers_plan.url, name="blackbox/1")
        try:

            async def recorded() -> bool:
                infos = [await bus.js.consumer_info(stream, "rec") for stream in ("MARKET", "BOOK")]
                return all(info.num_pending == 0 and info.num_ack_pending == 0 for info in infos)

            await eventually(recorded, FLOW_LIMIT_S)
        finally:
            await bus.close()
        assert await asyncio.to_thread(self.recorder.terminate, STOP_LIMIT_S) == 0
        return until_ms

    def truth(self) -> tuple[list[Event], list[Fault]]:
        """Events of Hyperliquid, and what went wrong: at the venue by its own account, elsewhere by ours."""
        lines = [json.loads(line) for line in self.truth_path.read_text().splitlines()]
        faults = list(self._kills)
        begun: dict[str, int] = {}
        events: list[Event] = []
        for line in lines:
            if line["channel"] == "fault":
                _, kind, what = line["id"].split(":")
                asked = json.dumps(line["fault"])
                if what == "begins":
                    begun[asked] = line["time"]
                else:
                    faults.append(Fault(kind, begun.pop(asked), line["time"]))
            elif line["id"].split(":")[1] == "hl":
                events.append(Event(line["id"], line["time"], line["channel"], line["coin"]))
        last_ms = lines[-1]["time"] if lines else 0
        faults += [Fault(json.loads(asked)["kind"], begin_ms, last_ms) for asked, begin_ms in begun.items()]
        return events, faults

    async def rows(self) -> list[Row]:
        found = await self.fetch(_ROWS)
        return [
            Row(row["event_id"], millis(row["ts"]), row["kind"], row["asset"], bool(row["by_rest"])) for row in found
        ]

    async def gaps(self) -> list[Gap]:
        return [
            Gap(
                row["asset"], row["channel"], millis(row["from_ts"]),
                None if row["to_ts"] is None else millis(row["to_ts"]), row["state"],
            )
            for row in await self.fetch(_GAPS)
        ]  # fmt: skip

    def close(self) -> None:
        for log in sorted(self.folder.glob("*.log")):
            # pytest shows it when the test failed.
            print(f"--- {log.name}\n" + log.read_text(errors="replace")[-4_000:])
        for service in (*self._more, *(getattr(self, name, None) for name in ("venue", "collector", "recorder"))):
            if service is not None:
                service.kill()
        self.nats.kill()

    async def _healed(self) -> bool:
        async with httpx.AsyncClient(base_url=self.address) as client:
            return bool((await client.get("/control/faults")).json() == [])

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        """Rows of `query`, as superuser."""
        connection = await asyncpg.connect(self.postgres.url, timeout=10)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def _value(self, query: str) -> Any:
        """The one value of `query`; None while the server is away."""
        try:
            [row] = await self.fetch(query)
        except (asyncpg.PostgresError, *AWAY):
            return None
        return row[0]

    def _service(self, module: str, **environment: str) -> ServiceProcess:
        return ServiceProcess(module, environment, self.folder / f"{module}.log")

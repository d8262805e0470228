"""A venue and a collector as processes of their own, against the real nats-server of the test run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from repository import ROOT
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.messages import AnyMessage, decode
from trading_core.streams import MARKET, StreamSpec, watermark_subject
from trading_core.testing import eventually


@dataclass
class Lab:
    """Starts processes and reads streams; whatever still runs at the end is killed."""

    folder: Path
    nats_url: str
    bus: Bus
    started: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def venue(self, speed: float, *more: str) -> asyncio.subprocess.Process:
        address = self.folder / "address"
        address.unlink(missing_ok=True)
        process = await self._start(
            "venue_sim", "--speed", str(speed), "--data", str(ROOT / "data" / "sample"), "--hold-polymarket",
            "--state", str(self.folder / "state.json"), "--truth", str(self.folder / "truth.jsonl"),
            "--address-file", str(address), *more, environment={},
        )  # fmt: skip
        await eventually(address.exists, 60)
        return process

    @property
    def base_url(self) -> str:
        return (self.folder / "address").read_text().strip()

    async def control(self, path: str = "", **faults: Any) -> None:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.base_url}/control/polymarket{path}", json=faults)
            assert answer.status_code == 200, answer.text

    async def collector(self, **environment: str) -> asyncio.subprocess.Process:
        config = self.folder / "config.yaml"
        config.write_text("{}\n")
        section = "TRADING_EXCHANGES__POLYMARKET__"
        variables = {
            "TRADING_NATS__URL": self.nats_url,
            "TRADING_CONFIG": str(config),
            f"{section}ENABLED": "true",
            f"{section}BASE_URL": f"{self.base_url}/clob",
            f"{section}GAMMA_URL": f"{self.base_url}/gamma",
            f"{section}WS_URL": self.base_url.replace("http", "ws", 1) + "/clob/ws/market",
            f"{section}SIMULATED_CLOCK": "true",
            f"{section}SUBSCRIBE_AHEAD_S": "900",
        }
        return await self._start("collector_pm", environment=variables | environment)

    async def messages(self, stream: StreamSpec, subject: str) -> list[AnyMessage]:
        """Everything in `stream` now, in its order."""
        found: list[AnyMessage] = []
        pull = OrderedPull(self.bus, stream, [subject], Start.all())
        async for batch in pull.batches():
            found.extend(decode(delivered.data) for delivered in batch)
            if pull.caught_up or not batch:
                break
        return found

    async def watermark_ms(self) -> int:
        delivered = await self.bus.last(MARKET, watermark_subject(MARKET, "polymarket"))
        return int(json.loads(delivered.data)["watermark_ms"]) if delivered else 0

    async def first_watermark(self) -> int:
        return await eventually(self.watermark_ms, 60)

    async def passes(self, time_ms: int, timeout_s: float = 150) -> None:
        async def passed() -> bool:
            return await self.watermark_ms() >= time_ms

        await eventually(passed, timeout_s)

    def truth(self, channel: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.folder / "truth.jsonl").read_text().splitlines()]
        return [line for line in lines if line["id"].split(":")[1] == "pm" and line["channel"] == channel]

    async def stop(self, process: asyncio.subprocess.Process, limit_s: float = 30) -> int:
        process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(process.wait(), limit_s)

    async def close(self) -> None:
        for process in self.started:
            if process.returncode is None:
                process.kill()
                await process.wait()
        # pytest shows it when the test failed.
        print((self.folder / "log").read_text())

    async def _start(self, module: str, *arguments: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments,
                env={**os.environ, **environment}, cwd=self.folder, stderr=log,
            )  # fmt: skip
        self.started.append(process)
        return process

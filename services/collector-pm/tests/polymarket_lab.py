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
from book_judge import Verdict, judge

from repository import ROOT
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.messages import AnyMessage, BookMessage, decode
from trading_core.streams import BOOK, MARKET, StreamSpec, watermark_subject
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
        await eventually(address.exists, 150)
        return process

    @property
    def base_url(self) -> str:
        return (self.folder / "address").read_text().strip()

    async def fault(self, *kinds: str) -> None:
        """These faults of the venue, all at once, until `heal`."""
        async with httpx.AsyncClient() as client:
            for kind in kinds:
                fault = {"exchange": "polymarket", "kind": kind, "for_s": 3_600}
                answer = await client.post(f"{self.base_url}/control/faults", json=fault)
                assert answer.status_code == 200, answer.text

    async def heal(self) -> None:
        async with httpx.AsyncClient() as client:
            await client.delete(f"{self.base_url}/control/faults")

    async def logs(self, event: str) -> None:
        """Until a service has written one more such line."""

        def count() -> int:
            return (self.folder / "log").read_text().count(f'"event": "{event}"')

        before = count()
        await eventually(lambda: count() > before, 60)

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
        return await eventually(self.watermark_ms, 150)

    async def passes(self, time_ms: int, timeout_s: float = 150) -> None:
        async def passed() -> bool:
            return await self.watermark_ms() >= time_ms

        await eventually(passed, timeout_s)

    def truth(self, *channels: str) -> list[dict[str, Any]]:
        """Lines of Polymarket's half, and faults; the last line may be half written."""
        whole = (self.folder / "truth.jsonl").read_text().rpartition("\n")[0]
        return [line for text in whole.splitlines() if (line := json.loads(text))["channel"] in channels]

    async def streams(self) -> tuple[list[AnyMessage], list[AnyMessage]]:
        """Everything in MARKET and in BOOK."""
        return await self.messages(MARKET, "market.>"), await self.messages(BOOK, "book.>")

    async def verdict(self, started_ms: int, speed: float) -> Verdict:
        """Of every book up to the newest watermark; the truth log is flushed twice a second."""
        until_ms = await self.watermark_ms()
        market, books = await self.streams()
        newest_ms = max([until_ms, *(one.book_time_ms for one in books if isinstance(one, BookMessage))])
        await eventually(lambda: self.truth("market_book")[-1]["time"] > newest_ms, 60)
        truth = self.truth("market_book", "fault")
        return judge(truth, [*market, *books], started_ms, until_ms, speed)

    async def stop(self, process: asyncio.subprocess.Process, limit_s: float = 60) -> int:
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

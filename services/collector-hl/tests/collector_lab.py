"""A venue and a collector as processes of their own, against the real nats-server of the test run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from repository import ROOT
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.messages import AnyMessage, decode
from trading_core.streams import StreamSpec
from trading_core.testing import eventually


class Proxy:
    """TCP on loopback to one server, that can be cut and opened again on the same port."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            for end in (writer, back):
                end.transport.abort()
            self._tasks.discard(task)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def scripted_venue(clock_ms: int, frames: list[str]) -> AsyncIterator[str]:
    """A venue of BTC alone that acknowledges every subscription and, after the last one, says `frames`."""

    async def info(request: web.Request) -> web.Response:
        kind = (await request.json())["type"]
        meta = {"universe": [{"name": "BTC"}]}
        return web.json_response({"meta": meta, "metaAndAssetCtxs": [meta, [{"markPx": "100.0"}]]}.get(kind, []))

    async def socket(request: web.Request) -> web.StreamResponse:
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        async for message in opened:
            frame = message.json()
            await opened.send_json({"channel": "subscriptionResponse", "data": frame})
            if frame["subscription"]["type"] == "clock":
                await opened.send_json({"channel": "clock", "data": {"time": clock_ms, "speed": 1.0}})
            if frame["subscription"]["type"] == "activeAssetCtx":
                for text in frames:
                    await opened.send_str(text)
        return opened

    app = web.Application()
    app.router.add_post("/info", info)
    app.router.add_get("/ws", socket)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass
class Lab:
    """Starts processes and reads streams; whatever still runs at the end is killed."""

    folder: Path
    nats_url: str
    bus: Bus
    started: list[asyncio.subprocess.Process] = field(default_factory=list)
    _proxy: Proxy | None = None

    @property
    def log(self) -> Path:
        """What all processes said."""
        return self.folder / "log"

    @property
    def address(self) -> str:
        """Of the venue."""
        return (self.folder / "address").read_text().strip()

    async def venue(self, speed: float, *more: str) -> asyncio.subprocess.Process:
        address = self.folder / "address"
        address.unlink(missing_ok=True)
        process = await self._start(
            "venue_sim", "--speed", str(speed), "--data", str(ROOT / "data" / "sample"),
            "--state", str(self.folder / "state.json"), "--truth", str(self.folder / "truth.jsonl"),
            "--address-file", str(address), *more, environment={},
        )  # fmt: skip
        await eventually(address.exists)
        return process

    async def collector(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        variables = {
            "TRADING_NATS__URL": self.nats_url,
            "TRADING_EXCHANGES__HYPERLIQUID__BASE_URL": self.address,
            "TRADING_EXCHANGES__HYPERLIQUID__SIMULATED_CLOCK": "true",
            "TRADING_CONFIG": str(self._config()),
        }
        return await self._start("collector_hl", *arguments, environment=variables | environment)

    async def backfill(self, days: int) -> list[str]:
        """What `--backfill` said, one line per asset."""
        process = await self.collector("--backfill", str(days))
        assert process.stdout is not None
        said = (await process.stdout.read()).decode()
        assert await process.wait() == 0
        return said.splitlines()

    async def nats_by_proxy(self) -> None:
        """From now on collectors reach the server through a proxy that can be cut."""
        server = urlsplit(self.nats_url)
        assert server.hostname
        assert server.port
        self._proxy = Proxy(server.hostname, server.port)
        port = await self._proxy.open()
        self.nats_url = self.nats_url.replace(f"{server.hostname}:{server.port}", f"127.0.0.1:{port}")

    async def cut_nats(self) -> None:
        assert self._proxy is not None
        await self._proxy.close()

    async def restore_nats(self) -> None:
        assert self._proxy is not None
        await self._proxy.open()

    async def messages(self, stream: StreamSpec, subject: str) -> list[AnyMessage]:
        """Everything in `stream` now, in its order."""
        found: list[AnyMessage] = []
        pull = OrderedPull(self.bus, stream, [subject], Start.all())
        async for batch in pull.batches():
            found.extend(decode(delivered.data) for delivered in batch)
            if pull.caught_up or not batch:
                break
        return found

    def truth(self) -> list[dict[str, Any]]:
        """Events of Hyperliquid; the other venue's stand in the same log."""
        lines = [json.loads(line) for line in (self.folder / "truth.jsonl").read_text().splitlines()]
        return [line for line in lines if line["id"].split(":")[1] == "hl"]

    async def stop(self, process: asyncio.subprocess.Process, limit_s: float = 30) -> int:
        process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(process.wait(), limit_s)

    async def close(self) -> None:
        for process in self.started:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if self._proxy is not None:
            await self._proxy.close()
        # pytest shows it when the test failed.
        print(self.log.read_text())

    def _config(self) -> Path:
        path = self.folder / "config.yaml"
        path.write_text("{}\n")
        return path

    async def _start(self, module: str, *arguments: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments,
                env={**os.environ, **environment}, cwd=self.folder, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.started.append(process)
        return process

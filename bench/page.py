"""Section `page`: what a person waits for, in a Chromium; and what browsers that listen cost the broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from bench import chain
from bench.chain import Passage
from bench.reading import everything
from bench.rows import Row, Series, latency, rates
from bench.seeded import OFTEN, page
from bench.servers import HERE, Servers, running
from trading_core import messages
from trading_core.embedded import launch
from trading_core.errors import ConfigError
from trading_core.messages import ExecMessage
from trading_core.streams import EXEC, exec_subjects
from trading_core.testing import eventually

BROWSERS = 50
LCP_MS, SCRIPTS_KB, SEEN_MS = 1_500.0, 350.0, 500.0
FRAME_MS = 1_000 / 30
"""Below it nobody calls it jerky; a screen shows a frame every 16.7 ms."""
BOUND = "bound"
SCRIPT = str(HERE / "page.mjs")


async def measure(*, quick: bool) -> list[Row]:
    if shutil.which("node") is None:
        raise ConfigError("bench page: node is not installed. Install it, or leave this section out with --only.")
    points = round((8 if quick else 30) / chain.PERIOD_S)
    loaded = await _loaded(quick=quick)
    alone, _, _ = await asyncio.to_thread(_with_browsers, points, 0, shown=False)
    many, heard, _ = await asyncio.to_thread(_with_browsers, points, BROWSERS, shown=False)
    _, _, drawn = await asyncio.to_thread(_with_browsers, points, 1, shown=True)
    return [*loaded, *_seen(heard, drawn), *_cost(alone, many)]


async def _loaded(*, quick: bool) -> list[Row]:
    with page(quick=quick) as shown:
        said = await _output("node", SCRIPT, "load", f"http://127.0.0.1:{shown.port}", "3" if quick else "7")
        rolled = await _output("node", SCRIPT, "scroll", f"http://127.0.0.1:{shown.port}", "300" if quick else "1500")
    found: list[dict[str, float]] = json.loads(said)
    scrolled: dict[str, Any] = json.loads(rolled)
    note = f"{len(found)} new browsers on the home page"
    rows = f"{len(scrolled['frames'])} frames at 4 places of {scrolled['total']:,} rows, to row {scrolled['reached']:,}"
    return [
        Row("page", "largest contentful paint", "ms", rates([each["lcp"] for each in found]), BOUND,
            Series((LCP_MS,)), note),
        Row("page", "JavaScript at first view, compressed", "kB", rates([each["scripts"] / 1e3 for each in found]),
            BOUND, Series((SCRIPTS_KB,)), note),
        Row("page", "frame while the trades are scrolled, p95", "ms", latency(scrolled["frames"], 0.95), BOUND,
            Series((FRAME_MS,)), f"{rows}, no GPU"),
    ]  # fmt: skip


def _with_browsers(points: int, count: int, *, shown: bool) -> tuple[list[Passage], list[float], list[float]]:
    """The chain on servers of its own beside an API with `count` listeners, and a Chromium where it is to be `shown`.

    Passages, and ms from each fill stored on EXEC until the listeners' first client, and the browser's screen, had it.
    """
    with running() as servers:
        return asyncio.run(_chain(servers, points, count, shown=shown))


async def _chain(
    servers: Servers, points: int, count: int, *, shown: bool
) -> tuple[list[Passage], list[float], list[float]]:
    port = launch.free_port()
    often = {**OFTEN, "TRADING_API__PORT": str(port), "TRADING_API__SOCKETS": str(count + 5)}
    bus = await servers.bus()
    try:
        with servers.process("trading_api", role="api_ro", **often):
            await eventually(lambda: launch.answers(port))
            async with _told(servers, port, count, shown=shown) as told:
                passages, _ = await chain.run_platform(servers, bus, points)
                await asyncio.sleep(2)  # the last round of the feed
        stored = {}
        for delivered in await everything(bus, EXEC, [exec_subjects("fill", chain.PORTFOLIO)]):
            message = messages.decode(delivered.data)
            assert isinstance(message, ExecMessage)
            stored[message.id] = delivered.ingest_time_ns / 1e6
    finally:
        await bus.close()
    heard = {name: at / 1e6 for name, at in told.get("fills", {}).items()}
    drawn = {name: float(at) for name, at in told.get("drawn", {}).items() if at}
    if told.get("lost"):
        raise RuntimeError(f"{told['lost']} of {count} listeners were sent away")
    return passages, _waits(stored, heard), _waits(stored, drawn)


def _waits(stored: dict[str, float], had: dict[str, float]) -> list[float]:
    """In the order in which they were stored; those of the warm-up too."""
    return [had[name] - at for name, at in stored.items() if name in had]


@contextlib.asynccontextmanager
async def _told(servers: Servers, port: int, count: int, *, shown: bool) -> AsyncIterator[dict[str, Any]]:
    """What listeners and browser say at their end is put into the dict that is given."""
    said: dict[str, Any] = {}
    if not count:
        yield said
        return
    listeners = _start(servers.folder, sys.executable, "-m", "bench.browsers", str(port), str(count))
    started = [(listeners, "", signal.SIGTERM)]
    try:
        if shown:
            browser = _start(servers.folder, "node", SCRIPT, "fills", f"http://127.0.0.1:{port}")
            started.append((browser, "drawn", signal.SIGUSR2))
            assert browser.stdout is not None
            await asyncio.to_thread(browser.stdout.readline)  # ready
        yield said
    finally:
        for process, name, ends in started:
            process.send_signal(ends)
            text = (await asyncio.to_thread(process.communicate, timeout=60))[0].strip()
            found = json.loads(text.splitlines()[-1]) if text else {}
            said.update({name: found} if name else found)


def _start(folder: Path, *argv: str) -> subprocess.Popen[str]:
    with (folder / f"{Path(argv[-3]).name}.log").open("ab") as log:
        return subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True, cwd=HERE.parent
        )


async def _output(*argv: str) -> str:
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False, cwd=HERE.parent)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr[-800:]}")
    return done.stdout


def _seen(heard: Sequence[float], drawn: Sequence[float]) -> list[Row]:
    bound = Series((SEEN_MS,))
    return [
        Row("page", "fill stored → visible in the browser, p95", "ms", latency(drawn, 0.95), BOUND, bound,
            f"{len(drawn)} fills, a Chromium on the home page, on the cores of the platform"),
        Row("page", "fill stored → heard by a listener, p95", "ms", latency(heard, 0.95), BOUND, bound,
            f"{len(heard)} fills, the first of {BROWSERS} WebSocket clients"),
    ]  # fmt: skip


def _cost(alone: Sequence[Passage], many: Sequence[Passage]) -> list[Row]:
    ours, limit = ([(each.fill_ns - each.signal_ns) / 1e6 for each in side] for side in (many, alone))
    note = f"{len(many)} signals; {BROWSERS} WebSocket clients stand for browsers, on the cores of the platform"
    return [
        Row("page", f"signal → fill with {BROWSERS} browsers, {label}", "ms", latency(ours, fraction), "with none",
            latency(limit, fraction), note)
        for fraction, label in ((0.5, "p50"), (0.99, "p99"))
    ]  # fmt: skip

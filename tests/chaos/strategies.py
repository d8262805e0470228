"""R17: strategies that raise, never come back, want two gibibytes, or cannot be read any more, beside good ones."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

from chaos.judge import compared, judged
from chaos.platform import ASSETS, PATIENCE_S, Platform
from chaos.run import Context
from trading_core import messages, streams
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.messages import OpsMessage, SignalMessage, WatermarkMessage
from trading_core.model import MINUTE_MS
from trading_core.testing import eventually

ROWS = ("R17",)
SPEED_FACTOR = 0.1
"""A grid point every one and a half seconds: an interval is long enough to be late in."""
GOOD = "minute_flip"
BAD = {
    "chaos_raises": "raise ZeroDivisionError('on purpose')",
    "chaos_loops": "while True:\n                pass",
    "chaos_eats": "self._eaten = b'1' * 2**31",
}
FROM = "from_ms"
"""A file beside the strategy: from this event time on it goes wrong."""
GRID_POINTS = 20
_TEMPLATE = '''"""Good until it is not: for breaking the platform on purpose."""

from __future__ import annotations

from pathlib import Path

from trading_core.strategy import Direction, MarketSnapshot, Signal, Strategy, register


@register
class {title}(Strategy):
    """
    ## Thesis
    None.

    ## Expected edge
    None.

    ## Data requirements
    The time.

    ## Risk characteristics
    It goes wrong on purpose.
    """

    name = "{name}"
    interval = "1m"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        since = Path(__file__).with_name("{file}")
        if since.exists() and snapshot.ts >= int(since.read_text()):
            {wrong}
        return None
'''


async def run(context: Context) -> None:
    found = context.found["R17"]
    context.at_speed(SPEED_FACTOR, "R17")
    async with context.platform(SPEED_FACTOR, strategies=_written) as platform:
        runner = platform.services["runner"]
        pid = runner.pid
        await asyncio.sleep(5)
        context.step("R17 a reload with a syntax error")
        code = platform.strategies / GOOD / "strategy.py"
        good = code.read_text()
        code.write_text(good + "\ndef broken(:\n")
        await eventually(lambda: runner.said("strategy_reload_refused"), PATIENCE_S)
        refused_ms = platform.venue_ms()
        context.step("R17 three strategies go wrong")
        from_ms = platform.venue_ms() // MINUTE_MS * MINUTE_MS + 3 * MINUTE_MS
        for name in BAD:
            (platform.strategies / name / FROM).write_text(str(from_ms))
        until_ms = from_ms + GRID_POINTS * MINUTE_MS

        async def over() -> bool:
            return await platform.watermark_ms() > until_ms + MINUTE_MS

        await eventually(over, PATIENCE_S)
        code.write_text(good)
        found.measure("runner_restarts", 0 if runner.ended() is None and runner.pid == pid else 1)
        await _count(platform, context, refused_ms, from_ms, until_ms)
        end_ms = await platform.quiet()
        context.broken(ROWS, await judged(platform, end_ms), f"judged {compared(platform)}")


def _written(folder: Path) -> None:
    config = (folder / GOOD / "config.yaml").read_text()
    for name, wrong in BAD.items():
        (folder / name).mkdir()
        title = name.title().replace("_", "")
        (folder / name / "strategy.py").write_text(_TEMPLATE.format(title=title, name=name, file=FROM, wrong=wrong))
        (folder / name / "config.yaml").write_text(config)


async def _count(platform: Platform, context: Context, refused_ms: int, from_ms: int, until_ms: int) -> None:
    found = context.found["R17"]
    due_ns = await _due(platform)
    said: dict[tuple[str, str], dict[int, tuple[SignalMessage, int]]] = defaultdict(dict)
    for message, ingest_ns in await _read(platform, streams.SIGNALS, "signal.>"):
        if isinstance(message, SignalMessage):
            said[message.strategy, message.asset][message.ts] = message, ingest_ns
    points = range(from_ms, until_ms + 1, MINUTE_MS)
    late_ns, silent = 0, 0
    for asset in ASSETS:
        for ts in points:
            if ts not in said[GOOD, asset] or said[GOOD, asset][ts][0].direction == "PASS":
                silent += 1
            else:
                late_ns = max(late_ns, said[GOOD, asset][ts][1] - due_ns[ts])
    found.measure("others_late_s", late_ns / 1e9)
    found.measure("others_silent", silent)
    kept = [ts for asset in ASSETS for ts in said[GOOD, asset] if refused_ms < ts <= until_ms]
    found.measure("old_version_lost", 0 if kept else 1)
    marked = set()
    for message, _ in await _read(platform, streams.OPS, "ops.strategy-runner.error"):
        assert isinstance(message, OpsMessage)
        in_time = message.event_time_ms is not None and from_ms <= message.event_time_ms <= from_ms + MINUTE_MS
        if in_time and message.body.get("traceback"):
            marked.add((message.body["strategy"], message.body.get("asset")))
    wanted = {(name, asset) for name in BAD for asset in ASSETS}
    found.measure("not_marked", len(wanted - marked))
    found.say(
        f"a reload refused, {', '.join(BAD)} gone wrong at one moment; {len(points)} grid points of {GOOD} after it"
    )


async def _due(platform: Platform) -> dict[int, int]:
    """Grid point → when both streams had the watermark for it, in ns of wall time."""
    due: dict[int, int] = {}
    for stream, prefix in ((streams.MARKET, "market"), (streams.BOOK, "book")):
        passed_ms = platform.from_ms
        for message, ingest_ns in await _read(platform, stream, f"{prefix}.hyperliquid._.watermark"):
            assert isinstance(message, WatermarkMessage)
            for ts in range(passed_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS, message.watermark_ms + 1, MINUTE_MS):
                due[ts] = max(due.get(ts, 0), ingest_ns)
            passed_ms = message.watermark_ms
    return due


async def _read(platform: Platform, stream: streams.StreamSpec, subject: str) -> list[tuple[messages.Message, int]]:
    found: list[tuple[messages.Message, int]] = []
    reader = OrderedPull(platform.bus, stream, [subject], Start.all())
    async for batch in reader.batches():
        found += [(messages.decode(delivered.data), delivered.ingest_time_ns) for delivered in batch]
        if reader.caught_up:
            break
    await reader.close()
    return found

"""Whether all of a run is whole: I1–I8 over sets of ids, never over counts. One sentence for each thing found."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator

import msgspec

from chaos.platform import RULES, Platform
from market_judge import Run
from market_judge import judge as judge_market
from repository import ROOT
from trading_core import messages, streams
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.messages import ExecMessage, GridMessage, SignalMessage
from trading_core.model import MINUTE_MS

SLACK_S = 10.0
"""Wall time by which a gap may exceed its fault: a busy machine takes longer to start a process."""
PARITY, AUDIT = "parity.json", "audit.json"
SHOWN = 3
LINES = 12
"""Of what a command said: the end of a traceback must say where."""
_DEFAULTS = "SELECT relid::regclass::text FROM pg_partition_tree($1) WHERE relid::regclass::text LIKE '%default'"
_PARTITIONED = "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'p'"
_DECIDED = "SELECT signal_event_id AS id FROM trading_paper.decisions"
_LEDGER = "SELECT event_id AS id FROM trading_paper.fills"
_COPY = "SELECT event_id AS id FROM trading_ops.exec_events WHERE kind = 'fill'"
_UNSENT = "SELECT count(*) FROM trading_paper.outbox WHERE sent_at IS NULL"
_BROKEN = "SELECT kind, id, expected, found FROM trading_paper.identity_violations"


async def judged(platform: Platform, until_ms: int) -> list[str]:
    """What does not hold after `quiet`."""
    truth, faults = platform.truth()
    run = Run(
        truth, await platform.rows(), await platform.gaps(), faults, platform.from_ms, until_ms, platform.speed, SLACK_S
    )
    found = [f"I1: {one}" for one in judge_market(run)]
    found += await _signals(platform)
    found += await _fills(platform)
    found += [f"I4, I5: {dict(row)}" for row in await platform.fetch(_BROKEN)]
    found += [f"I7: {what}" for what in await _rest(platform)]
    parity, audit = await asyncio.gather(
        command(platform, "parity", "--order", "recorded", "--json", str(platform.folder / PARITY)),
        command(platform, "audit", "--json", str(platform.folder / AUDIT)),
    )
    found += [f"I8: parity: {line}" for line in parity]
    found += [f"I5, I6: audit: {line}" for line in audit]
    return found


class _Letter(msgspec.Struct):
    """What a dead letter and an advisory of the server have of it."""

    source: str = ""
    reason: str = "an advisory of the server"
    received_time_ms: int = 0


async def _all(platform: Platform, stream: streams.StreamSpec, subject: str) -> list[messages.Message]:
    found: list[messages.Message] = []
    reader = OrderedPull(platform.bus, stream, [subject], Start.all())
    async for batch in reader.batches():
        found += [messages.decode(delivered.data) for delivered in batch]
        if reader.caught_up:
            break
    await reader.close()
    return found


async def _signals(platform: Platform) -> list[str]:
    """I2, and that each grid point of each asset was evaluated exactly once, with as many signals as it counts."""
    said = [one for one in await _all(platform, streams.SIGNALS, ">") if isinstance(one, SignalMessage | GridMessage)]
    found = [f"I2: on SIGNALS more than once: {_some(twice)}" for twice in [_repeated(one.id for one in said)] if twice]
    tradable = {one.id for one in said if isinstance(one, SignalMessage) and one.direction != "PASS"}
    decided = [row["id"] for row in await platform.fetch(_DECIDED)]
    if twice := _repeated(iter(decided)):
        found.append(f"I2: decided more than once: {_some(twice)}")
    if missing := tradable - set(decided):
        found.append(f"I2: {len(missing)} signals without a decision: {_some(sorted(missing))}")
    if unknown := set(decided) - tradable:
        found.append(f"I2: {len(unknown)} decisions without a signal: {_some(sorted(unknown))}")
    evaluated = Counter((one.asset, one.ts) for one in said if isinstance(one, SignalMessage))
    points: dict[str, list[GridMessage]] = {}
    for one in said:
        if isinstance(one, GridMessage):
            points.setdefault(one.asset, []).append(one)
            if evaluated[one.asset, one.ts] != one.evaluations:
                found.append(f"I2: {one.id} counts {one.evaluations}, there are {evaluated[one.asset, one.ts]}")
    for asset, grids in points.items():
        times = sorted(grid.ts for grid in grids)
        holes = (times[-1] - times[0]) // MINUTE_MS + 1 - len(times)
        if holes:
            found.append(f"I2: {holes} grid points of {asset} missing")
    return found


async def _fills(platform: Platform) -> list[str]:
    stream = [one.id for one in await _all(platform, streams.EXEC, "exec.fill.>") if isinstance(one, ExecMessage)]
    ledger = {row["id"] for row in await platform.fetch(_LEDGER)}
    copy = {row["id"] for row in await platform.fetch(_COPY)}
    found = [f"I3: on EXEC more than once: {_some(twice)}" for twice in [_repeated(iter(stream))] if twice]
    for name, ids in (("EXEC", set(stream)), ("the recorder's copy", copy)):
        if ids != ledger:
            found.append(f"I3: {len(ledger - ids)} fills missing in {name}, {len(ids - ledger)} too many")
    return found


async def _rest(platform: Platform) -> list[str]:
    found = []
    if unsent := await platform.value(_UNSENT):
        found.append(f"{unsent} rows of the outbox are not sent")
    found += [f"in DLQ, and not injected: {one}" for one in await dead_letters(platform)]
    for parent in await platform.fetch(_PARTITIONED):
        for partition in await platform.fetch(_DEFAULTS, parent["name"]):
            rows = await platform.value(f"SELECT count(*) FROM {partition[0]}")  # noqa: S608 - a name from the catalogue
            if rows:
                found.append(f"{partition[0]} holds {rows} rows")
    return found


async def dead_letters(platform: Platform) -> list[str]:
    """Those that nothing injected accounts for: each with its subject, and why it is there."""
    found = []
    reader = OrderedPull(platform.bus, streams.DLQ, [">"], Start.all())
    async for batch in reader.batches():
        for delivered in batch:
            letter = msgspec.json.decode(delivered.data, type=_Letter)
            if not any(one.accounts_for(letter.source, letter.received_time_ms) for one in platform.poisons):
                found.append(f"{delivered.subject}: {letter.reason}")
        if reader.caught_up:
            break
    await reader.close()
    return found


async def command(platform: Platform, *arguments: str, **settings: str) -> list[str]:
    """The last lines of a command of the platform that found something; [] when it did not.

    settings: other environment than that of the platform.
    """
    environment = {
        **os.environ, **RULES, "TRADING_DATABASE__URL": platform.postgres.url,
        "TRADING_NATS__URL": platform.servers_plan.url, "TRADING_CONFIG": str(ROOT / "config.yaml"),
        "TRADING_RUNNER__STRATEGIES_DIR": str(platform.strategies), **settings,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trading_core", *arguments, env=environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return [] if process.returncode == 0 else output.decode(errors="replace").strip().splitlines()[-LINES:]


def signals_that_differ(platform: Platform) -> int:
    """Of the run that was judged: what was said live and is not said by a replay, which reads no clock."""
    report = json.loads((platform.folder / PARITY).read_text())["default"]["recorded"]
    assert report["compared"]["signals"], "no signal was compared"
    return sum(1 for one in report["differences"] if one["kind"] == "signals")


def compared(platform: Platform) -> str:
    """How much the audit of the run went through."""
    report = platform.folder / AUDIT
    found = json.loads(report.read_text())["compared"] if report.exists() else {}
    return ", ".join(f"{found.get(table, 0):,} {table}" for table in ("decisions", "fills"))


def _repeated(ids: Iterator[str]) -> list[str]:
    return [name for name, count in Counter(ids).items() if count > 1]


def _some(ids: list[str]) -> str:
    return f"{', '.join(ids[:SHOWN])}{' …' if len(ids) > SHOWN else ''}"

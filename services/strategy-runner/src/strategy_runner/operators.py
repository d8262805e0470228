"""What operators hear about strategies: log, OPS events, heartbeat."""

from __future__ import annotations

from collections.abc import Iterable

from strategy_runner import metrics
from trading_core import ids
from trading_core.messages import OpsMessage
from trading_core.model import MINUTE_MS
from trading_core.runtime import Runtime
from trading_core.sequence.shard import Failure, GridShard
from trading_core.streams import ops_subject

SERVICE = "strategy-runner"


async def strategy_failed(runtime: Runtime, asset: str, failure: Failure) -> None:
    """It is not evaluated for this asset any more, until it is changed."""
    runtime.log.error("strategy_failed", strategy=failure.strategy, asset=asset, traceback=failure.traceback)
    message = OpsMessage(
        id=f"op:{SERVICE}:error:{failure.strategy}:{asset}:{failure.ts}:{ids.h8(failure.traceback)}",
        service=SERVICE,
        event="error",
        event_time_ms=failure.ts,
        severity="error",
        body={"strategy": failure.strategy, "asset": asset, "traceback": failure.traceback},
    )
    await runtime.bus.publish(ops_subject(SERVICE, "error"), message)


def show(runtime: Runtime, shards: Iterable[GridShard]) -> None:
    """The next heartbeat: how far this runner is, for which assets, and which strategies have failed where."""
    shards = list(shards)
    failed: dict[str, dict[str, str]] = {}
    for shard in shards:
        for strategy, reason in shard.failed.items():
            failed.setdefault(strategy, {})[shard.asset] = _last_line(reason)
    metrics.STRATEGIES_FAILED.set(len(failed))
    health = runtime.health
    health.status = "degraded" if failed else "ok"
    if shards:
        health.event_time_ms = min(shard.next_ts for shard in shards) - MINUTE_MS
    health.detail = {"assets": sorted({shard.asset for shard in shards})} | ({"failed": failed} if failed else {})


def _last_line(text: str) -> str:
    return text.strip().rsplit("\n", 1)[-1][:300]

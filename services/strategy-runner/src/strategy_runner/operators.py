"""What operators hear about strategies: log, OPS events, heartbeat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from strategy_runner import metrics
from trading_core import ids
from trading_core.messages import OpsMessage
from trading_core.model import MINUTE_MS
from trading_core.runtime import Runtime
from trading_core.sequence.shard import Failure, GridShard
from trading_core.strategy.registry import LoadedStrategy
from trading_core.streams import ops_subject

SERVICE = "strategy-runner"
_refused: dict[str, str] = {}
"""Changed strategies that could not be taken over, and why: shown until a version can."""
_failures_shown: set[tuple[str, str]] = set()
"""Strategy and asset of every failure that is in the metrics now."""


async def strategy_failed(runtime: Runtime, asset: str, failure: Failure) -> None:
    """It is not evaluated for this asset any more, until it is changed."""
    runtime.log.error("strategy_failed", strategy=failure.strategy, asset=asset, traceback=failure.traceback)
    body = {"strategy": failure.strategy, "asset": asset, "traceback": failure.traceback}
    await _tell(runtime, "error", "error", failure.ts, body)


async def reloaded(runtime: Runtime, loaded: LoadedStrategy, shards: Sequence[GridShard]) -> None:
    """From the next grid point on this version is evaluated."""
    runtime.log.info(
        "strategy_reloaded", strategy=loaded.name, code_hash=loaded.code_hash, params_hash=loaded.params_hash
    )
    _refused.pop(loaded.name, None)
    body = {"strategy": loaded.name, "code_hash": loaded.code_hash, "params_hash": loaded.params_hash}
    await _tell(runtime, "reload", "info", _now(shards), body)


async def reload_refused(runtime: Runtime, strategy: str, problem: str, shards: Sequence[GridShard]) -> None:
    """The version before goes on."""
    runtime.log.error("strategy_reload_refused", strategy=strategy, traceback=problem)
    _refused[strategy] = _last_line(problem)
    await _tell(runtime, "error", "error", _now(shards), {"strategy": strategy, "traceback": problem})


async def _tell(
    runtime: Runtime, event: str, severity: Literal["info", "error"], ts: int | None, body: dict[str, str]
) -> None:
    message = OpsMessage(
        id=f"op:{SERVICE}:{event}:{body['strategy']}:{body.get('asset', '_')}:{ts}:{ids.h8(body)}",
        service=SERVICE, event=event, event_time_ms=ts, severity=severity, body=body,
    )  # fmt: skip
    await runtime.bus.publish(ops_subject(SERVICE, event), message)


def _now(shards: Sequence[GridShard]) -> int | None:
    return min((shard.next_ts for shard in shards), default=None)


def show(runtime: Runtime, shards: Iterable[GridShard]) -> None:
    """The next heartbeat: how far this runner is, for which assets, and which strategies have failed where."""
    shards = list(shards)
    failed: dict[str, dict[str, str]] = {}
    for shard in shards:
        for strategy, reason in shard.failed.items():
            failed.setdefault(strategy, {})[shard.asset] = _last_line(reason)
    _show_failures({(strategy, asset) for strategy, reasons in failed.items() for asset in reasons})
    health = runtime.health
    health.status = "degraded" if failed or _refused else "ok" if shards else "standby"
    if shards:
        health.event_time_ms = min(shard.next_ts for shard in shards) - MINUTE_MS
    health.detail = {"assets": sorted({shard.asset for shard in shards})}
    if failed:
        health.detail["failed"] = failed
    if _refused:
        health.detail["not_reloaded"] = dict(_refused)


def _show_failures(failed: set[tuple[str, str]]) -> None:
    for over in _failures_shown - failed:
        metrics.STRATEGY_FAILED.remove(*over)
    for strategy, asset in failed:
        metrics.STRATEGY_FAILED.labels(strategy, asset).set(1)
    _failures_shown.clear()
    _failures_shown.update(failed)


def _last_line(text: str) -> str:
    return text.strip().rsplit("\n", 1)[-1][:300]

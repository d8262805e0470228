"""A strategy may do its worst: it is marked failed in time, and the others do not notice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from message_builders import T0, a_mark, a_watermark
from runner_strategies import BAD, Loops, Native, Raises, Sleeps, Steady, loaded

from strategy_runner.isolation import Evaluator
from trading_core.config import RunnerConfig, SnapshotConfig
from trading_core.market.samples import a_candle
from trading_core.messages import encode
from trading_core.model import MINUTE_MS
from trading_core.sequence.shard import Evaluations, GridShard
from trading_core.strategy.base import Strategy
from trading_core.strategy.registry import LoadedStrategy
from trading_core.testing import eventually

# A healthy strategy keeps its deadline only while it has a core.
pytestmark = pytest.mark.alone
T1 = T0 + MINUTE_MS
Evaluators = Callable[..., Evaluator]


def a_shard(strategies: Sequence[LoadedStrategy]) -> GridShard:
    return GridShard("hyperliquid", "BTC", strategies, T1, SnapshotConfig())


@pytest.fixture
async def evaluator() -> AsyncIterator[Evaluators]:
    made: list[Evaluator] = []

    def build(*strategies: LoadedStrategy) -> Evaluator:
        made.append(Evaluator([a_shard(strategies)], RunnerConfig()))
        return made[-1]

    yield build
    for one in made:
        await one.stop()


def minute(number: int) -> list[tuple[str, list[object]]]:
    """What is read for the grid point that many minutes after T1."""
    ts = T1 + number * MINUTE_MS
    market = [a_mark(ts - 20_000), a_candle(ts - MINUTE_MS, 100.0 + number), a_watermark(ts)]
    return [("MARKET", list(market)), ("BOOK", [a_watermark(ts, stream="BOOK")])]


async def next_point(evaluator: Evaluator, number: int) -> Evaluations:
    for stream, arrived in minute(number):
        evaluator.add(stream, arrived)  # type: ignore[arg-type]
    assert evaluator.shards[0].ready()
    [result] = await evaluator.evaluate([0])
    return result


def outcomes(result: Evaluations) -> dict[str, str]:
    return {signal.strategy: signal.reason or signal.direction for signal in result.signals}


@pytest.mark.parametrize(("strategy", "words"), BAD.items(), ids=lambda given: getattr(given, "__name__", ""))
async def test_it_fails_within_a_second_and_the_others_go_on(
    evaluator: Evaluators, strategy: type[Strategy], words: str
) -> None:
    runner = evaluator(loaded(Steady, "before"), loaded(strategy), loaded(Steady, "steady"))
    began = time.perf_counter()
    first = await next_point(runner, 0)
    assert time.perf_counter() - began < 1.0
    assert outcomes(first) == {"before": "LONG", "bad": "failed", "steady": "LONG"}
    assert first.grid.evaluations == 3
    [failure] = first.failures
    assert (failure.strategy, failure.ts) == ("bad", T1)
    assert words in failure.traceback
    began = time.perf_counter()
    second = await next_point(runner, 1)
    assert time.perf_counter() - began < 0.25, "it is not tried again"
    assert outcomes(second) == {"before": "LONG", "bad": "failed", "steady": "LONG"}
    assert second.failures == []


async def test_what_it_says_is_what_the_core_says_to_the_byte(evaluator: Evaluators) -> None:
    strategies = (loaded(Raises), loaded(Steady))
    runner, core = evaluator(*strategies), a_shard(strategies)
    for number in range(5):
        result = await next_point(runner, number)
        for stream, arrived in minute(number):
            for message in arrived:
                core.add(stream, message)  # type: ignore[arg-type]
        assert [encode(s) for s in result.signals] == [encode(s) for s in core.evaluate_next().signals]
    assert runner.forks == 1


async def test_several_that_hang_at_once_delay_the_others_by_less_than_a_second(evaluator: Evaluators) -> None:
    runner = evaluator(*(loaded(Loops, f"loops_{n}") for n in range(4)), loaded(Sleeps), loaded(Steady))
    began = time.perf_counter()
    result = await next_point(runner, 0)
    assert time.perf_counter() - began < 1.0
    assert list(outcomes(result).values()) == ["failed"] * 5 + ["LONG"]
    assert "while True" in result.failures[0].traceback, "it says where it was"


async def test_a_worker_killed_while_idle_blames_nobody(evaluator: Evaluators) -> None:
    runner = evaluator(loaded(Steady))
    await next_point(runner, 0)
    os.kill(worker_of(os.getpid()), signal.SIGKILL)
    assert outcomes(await next_point(runner, 1)) == {"steady": "LONG"}
    assert (runner.forks, runner.shards[0].failed) == (2, {})


async def test_a_worker_that_was_stopped_blames_nobody(evaluator: Evaluators) -> None:
    """SIGSTOP for longer than every limit, as when the machine sleeps."""
    runner = evaluator(loaded(Steady))
    await next_point(runner, 0)
    pid = worker_of(os.getpid())
    os.kill(pid, signal.SIGSTOP)
    for stream, arrived in minute(1):
        runner.add(stream, arrived)  # type: ignore[arg-type]
    waiting = asyncio.ensure_future(runner.evaluate([0]))
    done, _ = await asyncio.wait({waiting}, timeout=0.8)
    assert not done
    os.kill(pid, signal.SIGCONT)
    [result] = await waiting
    assert outcomes(result) == {"steady": "LONG"}
    assert runner.forks == 1


async def test_no_process_is_left_behind(evaluator: Evaluators) -> None:
    others = set(children(os.getpid()))  # servers of other tests
    runner = evaluator(loaded(Native), loaded(Steady))
    await next_point(runner, 0)
    await runner.stop()
    await eventually(lambda: others >= set(children(os.getpid())))


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def worker_of(pid: int) -> int:
    [worker] = [one for one in children(pid) if "pytest" in Path(f"/proc/{one}/cmdline").read_text()]
    return worker

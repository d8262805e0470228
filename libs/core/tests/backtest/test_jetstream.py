"""A backtest straight from the MARKET stream: of candles or tick by tick, and what is said when it holds too little."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from market_recording import ASSETS, START, Recording, a_recording
from message_builders import a_watermark

from repository import ROOT
from trading_core.backtest import command
from trading_core.backtest.report import report
from trading_core.backtest.ticks import run_ticks
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.bus.connection import Bus
from trading_core.bus.publisher import WindowPublisher
from trading_core.config import load
from trading_core.messages import CandleMessage
from trading_core.model import MINUTE_MS
from trading_core.sequence.timeline import order_of
from trading_core.strategy.registry import find_strategy, load_strategies
from trading_core.streams import MARKET, market_subject, watermark_subject

pytestmark = pytest.mark.integration

FIRST, LAST = START + 20 * MINUTE_MS, START + 170 * MINUTE_MS
SPAN = ("2025-10-09T00:20", "2025-10-09T02:50")
NAMES = ("FundingArb", "rsi_mean_reversion")
Backtest = Callable[..., Any]


async def published(bus: Bus, recording: Recording) -> None:
    """The recording as a collector publishes it; inside a minute the newest first, as no venue promises an order."""
    publisher = WindowPublisher(bus)
    for message in recording.backfill:
        await publisher.send(market_subject(message), message)
    await publisher.send(watermark_subject(MARKET, "hyperliquid"), a_watermark(START))
    for number, minute in enumerate(recording.minutes, start=1):
        for message in sorted(minute, key=order_of, reverse=True):
            await publisher.send(market_subject(message), message)
        await publisher.send(watermark_subject(MARKET, "hyperliquid"), a_watermark(START + number * MINUTE_MS))
    await publisher.barrier()
    await publisher.close()


@pytest.fixture
def backtest(bus: Bus, nats_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Backtest:
    """`await backtest("--fidelity", "tick")`: exit code and report of two strategies over SPAN."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TRADING_NATS__URL", nats_url)
    monkeypatch.setenv("TRADING_DATABASE__URL", "postgresql://127.0.0.1:1/none")

    async def run(*words: str, span: tuple[str, str] = SPAN) -> tuple[int, Any]:
        parser, file = argparse.ArgumentParser(), tmp_path / "run.json"
        command.add_arguments(parser)
        strategies = [word for name in NAMES for word in ("--strategy", name)]
        where = ["--from", span[0], "--to", span[1], "--source", "jetstream", "--json", str(file), "--no-save"]
        code = await asyncio.to_thread(command.run, parser.parse_args([*strategies, *where, *words]))
        return code, json.loads(await asyncio.to_thread(file.read_bytes)) if code == 0 else None

    return run


async def in_memory(recording: Recording) -> Any:
    settings = load(ROOT / "config.yaml")
    loaded = load_strategies(ROOT / "strategies", settings)
    strategies = [find_strategy(name, loaded) for name in NAMES]
    rules = rule_book(settings.broker, {s.name: s.rules for s in strategies}, DEFAULT_SZ_DECIMALS)
    messages = [*recording.backfill, *(message for minute in recording.minutes for message in minute)]

    async def market() -> Any:
        for message in sorted(messages, key=order_of):
            if message.visible_ms <= LAST:
                yield message

    run = await run_ticks(
        market(), "jetstream", strategies, tuple(ASSETS), rules, settings.snapshot, FIRST, LAST
    )  # fmt: skip
    return json.loads(json.dumps(report(run, settings.metrics.annualisation_days)))


async def test_a_recorded_span_is_replayed_tick_by_tick_from_the_stream(bus: Bus, backtest: Backtest) -> None:
    recording = a_recording(11)
    await published(bus, recording)
    code, found = await backtest()
    assert code == 0
    assert found == await in_memory(recording)
    assert found["summary"]["fidelity"] == "tick"
    assert found["summary"]["trades"] > 0


async def test_candles_of_the_stream_make_a_candle_backtest(bus: Bus, backtest: Backtest) -> None:
    recording = a_recording(11)
    candles = [message for minute in recording.minutes for message in minute if isinstance(message, CandleMessage)]
    await published(bus, recording)
    code, found = await backtest("--fidelity", "candle")
    assert code == 0
    assert (found["summary"]["fidelity"], found["summary"]["missing_minutes"]) == ("candle", 0)
    closing = [float(m.close) for m in candles if m.asset == "BTC" and m.event_time_ms == LAST]
    exits = [trade for trade in found["trades"] if trade["asset"] == "BTC" and trade["exit_reason"] == "manual"]
    assert [float(trade["exit_ref"]) for trade in exits] == closing * len(exits)
    assert found["config"]["source"] == "jetstream"


async def test_a_span_that_begins_before_the_stream_says_so(bus: Bus, backtest: Backtest) -> None:
    await published(bus, a_recording(11))
    # The evening before came as a backfill: candles are there, ticks are not.
    code, found = await backtest(span=("2025-10-08T23:00", SPAN[1]))
    assert code == 0
    assert found["summary"]["fidelity"] == "candle"
    assert "Ticks were recorded in 73.9% of the minutes" in found["summary"]["notes"][-1]
    code, found = await backtest("--fidelity", "tick", span=("2025-10-08T23:00", SPAN[1]))
    assert code == 0
    assert found["summary"]["missing_minutes"] == 3 * 60
    assert found["summary"]["notes"][-1].startswith("MARKET reaches back to 2025-10-09 00:00 UTC")


@pytest.mark.parametrize(
    ("words", "span", "line"),
    [
        ((), ("2025-11-01", "2025-11-02"), "it has BTC, ETH, SOL 2025-10-08 00:00 to 2025-10-09 02:59 UTC"),
        (("--fidelity", "tick"), ("2025-11-01", "2025-11-02"), "it has ticks of BTC, ETH, SOL 2025-10-09 00:01"),
        (("--funding", "."), SPAN, "--funding goes with --source parquet:DIR"),
    ],
)
async def test_what_the_stream_does_not_hold_is_one_line_and_exit_code_2(
    bus: Bus,
    backtest: Backtest,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    span: tuple[str, str],
    line: str,
) -> None:
    await published(bus, a_recording(11))
    assert await backtest(*words, span=span) == (2, None)
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


async def test_a_server_that_is_away_is_one_line_and_exit_code_2(
    backtest: Backtest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_NATS__URL", "nats://someone:secret@127.0.0.1:1")
    monkeypatch.setattr("trading_core.bus.connection.REACH_S", 0.3)
    assert await backtest() == (2, None)
    said = capsys.readouterr().err
    assert "nats.url: 127.0.0.1:1 cannot be reached" in said
    assert "secret" not in said

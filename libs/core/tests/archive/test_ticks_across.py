"""Tick backtests and replays over market messages of which some, or all, left Postgres."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from archive_builders import archive, on, set_venue_time, store_ticks, value
from market_recording import a_recording
from message_builders import a_grid, a_signal
from msgspec.structs import replace

from trading_core import messages
from trading_core.archive.recorded import RecordedTicks
from trading_core.backtest import command as backtest
from trading_core.config import SnapshotConfig, load
from trading_core.db.times import utc
from trading_core.market.samples import a_candle, a_ctx, a_funding
from trading_core.market.state import MarketState
from trading_core.messages import CandleMessage, ExecMessage, FundingMessage, MarketData, TradeMessage
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.parity.recording import Span, market_messages
from trading_core.parity.start import Start
from trading_core.parity.starts import Part, start_of
from trading_core.replay import tables
from trading_core.sequence.timeline import order_of
from trading_core.strategy.registry import load_strategies

pytestmark = pytest.mark.integration

MIDNIGHT = 1_760_054_400_000
"""2025-10-10 00:00 UTC; the recording begins 90 minutes before and ends 90 minutes after it."""
START = MIDNIGHT - 90 * MINUTE_MS
SPAN = ("2025-10-09T22:50", "2025-10-10T01:20")
COUNT = "SELECT count(*) FROM trading_market_data.ticks WHERE kind <> 'gap'"
HALF, ALL = MIDNIGHT, MIDNIGHT + DAY_MS
"""Until when messages leave."""


@pytest.fixture
def recorded(database_url: str) -> str:
    """A day of backfilled candles, three hours around midnight, and trades. Gives the superuser's URL."""
    recording = a_recording(11, START)
    market = [*recording.backfill, *(message for minute in recording.minutes for message in minute)]
    store_ticks(database_url, [*market, *(a_trade(START + n * MINUTE_MS) for n in range(180))])
    return database_url


def a_trade(at_ms: int) -> TradeMessage:
    return TradeMessage(
        id=f"t:hl:BTC:{at_ms}", exchange="hyperliquid", asset="BTC", event_time_ms=at_ms, visible_ms=at_ms,
        price="100.0", size="1.5", side="buy", trade_id=str(at_ms),
    )  # fmt: skip


def prune(url: str, login: Callable[[str], None], until_ms: int) -> None:
    """Archives and deletes what is before the midnight `until_ms`, and goes on with the rights of research."""
    set_venue_time(url, until_ms + 14 * DAY_MS + HOUR_MS)
    login("maintenance")
    assert archive("--prune") == 0
    login("research")


def a_run(file: Path, *words: str, span: tuple[str, str] = SPAN, code: int = 0) -> Any:
    """The report but for its source, and the source."""
    parser = argparse.ArgumentParser()
    backtest.add_arguments(parser)
    names = ["--strategy", "FundingArb", "--strategy", "RSIMeanReversion", "--from", span[0], "--to", span[1]]
    assert backtest.run(parser.parse_args([*names, "--no-save", "--json", str(file), *words])) == code
    if code:
        return None
    report: dict[str, Any] = json.loads(file.read_bytes())
    return report, report["config"].pop("source")


@pytest.mark.parametrize("until_ms", [HALF, ALL])
def test_a_tick_backtest_is_the_same_after_its_messages_left(
    recorded: str, login: Callable[[str], None], tmp_path: Path, until_ms: int
) -> None:
    login("research")
    before, source = a_run(tmp_path / "run.json")
    assert (before["summary"]["fidelity"], source) == ("tick", "postgres")
    assert before["summary"]["trades"] > 0
    stays = value(recorded, COUNT + " AND ts >= $1", utc(MIDNIGHT))
    prune(recorded, login, until_ms)
    assert value(recorded, COUNT) == (stays if until_ms == HALF else 0)
    for words in ((), ("--fidelity", "tick")):
        assert a_run(tmp_path / "run.json", *words) == (before, "postgres + archive")


def test_strategies_know_what_left_from_before_their_span(
    recorded: str, login: Callable[[str], None], tmp_path: Path
) -> None:
    span = ("2025-10-10T00:30", "2025-10-10T01:20")
    login("research")
    before, _ = a_run(tmp_path / "run.json", span=span)
    prune(recorded, login, HALF)
    assert a_run(tmp_path / "run.json", span=span) == (before, "postgres + archive")


def test_an_archive_alone_is_a_source_of_ticks(
    recorded: str, login: Callable[[str], None], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login("research")
    before, _ = a_run(tmp_path / "run.json")
    assert archive("--from", "2025-10-08", "--to", "2025-10-11", "--what", "ticks") == 0
    source = f"parquet:{folder}"
    assert a_run(tmp_path / "run.json", "--source", source) == (before, source)
    later = ("2025-11-01", "2025-11-02")
    a_run(tmp_path / "run.json", "--source", source, "--fidelity", "tick", span=later, code=2)
    # The first mark is that of 20 s before the first full minute.
    assert "it has ticks of BTC, ETH, SOL 2025-10-09 22:30 to 2025-10-10 01:30 UTC" in capsys.readouterr().err


def test_rates_of_a_folder_go_with_candles(
    recorded: str, login: Callable[[str], None], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login("research")
    assert archive("--from", "2025-10-08", "--to", "2025-10-11", "--what", "ticks") == 0
    words = ("--source", f"parquet:{folder}", "--funding", str(tmp_path), "--fidelity", "tick")
    a_run(tmp_path / "run.json", *words, code=2)
    assert "it has ticks of none at all. Move the span or take --fidelity candle." in capsys.readouterr().err


def test_what_there_is_counts_the_archive(
    recorded: str, login: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prune(recorded, login, HALF)
    a_run(tmp_path / "run.json", "--fidelity", "tick", span=("2025-11-01", "2025-11-02"), code=2)
    assert "it has ticks of BTC, ETH, SOL 2025-10-09 22:30 to 2025-10-10 01:30 UTC" in capsys.readouterr().err


def test_a_day_that_the_archive_lacks_is_named(
    recorded: str, login: Callable[[str], None], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prune(recorded, login, HALF)
    (folder / "ticks" / "hyperliquid_ETH" / "index.json").unlink()
    capsys.readouterr()
    a_run(tmp_path / "run.json", "--fidelity", "tick", code=2)
    [said, error] = capsys.readouterr().err.splitlines()
    assert said.startswith(
        f"ETH: the messages of 2 days from 2025-10-08 to 2025-10-09 left Postgres and are not in {folder};"
    )
    assert f"ticks hyperliquid ETH of 2025-10-08 left Postgres and is not in {folder}. Set archive.dir" in error


def contexts(chance: random.Random) -> list[MarketData]:
    """Forty days of some candles, rates and contexts, some late, some of one moment, some that lack a field."""
    found: list[MarketData] = []
    for at in range(MIDNIGHT - 40 * DAY_MS, MIDNIGHT, HOUR_MS):
        found.append(a_funding(at))
        found += [a_candle(at + n * MINUTE_MS, 100.0 + chance.randrange(9)) for n in range(3)]
        for _ in range(chance.randrange(4)):
            moment = at - chance.choice([0, 1, HOUR_MS - 1, chance.randrange(HOUR_MS)])
            ctx = a_ctx(moment, 100 + chance.randrange(99), visible_ms=moment + chance.choice([0, 0, 5 * HOUR_MS]))
            found.append(
                replace(
                    ctx,
                    polled=chance.random() < 0.5,
                    open_interest=repr(chance.uniform(1, 9)) if chance.random() < 0.9 else None,
                    funding_estimate_1h=repr(chance.gauss(0, 1e-5)) if chance.random() < 0.5 else None,
                )
            )
    return list({message.id: message for message in found}.values())


@pytest.mark.parametrize("seed", range(3))
def test_a_market_state_knows_the_same(
    database_url: str, login: Callable[[str], None], folder: Path, seed: int
) -> None:
    asked = MIDNIGHT - 3 * DAY_MS
    current = a_ctx(asked - 10 * MINUTE_MS, open_interest="5.5", funding_estimate_1h="0.00001")
    store_ticks(database_url, [*contexts(random.Random(seed)), current])

    def known() -> tuple[Any, ...]:
        def read(db: asyncpg.Connection) -> Any:
            return RecordedTicks(db, ["hyperliquid"], folder).history("hyperliquid", "BTC", asked, 100)

        market = [tick.message for tick in on(database_url, read)]
        state = MarketState("BTC", history=100)
        for message in market:
            state.apply(message)
        seen = state.snapshot("hyperliquid", asked, SnapshotConfig())
        candles = sorted(message.id for message in market if isinstance(message, CandleMessage))
        return (
            seen.open_interest_sample(1_000, 1).tolist(), seen.mark_price, seen.funding_rate_1h(),
            seen.funding_estimate_1h(), candles[-100:],
        )  # fmt: skip

    before = known()
    assert len(before[0]) > 300
    for until_ms in (asked - 20 * DAY_MS, asked - DAY_MS, asked + DAY_MS):
        prune(database_url, login, until_ms)
        assert known() == before


def test_a_replay_gives_the_same_bytes_after_messages_left(recorded: str, login: Callable[[str], None]) -> None:
    async def store(db: asyncpg.Connection) -> None:
        for ts in range(START, START + 180 * MINUTE_MS, MINUTE_MS):
            for stream in ("MARKET", "BOOK"):
                await db.execute("INSERT INTO trading_ops.watermarks VALUES ('hyperliquid', $1, $2, now())", stream, ts)
            grid = a_grid(ts, 1)
            await db.execute(
                "INSERT INTO trading_ops.grids VALUES ($1, $2, $3, $4, $5)",
                grid.id, grid.exchanges, grid.asset, grid.ts, grid.evaluations,
            )  # fmt: skip
            signal, text = a_signal(ts), messages.encode(a_signal(ts)).decode()
            await db.execute(
                "INSERT INTO trading_signals.signals (ts, strategy, asset, exchange, event_id, instrument, payload) "
                "VALUES ($1, 's', 'BTC', 'hyperliquid', $2, 'BTC', $3)",
                utc(ts), signal.id, text,
            )  # fmt: skip
            equity = ExecMessage(
                id=f"eq:default:{ts}", kind="equity", portfolio="default", event_time_ms=ts, outbox_id=ts, body={}
            )
            await db.execute(
                "INSERT INTO trading_ops.exec_events (event_id, outbox_id, kind, portfolio, ts, payload) "
                "VALUES ($1, $2, 'equity', 'default', $3, $4)",
                equity.id, ts, utc(ts), messages.encode(equity).decode(),
            )  # fmt: skip

    def replayed() -> list[tuple[int, str, bytes]]:
        async def read(db: asyncpg.Connection) -> list[tuple[int, str, bytes]]:
            originals = tables.originals(db, START, START + 180 * MINUTE_MS)
            return [(one.at_ms, one.subject, one.data) async for one in originals]

        found: list[tuple[int, str, bytes]] = on(recorded, read)
        return found

    on(recorded, store)
    before = replayed()
    kinds = Counter(subject.split(".")[0] for _, subject, _ in before)
    assert kinds["market"] > 180 * 9
    # A trade, a watermark of BOOK; one signal and one grid message; and an equity row, each minute.
    assert [kinds[kind] for kind in ("book", "signal", "grid", "exec")] == [180, 180, 180, 180]
    assert sum(subject.endswith(".trade") for _, subject, _ in before) == 180
    for until_ms in (HALF, ALL):
        prune(recorded, login, until_ms)
        assert replayed() == before


def test_parity_starts_from_the_same_also_where_an_old_day_was_put_back(
    recorded: str, login: Callable[[str], None]
) -> None:
    """The candles of 2025-10-08 are in Postgres again, those of 2025-10-09 are not; the start is at 00:59."""
    strategies = [loaded for loaded in load_strategies(Path("strategies"), load()) if loaded.enabled]
    part = Part(Span("default", 1, MIDNIGHT + HOUR_MS, MIDNIGHT + 80 * MINUTE_MS), from_checkpoint=False)

    def known() -> list[MarketData]:
        start: Start = on(recorded, lambda db: start_of(db, part, strategies, ["BTC", "ETH", "SOL"]))
        return sorted({message.id: message for message in start.history}.values(), key=order_of)

    login("research")
    before = known()
    prune(recorded, login, HALF)
    login("recorder")
    assert archive("--restore", "--from", "2025-10-08", "--to", "2025-10-09") == 0
    after = known()
    for kind in (CandleMessage, FundingMessage):
        expected = [message for message in before if isinstance(message, kind)]
        assert [message for message in after if isinstance(message, kind)] == expected
    assert len([message for message in before if isinstance(message, CandleMessage)]) == 3 * (1_440 + 149)
    assert {message.id for message in before} <= {message.id for message in after}


def test_what_leaves_while_somebody_reads_is_read(recorded: str, login: Callable[[str], None]) -> None:
    """The span has several chunks, of which the first is read before a day leaves and the others after it."""

    async def read(db: asyncpg.Connection, leaving: bool) -> list[bytes]:
        found: list[bytes] = []
        async for message in market_messages(db, ["hyperliquid"], ALL):
            if leaving and not found:
                await asyncio.to_thread(prune, recorded, login, ALL)
            found.append(messages.encode(message))
        return found

    login("research")
    before = on(recorded, lambda db: read(db, False))
    assert on(recorded, lambda db: read(db, True)) == before
    assert value(recorded, COUNT) == 0

"""A made-up past: drawn once and for all by its seed, kept by the real rules, and never beside a real run."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal
from typing import Any

import asyncpg
import numpy as np
import pytest

from trading_core.__main__ import main
from trading_core.broker.inputs import Place
from trading_core.config import load
from trading_core.db.times import utc
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.seed import prices
from trading_core.seed.command import SMALL_STAKES, notice_of, rules_of, seeded, seven
from trading_core.seed.fill import DAY_MINUTES
from trading_core.seed.ledger import Ledger
from trading_core.seed.tables import Rows
from trading_core.seed.tape import Tape, Wanted
from trading_core.sequence import checkpoint as checkpoints
from trading_core.sequence.minute import inputs_of_minute

TO_MS = 1_793_491_200_000  # 2026-11-01
DAYS, TRADES = 2, 500
BETS = ("CONTRARIAN_PURE", "CONTRARIAN_STRENGTH")
OFF_BY_DEFAULT = (*BETS, "FUNDING_OI", "FUNDING_RATE", "MOMENTUM_BREAKOUT")


def wanted(**changes: Any) -> Wanted:
    values = {"seed": 7, "from_ms": TO_MS - DAYS * DAY_MS, "minutes": DAYS * DAY_MINUTES, "trades": TRADES}
    return Wanted(**{**values, "assets": ("BTC", "ETH", "SOL"), **changes})


def a_tape(**changes: Any) -> Tape:
    return Tape(wanted(**changes), seven(load()))


def said(tape: Tape, minutes: int) -> list[object]:
    return [[tape.market(minute), tape.signals(minute)] for minute in range(1, minutes + 1)]


def test_equal_seeds_give_equal_messages_and_another_seed_others() -> None:
    first, again, other = (said(a_tape(seed=seed), 180) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_candles_hold_together() -> None:
    walk = prices.walk(7, "ETH", 0, 3 * DAY_MINUTES, ())
    assert (walk.open[1:] == walk.close[:-1]).all()
    assert (walk.low <= np.minimum(walk.open, walk.close)).all()
    assert (walk.high >= np.maximum(walk.open, walk.close)).all()
    assert (walk.low > 0).all()
    assert (walk.volume > 0).all()


def test_in_a_hole_no_mark_is_heard_and_nobody_speaks() -> None:
    tape = a_tape(minutes=6 * DAY_MINUTES, from_ms=TO_MS - 6 * DAY_MS, trades=2_000)
    [hole] = tape.walks["BTC"].holes
    for minute in range(hole.first + 1, hole.end + 1):
        assert not [message for message in tape.market(minute) if message.id.startswith("x:")]
        assert not tape.signals(minute)
    assert [message for message in tape.market(hole.end + 1) if message.id.startswith("x:")]


def test_strategies_speak_on_their_own_grid_and_prices_are_those_of_the_tape() -> None:
    tape = a_tape()
    steps = {one.name: one.interval_ms for one in seven(load())}
    signals = list(itertools.chain.from_iterable(tape.signals(minute) for minute in range(1, DAY_MINUTES)))
    assert {one.strategy for one in signals} == steps.keys()
    for one in signals:
        assert one.ts % steps[one.strategy] == 0
        if one.exchange == "hyperliquid":
            minute = (one.ts - tape.wanted.from_ms) // MINUTE_MS
            assert one.entry_price == repr(tape.close(one.asset, minute))


def test_the_result_of_a_market_is_where_its_walk_went() -> None:
    tape = a_tape()
    window = tape.windows["SOL"][3]
    walk = tape.walks["SOL"]
    rose = walk.close[window.end - 1] >= walk.open[window.first]
    assert window.result().yes_payout == ("1" if rose else "0")
    assert window.chance(window.end) == (0.98 if rose else 0.02)


def test_positions_are_opened_at_an_even_pace_and_never_more_than_wanted() -> None:
    settings, tape = load(), a_tape(trades=700)
    ledger = Ledger(rules_of(settings, seven(settings)), 1, Rows())
    for minute in range(1, tape.wanted.end + 1):
        signals = tape.signals(minute)
        for signal in signals:
            ledger.hear(signal)
        ts = tape.wanted.from_ms + minute * MINUTE_MS
        for place, given in inputs_of_minute(ts, tape.market(minute), [], signals):
            ledger.apply(place, given)
    # More than are wanted, so that refusals leave enough; `fill` holds back what is too much.
    assert ledger.opened >= 700


def test_what_cannot_be_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seed", "--days", "3", "--trades", "999999"]) == 2
    assert main(["seed", "--until", "2026-11-01T12:00"]) == 2
    complaint = capsys.readouterr().err
    assert "do not fit into 3 days: at most 2,292" in complaint  # 3 × 1440 - 500 minutes / 25, 5 strategies, 3 assets
    assert "must be a UTC day" in complaint


@pytest.mark.integration
async def test_a_seeded_database_passes_the_audit_and_is_not_seeded_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = await seeded(database_url, wanted(), load())
    assert TRADES * 0.95 < done.opened <= TRADES
    assert [report.verdict for report in done.reports] == ["identical"] * (DAYS - 1)  # not of the day that runs
    last_ms = wanted().to_ms
    assert last_ms == TO_MS - 500 * MINUTE_MS  # 15:40 of the last day
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM trading_paper.fills") >= done.opened + done.closed
        minutes = await connection.fetchval("SELECT count(*) FROM trading_paper.mark_to_market")
        assert minutes == DAYS * DAY_MINUTES - 500
        last = await connection.fetchrow("SELECT * FROM trading_paper.mark_to_market ORDER BY ts DESC LIMIT 1")
        realised = await connection.fetchval("SELECT sum(realised_pnl) FROM trading_paper.trades")
        assert last["total_equity"] == Decimal(10_000) + realised + last["unrealised_pnl"] + last["open_costs"]
        assert last["open_positions"] == done.opened - done.closed > 0
        # Of a day: six strategies each minute and one each fifth, on three assets; and two grids of each asset. The
        # last day has 940 minutes, and one strategy is silent from 15:10 on: 31 grid points on three assets.
        evaluated = await connection.fetch(
            "SELECT count(*) AS all, count(DISTINCT strategy) AS names, max(ts) AS newest FROM trading_signals.signals"
            " GROUP BY ts > $1 ORDER BY max(ts)", utc(TO_MS - DAY_MS),
        )  # fmt: skip
        assert [row["all"] for row in evaluated] == [3 * (6 * 1_440 + 288), 3 * (6 * 940 + 188 - 31)]
        assert [row["names"] for row in evaluated] == [7, 7]
        assert evaluated[-1]["newest"] == utc(last_ms)
        counted = await connection.fetchrow("SELECT count(*), sum(evaluations) FROM trading_ops.grids")
        assert tuple(counted) == (2 * 3 * (1_440 + 940), sum(row["all"] for row in evaluated))
        notice = await connection.fetchval("SELECT body ->> 'notice' FROM trading_ops.events WHERE service = 'seed'")
        assert notice == notice_of(wanted())
        limited, paused = await _standing(connection)
        assert limited["name"] == "contrarian_strength"
        assert "USD today, the limit is 0.0005 of" in limited["status_reason"]
        assert tuple(paused) == ("funding_rate", "made-up person: made up: shows a pause")
        kept = await connection.fetchrow("SELECT * FROM trading_paper.checkpoints")
        book = checkpoints.load(Place(kept["visible_ms"], kept["rank"], kept["key"]), kept["state"]).book
        assert book.paused_until == {"contrarian_strength": TO_MS}
        assert len(book.positions) == last["open_positions"]
        on_coins = [one for one in book.positions.values() if one.stop_price is not None]
        assert {one.strategy for one in on_coins} - set(BETS), "no position with a stop is open at the end"
    finally:
        await connection.close()
    monkeypatch.setenv("TRADING_DATABASE__URL", database_url)
    assert await _in_thread(["seed", "--days", "2", "--trades", "100"]) == 2
    assert "holds candles, ticks, signals, positions, a portfolio" in capsys.readouterr().err
    for name in OFF_BY_DEFAULT:
        monkeypatch.setenv(f"TRADING_STRATEGIES__{name}__ENABLED", "true")
    for name, (key, value) in itertools.product(BETS, SMALL_STAKES.items()):
        monkeypatch.setenv(f"TRADING_STRATEGIES__{name}__RULES__{key.upper()}", value)
    assert await _in_thread(["audit"]) == 0, capsys.readouterr()
    assert capsys.readouterr().out.startswith("0 differences in ")


async def _standing(connection: Any) -> list[asyncpg.Record]:
    """Who is paused, and why."""
    rows: list[asyncpg.Record] = await connection.fetch(
        "SELECT name, status_reason FROM trading_paper.strategies WHERE status = 'paused' ORDER BY name"
    )
    return rows


async def _in_thread(words: list[str]) -> int:
    """A command, which has an event loop of its own."""
    return await asyncio.to_thread(main, words)

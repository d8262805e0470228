"""Section `core`: the pure broker and the candle backtest, without any server."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import talib

from bench.core_books import measure_books
from bench.rows import Row, Series, rates
from trading_core.backtest.engine import run_backtest
from trading_core.backtest.history import History
from trading_core.backtest.parquet import read_history
from trading_core.broker.apply import apply
from trading_core.broker.book import Book, new_book
from trading_core.broker.events import Decision
from trading_core.broker.inputs import Bar, Input, Mark, Place, Rank, SignalInput
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.config import BrokerConfig, Settings
from trading_core.model import MINUTE_MS, Candle, Direction, Signal
from trading_core.strategy.registry import load_strategy

ROOT = Path(__file__).parents[1]
REPETITIONS = 5
ASSET, PRICE = "BTC", 100.0
START_MS = 1_748_044_800_000
OPEN = ((0, "none open"), (10, "10 open elsewhere"), (100, "100 open elsewhere"))
OPEN_SAME = ((10, "10 open on it"), (100, "100 open on it"))
LOOKBACK, PERIOD = 250, 14


def measure(quick: bool) -> list[Row]:
    count = 10_000 if quick else 100_000
    marks = _marks(count)
    elsewhere = [_marks_row(number, label, marks, count, same=False) for number, label in OPEN]
    # Each of these marks is as much work as there are positions on it.
    same = [_marks_row(number, label, marks, count * 5 // number, same=True) for number, label in OPEN_SAME]
    books = measure_books(count // 5)
    return [*elsewhere, *books, *same, *_trades_rows(count // 50), _backtest_row(quick)]


def _marks_row(positions: int, label: str, marks: list[Mark], count: int, *, same: bool) -> Row:
    """The first `count` of `marks`; the limit takes all of them."""
    ours, bare = [], []
    for _ in range(REPETITIONS):
        rules = _rules(positions)
        book = _book(rules, positions, same=same)
        assert len(book.positions) == positions
        ours.append(count / _apply_all(book, rules, marks[:count]))
        bare.append(len(marks) / _keep_newest(marks))
        assert len(book.positions) == positions, "a mark closed a position: the prices reach a stop"
    name = f"broker core, marks of one instrument, {label}"
    return Row("core", name, "inputs/s", rates(ours), "loop that keeps the newest price", rates(bare), f"{count} marks")


def _trades_rows(trades: int) -> list[Row]:
    """Entries by signal, and their ends by a bar that reaches the stop; signals that are refused meanwhile."""
    rules = rule_book(BrokerConfig(cooldown_s=0, max_daily_loss=Decimal(1)), {}, {ASSET: 5})
    took: dict[str, list[float]] = {"entry": [], "already_open": [], "stop": []}
    bare = []
    for _ in range(REPETITIONS):
        book, seconds = new_book(rules), dict.fromkeys(took, 0.0)
        for number in range(trades):
            at_ms = START_MS + number * MINUTE_MS
            apply(book, rules, _bar(at_ms, PRICE))
            seconds["entry"] += _apply_one(book, rules, _signal(ASSET, "flip", at_ms))
            seconds["already_open"] += _apply_one(book, rules, _signal(ASSET, "flip", at_ms))
            seconds["stop"] += _apply_one(book, rules, _bar(at_ms + MINUTE_MS // 2, PRICE / 2))
            assert not book.positions, "the stop was not reached"
        for name, sum_of in seconds.items():
            took[name].append(trades / sum_of)
        bare.append(trades / _make_decisions(trades))
    limit = "making one record of 26 fields"
    return [
        Row("core", f"broker core, {name}", "inputs/s", rates(runs), limit, rates(bare), f"{trades} trades")
        for name, runs in took.items()
    ]


def _apply_one(book: Book, rules: RuleBook, given: Input) -> float:
    began = time.perf_counter()
    apply(book, rules, given)
    return time.perf_counter() - began


def _make_decisions(count: int) -> float:
    """Seconds of the least that a decision costs: an object that holds its 26 fields."""
    values = [None] * len(Decision.__struct_fields__)
    began = time.perf_counter()
    for _ in range(count):
        Decision(*values)  # type: ignore[arg-type]
    return time.perf_counter() - began


def _apply_all(book: Book, rules: RuleBook, marks: list[Mark]) -> float:
    began = time.perf_counter()
    for mark in marks:
        apply(book, rules, mark)
    return time.perf_counter() - began


def _keep_newest(marks: list[Mark]) -> float:
    """Seconds of the least that Python can do with a mark: look up its instrument, compare its time, keep it."""
    held: dict[str, Mark] = {}
    began = time.perf_counter()
    for mark in marks:
        before = held.get(mark.instrument)
        if before is None or mark.event_time_ms >= before.event_time_ms:
            held[mark.instrument] = mark
    return time.perf_counter() - began


def _rules(positions: int) -> RuleBook:
    """Room for that many positions; stop and target as they are by default, and looked at with each mark."""
    broker = BrokerConfig(stake_fraction=Decimal("0.002"), max_exposure=Decimal(10), timeout_m=None)
    return rule_book(broker, {}, {ASSET: 5} | {_asset(number): 5 for number in range(positions)})


def _book(rules: RuleBook, positions: int, *, same: bool) -> Book:
    """One position per strategy: on the instrument of the marks, or on one of its own."""
    book = new_book(rules)
    for number in range(positions):
        asset = ASSET if same else _asset(number)
        apply(book, rules, _mark(asset, START_MS, PRICE))
        apply(book, rules, _signal(asset, f"s{number:03d}", START_MS))
    return book


def _signal(asset: str, strategy: str, at_ms: int) -> SignalInput:
    signal = Signal(
        strategy=strategy, asset=asset, exchange="hyperliquid", direction=Direction.LONG, confidence=0.9,
        entry_price=PRICE, metadata={}, ts=at_ms,
    )  # fmt: skip
    return SignalInput(signal, f"s:{strategy}:{at_ms}", Place(at_ms, Rank.SIGNAL, strategy))


def _bar(closed_ms: int, low: float) -> Bar:
    candle = Candle(
        asset=ASSET, open_time_ms=closed_ms - MINUTE_MS, interval_ms=MINUTE_MS, open=PRICE, high=PRICE, low=low,
        close=PRICE, volume=1.0,
    )  # fmt: skip
    return Bar("hyperliquid", ASSET, candle)


def _marks(count: int) -> list[Mark]:
    """Prices within half a per cent, far from stop and target."""
    return [
        _mark(ASSET, START_MS + number, PRICE * (1 + (number % 101 - 50) / 10_000)) for number in range(1, count + 1)
    ]


def _mark(asset: str, at_ms: int, price: float) -> Mark:
    return Mark("hyperliquid", asset, asset, price, f"x:hl:{asset}:{at_ms}", at_ms, at_ms)


def _asset(number: int) -> str:
    return f"A{number:03d}"


def _backtest_row(quick: bool) -> Row:
    """RSIMeanReversion over the sample, three assets in one portfolio."""
    settings = Settings()
    loaded = load_strategy(ROOT / "strategies" / "rsi_mean_reversion", settings)
    history = read_history(ROOT / "data" / "sample", loaded.assets)
    times = next(iter(history.candles.values())).open_time_ms
    from_ms, to_ms = int(times[0]), int(times[len(times) // (10 if quick else 1) - 1]) + 60_000
    rules = rule_book(settings.broker, {loaded.name: loaded.rules}, DEFAULT_SZ_DECIMALS)
    bars = sum(int(np.searchsorted(c.open_time_ms, to_ms)) for c in history.candles.values())
    ours, bare = [], []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        run = run_backtest(history, [loaded], rules, settings.snapshot, from_ms, to_ms)
        ours.append(bars / (time.perf_counter() - began))
        bare.append(bars / _indicator_alone(history, to_ms))
    note = f"{bars} bars, {len(run.trades)} trades"
    limit = "TA-Lib RSI on the same windows, nothing else"
    return Row("core", "candle backtest, RSIMeanReversion", "bars/s", Series(tuple(ours)), limit, rates(bare), note)


def _indicator_alone(history: History, to_ms: int) -> float:
    """Seconds for the strategy's own arithmetic: one RSI over the last 250 5m closes at each 5m grid point."""
    columns = [c.close[4 : int(np.searchsorted(c.open_time_ms, to_ms)) : 5].copy() for c in history.candles.values()]
    began = time.perf_counter()
    for closes in columns:
        for end in range(LOOKBACK, len(closes) + 1):
            talib.RSI(closes[end - LOOKBACK : end], PERIOD)
    return time.perf_counter() - began

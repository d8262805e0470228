"""Section `core`: order books of one prediction market, while positions are open in others."""

from __future__ import annotations

import time
from decimal import Decimal

from bench.rows import Row, rates
from trading_core.broker.apply import apply
from trading_core.broker.book import Book, new_book
from trading_core.broker.inputs import MarketPoll, OrderBook, Place, Rank, SignalInput
from trading_core.broker.rules import RuleBook, rule_book
from trading_core.config import BrokerConfig
from trading_core.model import Direction, Signal

START_MS = 1_748_044_800_000
END_MS = START_MS + 86_400_000
LEVELS = 10
REPETITIONS = 5
OPEN = ((0, "none open"), (10, "10 open elsewhere"), (100, "100 open elsewhere"))


def measure_books(count: int) -> list[Row]:
    """`count` books of ten levels a side that change each time; the limit keeps the newest of them."""
    books = [_book("0x", START_MS + number, 30 + number % 3) for number in range(1, count + 1)]
    return [_row(positions, label, books) for positions, label in OPEN]


def _row(positions: int, label: str, books: list[OrderBook]) -> Row:
    ours, bare = [], []
    for _ in range(REPETITIONS):
        rules = rule_book(
            BrokerConfig(
                stake_fraction=Decimal("0.002"), max_exposure=Decimal(10), max_positions=200, stop_loss=None,
                take_profit=None, timeout_m=None,
            ),
            {},
            {},
        )  # fmt: skip
        state = _holding(rules, positions)
        assert len(state.positions) == positions
        began = time.perf_counter()
        for told in books:
            apply(state, rules, told)
        ours.append(len(books) / (time.perf_counter() - began))
        bare.append(len(books) / _keep_newest(books))
    name = f"broker core, books of one market, {label}"
    return Row(
        "core", name, "inputs/s", rates(ours), "loop that keeps the newest book", rates(bare), f"{len(books)} books"
    )  # fmt: skip


def _holding(rules: RuleBook, positions: int) -> Book:
    """A portfolio with one position in each of as many other markets."""
    state = new_book(rules)
    for market in ["0x", *(f"0x{number:03d}" for number in range(positions))]:
        poll = MarketPoll(
            "polymarket", "BTC", market, None, None, "0.01", "5", "0.07", "1", END_MS, f"p:{market}", START_MS, START_MS
        )
        apply(state, rules, poll)
        if market != "0x":
            apply(state, rules, _book(market, START_MS, 30))
            signal = Signal(
                strategy="s", asset="BTC", exchange="polymarket", direction=Direction.LONG, confidence=0.9,
                entry_price=0.3, metadata={}, ts=START_MS, instrument=market,
            )  # fmt: skip
            apply(state, rules, SignalInput(signal, f"s:{market}", Place(START_MS, Rank.SIGNAL, market)))
    return state


def _book(market: str, at_ms: int, cents: int) -> OrderBook:
    bids = tuple((f"0.{cents - level:02d}", "5000") for level in range(1, LEVELS + 1))
    asks = tuple((f"0.{cents + level:02d}", "5000") for level in range(1, LEVELS + 1))
    return OrderBook(
        "polymarket", "BTC", market, bids, asks, "0.01", at_ms, f"bk:{market}:{at_ms}", at_ms, at_ms
    )  # fmt: skip


def _keep_newest(books: list[OrderBook]) -> float:
    """Seconds of the least that Python can do with a book."""
    held: dict[str, OrderBook] = {}
    began = time.perf_counter()
    for told in books:
        before = held.get(told.instrument)
        if before is None or told.event_time_ms >= before.event_time_ms:
            held[told.instrument] = told
    return time.perf_counter() - began

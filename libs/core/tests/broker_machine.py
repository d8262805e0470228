"""A broker that anything may happen to, and what must hold after each step: the identities of the rule book.

Everything is checked against sums over the events themselves (`broker_sums`).
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
from broker_builders import DAY0, SECOND_MS, a_rule_book
from broker_sums import CAPITAL, Sums, happened
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trading_core.broker.apply import apply
from trading_core.broker.book import dump, load, new_book
from trading_core.broker.events import (
    Decision,
    Event,
    PositionState,
)
from trading_core.broker.inputs import (
    ClosePosition,
    Command,
    DayChange,
    FundingHour,
    FundingRate,
    Input,
    Mark,
    MarketPoll,
    MarkToMarket,
    OrderBook,
    PauseByPerson,
    Place,
    Rank,
    Resolution,
    SignalInput,
    Timeouts,
)
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS, Direction, Signal
from trading_core.money import exactly

COINS = {"BTC": 80_000.0, "ETH": 2_500.0}
MARKETS = ("0xaa", "0xbb")
STRATEGIES = ("alpha", "beta", "gamma", "delta", "epsilon")
RULES = a_rule_book(
    {
        "alpha": {"stop_loss": "0.01", "take_profit": "0.01", "timeout_m": 3, "max_daily_loss": "0.0003"},
        "beta": {"sizing": "stop_risk", "risk_fraction": "0.001", "cooldown_s": 400, "max_positions": 1},
        "gamma": {"stop_loss": None, "timeout_m": None, "stake_fraction": "0.2", "max_exposure": "0.45"},
        "delta": {"sizing": "fixed", "fixed_quantity": "0.0137", "opposite_signal": "close", "fill_model": "book"},
        "epsilon": {"stop_loss": None, "take_profit": None, "timeout_m": None, "min_confidence": 0},
    },
    max_mark_age_s=3600,
    exchanges={"polymarket": {"fill_book_age_s": 20}, "hyperliquid": {"fill_book_age_s": 600}},
)

BIDS = (("0.40", "300"), ("0.39", "4000"))
ASKS = (("0.42", "300"), ("0.43", "4000"))

small = st.integers(1, 20)
coins = st.sampled_from(sorted(COINS))
markets = st.sampled_from(MARKETS)
sizes = st.lists(st.integers(0, 60_000), min_size=0, max_size=4)
opinions = st.tuples(
    st.sampled_from(STRATEGIES),
    st.one_of(coins, markets),
    st.sampled_from(["LONG", "SHORT", "LONG", "SHORT", "CLOSE"]),
    st.sampled_from([0.9, 0.9, 0.4]),
    st.floats(-0.01, 0.01),
    st.sampled_from([0, 0, 0, 0, 0, 31]),
)


class BrokerMachine(RuleBasedStateMachine):
    """One ledger over time; `inputs` and `outputs` are all that went in and came out."""

    reached: ClassVar[Counter[str]] = Counter()
    """What has happened in all runs so far."""

    def __init__(self) -> None:
        super().__init__()
        self.book = new_book(RULES)
        self.now_ms = DAY0 + 7 * SECOND_MS
        self.inputs: list[Input] = []
        self.outputs: list[Event] = []
        self.prices = dict(COINS)
        self.window = dict.fromkeys(MARKETS, 0)
        self.books: dict[str, OrderBook] = {}
        self.sums = Sums()
        self.signals: set[str] = set()
        self.ends = dict.fromkeys(MARKETS, 0)
        self.apply(DayChange(DAY0))
        self.everything_is_told()

    # What can happen.

    @rule(
        coin=coins,
        move=st.sampled_from([-0.03, -0.012, -0.001, 0.001, 0.012, 0.03]),
        seconds=small,
        late_ms=st.sampled_from([0, 0, 5]),
    )
    def a_mark_moves(self, coin: str, move: float, seconds: int, late_ms: int) -> None:
        self.pass_time(seconds)
        self.prices[coin] = round(self.prices[coin] * (1 + move), 1)
        self.tell(self.a_mark(coin, self.now_ms - late_ms))

    @rule(coin=coins, seconds=small)
    def an_old_mark_comes(self, coin: str, seconds: int) -> None:
        held = self.book.mark("hyperliquid", coin)
        if held is not None:
            self.changes_nothing(self.a_mark(coin, held.event_time_ms - seconds * SECOND_MS))

    @rule(coin=coins, bids=sizes, asks=sizes, seconds=small)
    def a_coins_book_is_recorded(self, coin: str, bids: list[int], asks: list[int], seconds: int) -> None:
        self.pass_time(seconds)
        price = Decimal(str(self.prices[coin]))
        levels = [
            tuple((str(price + way * (n + 1)), str(Decimal(size).scaleb(-5))) for n, size in enumerate(found))
            for way, found in ((-1, bids), (1, asks))
        ]
        self.tell_book("hyperliquid", coin, coin, levels[0], levels[1])

    @rule(market=markets, seconds=small)
    def a_market_is_polled(self, market: str, seconds: int) -> None:
        self.pass_time(seconds)
        self.poll(market)

    def poll(self, market: str) -> None:
        told = self.books.get(self.name_of(market))
        best = [side[0][0] if side else None for side in (told.bids, told.asks)] if told else ["0.4", "0.5"]
        name = self.name_of(market)
        self.tell(
            MarketPoll(
                "polymarket", "BTC", name, best[0], best[1], None, "5", "0.07", "1", self.ends[market],
                f"p:pm:{name}:{self.now_ms}", self.now_ms, self.now_ms,
            )
        )  # fmt: skip

    @rule(market=markets, cents=st.integers(3, 96), bids=sizes, asks=sizes, tick=st.sampled_from(["0.01", "0.001"]))
    def a_markets_book_changes(self, market: str, cents: int, bids: list[int], asks: list[int], tick: str) -> None:
        self.pass_time(1)
        levels = [
            tuple(
                (str(Decimal(cents + way * (n + 1)) / 100), str(Decimal(size) / 10))
                for n, size in enumerate(found)
                if 0 < cents + way * (n + 1) < 100
            )
            for way, found in ((-1, bids), (1, asks))
        ]
        self.tell_book("polymarket", "BTC", self.name_of(market), levels[0], levels[1], tick)

    @rule(market=markets, seconds=small)
    def the_same_book_is_told_again(self, market: str, seconds: int) -> None:
        told = self.books.get(self.name_of(market))
        if told is not None:
            self.pass_time(seconds)
            again = msgspec.structs.replace(
                told, event_id=f"{told.event_id}+{self.now_ms}", event_time_ms=self.now_ms, visible_ms=self.now_ms
            )
            self.books[told.instrument] = again
            self.tell(again)

    @rule(market=markets)
    def an_old_book_comes(self, market: str) -> None:
        told = self.books.get(self.name_of(market))
        if told is not None and f"polymarket:{told.instrument}" in self.book.depths:
            self.changes_nothing(
                msgspec.structs.replace(told, event_id="old", event_time_ms=told.event_time_ms - 1, bids=(), asks=())
            )

    @rule(market=markets, payout=st.sampled_from(["0", "1", "0.5"]), late_ms=st.sampled_from([0, 40_000]))
    def the_venue_reports_a_result(self, market: str, payout: str, late_ms: int) -> None:
        self.pass_time(2)
        name, told_ms = self.name_of(market), self.now_ms - late_ms
        result = Resolution("polymarket", "BTC", name, Decimal(payout), f"r:pm:{name}", told_ms, self.now_ms)
        self.tell(result)
        assert not self.book.on_instrument("polymarket", name)
        self.window[market] += 1
        self.a_market_opens(market)

    def a_market_opens(self, market: str) -> None:
        self.ends[market] = self.now_ms + 15 * MINUTE_MS
        self.poll(market)
        self.tell_book("polymarket", "BTC", self.name_of(market), BIDS, ASKS, "0.01")

    def everything_is_told(self) -> None:
        for coin in COINS:
            self.tell(self.a_mark(coin, self.now_ms))
            price = Decimal(str(self.prices[coin]))
            bids = tuple((str(price - n), str(Decimal(2 * n).scaleb(-3))) for n in (1, 2, 3))
            asks = tuple((str(price + n), str(Decimal(2 * n).scaleb(-3))) for n in (1, 2, 3))
            self.tell_book("hyperliquid", coin, coin, bids, asks)
        for market in MARKETS:
            if self.ends[market] < self.now_ms:
                self.window[market] += 1
                self.a_market_opens(market)

    @rule(said=st.lists(opinions, min_size=1, max_size=4))
    def strategies_signal(self, said: list[tuple[str, str, str, float, float, int]]) -> None:
        for opinion in said:
            self.pass_time(1)
            self.signal(*opinion)

    def signal(self, strategy: str, where: str, direction: str, confidence: float, away: float, age_s: int) -> None:
        is_coin = where in COINS
        exchange, instrument = ("hyperliquid", where) if is_coin else ("polymarket", self.name_of(where))
        mark = self.book.mark(exchange, instrument)
        price = 0.4 if mark is None else min(mark.price * (1 + away), 1e9 if is_coin else 0.99)
        signal = Signal(
            strategy=strategy, asset=where if is_coin else "BTC", exchange=exchange, direction=Direction(direction),
            confidence=confidence, entry_price=price, metadata={}, ts=self.now_ms - age_s * SECOND_MS,
            instrument=instrument,
        )  # fmt: skip
        event_id = f"s:{strategy}:{instrument}:{self.now_ms}"
        self.signals.add(event_id)
        place = Place(self.now_ms, Rank.SIGNAL, f"{strategy} {where}")
        decided = [event for event in self.apply(SignalInput(signal, event_id, place)) if isinstance(event, Decision)]
        assert [event.signal_id for event in decided] == [event_id]

    @rule()
    def a_minute_is_full(self) -> None:
        self.now_ms += 1
        self.reach((self.now_ms // MINUTE_MS + 1) * MINUTE_MS)

    @rule(known=st.sets(coins))
    def an_hour_is_full(self, known: set[str]) -> None:
        """`known`: coins whose rate of that hour is settled already."""
        hour_ms = (self.now_ms // HOUR_MS + 1) * HOUR_MS
        for coin in sorted(known):
            self.settle(coin, hour_ms, 10)
        self.reach(hour_ms)
        self.now_ms += 1
        self.everything_is_told()

    @precondition(lambda self: self.now_ms - DAY0 > HOUR_MS)
    @rule()
    def a_day_begins(self) -> None:
        self.reach((self.now_ms // DAY_MS + 1) * DAY_MS)
        self.now_ms += 1
        self.everything_is_told()

    @rule(coin=coins, hours_ago=st.integers(0, 3), rate=st.integers(-30, 30))
    def a_rate_is_settled(self, coin: str, hours_ago: int, rate: int) -> None:
        """Of an hour for which something is owed, if there is one."""
        self.pass_time(1)
        owed = list(self.book.owed.values())
        if owed:
            self.settle(owed[hours_ago % len(owed)].asset, owed[hours_ago % len(owed)].hour_ms, rate)
        else:
            self.settle(coin, (self.now_ms // HOUR_MS - hours_ago) * HOUR_MS, rate)

    def settle(self, coin: str, hour_ms: int, rate: int) -> None:
        event_id = f"f:hl:{coin}:{hour_ms}"
        self.tell(
            FundingRate("hyperliquid", coin, hour_ms, Decimal(rate).scaleb(-5), event_id, self.now_ms, self.now_ms)
        )

    @rule(strategy=st.sampled_from(STRATEGIES), paused=st.sampled_from([False, False, True]))
    def a_person_pauses_or_resumes(self, strategy: str, paused: bool) -> None:
        self.pass_time(1)
        given = PauseByPerson(strategy, paused, self.now_ms, "to see")
        self.tell(given)
        assert (strategy in self.book.paused_by_person) == paused

    @rule(
        strategy=st.sampled_from(STRATEGIES),
        limits=st.sampled_from(
            [{}, {"stop_loss": "0.005"}, {"max_positions": 0}, {"timeout_m": None, "cooldown_s": 0}]
        ),
    )
    def a_person_changes_limits(self, strategy: str, limits: dict[str, Any]) -> None:
        self.pass_time(1)
        place = Place(self.now_ms, Rank.EQUITY, "")
        self.apply(
            Command(
                request_id=str(self.now_ms), verb="limits", who="a person", why="to see", place=place,
                strategies=(strategy,), limits=limits,
            )
        )  # fmt: skip

    @precondition(lambda self: self.book.positions)
    @rule(which=st.integers(0, 20))
    def a_person_closes_a_position(self, which: int) -> None:
        self.pass_time(1)
        open_ids = list(self.book.positions)
        if open_ids:
            position_id = open_ids[which % len(open_ids)]
            self.apply(ClosePosition(position_id, self.now_ms))
            assert self.sums.newest[position_id].exit_reason == "manual"

    @rule()
    def the_broker_crashes(self) -> None:
        stored = dump(self.book)
        self.book = load(stored)
        assert dump(self.book) == stored

    # What must hold.

    @invariant()
    def equity_is_the_sum_of_its_parts(self) -> None:
        with exactly():
            parts = sum((self.worth(position) for position in self.sums.newest.values()), CAPITAL)
            assert self.book.equity() == parts

    @invariant()
    def every_signal_has_its_decision(self) -> None:
        assert self.sums.decided == self.signals

    @invariant()
    def a_level_never_gives_more_than_it_has(self) -> None:
        for key, depth in self.book.depths.items():
            for side, levels, taken in (("bid", depth.bids, depth.taken_bids), ("ask", depth.asks, depth.taken_asks)):
                for price, size in levels:
                    assert taken.get(price, Decimal(0)) == self.sums.taken[key, side, Decimal(price)] <= Decimal(size)

    def teardown(self) -> None:
        """The same inputs without a crash give the same bytes."""
        self.reached.update(name for event in self.outputs for name in happened(event))
        again = new_book(RULES)
        replayed = [event for given in self.inputs for event in apply(again, RULES, given)]
        assert [*map(msgspec.json.encode, replayed)] == [*map(msgspec.json.encode, self.outputs)]
        assert dump(again) == dump(self.book)

    # How it happens.

    def apply(self, given: Input) -> list[Event]:
        self.inputs.append(given)
        events = apply(self.book, RULES, given)
        self.outputs += events
        self.sums.add(events, self.signals)
        return events

    def tell(self, given: Input) -> None:
        """A market event, twice: the second time it says nothing new."""
        self.apply(given)
        self.changes_nothing(given)

    def changes_nothing(self, given: Input) -> None:
        before = dump(self.book)
        assert self.apply(given) == []
        assert dump(self.book) == before

    def tell_book(
        self, exchange: str, asset: str, instrument: str, bids: Any, asks: Any, tick: str | None = None
    ) -> None:
        told = OrderBook(
            exchange, asset, instrument, bids, asks, tick, self.now_ms, f"bk:{instrument}:{self.now_ms}", self.now_ms,
            self.now_ms,
        )  # fmt: skip
        self.books[instrument] = told
        self.sums.book_changed(f"{exchange}:{instrument}")  # before: an exit that it triggers takes from it already
        self.tell(told)

    def pass_time(self, seconds: int) -> None:
        self.now_ms += seconds * SECOND_MS + 1

    def reach(self, ts_ms: int) -> None:
        self.now_ms = ts_ms
        if ts_ms % DAY_MS == 0:
            self.apply(DayChange(ts_ms))
        if ts_ms % HOUR_MS == 0:
            self.apply(FundingHour(ts_ms))
        self.apply(Timeouts(ts_ms))
        self.apply(MarkToMarket(ts_ms))

    def a_mark(self, coin: str, event_ms: int) -> Mark:
        event_id = f"x:hl:{coin}:{event_ms}:{self.now_ms}"
        return Mark("hyperliquid", coin, coin, self.prices[coin], event_id, event_ms, self.now_ms)

    def name_of(self, market: str) -> str:
        return f"{market}{self.window[market]}"

    def worth(self, position: PositionState) -> Decimal:
        mark = self.book.mark(position.exchange, position.instrument)
        return self.sums.worth(position, None if mark is None else mark.price)

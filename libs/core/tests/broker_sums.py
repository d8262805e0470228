"""What the events of a ledger add up to, worked out without any code of the broker: fills, fees, funding, decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from trading_core.broker.events import (
    Decision,
    EquityMark,
    Event,
    Fill,
    FundingOwed,
    FundingPayment,
    Order,
    PositionState,
    StrategyPaused,
)
from trading_core.model import DAY_MS
from trading_core.money import exact, exactly, usd

CAPITAL = Decimal(10_000)


class Sums:
    """`held`, `cash`, `fees` and `funding` by position; `taken` by instrument, side and price of a level."""

    def __init__(self) -> None:
        self.newest: dict[str, PositionState] = {}
        self.held: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.cash: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.fees: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.funding: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.taken: defaultdict[tuple[str, str, Decimal], Decimal] = defaultdict(Decimal)
        self.decided: set[str] = set()
        self.ids: set[str] = set()

    def add(self, events: list[Event], signals: set[str]) -> None:
        """One input's events; every position that changed is checked after them."""
        for event in events:
            assert event.event_id not in self.ids, event
            self.ids.add(event.event_id)
            self.account(event)
        for event in events:
            if isinstance(event, PositionState):
                assert event.signal_id in signals
                self.check_position(event.position_id)

    def book_changed(self, key: str) -> None:
        """All levels of that instrument are whole again."""
        for level in [level for level in self.taken if level[0] == key]:
            del self.taken[level]

    def account(self, event: Event) -> None:
        match event:
            case Decision():
                assert event.signal_id not in self.decided
                self.decided.add(event.signal_id)
                assert event.acted_on == (event.position_id is not None or event.closed_position is not None)
                if event.decision in ("opened", "reversed"):
                    assert event.exposure_usd is not None
                    assert event.stake is not None
                    assert event.equity is not None
                    with exactly():
                        assert event.exposure_usd + event.stake <= event.rules.max_exposure * event.equity
            case PositionState():
                assert event.version == (self.newest[event.position_id].version + 1 if event.version > 1 else 1)
                self.newest[event.position_id] = event
            case Order():
                assert event.quantity > 0
            case Fill():
                self.account_fill(event)
            case FundingPayment():
                with exactly():
                    size = usd(event.quantity * event.mark_price * event.rate)
                is_long = self.newest[event.position_id].direction == "LONG"
                assert event.amount == (-size if is_long else size)
                self.funding[event.position_id] += event.amount
            case EquityMark():
                with exactly():
                    assert event.total_equity == CAPITAL + event.realised + event.unrealised + event.open_costs
                    assert sum(event.strategies.values(), Decimal(0)) == event.total_equity - CAPITAL
                    assert sum(event.assets.values(), Decimal(0)) == event.total_equity - CAPITAL
            case StrategyPaused(cause="max_daily_loss"):
                assert event.until_ms is not None
                assert event.until_ms % DAY_MS == 0
            case FundingOwed():
                assert event.quantity > 0
            case _:
                pass

    def account_fill(self, fill: Fill) -> None:
        assert fill.quantity > 0
        assert fill.fee >= 0
        way = 1 if fill.side == "BUY" else -1
        with exactly():
            self.held[fill.position_id] += way * fill.quantity
            self.cash[fill.position_id] -= way * fill.quantity * fill.price
        self.fees[fill.position_id] += fill.fee
        if fill.exchange == "polymarket":
            assert 0 <= fill.price <= 1
        if fill.book_event_id is not None:
            short_token = fill.exchange == "polymarket" and self.newest[fill.position_id].direction == "SHORT"
            side = "ask" if (fill.side == "BUY") != short_token else "bid"
            price = 1 - fill.price if short_token else fill.price
            self.taken[f"{fill.exchange}:{fill.instrument}", side, price] += fill.quantity

    def check_position(self, position_id: str) -> None:
        position = self.newest[position_id]
        assert position.fees == self.fees[position_id]
        assert position.funding_pnl == self.funding[position_id]
        if position.status == "OPEN":
            assert self.held[position_id] == self.way(position) * position.quantity
            return
        assert self.held[position_id] == 0
        with exactly():
            assert position.gross_pnl == usd(self.cash[position_id])
            assert position.realised_pnl == position.gross_pnl - position.fees + position.funding_pnl

    def worth(self, position: PositionState, mark_price: float | None) -> Decimal:
        """What it adds to equity, from fills and mark alone."""
        if position.realised_pnl is not None:
            return position.realised_pnl
        assert mark_price is not None
        price = exact(mark_price)
        if position.exchange == "polymarket" and position.direction == "SHORT":
            price = 1 - price
        position_id = position.position_id
        gain = usd(self.cash[position_id] + self.held[position_id] * price)
        return gain + self.funding[position_id] - self.fees[position_id]

    @staticmethod
    def way(position: PositionState) -> int:
        return -1 if position.exchange == "hyperliquid" and position.direction == "SHORT" else 1


def happened(event: Event) -> Iterator[str]:
    match event:
        case Decision():
            yield event.reason or event.decision
        case Fill():
            yield f"{event.exchange} {event.side} {'fixed' if event.book_event_id is None else 'book'}"
            if event.event_id.endswith(":2"):
                yield "a second level"
        case PositionState(status="CLOSED") if event.exit_ms == event.ts_ms:
            yield str(event.exit_reason)
            yield "suspect" if event.suspect else "sound"
        case FundingPayment():
            yield "late funding" if event.late else "funding"
        case FundingOwed() | StrategyPaused():
            yield type(event).__name__
        case _:
            return

"""The market state of one asset: everything a strategy may look at, as of the last message applied.

The contract with whoever feeds it:
- Feed messages in order of application, (visible_ms, key), and only those with `visible_ms <= T` before
  evaluating T. The state remembers the latest `visible_ms` it was given, and `snapshot(T)` refuses with ValueError
  when that lies past T: there is no way to see the future through it.
- Feeding the same message twice changes nothing. Candles may come in any order.
- `history` 1m candles are what a strategy may look back over. A state that was fed only the last `history` candles
  (of those visible by then, by open time), the newest non-polled context however old it is, the newest settled
  funding, the open interest of the look-back, the gaps still open, and of each prediction market that has not ended
  the newest poll, the newest book and its result gives the same signals, to the byte, as one that ran since the
  beginning.
- A gap lasts from its `from_ms` until a closing message is applied. A grid point whose own candle came by a backfill
  counts as inside a gap: strategies never act on backfilled data.
- A candle backtest uses `apply_row` (or `apply_candle`) and `apply_funding`: the same effect without messages;
  there the mark is the newest 1m close.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from trading_core.config import SnapshotConfig
from trading_core.market.exchange import ExchangeState
from trading_core.market.snapshot import MarketSnapshot
from trading_core.messages import (
    BboMessage,
    BookMessage,
    CandleMessage,
    CtxMessage,
    FundingMessage,
    GapMessage,
    MarketData,
    ProbMessage,
    ResolvedMessage,
    TradeMessage,
)
from trading_core.model import MINUTE_MS, Candle, Exchange
from trading_core.money import exact

HISTORY = 5_000
"""1m candles that stay reachable: 83 hours, four times what a 250-candle window of 5m needs."""
_DEFAULT = Exchange.HYPERLIQUID.value


class MarketState:
    """One asset over the exchanges that are in use."""

    __slots__ = ("_exchanges", "asset", "history", "newest_visible_ms")

    def __init__(self, asset: str, exchanges: Iterable[str] = (_DEFAULT,), *, history: int = HISTORY) -> None:
        self.asset = asset
        self.history = history
        self.newest_visible_ms = -1
        """The latest `visible_ms` applied so far: no snapshot before it can be taken."""
        self._exchanges = {str(name): ExchangeState(str(name), asset, history) for name in exchanges}

    @property
    def exchanges(self) -> tuple[str, ...]:
        return tuple(self._exchanges)

    def apply(self, message: MarketData) -> None:
        """Take in one message. Trades, quotes and books of a coin change nothing: strategies do not see them.

        ValueError for another asset or exchange, another candle interval than 1m, or a candle that is none.
        """
        if message.asset != self.asset:
            raise ValueError(f"message {message.id} is of {message.asset}, this state is of {self.asset}")
        state = self._of(message.exchange)
        match message:
            case TradeMessage() | BboMessage():
                return
            case CandleMessage():
                _apply_candle(state, message)
            case CtxMessage():
                _apply_ctx(state, message)
            case FundingMessage():
                state.set_funding(message.hour_ms, message.event_time_ms, exact(float(message.rate)), message.id)
            case GapMessage():
                _apply_gap(state, message)
            case BookMessage():
                if not message.market:
                    return
                state.markets.apply_book(message)
            case ProbMessage():
                state.markets.apply_poll(message)
            case ResolvedMessage():
                state.markets.apply_result(message)
        self.newest_visible_ms = max(self.newest_visible_ms, message.visible_ms)

    def apply_candle(self, candle: Candle, exchange: str = _DEFAULT) -> None:
        """Candle backtests: `candle` becomes visible as it closes, and its close becomes the mark."""
        self.apply_row(candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume, exchange)

    def apply_row(
        self,
        open_time_ms: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        exchange: str = _DEFAULT,
    ) -> None:
        """`apply_candle` of a 1m candle without the object, for the inner loop. The caller has checked the numbers."""
        state = self._exchanges[exchange]
        close_ms = open_time_ms + MINUTE_MS
        state.put_candle(open_time_ms, open, high, low, close, volume, close_ms)
        state.set_mark(close, close_ms, "")
        self.newest_visible_ms = max(self.newest_visible_ms, close_ms)

    def apply_funding(self, hour_ms: int, stamp_ms: int, rate: Decimal, exchange: str = _DEFAULT) -> None:
        """Candle backtests: the settled rate of `hour_ms`, visible at its own time stamp `stamp_ms`."""
        self._exchanges[exchange].set_funding(hour_ms, stamp_ms, rate, "")
        self.newest_visible_ms = max(self.newest_visible_ms, stamp_ms)

    def snapshot(self, exchange: str, ts: int, limits: SnapshotConfig, history: int | None = None) -> MarketSnapshot:
        """What is known on `exchange` at grid point `ts`; ValueError when something past `ts` was applied.

        `history`: how many 1m candles may be looked back over; at most (and by default) the state's own.
        """
        if self.newest_visible_ms > ts:
            raise ValueError(
                f"{self.asset}: no snapshot at {ts}, a message visible at {self.newest_visible_ms} was applied already"
            )
        reach = self.history if history is None else history
        if reach > self.history:
            raise ValueError(f"{self.asset}: a look-back of {reach} 1m candles, but only {self.history} are kept")
        return MarketSnapshot(self._of(exchange), ts, limits, reach)

    def in_gap(self, exchange: str, ts: int) -> bool:
        """Whether `ts` lies in a declared gap of `exchange`, or its candle was filled in afterwards."""
        state = self._of(exchange)
        return state.in_gap(ts) or state.backfilled_close_ms == ts

    def seen(self, exchange: str) -> dict[str, Any]:
        """Ids and times of the newest events of `exchange`: the record kept with every evaluation."""
        return self._of(exchange).seen()

    def _of(self, exchange: str) -> ExchangeState:
        try:
            return self._exchanges[exchange]
        except KeyError:
            known = ", ".join(self._exchanges)
            raise ValueError(
                f"{self.asset}: exchange {exchange!r} is not among those of this state ({known})"
            ) from None


def _apply_candle(state: ExchangeState, message: CandleMessage) -> None:
    if message.interval != "1m":
        raise ValueError(f"candle {message.id}: wider candles are built, never read, got {message.interval}")
    candle = message.candle()
    changed = state.put_candle(
        candle.open_time_ms, candle.open, candle.high, candle.low, candle.close, candle.volume, message.visible_ms
    )
    if changed and message.backfilled:
        state.backfilled_close_ms = max(state.backfilled_close_ms, candle.close_time_ms)


def _apply_ctx(state: ExchangeState, message: CtxMessage) -> None:
    if not message.polled:
        state.set_mark(float(message.mark_price), message.event_time_ms, message.id)
    if message.open_interest is not None:
        state.put_open_interest(float(message.open_interest), message.event_time_ms)
    if message.funding_estimate_1h is not None:
        state.set_funding_estimate(message.funding_estimate_1h, message.event_time_ms)


def _apply_gap(state: ExchangeState, message: GapMessage) -> None:
    if message.state == "open":
        state.open_gap(message.channel, message.from_ms, message.to_ms)
    else:
        state.close_gap(message.channel, message.from_ms)

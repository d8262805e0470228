"""What the broker's core says has happened. A book changes by these and by new marks, by nothing else.

Every event has an `event_id` that follows from its cause alone, so that a second run writes the same rows.
Money is Decimal in USD, times are UTC milliseconds of event time. `None` means "not reached" or "not set".

Three of them are made with positional arguments, each in one place: a call with more than 15 keywords goes through a
dict and costs CPython eight times as much.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from trading_core.broker.inputs import Limit, Place, Verb
from trading_core.broker.rules import Rules

Side = Literal["BUY", "SELL"]
ExitReason = Literal["stop_loss", "take_profit", "timeout", "signal", "manual", "resolved"]
Purpose = Literal["entry", "stop_loss", "take_profit", "timeout", "signal", "manual", "resolved"]
Verdict = Literal["opened", "reversed", "closed", "rejected"]
Reason = Literal[
    "stale", "no_price", "low_confidence", "paused", "cooldown", "already_open",
    "max_positions", "max_exposure", "too_small", "nothing_open",
]  # fmt: skip


class Decision(msgspec.Struct, frozen=True, gc=False, tag="decision"):
    """The one answer to one LONG, SHORT or CLOSE, with the numbers it was made of.

    `ts_ms` is the event time at which the signal was applied, `signal_ts_ms` its grid point. `mark_*` is
    the mark that was used. `equity`, `exposure_usd` and `stake` are what the exposure check compared.
    """

    event_id: str
    portfolio: str
    ts_ms: int
    signal_ts_ms: int
    signal_id: str
    strategy: str
    asset: str
    exchange: str
    instrument: str
    direction: Literal["LONG", "SHORT", "CLOSE"]
    decision: Verdict
    reason: Reason | None
    acted_on: bool
    position_id: str | None
    closed_position: str | None
    confidence: float
    entry_price: Decimal
    mark_price: Decimal | None
    mark_event_id: str | None
    mark_ms: int | None
    equity: Decimal | None
    exposure_usd: Decimal | None
    stake: Decimal | None
    place: Place
    late: bool
    rules: Rules

    @property
    def age_ms(self) -> int:
        """How long after its grid point the signal was applied; 0 when on time."""
        return self.place.visible_ms - self.signal_ts_ms


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="order"):
    """An intent that the checks let through. `signal_id` is the cause, None for the broker's own exits."""

    event_id: str
    portfolio: str
    ts_ms: int
    position_id: str
    signal_id: str | None
    strategy: str
    asset: str
    exchange: str
    instrument: str
    side: Side
    purpose: Purpose
    quantity: Decimal
    reference_price: Decimal


class Fill(msgspec.Struct, frozen=True, gc=False, tag="fill"):
    """One execution of an order. `fee` is 0 or more. `mark_*` is the mark that triggered or judged it.

    `both_levels`: candle backtests only, the bar held the stop and the target, and the stop went first.
    `book_event_id`: the recorded book one of whose levels it took, at that level's price; None for `fixed` fills.

    On a prediction market `price` and `reference_price` are those of the held token, `mark_price` is YES/Up's.
    """

    event_id: str
    portfolio: str
    ts_ms: int
    order_id: str
    position_id: str
    strategy: str
    asset: str
    exchange: str
    instrument: str
    side: Side
    purpose: Purpose
    quantity: Decimal
    price: Decimal
    reference_price: Decimal
    fee: Decimal
    mark_price: Decimal
    mark_event_id: str
    mark_ms: int
    late: bool
    both_levels: bool = False
    book_event_id: str | None = None


class PositionState(msgspec.Struct, frozen=True, gc=False, tag="position"):
    """The whole row of a position after a change. `version` counts the changes from 1.

    `entry_notional` is the sum of price times quantity over the entry fills: P&L comes from the fills,
    `entry_price` is their average, for people. `gross_pnl`, `realised_pnl` and the exit are None while open;
    `fees`, `funding_pnl` and `slippage_cost` are so far. On a prediction market all prices are those of the token held.
    """

    event_id: str
    portfolio: str
    ts_ms: int
    position_id: str
    version: int
    strategy: str
    asset: str
    exchange: str
    instrument: str
    direction: Literal["LONG", "SHORT"]
    status: Literal["OPEN", "CLOSED"]
    signal_id: str
    confidence: float
    quantity: Decimal
    stake: Decimal
    entry_ms: int
    entry_ref: Decimal
    entry_price: Decimal
    entry_notional: Decimal
    stop_price: Decimal | None
    target_price: Decimal | None
    deadline_ms: int | None
    fees: Decimal
    funding_pnl: Decimal
    slippage_cost: Decimal
    suspect: bool
    late: bool
    exit_ms: int | None = None
    exit_ref: Decimal | None = None
    exit_price: Decimal | None = None
    exit_reason: ExitReason | None = None
    gross_pnl: Decimal | None = None
    realised_pnl: Decimal | None = None


class FundingOwed(msgspec.Struct, frozen=True, kw_only=True, tag="funding_owed"):
    """A position was held over the hour `hour_ms` whose rate is not known yet. Quantity and mark stay as they were."""

    event_id: str
    portfolio: str
    ts_ms: int
    position_id: str
    strategy: str
    asset: str
    exchange: str
    hour_ms: int
    quantity: Decimal
    mark_price: Decimal


class FundingPayment(msgspec.Struct, frozen=True, kw_only=True, tag="funding"):
    """One position, one hour. `amount` is signed from the trader's view: received is above 0.

    `ts_ms` is when it was booked; `late` when that was after the hour itself.
    """

    event_id: str
    portfolio: str
    ts_ms: int
    position_id: str
    strategy: str
    asset: str
    exchange: str
    hour_ms: int
    rate: Decimal
    rate_event_id: str
    quantity: Decimal
    mark_price: Decimal
    amount: Decimal
    late: bool


class StrategyPaused(msgspec.Struct, frozen=True, kw_only=True, tag="paused"):
    """No entries any more: until `until_ms` after a day's loss, or (None) until a person ends it."""

    event_id: str
    portfolio: str
    ts_ms: int
    strategy: str
    cause: Literal["max_daily_loss", "person"]
    until_ms: int | None
    reason: str


class StrategyResumed(msgspec.Struct, frozen=True, kw_only=True, tag="resumed"):
    """The pause of that cause is over; `still_paused` when the other cause goes on."""

    event_id: str
    portfolio: str
    ts_ms: int
    strategy: str
    cause: Literal["max_daily_loss", "person"]
    still_paused: bool


class CommandApplied(msgspec.Struct, frozen=True, kw_only=True, tag="command"):
    """A person's command as it was applied, before its effects; `inputs.Command` says what each field means."""

    event_id: str
    portfolio: str
    ts_ms: int
    request_id: str
    verb: Verb
    who: str
    why: str
    strategies: list[str]
    positions: list[str]
    limits: dict[str, Limit]
    place: Place


class DayStarted(msgspec.Struct, frozen=True, kw_only=True, tag="day"):
    """The UTC day that begins at `day_ms`; `equity` at the marks held then is the basis of its loss limit."""

    event_id: str
    portfolio: str
    ts_ms: int
    day_ms: int
    equity: Decimal


class EquityMark(msgspec.Struct, frozen=True, kw_only=True, tag="equity"):
    """The portfolio at one full minute: `total_equity` = initial + `realised` + `unrealised` + `open_costs`.

    `strategies` and `assets` share out the P&L; each sums to `total_equity` minus the initial capital.
    """

    event_id: str
    portfolio: str
    ts_ms: int
    total_equity: Decimal
    unrealised: Decimal
    realised: Decimal
    open_costs: Decimal
    open_positions: int
    strategies: dict[str, Decimal]
    assets: dict[str, Decimal]


Event = (
    Decision
    | Order
    | Fill
    | PositionState
    | FundingOwed
    | FundingPayment
    | StrategyPaused
    | StrategyResumed
    | CommandApplied
    | DayStarted
    | EquityMark
)

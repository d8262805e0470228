"""What the API answers. Money and quantities are decimal strings, times UTC milliseconds, fractions 0.02 for 2 %.

These models document the answers (OpenAPI, and from it the browser's types). Long series are encoded
directly and only checked against their model in the tests.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Money = Annotated[str, Field(description="Decimal string", examples=["10012.345678"])]
TimeMs = Annotated[int, Field(description="UTC milliseconds")]
Fraction = Annotated[float, Field(description="0.02 is two per cent")]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Problem(Model):
    """An error as of RFC 9457. `id` finds the same error in the log."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    id: str


class Ratios(Model):
    """Figures from daily equity, and what they rest on. A ratio that is not defined is null."""

    sharpe: float | None
    sortino: float | None
    max_drawdown: Fraction
    days: Annotated[int, Field(description="Daily returns behind Sharpe and Sortino")]


class TradeStatistics(Model):
    """Closed positions only. A figure that is not defined is null."""

    trades: int
    win_rate: Fraction | None
    avg_win: float | None
    avg_loss: Annotated[float | None, Field(description="A positive number")]
    profit_factor: float | None
    profit_factor_infinite: Annotated[bool, Field(description="Wins and no loss: the factor is null")]
    expectancy: float | None
    average_hold_s: float | None


class Summary(Ratios):
    portfolio: str
    initial_capital: Money
    equity: Money
    total_pnl: Money
    realised_pnl: Annotated[Money, Field(description="Closed positions")]
    unrealised_pnl: Annotated[Money, Field(description="Open positions at their marks")]
    open_costs: Annotated[Money, Field(description="Funding received less fees paid by open positions so far")]
    return_fraction: Fraction
    drawdown: Annotated[Fraction, Field(description="Now, from the running peak of the curve")]
    open_positions: int
    trades: int
    event_time_ms: Annotated[TimeMs | None, Field(description="Newest market time known; null before any data")]
    data_notice: Annotated[str, Field(description="Where the market data comes from when it is not live; else empty")]
    assets: list[str]
    annualisation_days: int


StrategyStatus = Literal["active", "paused", "failed"]


class StrategyRow(TradeStatistics, Ratios):
    name: str
    class_name: str
    status: StrategyStatus
    status_reason: str | None
    failure: Annotated[str | None, Field(description="The traceback of a failed strategy")]
    interval: str
    assets: list[str]
    exchanges: list[str]
    total_pnl: Annotated[Money, Field(description="Realised, and open positions as of the last mark-to-market row")]
    realised_pnl: Money
    fees: Money
    funding_pnl: Money
    open_positions: int
    last_signal_ms: TimeMs | None
    last_signal_direction: str | None
    last_signal_asset: str | None
    last_evaluation_ms: TimeMs | None


class OpenPosition(Model):
    id: str
    strategy: str
    exchange: str
    asset: str
    instrument: str
    direction: Literal["LONG", "SHORT"]
    quantity: Money
    entry_price: Money
    entry_ms: TimeMs
    stake: Money
    mark_price: Money | None = None
    mark_ms: TimeMs | None = None
    unrealised_pnl: Annotated[Money | None, Field(description="At the mark; null without one")] = None
    unrealised_fraction: Annotated[Fraction | None, Field(description="Of the stake")] = None
    fees: Money
    funding_pnl: Money
    stop_price: Money | None
    target_price: Money | None
    stop_distance: Annotated[Fraction | None, Field(description="Move of the mark to the stop, of the mark")] = None
    target_distance: Annotated[Fraction | None, Field(description="Move of the mark to the target, of the mark")] = None
    progress: Annotated[float | None, Field(description="0 at the stop, 1 at the target; null without both")] = None
    deadline_ms: TimeMs | None
    confidence: float
    suspect: bool


class EquityPoint(Model):
    t: TimeMs
    equity: Money
    drawdown: Fraction


class EquityCurve(Model):
    """Down-sampled by the server: of each stretch its last row and its deepest row, at their own times."""

    strategy: str | None
    asset: str | None
    basis: Annotated[
        Literal["portfolio", "full_capital"],
        Field(description="full_capital: initial capital plus this part's P&L"),
    ]
    initial_capital: Money
    rows: Annotated[int, Field(description="Rows in the span before down-sampling")]
    points: list[EquityPoint]


class CandlePoint(Model):
    """Market data, so plain numbers. `t` is the open time."""

    t: TimeMs
    o: float
    h: float
    l: float  # noqa: E741 - the usual letter of a candle's low
    c: float
    v: float


class CandleSeries(Model):
    exchange: str
    asset: str
    interval: str
    candles: list[CandlePoint]


class TradeRow(Model):
    id: str
    strategy: str
    exchange: str
    asset: str
    direction: Literal["LONG", "SHORT"]
    status: Literal["OPEN", "CLOSED"]
    quantity: Money
    stake: Money
    entry_ms: TimeMs
    entry_price: Money
    exit_ms: TimeMs | None
    exit_price: Money | None
    exit_reason: str | None
    realised_pnl: Money | None
    gross_pnl: Money | None
    fees: Money
    funding_pnl: Money
    slippage_cost: Money
    suspect: bool
    late: bool


class TradePage(Model):
    """Newest entry first. `next_cursor` continues; null at the end."""

    trades: list[TradeRow]
    next_cursor: str | None


class SignalRow(Model):
    """One signal and what the broker decided about it; `decision` is null until then."""

    id: str
    t: TimeMs
    strategy: str
    exchange: str
    asset: str
    direction: str
    confidence: float | None
    entry_price: Money | None
    decision: str | None
    reason: str | None


class FillRow(Model):
    """One execution. `realised_pnl` and `exit_reason` belong to the position that an exit closed."""

    id: str
    t: TimeMs
    strategy: str
    exchange: str
    asset: str
    side: Literal["BUY", "SELL"]
    purpose: str
    quantity: Money
    price: Money
    fee: Money
    exit_reason: str | None
    realised_pnl: Money | None


class GapRow(Model):
    """A hole in one channel of one asset, `[from_ms, to_ms]`; without an end while it is open."""

    id: str
    exchange: str
    asset: str
    channel: str
    from_ms: TimeMs
    to_ms: TimeMs | None
    state: Annotated[
        Literal["open", "filled", "lost"],
        Field(description="filled: fetched from the venue afterwards; lost: the venue has it no more"),
    ]
    reason: str


class GapPage(Model):
    """Open ones first, then newest beginning first. `next_cursor` continues; null at the end."""

    gaps: list[GapRow]
    next_cursor: str | None


class CoverageDay(Model):
    exchange: str
    asset: str
    channel: str
    day: Annotated[str, Field(description="UTC", examples=["2026-10-01"])]
    expected_minutes: int
    covered_minutes: int
    fraction: Fraction


class Coverage(Model):
    definition: str
    days: Annotated[list[CoverageDay], Field(description="Oldest first; a day on which nothing was due is left out")]
    cut: Annotated[bool, Field(description="Older days were left out because the answer would be too long")]


class MarketRow(Model):
    """One prediction market in terms of its YES/Up token; what the venue did not say is null, never zero."""

    id: str
    asset: str
    title: str | None
    slug: str | None
    state: Literal["open", "awaited", "resolved"]
    start_ms: Annotated[TimeMs | None, Field(description="When its window opens; null without one")]
    end_ms: TimeMs
    polled_ms: Annotated[TimeMs, Field(description="The newest poll, which the figures are of")]
    probability: Annotated[Fraction | None, Field(description="The middle of the YES/Up token's book")]
    bid: float | None
    ask: float | None
    last: float | None
    spread: float | None
    volume_24h: Annotated[Money | None, Field(description="USD; null: no_volume")]
    liquidity: Annotated[Money | None, Field(description="USD")]
    resolved_ms: TimeMs | None
    yes_payout: Annotated[float | None, Field(description="What one YES/Up token paid, 0 to 1")]


class MarketPage(Model):
    """`event_time_ms`: the venue's time, null before any. `next_cursor` continues; null at the end."""

    event_time_ms: TimeMs | None
    markets: list[MarketRow]
    next_cursor: str | None


class Component(Model):
    service: str
    instance: str | None
    state: Literal["ok", "standby", "degraded", "down"]
    expected: bool
    last_heartbeat_ms: Annotated[TimeMs | None, Field(description="Wall clock")]
    age_s: float | None
    started_ms: Annotated[TimeMs | None, Field(description="Wall clock")]
    event_time_ms: TimeMs | None
    note: Annotated[str, Field(description="What is wrong and what to do; empty when all is well")]


class OpenGap(Model):
    exchange: str
    asset: str
    channel: str
    from_ms: TimeMs
    reason: str


class Health(Model):
    status: Annotated[
        Literal["ok", "degraded"], Field(description="ok when every expected component is and no gap is open")
    ]
    down_after_s: int
    components: list[Component]
    open_gaps: Annotated[
        list[OpenGap], Field(description="Channels without data now: strategies pass on them until they are closed")
    ]


class Probe(Model):
    status: Literal["ok", "waiting"]
    detail: str = ""

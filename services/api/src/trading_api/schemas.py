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


class PnlSplit(Model):
    """Where the realised P&L of closed positions comes from: the four add up to it."""

    price: Annotated[Money, Field(description="At the reference prices, before slippage")]
    slippage: Annotated[Money, Field(description="0 or less")]
    fees: Annotated[Money, Field(description="0 or less")]
    funding: Annotated[Money, Field(description="Above 0: received")]


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
    split: PnlSplit
    drawdown: Annotated[Fraction, Field(description="Now, from the running peak of its curve")]
    sparkline: Annotated[list[float], Field(description="Cumulative realised P&L, USD, at up to 40 of the exits")]
    basis: Annotated[
        Literal["marked", "closed"],
        Field(description="marked: its curve of every minute; closed: under a filter, its closed positions alone"),
    ]
    fees: Money
    funding_pnl: Money
    open_positions: int
    last_signal_ms: TimeMs | None
    last_signal_direction: str | None
    last_signal_asset: str | None
    last_evaluation_ms: TimeMs | None


class HeldMarket(Model):
    """The prediction market behind a position. `outcome` is the token held: LONG holds YES/Up, SHORT holds NO/Down."""

    title: str | None
    outcome: Literal["YES", "NO"]
    end_ms: Annotated[TimeMs | None, Field(description="When its window ends; the result comes afterwards")]
    resolved_ms: TimeMs | None
    payout: Annotated[float | None, Field(description="What one token of those held paid, 0 to 1; null until then")]


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
    funding_interval_ms: Annotated[int | None, Field(description="Between settlements; null where none is paid")] = None
    next_funding_ms: TimeMs | None = None
    funding_rate_1h: Annotated[Money | None, Field(description="The venue's estimate; above 0 longs pay")] = None
    next_funding: Annotated[
        Money | None, Field(description="Received (above 0) or paid at the next settlement, if rate and mark stay")
    ] = None
    market: Annotated[HeldMarket | None, Field(description="Of a prediction market only")] = None


class EquityPoint(Model):
    t: TimeMs
    equity: Money
    drawdown: Fraction


class EquityCurve(Model):
    """Down-sampled by the server: of each stretch its last row and its deepest row, at their own times."""

    strategy: str | None
    asset: str | None
    basis: Annotated[
        Literal["portfolio", "full_capital", "closed"],
        Field(description="full_capital: initial capital plus this part's P&L; closed: plus its closed positions only"),
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


class ChartMarker(Model):
    """One fill on a chart. `realised_pnl` and `exit_reason` belong to the position that an exit closed."""

    t: TimeMs
    trade_id: str
    strategy: str
    direction: Literal["LONG", "SHORT"]
    purpose: str
    price: Money
    realised_pnl: Money | None


class CandleSeries(Model):
    exchange: str
    asset: str
    interval: str
    candles: list[CandlePoint]
    markers: Annotated[
        list[ChartMarker], Field(description="Fills under these candles, the newest 1,000; with markers=true only")
    ] = []


class TradeRow(Model):
    id: str
    strategy: str
    exchange: str
    asset: str
    instrument: Annotated[str, Field(description="The coin, or the id of the prediction market")]
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
    confidence: float
    suspect: bool
    late: bool
    market: Annotated[HeldMarket | None, Field(description="Of a prediction market only")] = None


class TradePage(Model):
    """In the order asked for. `next_cursor` continues in the same order; null at the end."""

    trades: list[TradeRow]
    next_cursor: str | None


class TradeTotals(Model):
    """Everything that matches the filters, not only one page. The sums are of closed positions, in USD:
    realised_pnl = gross_pnl - fees + funding_pnl; slippage_cost is information, it is inside the prices."""

    trades: int
    open: int
    wins: int
    losses: int
    realised_pnl: Money
    gross_pnl: Money
    fees: Money
    funding_pnl: Money
    slippage_cost: Money


class SignalInput(Model):
    name: str
    value: Annotated[str, Field(description="A number or a word as the strategy gave it; else JSON")]


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


class SignalPage(Model):
    """Newest first. `next_cursor` continues; null at the end."""

    signals: list[SignalRow]
    next_cursor: str | None


class TradeSignal(SignalRow):
    """A signal that opened or closed the position, with what the strategy based it on."""

    inputs: list[SignalInput]


class TradeFill(Model):
    id: str
    t: TimeMs
    side: Literal["BUY", "SELL"]
    purpose: str
    quantity: Money
    price: Money
    reference_price: Money
    slippage_bps: Annotated[float, Field(description="Fill against its reference; above 0 is worse for the trader")]
    fee: Money
    late: bool


class FundingRow(Model):
    """One full hour held. `amount` is signed from the trader's view: received is above 0."""

    id: str
    hour_ms: TimeMs
    booked_ms: TimeMs
    rate: Annotated[Money, Field(description="Fraction of notional of that hour; above 0 longs pay")]
    quantity: Money
    mark_price: Money
    amount: Money


class TradeDetail(Model):
    """One position from its signal to its result. Prices of a prediction market are those of the token held."""

    trade: TradeRow
    ledger: Annotated[str, Field(description="Portfolio, or with per_strategy isolation the strategy's own ledger")]
    reference_pnl: Annotated[
        Money | None,
        Field(description="What the reference prices alone would make: gross_pnl + slippage_cost; null while open"),
    ]
    entry_ref: Money
    exit_ref: Money | None
    stop_price: Money | None
    target_price: Money | None
    deadline_ms: TimeMs | None
    opened_by: TradeSignal | None
    closed_by: TradeSignal | None
    fills: list[TradeFill]
    funding: list[FundingRow]


class LineageEvent(Model):
    id: str
    raw: Annotated[str | None, Field(description="The market message as it was on the stream; null for others")]


class LineageStep(Model):
    title: str
    lines: list[str]
    events: list[LineageEvent]


class Lineage(Model):
    """Tick, snapshot, signal, checks, order, fill, funding, exit, P&L; `missing` says why when there are no steps."""

    id: str
    steps: list[LineageStep]
    missing: str


class StrategyPause(Model):
    cause: Literal["max_daily_loss", "person"]
    until_ms: Annotated[TimeMs | None, Field(description="Null: until a person resumes it")]
    reason: str


class StrategyRisk(Model):
    """How much of its limits a strategy has used, by the rules in force."""

    strategy: str
    day_realised: Annotated[Money, Field(description="Positions closed this UTC day")]
    day_loss_limit: Annotated[Money, Field(description="A loss of this much pauses it until midnight UTC")]
    day_used: Annotated[Fraction | None, Field(description="Loss of the day over its limit; 1 pauses. Null: no limit")]
    open_positions: int
    max_positions: int
    exposure_usd: Annotated[Money, Field(description="Notional of its own open positions")]
    max_exposure: Annotated[Money, Field(description="What the whole ledger's exposure may reach, stake included")]
    changed_limits: Annotated[list[str], Field(description="Rules that a person has changed while the broker ran")]
    pauses: list[StrategyPause]


class LedgerRisk(Model):
    """One ledger as of the broker's last checkpoint."""

    ledger: str
    event_time_ms: TimeMs
    equity: Money
    exposure_usd: Annotated[Money, Field(description="Notional of all open positions, long and short alike")]
    exposure_fraction: Annotated[Fraction | None, Field(description="Of equity; null when that is not above 0")]
    day_ms: TimeMs
    day_start_equity: Money
    strategies: list[StrategyRisk]


class Risk(Model):
    ledgers: list[LedgerRisk]


class FillRow(Model):
    """One execution. `realised_pnl` and `exit_reason` belong to the position that an exit closed."""

    id: str
    t: TimeMs
    strategy: str
    exchange: str
    asset: str
    direction: Annotated[
        Literal["LONG", "SHORT"],
        Field(description="Of the position. On a prediction market LONG holds shares of the YES token, SHORT of NO"),
    ]
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

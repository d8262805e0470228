"""What the API answers about backtests, searches for parameters, and parity checks. Conventions as in `schemas`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trading_api.schemas import Fraction, Model, Money, TimeMs


class BacktestRow(Model):
    """One stored run and its key figures. `code_hash` and `params_hash`: of one strategy, or a digest of several."""

    id: int
    created_ms: Annotated[TimeMs, Field(description="Wall clock")]
    strategies: list[str]
    assets: list[str]
    from_ms: TimeMs
    to_ms: Annotated[TimeMs, Field(description="Excluded")]
    source: str
    fidelity: Annotated[str, Field(description="What decided exits: candle or tick")]
    code_hash: str
    params_hash: str
    initial_capital: Money
    final_equity: Money
    realised_pnl: Money
    gross_pnl: Annotated[Money, Field(description="Between the fill prices, before fees and funding")]
    fees: Money
    funding_pnl: Money
    slippage_cost: Annotated[Money, Field(description="Already inside gross_pnl")]
    return_fraction: Fraction
    days: int
    trades: int
    sharpe: float | None
    sortino: float | None
    max_drawdown: Fraction
    win_rate: Fraction | None
    profit_factor: float | None
    profit_factor_infinite: bool
    expectancy: float | None
    avg_hold_s: float | None
    coverage: Annotated[Fraction, Field(description="Of the asset-minutes, those that had a candle")]


class BacktestPage(Model):
    """Newest first. `next_cursor` continues; null at the end."""

    runs: list[BacktestRow]
    next_cursor: str | None


class BacktestPoint(Model):
    t: TimeMs
    equity: Money
    drawdown: Fraction


class BacktestPart(Model):
    """One strategy or one asset of a run."""

    name: str
    trades: int
    realised_pnl: Money
    sharpe: float | None
    max_drawdown: Fraction
    win_rate: Fraction | None


class BacktestRun(BacktestRow):
    """With its equity by the hour, down-sampled by the server, and what its figures rest on."""

    isolation: Literal["shared", "per_strategy"]
    by_strategy: list[BacktestPart]
    by_asset: list[BacktestPart]
    exit_reasons: dict[str, int]
    notes: list[str]
    equity_rows: Annotated[int, Field(description="Rows before down-sampling")]
    equity: list[BacktestPoint]


class BacktestSetting(Model):
    """One setting of each run, in their order; null where a run has no such setting."""

    part: Annotated[str, Field(description="A strategy, or `run` for what holds for all of it")]
    name: str
    values: list[str | None]
    differs: bool


class BacktestComparison(Model):
    """Runs in the order asked for, and every setting of any of them, those that differ first."""

    runs: list[BacktestRun]
    settings: list[BacktestSetting]
    comparable: Annotated[bool, Field(description="Same span, assets and capital, so that figures can be compared")]
    why_not: str


class BacktestTrade(Model):
    """One closed position of a run."""

    strategy: str
    asset: str
    direction: Literal["LONG", "SHORT"]
    quantity: Money
    stake: Money
    confidence: float
    entry_time: TimeMs
    entry_price: Money
    exit_time: TimeMs
    exit_price: Money
    exit_reason: str
    gross_pnl: Money
    fees: Money
    funding_pnl: Money
    slippage_cost: Money
    realised_pnl: Money
    suspect: bool


class BacktestTradePage(Model):
    """In order of closing. `next_cursor` continues; null at the end."""

    total: int
    trades: list[BacktestTrade]
    next_cursor: str | None


class StudyRow(Model):
    """One search for parameters. `verdict` is null until it has ended with sets that traded."""

    id: int
    created_ms: Annotated[TimeMs, Field(description="Wall clock")]
    updated_ms: Annotated[TimeMs, Field(description="Wall clock")]
    strategy: str
    class_name: str
    metric: str
    search: Literal["grid", "random", "tpe"]
    seed: int
    asked: Annotated[int, Field(description="Sets to try")]
    done: Annotated[int, Field(description="Sets tried so far")]
    assets: list[str]
    source: str
    from_ms: TimeMs
    to_ms: TimeMs
    folds: int
    verdict: Literal["noise", "unclear", "edge"] | None
    headline: str
    sentence: Annotated[str, Field(description="The verdict in a sentence; empty without one")]
    best: dict[str, str] | None


class StudyPage(Model):
    """Newest first. `next_cursor` continues; null at the end."""

    studies: list[StudyRow]
    next_cursor: str | None


class OverfitStatistic(Model):
    """One figure about the search as a whole and what it means; null where there was too little data."""

    name: str
    label: str
    value: float | None
    kind: Literal["probability", "count"]
    tone: Literal["good", "doubt", "bad", "plain"]
    meaning: str


class SurfaceAxis(Model):
    name: str
    labels: list[str]


class SurfaceCell(Model):
    """The best set in sample of one place, and what it did out of sample. Places count from 0."""

    x: int
    y: int
    number: int
    in_sample: float | None
    out_of_sample: float | None
    trades_in_sample: int
    trades_out_of_sample: int


class Surface(Model):
    across: SurfaceAxis
    down: SurfaceAxis | None
    cells: list[SurfaceCell]
    others: Annotated[list[str], Field(description="Parameters over which each cell shows the best set")]


class FoldResult(Model):
    """Chosen on [from_ms, split_ms), judged on [split_ms, to_ms)."""

    from_ms: TimeMs
    split_ms: TimeMs
    to_ms: TimeMs
    chosen: int | None
    params: dict[str, str]
    in_sample: float | None
    out_of_sample: float | None
    pnl_in_sample: float
    pnl_out_of_sample: float
    trades_in_sample: int
    trades_out_of_sample: int


class Candidate(Model):
    """One set: the mean of the metric over the folds, sums of P&L and trades, the worst drawdown."""

    rank: int
    number: int
    params: dict[str, str]
    in_sample: float | None
    out_of_sample: float | None
    pnl_in_sample: float
    pnl_out_of_sample: float
    trades_in_sample: int
    trades_out_of_sample: int
    max_drawdown_out_of_sample: Fraction


class Study(StudyRow):
    """A search with its verdict, its surface over two parameters, its folds and its best sets."""

    why: str
    statistics: list[OverfitStatistic]
    axes: Annotated[list[str], Field(description="Parameters that the surface can be drawn over")]
    surface: Surface | None
    walk_forward: list[FoldResult]
    candidates: Annotated[list[Candidate], Field(description="The best ones in sample")]
    ran: int
    refused: int
    failed: int
    first_failure: str | None


class ParityCause(Model):
    cause: str
    count: int
    meaning: str
    advice: str


class ParityRow(Model):
    """One check of a span. `ideal`: against a backtest of it; `recorded`: the recorded messages once more."""

    id: int
    created_ms: Annotated[TimeMs, Field(description="Wall clock")]
    ledger: Annotated[str, Field(description="Portfolio, or with per_strategy isolation the strategy's own ledger")]
    order: Literal["recorded", "ideal"]
    from_ms: TimeMs
    to_ms: Annotated[TimeMs, Field(description="The last grid point, included")]
    nightly: bool
    began: Annotated[str, Field(description="From where it was replayed")]
    verdict: Literal["identical", "different", "explained", "unexplained"]
    passed: bool
    sentence: str
    compared: dict[str, int]
    causes: Annotated[list[ParityCause], Field(description="Consequences of others count as `follows`")]
    difference_count: int
    duration_ms: int
    code_version: str


class ParityPage(Model):
    """Newest first. `next_cursor` continues; null at the end."""

    reports: list[ParityRow]
    next_cursor: str | None


class ChangedField(Model):
    field: str
    live: str
    replayed: str


class ParityDifference(Model):
    """`root`: not merely a consequence of another one. Without a live or a replayed text one side has no such event."""

    kind: str
    t: TimeMs
    id: str
    cause: str
    root: bool
    live: str | None
    replayed: str | None
    changed: list[ChangedField]


class ParityReport(ParityRow):
    differences: Annotated[list[ParityDifference], Field(description="The first 200, roots before consequences")]

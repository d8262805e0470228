"""The form of `backtest --json`: what a program may rely on. Keys are added in later versions, never changed.

Times are UTC milliseconds; money is USD as decimal strings, six places; fractions are 0.02 for two per cent.
`python -m trading_core.backtest.schema` prints it as JSON Schema; docs/reference holds a copy.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Amount = Annotated[str, Meta(description="USD, a decimal string with six places")]
Number = Annotated[str, Meta(description="a decimal string")]
Moment = Annotated[int, Meta(description="UTC milliseconds")]
Row = Annotated[list[int | str], Meta(min_length=2)]


class _Closed(msgspec.Struct, forbid_unknown_fields=True):
    pass


class StrategyConfig(_Closed):
    """What a strategy ran with. `rules` are the broker's for it, overrides applied; null switches a limit off."""

    class_name: str
    interval: str
    assets: list[str]
    params: dict[str, Any]
    rules: dict[str, Any]
    code_hash: Annotated[str, Meta(description="of the strategy's files, as it stamps its live signals")]
    params_hash: str


class Config(_Closed):
    """What was run. `from` is the first minute, `to` is excluded."""

    from_: Annotated[Moment, Meta(description="first minute, UTC milliseconds")] = msgspec.field(name="from")
    to: Annotated[int, Meta(description="end, excluded, UTC milliseconds")]
    assets: list[str]
    source: str
    initial_capital: Annotated[Number, Meta(description="of all ledgers together")]
    isolation: Annotated[
        Literal["shared", "per_strategy"], Meta(description="one ledger for all strategies, or one of equal size each")
    ]
    annualisation_days: int
    sz_decimals: Annotated[dict[str, int], Meta(description="decimal places of a quantity, by asset")]
    strategies: dict[str, StrategyConfig]


class Part(_Closed, kw_only=True):
    """The metrics of the whole run, of one strategy or of one asset ("on full capital"). null: not defined."""

    days: Annotated[int, Meta(description="what the ratios rest on")]
    trades: Annotated[int, Meta(description="what the trade statistics rest on, forced closes included")]
    sharpe: float | None
    sortino: float | None
    max_drawdown: Annotated[float, Meta(description="fraction of the running peak, 0 or more")]
    daily_returns: list[float]
    wins: int
    losses: int
    exit_reasons: dict[str, int]
    win_rate: float | None
    loss_rate: float | None
    avg_win: Annotated[float | None, Meta(description="USD, positive")]
    avg_loss: Annotated[float | None, Meta(description="USD, positive")]
    profit_factor: float | None
    profit_factor_infinite: Annotated[bool, Meta(description="there are wins and no losses")]
    expectancy: Annotated[float | None, Meta(description="mean P&L of a trade, USD")]
    gross_pnl: Annotated[str, Meta(description="USD, between the fill prices, before fees and funding")]
    fees: Annotated[str, Meta(description="USD, 0 or more")]
    funding_pnl: Annotated[str, Meta(description="USD, above 0: received")]
    slippage_cost: Annotated[str, Meta(description="USD, already inside gross_pnl")]
    realised_pnl: Annotated[str, Meta(description="USD: gross_pnl - fees + funding_pnl")]
    avg_hold_s: float | None
    suspect: Annotated[int, Meta(description="trades whose numbers should be looked at")]


class Summary(Part, kw_only=True):
    """The whole run: its metrics and what they rest on."""

    initial_capital: Number
    final_equity: Amount
    decisions: Annotated[dict[str, int], Meta(description="by strategy/outcome, rejections with their reason")]
    funding_events: int
    funding_hours_owed: int
    exits_with_both_levels_in_bar: Annotated[int, Meta(description="bars with stop and target both inside")]
    passes: Annotated[dict[str, int], Meta(description="evaluations without a signal, by strategy:reason")]
    by_strategy: dict[str, Part]
    by_asset: dict[str, Part]
    parts_are: Literal["on full capital", "strategies on their own capital"]
    evaluations: int
    forced_closes: Annotated[int, Meta(description="positions that were open at the end")]
    annualisation_days: int
    fidelity: Annotated[str, Meta(description="what decides exits: candle or tick")]
    notes: list[str]
    gaps: int
    missing_minutes: int
    coverage: Annotated[float, Meta(description="fraction of the asset-minutes present")]
    strategies_without_input: Annotated[dict[str, str], Meta(description="never came as far as their rule, and why")]
    strategies_not_evaluated: dict[str, str]


class Trade(_Closed):
    """One closed position, in order of closing. `*_ref` is the reference price, `*_price` the fill."""

    strategy: str
    asset: str
    direction: Literal["LONG", "SHORT"]
    quantity: Annotated[str, Meta(description="base units, a decimal string")]
    stake: Amount
    confidence: float
    entry_time: Moment
    entry_ref: Number
    entry_price: Number
    exit_time: Moment
    exit_ref: Number
    exit_price: Number
    exit_reason: Literal["stop_loss", "take_profit", "timeout", "signal", "manual", "resolved"]
    gross_pnl: Amount
    fees: Amount
    funding_pnl: Amount
    slippage_cost: Amount
    realised_pnl: Amount
    suspect: bool


class Decision(_Closed):
    """The answer to one signal. `closed_position`: the id of a position that the signal closed."""

    time: Moment
    strategy: str
    asset: str
    direction: Literal["LONG", "SHORT", "CLOSE"]
    decision: Literal["opened", "reversed", "closed", "rejected"]
    reason: str | None
    closed_position: str | None


class Day(_Closed):
    """One UTC day: counts by `strategy[/asset]/reason`, and the SHA-256 of the day's lines, each with a newline."""

    day_start: Moment
    sha256: str
    counts: dict[str, int]


class FundingDay(_Closed):
    """Funding payments of one UTC day; `amount` above 0 was received."""

    day_start: Moment
    events: int
    amount: Amount


class Equity(_Closed):
    """One row per full minute, both ends included, under the names in `columns`."""

    columns: list[str]
    rows: list[Row]


class Gap(_Closed):
    """Minutes without a candle, end excluded."""

    asset: str
    from_: Annotated[Moment, Meta(description="UTC milliseconds")] = msgspec.field(name="from")
    to: Annotated[int, Meta(description="excluded, UTC milliseconds")]


class Report(_Closed):
    """What `backtest --json FILE` writes."""

    config: Config
    summary: Summary
    trades: list[Trade]
    decisions: list[Decision]
    decisions_by_day: Annotated[
        list[Day], Meta(description="lines are `time|strategy|asset|direction|decision|reason`")
    ]
    decisions_sha256: Annotated[str, Meta(description="of all decision lines")]
    passes_by_day: Annotated[list[Day], Meta(description="lines are `time|strategy|asset|reason`")]
    funding_by_day: list[FundingDay]
    equity: Equity
    equity_hourly: Annotated[list[Row], Meta(description="time and equity at each full hour")]
    mark_to_market_rows: int
    mark_to_market_sha256: Annotated[
        str, Meta(description="of the lines `time|equity|unrealised|realised|open_costs|open_positions`")
    ]
    gaps: list[Gap]


def json_schema() -> str:
    """JSON Schema 2020-12 of the report, two spaces deep."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Report)), indent=2).decode() + "\n"


if __name__ == "__main__":
    print(json_schema(), end="")

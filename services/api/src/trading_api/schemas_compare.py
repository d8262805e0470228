"""Answers about one strategy, one asset, and the definitions of the figures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from trading_api.schemas import Fraction, Model, Money, PnlSplit, Ratios, StrategyRow, TimeMs, TradeStatistics


class Group(Model):
    name: Annotated[str, Field(description="A UTC month such as 2026-10, or an exit reason")]
    trades: int
    win_rate: Fraction | None
    realised_pnl: Money


class Bin(Model):
    """Closed positions with a P&L in [low, high), or held for (low, high] seconds."""

    low: float
    high: Annotated[float | None, Field(description="null: no upper end")]
    trades: int


class DocSection(Model):
    title: str
    text: Annotated[str, Field(description="Markdown")]


class StrategyDetail(Model):
    """Groups are of the closed positions that the filter leaves."""

    row: StrategyRow
    docs: list[DocSection]
    params: Annotated[dict[str, Any], Field(description="Effective values")]
    rules: Annotated[dict[str, Any], Field(description="What its own settings change of the broker's rules")]
    code_hash: Annotated[str | None, Field(description="Of the version evaluated last; null before any")]
    params_hash: str | None
    months: list[Group]
    results: Annotated[list[Bin], Field(description="By realised P&L, USD")]
    holds: Annotated[list[Bin], Field(description="By holding time, seconds")]
    exit_reasons: list[Group]


class AssetStrategy(TradeStatistics):
    strategy: str
    realised_pnl: Money


class AssetPerformance(TradeStatistics, Ratios):
    """One asset over all strategies: closed positions; ratios of its share of the curve on full capital."""

    asset: str
    total_pnl: Annotated[Money, Field(description="Realised, and open positions as of the last mark-to-market row")]
    realised_pnl: Money
    split: PnlSplit
    drawdown: Fraction
    open_positions: int
    strategies: list[AssetStrategy]


class Alert(Model):
    kind: Literal["failed", "silent", "daily_limit", "paused", "not_reloaded"]
    text: Annotated[str, Field(description="What is wrong and what to do")]


class StrategyHealth(Model):
    name: str
    class_name: str
    status: Literal["active", "paused", "failed"]
    last_signal_ms: TimeMs | None
    last_evaluation_ms: TimeMs | None
    window_h: Annotated[float | None, Field(description="Hours of market time that the rates rest on, 24 at most")]
    signals_per_hour: float | None
    positions_per_day: float | None
    drawdown: Fraction
    day_used: Annotated[Fraction | None, Field(description="Of the daily loss limit; null without a checkpoint")]
    code_hash: str | None
    params_hash: str | None
    reload_error: Annotated[str | None, Field(description="Why the newest version was refused; the one before goes on")]
    reload_error_ms: TimeMs | None
    alerts: list[Alert]


class MetricDefinition(Model):
    name: Annotated[str, Field(description="Field name in the answers")]
    title: str
    formula: str
    unit: str
    rests_on: str

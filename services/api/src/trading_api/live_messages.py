"""What `/api/ws` sends: one union on `kind`. `seq` rises by one; a hole means that something was missed.

`/api/ws?since=SEQ&instance=ID` with what a client heard last goes on there, as long as that is kept.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from trading_api.schemas import (
    CandlePoint,
    FillRow,
    Fraction,
    Health,
    Model,
    Money,
    OpenPosition,
    SignalRow,
    Summary,
    TimeMs,
)

REF = "#/components/schemas/{model}"


class LiveModel(Model):
    seq: int


class Snapshot(LiveModel):
    """The first message of a connection that begins anew. `seq` counts within `instance`."""

    kind: Literal["snapshot"] = "snapshot"
    instance: str
    summary: Summary
    positions: list[OpenPosition]
    signals: list[SignalRow]
    fills: list[FillRow]
    health: Health


class LiveResumed(LiveModel):
    """The first message of a connection that goes on: `seq` is what the client had heard, what it missed follows."""

    kind: Literal["resumed"] = "resumed"
    instance: str


class LiveFill(LiveModel):
    kind: Literal["fill"] = "fill"
    fill: FillRow


class LiveSignal(LiveModel):
    """A signal, first without and then with its decision, under the same id."""

    kind: Literal["signal"] = "signal"
    signal: SignalRow


class LivePositions(LiveModel):
    """The open positions changed: this is the whole list."""

    kind: Literal["position"] = "position"
    positions: list[OpenPosition]


class PositionMark(Model):
    """What a new mark changes in one open position."""

    id: str
    mark_price: Annotated[Money, Field(description="Of what is held: of a NO/Down token 1 less the mark of its market")]
    unrealised_pnl: Money
    unrealised_fraction: Fraction
    stop_distance: Fraction | None
    target_distance: Fraction | None
    progress: float | None


class Totals(Model):
    """The portfolio at the newest marks, added up on the server."""

    equity: Money
    total_pnl: Money
    realised_pnl: Money
    unrealised_pnl: Money
    open_costs: Money
    return_fraction: Fraction
    open_positions: int
    trades: Annotated[int, Field(description="Closed positions")]


class LiveMark(LiveModel):
    """At most four a second and asset."""

    kind: Literal["mark"] = "mark"
    exchange: str
    asset: str
    price: Money
    event_time_ms: TimeMs
    positions: list[PositionMark]
    totals: Totals | None


class PartEquity(Model):
    """Initial capital plus one strategy's P&L."""

    equity: Money
    drawdown: Fraction


class LiveEquity(LiveModel):
    """The newest mark-to-market row."""

    kind: Literal["equity"] = "equity"
    t: TimeMs
    equity: Money
    drawdown: Fraction
    max_drawdown: Fraction
    strategies: dict[str, PartEquity]


class LiveCandle(LiveModel):
    """A one-minute candle has closed."""

    kind: Literal["candle"] = "candle"
    exchange: str
    asset: str
    candle: CandlePoint


class LiveHealth(LiveModel):
    kind: Literal["health"] = "health"
    health: Health


LiveMessage = Annotated[
    Snapshot | LiveResumed | LiveFill | LiveSignal | LivePositions | LiveMark | LiveEquity | LiveCandle | LiveHealth,
    Field(discriminator="kind"),
]


def schemas() -> dict[str, Any]:
    """Component schemas of the union, for the OpenAPI document, which has no place of its own for a WebSocket."""
    schema = TypeAdapter(LiveMessage).json_schema(ref_template=REF, mode="serialization")
    parts: dict[str, Any] = schema.pop("$defs")
    return {**parts, "LiveMessage": schema}

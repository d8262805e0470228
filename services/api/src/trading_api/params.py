"""Query parameters, checked where they come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Path, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query as QueryInfo
from fastapi.routing import APIRoute
from pydantic import Field

from trading_api.problems import Refused

NEWEST_TIME_MS = 4_102_444_800_000  # 2100-01-01
PAGE_LIMIT = 1_000
NEWEST_ID = 2**63 - 1
POINTS_LIMIT = 5_000

Exchange = Annotated[Literal["hyperliquid", "polymarket"], Query()]
Asset = Annotated[str, Query(pattern=r"^[A-Z0-9]{1,16}$", examples=["BTC"])]
OptionalAsset = Annotated[str | None, Query(pattern=r"^[A-Z0-9]{1,16}$", examples=["BTC"])]
Strategy = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_]{1,64}$", examples=["rsi_mean_reversion"])]
Interval = Annotated[Literal["1m", "5m", "15m", "1h", "4h", "1d"], Query()]
FromMs = Annotated[int | None, Query(alias="from", ge=0, le=NEWEST_TIME_MS, description="UTC ms, included")]
ToMs = Annotated[int | None, Query(alias="to", ge=0, le=NEWEST_TIME_MS, description="UTC ms")]
Direction = Annotated[Literal["LONG", "SHORT"] | None, Query()]
PositionStatus = Annotated[Literal["OPEN", "CLOSED"] | None, Query()]
ExitReason = Annotated[Literal["stop_loss", "take_profit", "timeout", "signal", "manual", "resolved"] | None, Query()]
TradeResult = Annotated[
    Literal["win", "loss", "flat"] | None, Query(description="Of closed positions: realised P&L above, below, at 0")
]
Suspect = Annotated[bool | None, Query(description="Fills far from the mark, or a result out of proportion")]
TradeSort = Annotated[Literal["entry", "exit", "pnl", "hold", "fees", "funding", "slippage"], Query()]
Order = Annotated[Literal["asc", "desc"], Query()]
TradeCursor = Annotated[
    str | None,
    Query(
        pattern=r"^(-?[0-9]{1,24}(\.[0-9]{1,24})?|-?Infinity)~[0-9]{1,18}$",
        description="next_cursor of a page in the same order",
    ),
]
StrategyName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,64}$", examples=["rsi_mean_reversion"])]
PositionId = Annotated[str, Path(pattern=r"^po:[A-Za-z0-9:._-]{1,250}$", description="Event id, po:…")]
SignalDirection = Annotated[Literal["LONG", "SHORT", "CLOSE"] | None, Query()]
Verdict = Annotated[Literal["opened", "reversed", "closed", "rejected"] | None, Query()]
Markers = Annotated[bool, Query(description="Also the fills under these candles")]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
Points = Annotated[
    int,
    Query(
        ge=1,
        le=POINTS_LIMIT // 2 - 1,
        description="Stretches; each gives at most two points, and the first row is one more",
    ),
]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,18}$", description="next_cursor of a page")]
OptionalExchange = Annotated[Literal["hyperliquid", "polymarket"] | None, Query()]
Channel = Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,32}$", examples=["candle_1m"])]
GapState = Annotated[Literal["open", "filled", "lost"] | None, Query()]
GapCursor = Annotated[str | None, Query(pattern=r"^[01]-[0-9]{1,13}-[0-9]{1,18}$", description="next_cursor of a page")]
MarketState = Annotated[Literal["open", "awaited", "resolved"], Query()]
MarketCursor = Annotated[
    str | None, Query(pattern=r"^[0-9]{1,13}-[A-Za-z0-9_-]{1,100}$", description="next_cursor of a page")
]
IdCursor = Annotated[int | None, Query(ge=1, le=NEWEST_ID, description="next_cursor of a page")]
RunIds = Annotated[
    list[Annotated[int, Field(ge=1, le=NEWEST_ID)]],
    Query(alias="id", min_length=1, max_length=6, description="Runs to put side by side"),
]
RowId = Annotated[int, Path(ge=1, le=NEWEST_ID)]
TradePlace = Annotated[int, Query(ge=0, le=10_000_000, description="next_cursor of a page")]
Parameter = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.]{1,64}$", examples=["oversold"])]
ParityOrder = Annotated[Literal["recorded", "ideal"] | None, Query()]
ParityVerdict = Annotated[Literal["identical", "different", "explained", "unexplained"] | None, Query()]
OptionalInstrument = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="The coin, or the id of the prediction market")
]
MarketId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,100}$", examples=["0xabc"])]


async def only_known(request: Request) -> None:
    """Refused (422) for a parameter that this route does not have: a misspelt filter would filter nothing."""
    if not request.query_params:
        return
    known = _parameters(request.scope["route"])
    for name in request.query_params:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise Refused(422, f"{name[:64]}: there is no such parameter here. There are: {names}.")


_by_endpoint: dict[Callable[..., object], frozenset[str]] = {}


def _parameters(route: APIRoute) -> frozenset[str]:
    """Those that may stand in the address after the question mark; looked up once for each endpoint."""
    if route.endpoint not in _by_endpoint:
        fields = get_flat_params(route.dependant)
        _by_endpoint[route.endpoint] = frozenset(
            field.alias for field in fields if isinstance(field.field_info, QueryInfo)
        )
    return _by_endpoint[route.endpoint]

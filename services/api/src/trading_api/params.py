"""Query parameters, checked where they come in."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

NEWEST_TIME_MS = 4_102_444_800_000  # 2100-01-01
PAGE_LIMIT = 1_000
POINTS_LIMIT = 5_000

Exchange = Annotated[Literal["hyperliquid", "polymarket"], Query()]
Asset = Annotated[str, Query(pattern=r"^[A-Z0-9]{1,16}$", examples=["BTC"])]
OptionalAsset = Annotated[str | None, Query(pattern=r"^[A-Z0-9]{1,16}$", examples=["BTC"])]
Strategy = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_]{1,64}$", examples=["rsi_mean_reversion"])]
Interval = Annotated[Literal["1m", "5m", "15m", "1h", "4h", "1d"], Query()]
FromMs = Annotated[int | None, Query(alias="from", ge=0, le=NEWEST_TIME_MS, description="UTC ms, included")]
ToMs = Annotated[int | None, Query(alias="to", ge=0, le=NEWEST_TIME_MS, description="UTC ms")]
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

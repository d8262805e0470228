"""`python -m bench.bare_http PORT`: a page of candles as FastAPI does it: asyncpg, a pydantic model for the answer."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

CANDLES = """
SELECT open_time, open, high, low, close, volume FROM trading_market_data.candles
WHERE exchange = 'hyperliquid' AND asset = $1 AND interval = '1m' ORDER BY open_time DESC LIMIT $2
"""
app = FastAPI()
_pool: list[Any] = []


class Candle(BaseModel):
    open_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@app.get("/candles", response_model=list[Candle])
async def candles(asset: str = "BTC", limit: int = 100) -> list[dict[str, Any]]:
    if not _pool:
        _pool.append(await asyncpg.create_pool(os.environ["TRADING_DATABASE__URL"], min_size=4, max_size=8))
    return [dict(row) for row in await _pool[0].fetch(CANDLES, asset, limit)]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop")

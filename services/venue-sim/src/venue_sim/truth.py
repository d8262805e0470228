"""The truth log: every event the venue had, one JSON line each, under the id the platform must give it."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from trading_core import ids
from trading_core.model import HOUR_MS

EXCHANGE = "hyperliquid"
Json = dict[str, Any]


def trade_id(trade: Json) -> str:
    return ids.trade(EXCHANGE, trade["coin"], trade["time"], str(trade["tid"]))


def bbo_id(bbo: Json) -> str:
    sides = [[level["px"], level["sz"]] if level else None for level in bbo["bbo"]]
    return ids.bbo(EXCHANGE, bbo["coin"], bbo["time"], sides)


def ctx_id(coin: str, time_ms: int, ctx: Json) -> str:
    content = [ctx["markPx"], ctx["oraclePx"], ctx["midPx"], ctx.get("openInterest"), ctx["funding"]]
    return ids.ctx(EXCHANGE, coin, time_ms, content)


def funding_id(row: Json) -> str:
    return ids.funding(EXCHANGE, row["coin"], row["time"] // HOUR_MS * HOUR_MS)


def book_id(book: Json) -> str:
    """`book` of the fast form, which is what the platform stores."""
    levels = [[[level["px"], level["sz"]] for level in side] for side in book["levels"]]
    return ids.book(EXCHANGE, book["coin"], book["time"], levels)


def candle_id(candle: Json) -> str:
    ohlcv = [candle[key] for key in ("o", "h", "l", "c", "v")]
    return ids.candle(EXCHANGE, candle["s"], candle["i"], candle["t"], ohlcv)


class TruthLog:
    """Buffered lines `{"id","time","channel","coin"}`; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._file: BinaryIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=1 << 16)

    def write(self, event_id: str, time_ms: int, channel: str, coin: str) -> None:
        self._write({"id": event_id, "time": time_ms, "channel": channel, "coin": coin})

    def write_fault(self, fault: Json, what: str, time_ms: int) -> None:
        """`fault`: all that it was asked to be; `what`: begins or ends."""
        name, coin = f"fault:{fault['kind']}:{what}", fault["coin"] or ""
        self._write({"id": name, "time": time_ms, "channel": "fault", "coin": coin, "fault": fault})

    def _write(self, line: Json) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def __enter__(self) -> TruthLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

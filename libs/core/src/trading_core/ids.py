"""Deterministic ids from venue or cause data only: no clock of ours, no counter, nothing random.

An id is `Nats-Msg-Id`, the `id` in the body and the key in Postgres, so a retry, a redelivery or a
second process yields the same row.
"""

import hashlib
import json
from typing import Any

SHORT = {"hyperliquid": "hl", "polymarket": "pm"}


def h8(content: Any) -> str:
    """First 8 hex digits of blake2b over the canonical JSON of `content`."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=4).hexdigest()


def trade(exchange: str, coin: str, time_ms: int, trade_id: str) -> str:
    return f"t:{SHORT[exchange]}:{coin}:{time_ms}:{trade_id}"


def bbo(exchange: str, instrument: str, time_ms: int, content: Any) -> str:
    return f"b:{SHORT[exchange]}:{instrument}:{time_ms}:{h8(content)}"


def ctx(exchange: str, instrument: str, time_ms: int, content: Any) -> str:
    return f"x:{SHORT[exchange]}:{instrument}:{time_ms}:{h8(content)}"


def candle(exchange: str, coin: str, interval: str, open_ms: int, ohlcv: Any) -> str:
    return f"c:{SHORT[exchange]}:{coin}:{interval}:{open_ms}:{h8(ohlcv)}"


def funding(exchange: str, coin: str, hour_ms: int) -> str:
    return f"f:{SHORT[exchange]}:{coin}:{hour_ms}"


def book(exchange: str, instrument: str, time_ms: int, levels: Any) -> str:
    """`levels`: bids and asks, best first, as the message holds them."""
    return f"bk:{SHORT[exchange]}:{instrument}:{time_ms}:{h8(levels)}"


def prob(exchange: str, market: str, slot_ms: int, content: Any) -> str:
    """`slot_ms`: start of the poll's slot in venue time, since the venue gives a consensus no time."""
    return f"p:{SHORT[exchange]}:{market}:{slot_ms}:{h8(content)}"


def resolved(exchange: str, market: str) -> str:
    return f"r:{SHORT[exchange]}:{market}"


def gap(exchange: str, asset: str, channel: str, from_ms: int, to_ms: int | None = None) -> str:
    opened = f"g:{SHORT[exchange]}:{asset}:{channel}:{from_ms}"
    return opened if to_ms is None else f"{opened}:{to_ms}"


def watermark(exchange: str, watermark_ms: int, stream: str) -> str:
    """`stream`: its name."""
    return f"w:{SHORT[exchange]}:{stream.lower()}:{watermark_ms}"


def signal(strategy: str, exchange: str, instrument: str, ts: int) -> str:
    """Without direction, price or parameters: two runners that disagree still yield one signal."""
    return f"s:{strategy}:{SHORT[exchange]}:{instrument}:{ts}"


def grid(exchanges: str, asset: str, ts: int) -> str:
    return f"gd:{exchanges}:{asset}:{ts}"


def decision(portfolio: str, signal_id: str) -> str:
    return f"d:{portfolio}:{signal_id}"


def order(portfolio: str, signal_id: str, leg: str) -> str:
    """`leg` is `open` or `close`."""
    return f"o:{portfolio}:{signal_id}:{leg}"


def exit_order(position_id: str) -> str:
    """One per position, whatever the reason."""
    return f"o:{position_id}:exit"


def position(portfolio: str, signal_id: str) -> str:
    return f"po:{portfolio}:{signal_id}"


def fill(order_id: str, number: int) -> str:
    return f"fl:{order_id}:{number}"


def position_state(position_id: str, version: int) -> str:
    return f"ps:{position_id}:{version}"


def funding_payment(position_id: str, hour_ms: int) -> str:
    return f"fu:{position_id}:{hour_ms}"


def skip(portfolio: str, ts: int, who: str) -> str:
    return f"sk:{portfolio}:{ts}:{who}"


def equity(portfolio: str, minute_ms: int) -> str:
    return f"eq:{portfolio}:{minute_ms}"


def funding_owed(position_id: str, hour_ms: int) -> str:
    return f"fo:{position_id}:{hour_ms}"


def pause(portfolio: str, strategy: str, cause: str, ts: int) -> str:
    return f"pa:{portfolio}:{strategy}:{cause}:{ts}"


def resume(portfolio: str, strategy: str, cause: str, ts: int) -> str:
    return f"re:{portfolio}:{strategy}:{cause}:{ts}"


def day(portfolio: str, day_ms: int) -> str:
    return f"dy:{portfolio}:{day_ms}"


def command(portfolio: str, request_id: str) -> str:
    return f"cm:{portfolio}:{request_id}"


def ledger_entry(cause: str) -> str:
    """`cause`: the id of the fill, payment or position state that it books, with its part where it has several."""
    return f"le:{cause}"

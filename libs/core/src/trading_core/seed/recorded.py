"""What the recorder would have stored of a tape: candles of four widths, and each message with its projection."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import numpy.typing as npt

from trading_core import ids, messages
from trading_core.db.rollups import INTERVALS
from trading_core.db.times import utc
from trading_core.messages import BookMessage, CtxMessage, FundingMessage, MarketData, ProbMessage, ResolvedMessage
from trading_core.model import INTERVALS_MS, MINUTE_MS
from trading_core.money import exact
from trading_core.seed.prices import Hole, Walk
from trading_core.seed.tables import Rows
from trading_core.seed.tape import HYPERLIQUID

CHANNELS = ("candle_1m", "ctx")
BACKFILL_AFTER_MS = 20_000
_KINDS: dict[type[MarketData], str] = {
    CtxMessage: "ctx", FundingMessage: "funding", BookMessage: "book", ProbMessage: "prob", ResolvedMessage: "resolved",
}  # fmt: skip
_CANDLES = "trading_market_data.candles"


def add_candles(rows: Rows, walk: Walk, first: int, end: int) -> None:
    """The minutes [first, end) of the walk, from the beginning of a day on, and the wider candles that are complete."""
    there = walk.has_candle()[first:end].astype(bool)
    heard = walk.is_heard()[first:end].astype(bool)
    closed = {minute: hole.end for hole in walk.holes if hole.filled for minute in range(hole.first, hole.end)}
    columns = (walk.open, walk.high, walk.low, walk.close, walk.volume)
    numbers = [column[first:end].tolist() for column in columns]
    for at in np.flatnonzero(there).tolist():
        minute = first + at
        opens = walk.open_ms(minute)
        values = [column[at] for column in numbers]
        late = not heard[at]
        visible_ms = walk.open_ms(closed[minute]) + BACKFILL_AFTER_MS if late else opens + MINUTE_MS
        event_id = ids.candle(HYPERLIQUID, walk.asset, "1m", opens, values)
        rows.add(
            _CANDLES, HYPERLIQUID, walk.asset, "1m", utc(opens), *map(exact, values), event_id, visible_ms, late
        )  # fmt: skip
    for name in INTERVALS:
        _add_wider(rows, walk, first, end, name, there)


def _add_wider(rows: Rows, walk: Walk, first: int, end: int, name: str, there: npt.NDArray[np.bool_]) -> None:
    minutes = INTERVALS_MS[name] // MINUTE_MS
    end -= (end - first) % minutes
    there = there[: end - first]
    complete = there.reshape(-1, minutes).all(axis=1)
    shaped = [column[first:end].reshape(-1, minutes) for column in (walk.high, walk.low)]
    highs, lows = shaped[0].max(axis=1).tolist(), shaped[1].min(axis=1).tolist()
    for number in np.flatnonzero(complete).tolist():
        begins = first + number * minutes
        last = begins + minutes - 1
        opens = walk.open_ms(begins)
        volume = sum((exact(one) for one in walk.volume[begins : last + 1].tolist()), Decimal(0))
        late = any(hole.first <= last and hole.end > begins for hole in walk.holes)
        rows.add(
            _CANDLES, HYPERLIQUID, walk.asset, name, utc(opens), exact(float(walk.open[begins])), exact(highs[number]),
            exact(lows[number]), exact(float(walk.close[last])), volume, f"c:hl:{walk.asset}:{name}:{opens}",
            walk.open_ms(last) + MINUTE_MS, late,
        )  # fmt: skip


def add_message(rows: Rows, message: MarketData) -> None:
    """The whole message, and what the dashboard reads of it."""
    price: str | None = None
    match message:
        case CtxMessage():
            price = message.mark_price
        case ProbMessage():
            price = message.mid
            _add_poll(rows, message)
        case FundingMessage():
            rows.add(
                "trading_market_data.funding_rates", message.exchange, message.asset, utc(message.hour_ms),
                utc(message.event_time_ms), message.rate, message.id, message.visible_ms,
            )  # fmt: skip
        case ResolvedMessage():
            rows.add(
                "trading_market_data.polymarket_results", message.market, message.asset, utc(message.event_time_ms),
                message.yes_payout, message.id, message.visible_ms,
            )  # fmt: skip
        case _:
            pass
    rows.add(
        "trading_market_data.ticks", utc(message.event_time_ms), message.id, message.exchange, message.asset,
        _KINDS[type(message)], message.visible_ms, price, messages.encode(message).decode(),
    )  # fmt: skip


def _add_poll(rows: Rows, poll: ProbMessage) -> None:
    assert poll.mid is not None
    assert poll.start_time_ms is not None
    rows.add(
        "trading_market_data.polymarket_markets", poll.market, poll.title, poll.asset, utc(poll.event_time_ms),
        poll.mid, 1 - Decimal(poll.mid), poll.volume_24h, poll.liquidity, poll.slug, utc(poll.end_time_ms), poll.bid,
        poll.ask, poll.last, poll.spread, poll.id, poll.visible_ms, utc(poll.start_time_ms),
    )  # fmt: skip


def add_snapshots(rows: Rows, walk: Walk, end: int) -> None:
    """The hourly poll of funding and open interest, up to minute `end`."""
    numbers = zip(walk.funding_rate_1h.tolist(), walk.open_interest.tolist(), strict=True)
    for hour, (rate, interest) in enumerate(numbers):
        minute = 60 * (hour + 1)
        if minute > end:
            break
        ts = walk.open_ms(minute)
        price = float(walk.close[minute - 1])
        rows.add(
            "trading_market_data.funding_snapshots", HYPERLIQUID, walk.asset, utc(ts), exact(rate), exact(interest),
            exact(price), ids.ctx(HYPERLIQUID, walk.asset, ts, ["polled", price, interest]),
        )  # fmt: skip


def add_gap(rows: Rows, walk: Walk, hole: Hole) -> None:
    """One row for each channel. What was read afterwards fills the candles; marks are gone for good."""
    from_ms, to_ms = walk.open_ms(hole.first), walk.open_ms(hole.end)
    for channel in CHANNELS:
        filled = hole.filled and channel == "candle_1m"
        rows.add(
            "trading_ops.gaps", ids.gap(HYPERLIQUID, walk.asset, channel, from_ms), HYPERLIQUID, walk.asset, channel,
            utc(from_ms), utc(to_ms), "filled" if filled else "lost", "made up: nobody listened", from_ms,
            to_ms + BACKFILL_AFTER_MS,
        )  # fmt: skip

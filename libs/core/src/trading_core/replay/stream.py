"""A past span out of the live streams, in the order and with the bytes in which they hold it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from trading_core import messages
from trading_core.bus.connection import REACH_S, Bus, Delivered, where
from trading_core.bus.market import start_from
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.errors import ConfigError, MessageInvalid
from trading_core.messages import AnyMessage, ExecMessage, GridMessage, WatermarkMessage
from trading_core.replay.span import Original, merged, moment_of
from trading_core.streams import MARKET, REPLAYED, StreamSpec, any_watermark

_BATCH = 2_000


async def check(bus: Bus, url: str, *needed: StreamSpec) -> None:
    """ConfigError when one of these streams does not answer."""
    for stream in needed:
        try:
            async with asyncio.timeout(REACH_S):
                await bus.first(stream, ">")
        except TimeoutError as error:
            raise ConfigError(
                f"{where(url)} has no stream {stream.name}. `python -m trading_core provision` makes it."
            ) from error


async def originals(bus: Bus, from_ms: int, to_ms: int) -> AsyncIterator[Original]:
    """Every message of [from_ms, to_ms) that the streams still hold."""
    start = await start_at(bus, from_ms)
    return merged([_of(bus, stream, start, from_ms, to_ms) for stream in REPLAYED])


async def reach(bus: Bus) -> int | None:
    """The first watermark that MARKET still holds."""
    first = await bus.first(MARKET, any_watermark(MARKET))
    return None if first is None else _watermark(first)


async def start_at(bus: Bus, from_ms: int) -> Start:
    """A time of storing before which nothing of the span can have come.

    That is when the first watermark from `from_ms` on was stored, less the overlap of every reader: whatever follows
    from event time T is published after a watermark that reaches T. Watermarks rise, so halving finds it.
    """
    subject = any_watermark(MARKET)
    first, last = await bus.first(MARKET, subject), await bus.last(MARKET, subject)
    if first is None or last is None or _watermark(first) >= from_ms:
        return Start.all()
    found, low, high = last, first.sequence, last.sequence
    while low < high:
        middle = (low + high) // 2
        next_one = await bus.first(MARKET, subject, from_sequence=middle)
        if next_one is None or _watermark(next_one) >= from_ms:
            found, high = next_one or found, middle
        else:
            low = next_one.sequence + 1
    return start_from(found.ingest_time_ns)


def _watermark(delivered: Delivered) -> int:
    message = messages.decode(delivered.data)
    assert isinstance(message, WatermarkMessage), f"not a watermark on {delivered.subject}"
    return message.watermark_ms


async def _of(bus: Bus, stream: StreamSpec, start: Start, from_ms: int, to_ms: int) -> AsyncIterator[Original]:
    newest = await bus.last(stream, ">")
    if newest is None:
        return
    end, at_ms = _End(to_ms), from_ms
    reader = OrderedPull(bus, stream, (), start, batch=_BATCH)
    async with contextlib.aclosing(reader.batches()) as batches:
        async for batch in batches:
            for delivered in batch:
                with contextlib.suppress(MessageInvalid):  # the recorder keeps it among the dead letters
                    message = messages.decode(delivered.data)
                    moment = moment_of(message)
                    if moment is not None and from_ms <= moment < to_ms:
                        at_ms = max(at_ms, moment)
                        yield Original(at_ms, delivered.subject, delivered.data, message)
                    if end.reached(message):
                        return
            if reader.caught_up or (batch and batch[-1].sequence >= newest.sequence):
                return


class _End:
    """Knows when nothing of the span can follow in a stream: each of its voices has come as far as the end."""

    def __init__(self, to_ms: int) -> None:
        self._to_ms = to_ms
        self._voices: dict[str, bool] = {}

    def reached(self, message: AnyMessage) -> bool:
        match message:
            case WatermarkMessage():
                self._voices[message.exchange] = message.watermark_ms >= self._to_ms
            case GridMessage():
                self._voices[f"{message.exchanges}/{message.asset}"] = message.ts >= self._to_ms
            case ExecMessage(kind="equity"):
                self._voices[message.portfolio] = message.event_time_ms >= self._to_ms
            case _:
                return False
        return all(self._voices.values())

"""What a stream has of a span of event time, read beside the recorder's own consumer and leaving it alone."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from nats import errors

from recorder.audit import Span
from recorder.stored import Source
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start


class _Brief(msgspec.Struct):
    """Of a message what tells which it is and when it happened: `ts` of signals, `event_time_ms` of the others."""

    id: str
    event_time_ms: int | None = None
    ts: int | None = None


_decoder = msgspec.json.Decoder(_Brief)


class State(NamedTuple):
    """Where a stream begins and ends; `floor`: up to where the recorder has acknowledged everything."""

    first_sequence: int
    first_ns: int
    last_sequence: int
    floor: int

    def reaches_back_to(self, ingested_ns: int) -> bool:
        """False when messages from after that time may have gone by age or size."""
        return self.first_sequence <= 1 or self.first_ns <= ingested_ns


async def state(bus: Bus, source: Source) -> State:
    """nats.errors.Error says what to do when the stream or its consumer is not there."""
    name = source.stream.name
    consumer = await _info(bus, f"CONSUMER.INFO.{name}.rec")
    stream = (await _info(bus, f"STREAM.INFO.{name}"))["state"]
    first = datetime.fromisoformat(stream["first_ts"][:19] + "+00:00")
    return State(
        stream["first_seq"], int(first.timestamp()) * 10**9, stream["last_seq"], consumer["ack_floor"]["stream_seq"]
    )


async def _info(bus: Bus, what: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((await bus.request_json(f"$JS.API.{what}", {})).data)
    if "error" in answer:
        raise errors.Error(f"{what}: {answer['error'].get('description')}. Run `python -m trading_core provision`.")
    return answer


async def messages(
    bus: Bus, source: Source, from_ns: int, last_sequence: int, span: Span
) -> AsyncGenerator[list[tuple[str, int]], None]:
    """(id, sequence) of what happened in `span`, from an ingest time to `last_sequence`, in batches."""
    if not last_sequence:
        return
    start = Start.from_time(from_ns) if from_ns else Start.all()
    reader = OrderedPull(bus, source.stream, source.filters, start)
    async with aclosing(reader.batches()) as batches:
        async for batch in batches:
            briefs = [(_brief(delivered.data), delivered.sequence) for delivered in batch]
            yield [(b[0], at) for b, at in briefs if b is not None and span.after_ms < b[1] <= span.until_ms]
            if reader.caught_up or (batch and batch[-1].sequence >= last_sequence):
                return


def _brief(data: bytes) -> tuple[str, int] | None:
    """Id and event time; None for what has no row: watermarks, and what is no message of ours."""
    try:
        brief = _decoder.decode(data)
    except msgspec.DecodeError:
        return None
    time_ms = brief.ts if brief.event_time_ms is None else brief.event_time_ms
    return None if time_ms is None else (brief.id, time_ms)

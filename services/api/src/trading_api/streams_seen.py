"""What the message bus says about its streams and their readers."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import msgspec
from nats import errors

from trading_api.schemas_system import ConsumerRow, StreamRow
from trading_core import streams
from trading_core.bus.connection import Bus

ANSWER_S = 1.0
UNREACHABLE = "The message bus does not answer. What is recorded is shown as before; nothing new comes meanwhile."
SOME_MISSING = "The message bus did not tell about {names}: they do not exist, or this user may not ask."


async def seen(bus: Bus | None) -> tuple[list[StreamRow], str]:
    """Each stream that the bus tells about, and why others are missing; empty text when none is."""
    if bus is None or not bus.connected.is_set():
        return [], UNREACHABLE
    rows = await asyncio.gather(*(_stream(bus, spec.name) for spec in streams.ALL))
    missing = [spec.name for spec, row in zip(streams.ALL, rows, strict=True) if row is None]
    note = SOME_MISSING.format(names=", ".join(missing)) if missing else ""
    return [row for row in rows if row is not None], note


async def _stream(bus: Bus, name: str) -> StreamRow | None:
    info, listed = await asyncio.gather(_ask(bus, f"STREAM.INFO.{name}"), _ask(bus, f"CONSUMER.LIST.{name}"))
    if info is None:
        return None
    state, limit = info["state"], info["config"]["max_bytes"]
    readers = (listed or {}).get("consumers") or []
    durable = [reader for reader in readers if reader["config"].get("durable_name")]
    return StreamRow(
        name=name,
        messages=state["messages"],
        bytes=state["bytes"],
        bytes_limit=limit,
        fill_fraction=state["bytes"] / limit if limit > 0 else 0.0,
        first_ms=_moment(state["first_ts"]) if state["messages"] else None,
        last_ms=_moment(state["last_ts"]) if state["messages"] else None,
        consumers=[
            ConsumerRow(
                name=reader["name"],
                pending=reader["num_pending"],
                unacknowledged=reader["num_ack_pending"],
                redelivered=reader["num_redelivered"],
            )
            for reader in durable
        ],
        readers=len(readers) - len(durable),
    )


async def _ask(bus: Bus, subject: str) -> dict[str, Any] | None:
    """The answer; None when there is none in time, or it is a refusal."""
    try:
        message = await bus.nc.request(f"$JS.API.{subject}", b"", timeout=ANSWER_S)
    except (TimeoutError, errors.Error):
        return None
    answer: dict[str, Any] = msgspec.json.decode(message.data)
    return None if "error" in answer else answer


def _moment(text: str) -> int:
    """UTC ms of `2026-10-01T12:00:00.123456789Z`."""
    whole, _, parts = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 1000 + int((parts + "000")[:3])

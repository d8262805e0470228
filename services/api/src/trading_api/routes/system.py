"""The platform itself: services, streams, how far the data is complete, versions."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec
from fastapi import APIRouter

from trading_api.context import Context, Ctx
from trading_api.database import DatabaseAway, QueryTooSlow, Row
from trading_api.queries import system as queries
from trading_api.routes.health import report
from trading_api.schemas import Component
from trading_api.schemas_system import ServiceRow, System, Versions, WatermarkRow
from trading_api.streams_seen import seen
from trading_core.bus.connection import Bus
from trading_core.db.times import millis

router = APIRouter(prefix="/api", tags=["system"])
_SHOWN_ELSEWHERE = ("trouble",)


@router.get("/system")
async def system(context: Ctx) -> System:
    """Services with their lag, streams with their readers, watermarks, versions. Parts that are away are left out."""
    health = await report(context)
    streams, note = await seen(context.bus)
    standing, watermarks, stored = await _stored(context)
    details = _details(context, stored)
    marks = [
        WatermarkRow(
            exchange=row["exchange"],
            stream=row["stream"],
            watermark_ms=row["watermark_ms"],
            stored_ms=millis(row["ingest_time"]),
        )
        for row in watermarks
    ]
    known = [mark.watermark_ms for mark in marks]
    known += [part.event_time_ms for part in health.components if part.event_time_ms is not None]
    event_time_ms = max(known, default=None)
    now_ms = time.time_ns() // 1_000_000
    return System(
        event_time_ms=event_time_ms,
        services=[
            _service(part, details.get((part.service, part.instance or ""), {}), event_time_ms, now_ms)
            for part in health.components
        ],
        streams=streams,
        streams_note=note,
        watermarks=marks,
        dead_letters=None if standing is None else standing["dead_letters"],
        database_bytes=None if standing is None else standing["database_bytes"],
        versions=Versions(
            platform=version("trading-core"),
            python=platform.python_version(),
            nats=_nats_version(context.bus),
            postgres=None if standing is None else standing["version"],
        ),
    )


async def _stored(context: Context) -> tuple[Row | None, list[Row], list[Row]]:
    try:
        return (
            await context.database.fetchrow(queries.STANDING),
            await context.database.fetch(queries.WATERMARKS),
            await context.database.fetch(queries.DETAILS),
        )
    except (DatabaseAway, QueryTooSlow):
        return None, [], []


def _details(context: Context, stored: list[Row]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The newest word of each instance; what was heard on the bus is newer than what was stored."""
    found = {(row["service"], row["instance"]): msgspec.json.decode(row["detail"]) for row in stored}
    return found | {key: beat.detail for key, beat in context.pulse.heard.items()}


def _service(part: Component, detail: Mapping[str, Any], event_time_ms: int | None, now_ms: int) -> ServiceRow:
    own = part.event_time_ms
    return ServiceRow(
        **part.model_dump(),
        behind_s=None if own is None or event_time_ms is None else max(0, event_time_ms - own) / 1000,
        uptime_s=None if part.started_ms is None or part.state == "down" else max(0, now_ms - part.started_ms) / 1000,
        detail={name: _text(value) for name, value in detail.items() if name not in _SHOWN_ELSEWHERE},
    )


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) and value < 10**12 else str(value)


def _nats_version(bus: Bus | None) -> str | None:
    if bus is None or not bus.connected.is_set():
        return None
    version = bus.nc.connected_server_version
    return f"{version.major}.{version.minor}.{version.patch}"

"""Which services are alive, from what they said last."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from fastapi import APIRouter

from trading_api.context import Context, Ctx
from trading_api.database import DatabaseAway, QueryTooSlow, maybe_ms
from trading_api.queries import quality, rows, standing
from trading_api.schemas import Component, Health
from trading_core.config import ExchangesConfig
from trading_core.db.times import millis

router = APIRouter(prefix="/api", tags=["health"])
EXPECTED = ("recorder", "strategy-runner", "paper-broker", "api")
"""Besides the collectors of the exchanges that are switched on."""
DOWN_AFTER_S = 15
FORGET_AFTER_S = 3_600
"""A service that is not expected, say one more instance, is no longer listed this long after its last word."""


@dataclass(frozen=True)
class Beat:
    """The newest heartbeat of one instance; ages by the wall clock, as the sender and the reader share one."""

    service: str
    instance: str
    sent_ms: int
    started_ms: int
    status: str
    event_time_ms: int | None
    trouble: str = ""
    """What the service itself says is wrong; empty when nothing is."""


async def report(context: Context) -> Health:
    """Heard on the bus or stored in the database, whichever is newer: neither alone is proof of a dead service."""
    heard = [
        Beat(m.service, m.instance, m.sent_time_ms, m.started_time_ms, m.status, m.event_time_ms, _trouble(m.detail))
        for m in context.pulse.heard.values()
    ]
    database = "ok"
    try:
        stored = await context.database.fetch(standing.HEARTBEATS)
        gaps = await context.database.fetch(quality.OPEN_GAPS)
    except (DatabaseAway, QueryTooSlow):
        stored, gaps, database = [], [], "down"
    heard += [
        Beat(
            row["service"],
            row["instance"],
            millis(row["sent_at"]),
            millis(row["started_at"]),
            row["status"],
            maybe_ms(row["event_time"]),
            _trouble(msgspec.json.decode(row["detail"])),
        )
        for row in stored
    ]
    newest: dict[tuple[str, str], Beat] = {}
    for beat in sorted(heard, key=lambda each: each.sent_ms):
        newest[beat.service, beat.instance] = beat
    now_ms = time.time_ns() // 1_000_000
    components = [
        _infrastructure("postgres", database == "ok", "The database does not answer."),
        _infrastructure("nats", context.pulse.bus_connected, "No connection to the message bus."),
    ]
    components += _services(expected(context.settings.exchanges), newest, now_ms)
    working = {part.service for part in components if part.state == "ok"}
    bad = bool(gaps) or any(
        part.expected and part.state != "ok" and not _stands_by(part, working) for part in components
    )
    return Health(
        status="degraded" if bad else "ok",
        down_after_s=DOWN_AFTER_S,
        components=components,
        open_gaps=[rows.open_gap(row) for row in gaps],
    )


def _trouble(detail: Mapping[str, object]) -> str:
    """Sentences in `trouble` of a heartbeat, as one text."""
    said = detail.get("trouble")
    return " ".join(map(str, said)) if isinstance(said, list) else ""


def _stands_by(part: Component, working: set[str]) -> bool:
    """For an instance that works: that is as it should be. If nobody works, something is wrong."""
    return part.state == "standby" and part.service in working


def expected(exchanges: ExchangesConfig) -> tuple[str, ...]:
    """Services without which something is missing, in the order of the data."""
    collectors = {"collector-hl": exchanges.hyperliquid.enabled, "collector-pm": exchanges.polymarket.enabled}
    return (*(name for name, enabled in collectors.items() if enabled), *EXPECTED)


def _services(wanted: tuple[str, ...], newest: dict[tuple[str, str], Beat], now_ms: int) -> list[Component]:
    shown = []
    services = [*wanted, *sorted({service for service, _ in newest} - set(wanted))]
    for service in services:
        is_expected = service in wanted
        beats = sorted((beat for beat in newest.values() if beat.service == service), key=lambda beat: beat.instance)
        alive = [beat for beat in beats if now_ms - beat.sent_ms <= DOWN_AFTER_S * 1000]
        recent = [beat for beat in beats if now_ms - beat.sent_ms <= FORGET_AFTER_S * 1000]
        if is_expected:
            # An instance that has been replaced by another one is no news; the last one of a dead service is.
            shown += [_component(beat, now_ms, is_expected) for beat in alive or beats[-1:]]
            if not beats:
                shown.append(_never(service))
        else:
            shown += [_component(beat, now_ms, is_expected) for beat in recent]
    return shown


def _component(beat: Beat, now_ms: int, expected: bool) -> Component:
    age_s = max(0, now_ms - beat.sent_ms) / 1000
    state = beat.status if age_s <= DOWN_AFTER_S and beat.status in ("ok", "standby", "degraded") else "down"
    note = {
        "down": f"No heartbeat for {DOWN_AFTER_S} s. It is restarted by itself; if not, look at its log.",
        "degraded": beat.trouble or "It runs, but says that something is wrong: look at its log.",
    }.get(state, "")
    return Component.model_validate(
        {
            "service": beat.service,
            "instance": beat.instance,
            "state": state,
            "expected": expected,
            "last_heartbeat_ms": beat.sent_ms,
            "age_s": round(age_s, 1),
            "started_ms": beat.started_ms,
            "event_time_ms": beat.event_time_ms,
            "note": note,
        }
    )


def _never(service: str) -> Component:
    return _bare(service, "down", "It has not been heard yet. Is it started?")


def _infrastructure(name: str, up: bool, trouble: str) -> Component:
    return _bare(name, "ok" if up else "down", "" if up else trouble)


def _bare(service: str, state: str, note: str) -> Component:
    return Component.model_validate(
        {
            "service": service,
            "instance": None,
            "state": state,
            "expected": True,
            "last_heartbeat_ms": None,
            "age_s": None,
            "started_ms": None,
            "event_time_ms": None,
            "note": note,
        }
    )


@router.get("/health")
async def health(context: Ctx) -> Health:
    """Every component with its last heartbeat. The answer comes even while the database is away."""
    return await report(context)

"""What NATS says of a running installation: its version, and each stream and durable beside its specification."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from trading_core import streams
from trading_core.bus import connection
from trading_core.bus.connection import Bus, where
from trading_core.bus.provision import API_LEVEL, wanted_of, wanted_of_durable
from trading_core.config import Settings
from trading_core.doctor import findings
from trading_core.doctor.findings import Finding
from trading_core.errors import ConfigError

ASK_S = 5.0


async def checks(settings: Settings) -> AsyncIterator[Finding]:
    """Each as soon as it is known; the rest is left out when the server does not answer."""
    url = settings.nats.url
    try:
        bus = await connection.reach(url, name="doctor/1")
    except ConfigError as error:
        yield Finding("nats", "failed", str(error), "Streams and consumers are not checked until it answers.")
        return
    try:
        yield await _server(bus, url)
        for stream in streams.ALL:
            made = await _ask(bus, f"STREAM.INFO.{stream.name}")
            yield _beside(f"stream {stream.name}", wanted_of(stream, made), made)
        for durable in streams.DURABLES:
            made = await _ask(bus, f"CONSUMER.INFO.{durable.stream.name}.{durable.name}")
            yield _beside(f"consumer {durable.name} of {durable.stream.name}", wanted_of_durable(durable, made), made)
            if "error" not in made:
                held = await _ask(bus, f"STREAM.INFO.{durable.stream.name}")
                yield findings.of_lag(
                    durable.stream.name,
                    durable.name,
                    made["num_pending"] + made["num_ack_pending"],
                    made["ack_floor"]["stream_seq"],
                    held["state"]["first_seq"],
                )
    except TimeoutError:
        yield Finding("nats", "failed", f"{where(url)} does not answer a question within {ASK_S:.0f} s", "See its log.")
    finally:
        await bus.close()


async def _server(bus: Bus, url: str) -> Finding:
    info = await _ask(bus, "INFO")
    version = bus.nc.connected_server_version
    level = info.get("api", {}).get("level", 0)
    number = f"{version.major}.{version.minor}.{version.patch}"
    says = f"{where(url)}, version {number}, {info.get('storage', 0) / 2**20:,.0f} MiB stored"
    if level < API_LEVEL:
        return Finding("nats", "failed", f"{says}, JetStream API level {level}", "Use nats-server 2.14 or newer.")
    return Finding("nats", "ok", says)


def _beside(what: str, wanted: dict[str, object], made: dict[str, Any]) -> Finding:
    if "error" in made:
        return findings.of_config(what, [str(made["error"].get("description"))])
    return findings.of_config(what, findings.config_differences(wanted, made["config"]))


async def _ask(bus: Bus, verb: str) -> dict[str, Any]:
    async with asyncio.timeout(ASK_S):
        reply = await bus.request_json(f"$JS.API.{verb}", {})
    answer: dict[str, Any] = json.loads(reply.data)
    return answer

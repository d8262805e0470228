"""Creates or updates every stream and durable of `streams.py`; nothing else creates one."""

from __future__ import annotations

import json
from datetime import timedelta

from trading_core import streams
from trading_core.bus.connection import Bus
from trading_core.errors import ConfigError
from trading_core.streams import EXEC, DurableSpec, StreamSpec

Config = dict[str, object]

API_LEVEL = 4
"""The first with the consumer reset that `Durable` depends on."""
_IN_USE = 10058
"""JetStream's error code for a stream that exists with another configuration."""


async def provision(bus: Bus) -> None:
    """Safe to call again. ConfigError names what this server cannot do or what a person must decide."""
    await _check_level(bus)
    for stream in streams.ALL:
        await ensure_stream(bus, stream)
    for durable in streams.DURABLES:
        await ensure_durable(bus, durable)


async def _check_level(bus: Bus) -> None:
    """An old server ignores what it does not know instead of refusing it."""
    info = await _call(bus, "INFO", {})
    api = info.get("api")
    level = api.get("level", 0) if isinstance(api, dict) else 0
    if level < API_LEVEL:
        raise ConfigError(f"nats.url: JetStream API level {level} is too old. Use nats-server 2.14 or newer.")


async def ensure_stream(bus: Bus, stream: StreamSpec) -> None:
    """Creates or updates one stream and reads it back."""
    wanted = stream_config(stream)
    answer = await _call(bus, f"STREAM.CREATE.{stream.name}", wanted)
    if _error_code(answer) == _IN_USE:
        wanted = wanted_of(stream, await _call(bus, f"STREAM.INFO.{stream.name}", {}))
        answer = await _call(bus, f"STREAM.UPDATE.{stream.name}", wanted)
    _check(f"stream {stream.name}", wanted, answer)


async def ensure_durable(bus: Bus, durable: DurableSpec) -> None:
    """Creates or updates one durable and reads it back."""
    name = durable.stream.name
    wanted = wanted_of_durable(durable, await _call(bus, f"CONSUMER.INFO.{name}.{durable.name}", {}))
    request: Config = {"stream_name": name, "config": wanted}
    answer = await _call(bus, f"CONSUMER.CREATE.{name}.{durable.name}", request)
    _check(f"durable {durable.name} of stream {name}", wanted, answer)


def stream_config(stream: StreamSpec) -> Config:
    """What the server is asked for, and what is compared with what it made of it."""
    config: Config = {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "retention": "limits",
        "discard": "old",
        "storage": stream.storage,
        "num_replicas": 1,
        "max_age": _nanoseconds(stream.max_age),
        "max_bytes": stream.max_bytes,
        "max_msg_size": stream.max_message_bytes,
        "max_msgs_per_subject": stream.per_subject,
        "max_msgs": -1,
        "max_consumers": -1,
        "duplicate_window": _nanoseconds(_dedupe(stream)),
        "compression": "s2" if stream.compressed else "none",
    }
    flags = {
        "deny_delete": stream.deny_delete,
        "allow_direct": stream.allow_direct,
        "allow_msg_ttl": stream.message_ttl,
    }
    config.update({name: True for name, wanted in flags.items() if wanted})
    if stream.asynchronous:
        config["persist_mode"] = "async"
    return config


def wanted_of(stream: StreamSpec, info: Config) -> Config:
    """`stream_config` for a stream that exists: EXEC of an older version keeps its sync per message.

    No server changes that later, and it costs speed only.
    """
    wanted, made = stream_config(stream), info.get("config")
    if stream is EXEC and isinstance(made, dict) and "persist_mode" not in made:
        del wanted["persist_mode"]
    return wanted


def durable_config(durable: DurableSpec) -> Config:
    config: Config = {
        "name": durable.name,
        "durable_name": durable.name,
        "deliver_policy": "all",
        "ack_policy": "all" if durable.acknowledges_all_before else "explicit",
        "ack_wait": _nanoseconds(durable.ack_wait),
        "max_ack_pending": durable.max_ack_pending,
        "max_deliver": -1,
        "replay_policy": "instant",
    }
    if durable.filters:
        config["filter_subjects"] = list(durable.filters)
    return config


def wanted_of_durable(durable: DurableSpec, info: Config) -> Config:
    """`durable_config` for a durable that may exist: one of an older version keeps its way of acknowledging.

    No server changes that later, and it costs speed only: whoever reads it asks which it is.
    """
    wanted, made = durable_config(durable), info.get("config")
    if isinstance(made, dict) and made.get("ack_policy") == "explicit":
        wanted["ack_policy"] = "explicit"
    return wanted


async def _call(bus: Bus, verb: str, body: Config) -> Config:
    reply = await bus.request_json(f"$JS.API.{verb}", body)
    answer: Config = json.loads(reply.data)
    return answer


def _error_code(answer: Config) -> int | None:
    error = answer.get("error")
    return error.get("err_code") if isinstance(error, dict) else None


def _check(what: str, wanted: Config, answer: Config) -> None:
    error = answer.get("error")
    if isinstance(error, dict):
        raise ConfigError(f"{what}: the server refuses its configuration: {error.get('description')}")
    made = answer.get("config")
    made = made if isinstance(made, dict) else {}
    for field, value in wanted.items():
        if made.get(field) != value:
            raise ConfigError(
                f"{what}: the server answers {field} = {made.get(field)!r} where {value!r} was asked for. "
                "Use nats-server 2.14 or newer, and delete a stream that was made with other settings."
            )


def _dedupe(stream: StreamSpec) -> timedelta:
    """A dedupe window may not be longer than what the stream keeps."""
    return min(stream.dedupe, stream.max_age) if stream.max_age else stream.dedupe


def _nanoseconds(duration: timedelta) -> int:
    return int(duration.total_seconds()) * 10**9

"""What the API answers about the platform itself. Conventions as in `schemas`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trading_api.schemas import Component, Fraction, Model, TimeMs


class ConsumerRow(Model):
    """A durable reader of a stream. `pending`: messages that it has not been given yet."""

    name: str
    pending: int
    unacknowledged: int
    redelivered: int


class StreamRow(Model):
    """One JetStream stream; `last_ms` is when the bus stored its newest message."""

    name: str
    messages: int
    bytes: int
    bytes_limit: Annotated[int, Field(description="The oldest messages leave at this size")]
    fill_fraction: Fraction
    first_ms: Annotated[TimeMs | None, Field(description="Wall clock; null while it is empty")]
    last_ms: Annotated[TimeMs | None, Field(description="Wall clock; null while it is empty")]
    consumers: list[ConsumerRow]
    readers: Annotated[int, Field(description="Readers that come and go")]


class ServiceRow(Component):
    """A component with how far it is behind in market time, and what else it said in its heartbeat."""

    behind_s: Annotated[float | None, Field(description="Market time less the service's own; null without one")]
    uptime_s: float | None
    detail: Annotated[dict[str, str], Field(description="Counters of its heartbeat as text")]


class WatermarkRow(Model):
    """Up to which moment an exchange's data of this stream is complete."""

    exchange: str
    stream: str
    watermark_ms: TimeMs
    stored_ms: Annotated[TimeMs, Field(description="Wall clock")]


class Versions(Model):
    """null: it cannot be reached right now."""

    platform: str
    python: str
    nats: str | None
    postgres: str | None


class System(Model):
    """Everything that is known about the running platform. It comes also while parts of it are away."""

    event_time_ms: TimeMs | None
    services: list[ServiceRow]
    streams: list[StreamRow]
    streams_note: Annotated[str, Field(description="Why streams are missing; empty when none is")]
    watermarks: list[WatermarkRow]
    dead_letters: Annotated[int | None, Field(description="Messages that could not be used; null: not known now")]
    database_bytes: int | None
    versions: Versions


class ProbabilityPoint(Model):
    """One poll of a prediction market; null where a side of its book was empty."""

    t: TimeMs
    probability: Fraction | None
    bid: float | None
    ask: float | None


class ProbabilitySeries(Model):
    """A market's polls, evenly thinned out by the server, with what became of it."""

    id: str
    asset: str
    title: str | None
    start_ms: TimeMs | None
    end_ms: TimeMs
    resolved_ms: TimeMs | None
    yes_payout: float | None
    polls: Annotated[int, Field(description="Before down-sampling")]
    points: list[ProbabilityPoint]

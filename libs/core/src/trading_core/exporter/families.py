"""What NATS, PostgreSQL and the disks say, as metrics. Pure: answers in, metric families out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


class Disk(NamedTuple):
    total_bytes: int
    free_bytes: int


def up(server: str, answered: bool) -> Metric:
    """`trading_nats_up` and `trading_postgres_up`: 1 when the last question was answered."""
    family = GaugeMetricFamily(f"trading_{server}_up", f"1 when {server} answered the last question")
    family.add_metric([], float(answered))
    return family


def of_nats(varz: Mapping[str, Any], jsz: Mapping[str, Any]) -> list[Metric]:
    """From `/varz` and `/jsz?streams=1&consumers=1&config=1`. Consumers without a durable name count as `ordered`."""
    messages = CounterMetricFamily(
        "trading_nats_messages", "Messages by direction, seen from NATS", labels=["direction"]
    )
    traffic = CounterMetricFamily("trading_nats_bytes", "Bytes by direction, seen from NATS", labels=["direction"])
    for direction in ("in", "out"):
        messages.add_metric([direction], varz[f"{direction}_msgs"])
        traffic.add_metric([direction], varz[f"{direction}_bytes"])
    found: list[Metric] = [
        messages,
        traffic,
        _one(GaugeMetricFamily, "trading_nats_connections", "Clients connected", varz["connections"]),
        _one(GaugeMetricFamily, "trading_nats_memory_bytes", "Memory of the server", varz["mem"]),
        _one(
            CounterMetricFamily, "trading_nats_slow_consumers", "Clients cut off for being slow", varz["slow_consumers"]
        ),
        _one(CounterMetricFamily, "trading_nats_api_errors", "Refused JetStream requests", jsz["api"]["errors"]),
    ]
    streams = [stream for account in jsz.get("account_details", []) for stream in account.get("stream_detail", [])]
    return found + _streams(streams) + _consumers(streams)


def _streams(streams: Iterable[Mapping[str, Any]]) -> list[Metric]:
    held = GaugeMetricFamily("trading_stream_messages", "Messages in a stream", labels=["stream"])
    size = GaugeMetricFamily("trading_stream_bytes", "Bytes of a stream on disk", labels=["stream"])
    limit = GaugeMetricFamily(
        "trading_stream_limit_bytes", "Bytes at which a stream drops its oldest", labels=["stream"]
    )
    last = CounterMetricFamily("trading_stream_sequence", "Messages ever taken by a stream", labels=["stream"])
    for stream in streams:
        name, state = [stream["name"]], stream["state"]
        held.add_metric(name, state["messages"])
        size.add_metric(name, state["bytes"])
        limit.add_metric(name, stream["config"]["max_bytes"])
        last.add_metric(name, state["last_seq"])
    return [held, size, limit, last]


def _consumers(streams: Iterable[Mapping[str, Any]]) -> list[Metric]:
    labels = ["stream", "consumer"]
    count = GaugeMetricFamily(
        "trading_consumers", "Consumers of a stream; ordered: those without a name", labels=labels
    )
    pending = GaugeMetricFamily("trading_consumer_pending_messages", "Not delivered yet: the lag", labels=labels)
    unacked = GaugeMetricFamily(
        "trading_consumer_unacknowledged_messages", "Delivered, not acknowledged", labels=labels
    )
    again = GaugeMetricFamily("trading_consumer_redelivered_messages", "Unacknowledged and sent again", labels=labels)
    for stream in streams:
        sums: dict[str, list[int]] = {}
        for consumer in stream.get("consumer_detail") or []:
            name = consumer.get("config", {}).get("durable_name") or "ordered"
            one = [1, consumer["num_pending"], consumer["num_ack_pending"], consumer["num_redelivered"]]
            sums[name] = [known + more for known, more in zip(sums.get(name, [0] * 4), one, strict=True)]
        for name, total in sums.items():
            for family, value in zip((count, pending, unacked, again), total, strict=True):
                family.add_metric([stream["name"], name], value)
    return [count, pending, unacked, again]


def of_postgres(database: Mapping[str, Any], sizes: Iterable[Mapping[str, Any]]) -> list[Metric]:
    """From one row of counters and the sizes of the largest tables, partitions counted with their table."""
    transactions = CounterMetricFamily("trading_postgres_transactions", "Ended transactions", labels=["end"])
    transactions.add_metric(["commit"], database["commits"])
    transactions.add_metric(["rollback"], database["rollbacks"])
    blocks = CounterMetricFamily("trading_postgres_blocks", "Pages read, by where they were", labels=["place"])
    blocks.add_metric(["cache"], database["blocks_hit"])
    blocks.add_metric(["disk"], database["blocks_read"])
    tables = GaugeMetricFamily("trading_postgres_table_bytes", "Size of a table with its indexes", labels=["table"])
    for row in sizes:
        tables.add_metric([row["name"]], row["bytes"])
    return [
        transactions,
        blocks,
        tables,
        _one(GaugeMetricFamily, "trading_postgres_connections", "Connections to this server", database["connections"]),
        _one(GaugeMetricFamily, "trading_postgres_connections_limit", "max_connections", database["connections_limit"]),
        _one(GaugeMetricFamily, "trading_postgres_database_bytes", "Size of the database", database["bytes"]),
        _one(CounterMetricFamily, "trading_postgres_deadlocks", "Deadlocks ended by the server", database["deadlocks"]),
    ]


def of_disks(disks: Mapping[str, Disk]) -> list[Metric]:
    total = GaugeMetricFamily("trading_disk_bytes", "Size of the file system that holds this data", labels=["data"])
    free = GaugeMetricFamily("trading_disk_free_bytes", "What is left of it", labels=["data"])
    for name, disk in disks.items():
        total.add_metric([name], disk.total_bytes)
        free.add_metric([name], disk.free_bytes)
    return [total, free]


def _one(kind: type[GaugeMetricFamily] | type[CounterMetricFamily], name: str, text: str, value: float) -> Metric:
    family = kind(name, text)
    family.add_metric([], value)
    return family

"""`python -m trading_core exporter`: NATS, PostgreSQL and the disks for Prometheus, on TRADING_METRICS_PORT."""

from __future__ import annotations

import argparse
import asyncio
import shutil
from collections.abc import Iterable

from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from trading_core import runtime
from trading_core.exporter import ask
from trading_core.exporter.families import Disk, of_disks, up
from trading_core.runtime import Runtime

EXAMPLES = """examples:
  TRADING_METRICS_PORT=9100 python -m trading_core exporter --nats http://127.0.0.1:8222
  TRADING_METRICS_PORT=9100 python -m trading_core exporter --nats http://nats:8222 --disk postgres=/var/lib/postgresql

The login of database.url needs no more than to connect: grafana_ro will do."""
EVERY_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Says to Prometheus what NATS, PostgreSQL and the disks do. Ends with SIGTERM."
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--nats", required=True, metavar="URL", help="the monitoring port of NATS, http://host:8222")
    parser.add_argument("--disk", action="append", default=[], metavar="NAME=FOLDER", help="watch its file system")


def run(args: argparse.Namespace) -> int:
    """Until a signal; what is away is said as such and asked again."""
    disks = dict(text.partition("=")[::2] for text in args.disk)

    async def start(service: Runtime) -> None:
        seen = _Seen()
        REGISTRY.register(seen)
        await service.until_stop(_watch(service, seen, args.nats.rstrip("/"), disks))

    return runtime.main("exporter", start, needs_bus=False)


class _Seen(Collector):
    """The newest answers: a scrape waits for nobody."""

    def __init__(self) -> None:
        self.families: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        return self.families


async def _watch(service: Runtime, seen: _Seen, nats: str, disks: dict[str, str]) -> None:
    while True:
        answers = await asyncio.gather(ask.nats(nats), ask.postgres(service.settings.database.url))
        missing = [name for name, families in zip(("nats", "postgres"), answers, strict=True) if not families]
        seen.families = [
            *(family for families in answers for family in families),
            *(up(name, name not in missing) for name in ("nats", "postgres")),
            *of_disks({name: _disk(folder) for name, folder in disks.items()}),
        ]
        service.health.status = "degraded" if missing else "ok"
        service.health.detail = {"away": missing}
        await asyncio.sleep(EVERY_S)


def _disk(folder: str) -> Disk:
    usage = shutil.disk_usage(folder)
    return Disk(usage.total, usage.free)
